"""The provisioning log: rows as they are begun, read and shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Store
from scim_asgi.store.records import LogRecord

_SHOWN = 20


class ProvisioningLog:
    """One row for each inbound write, each refused request and each delivery of the background.

    Args:
        store: Where it is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(
        self, organization_id: str, *, after: int = 0, limit: int = 100
    ) -> list[LogRecord]:
        """Return rows of an organization, oldest first.

        Args:
            organization_id: The organization.
            after: Only rows with a higher number, to read on from the last one.
            limit: How many at most.
        """
        return await self._store.read(
            lambda tx: tx.log.list(organization_id, after=after, limit=limit)
        )

    async def latest(self, organization_id: str, *, limit: int = 100) -> list[LogRecord]:
        """Return the newest rows of an organization, oldest first."""
        return await self._store.read(lambda tx: tx.log.latest(organization_id, limit=limit))

    async def counts(self, organization_id: str, *, since: int = 0) -> dict[str, int]:
        """Return how many rows of an organization there are of each action.

        Args:
            organization_id: The organization.
            since: Only rows from this time on, in Unix milliseconds.
        """
        return await self._store.read(lambda tx: tx.log.counts(organization_id, since=since))


def to_wire(row: LogRecord) -> dict[str, Any]:
    """Return a row as the command line and the admin API show it; times in Unix milliseconds."""
    return {
        "number": row.number,
        "at": row.at,
        "organization_id": row.organization_id,
        "request_id": row.request_id,
        "directory": row.directory,
        "token_prefix": row.token_prefix,
        "method": row.method,
        "path": row.path,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "resource_name": row.resource_name,
        "action": row.action,
        "status": row.status,
        "scim_type": row.scim_type,
        "detail": row.detail,
        "changes": row.changes,
        "hook": row.hook,
        "notes": row.notes,
    }


def request_row(caller: Caller) -> LogRecord:
    """Return a row that says who asked for what, and nothing yet of how it ended."""
    return LogRecord(
        organization_id=caller.organization_id,
        at=now(),
        action="",
        status=0,
        request_id=caller.request_id,
        directory=caller.directory,
        token_prefix=caller.token_prefix,
        method=caller.method,
        path=caller.path,
    )


def with_error(row: LogRecord, error: ScimError, *, failed: bool) -> LogRecord:
    """Return a row that says how a request was refused, or that it failed."""
    return replace(
        row,
        action="failed" if failed else "refused",
        status=error.status if row.method else 0,
        scim_type=error.scim_type,
        detail=error.detail,
        changes={},
    )


def passed_over(names: Iterable[str]) -> tuple[str, ...]:
    """Return what the log says of what was passed over: the first of it, and how much more."""
    names = list(names)
    notes = [f"passed over, because it means nothing here: {name[:200]}" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        notes.append(f"passed over as well: {len(names) - _SHOWN} more")
    return tuple(notes)


def name_of(document: dict[str, Any]) -> str:
    """Return what people call a resource."""
    for name in ("userName", "displayName", "label", "name"):
        value = document.get(name)
        if isinstance(value, str):
            return value
    return ""
