"""Refused requests, written into the provisioning log."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.guard import Held
from scim_asgi.provisioning.log import name_of, request_row, with_error
from scim_asgi.provisioning.units import Unit
from scim_asgi.provisioning.wanted import Skipped
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import LogRecord

logger = logging.getLogger("scim_asgi")


class Refusals:
    """Logs what was refused, with the resource that it was about.

    Args:
        store: Where the log is kept.
        registry: The resource types.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def write(self, caller: Caller, error: ScimError, name: str) -> None:
        """Log a refused request.

        Args:
            caller: The request.
            error: Why it is refused.
            name: What people call the resource; "" where that is not known.
        """
        row = with_error(request_row(caller), error, failed=error.status in (500, 503))
        row = replace(row, resource_name=name)
        if isinstance(error, Skipped):
            row = replace(row, action="skipped", resource_type="User", resource_name=error.name)
        try:
            await self._store.write(
                lambda tx: tx.log.insert(self._about(tx, row)), durable=False, brief=True
            )
        except StoreError:
            logger.warning("A refused request could not be written into the log.")

    def hold(self, unit: Unit, held: Held) -> None:
        """Note that the guard holds a change, and log it, in the transaction that found so."""
        row = with_error(request_row(unit.caller), held, failed=True)
        unit.tx.log.insert(self._about(unit.tx, replace(row, action="held")))
        held.note(unit.tx, row.at)

    def _about(self, tx: Transaction, row: LogRecord) -> LogRecord:
        """Return a row of a refused request with the resource that its path names."""
        endpoint, _, resource_id = row.path.strip("/").partition("/")
        definition = self._registry.by_endpoint.get(f"/{endpoint}")
        if definition is None:
            return row
        row = replace(row, resource_type=definition.name)
        found = resource_id and tx.resources.get(row.organization_id, definition.name, resource_id)
        if not found:
            return row
        name = row.resource_name or name_of(found.document)
        return replace(row, resource_id=found.id, resource_name=name)
