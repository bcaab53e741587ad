"""The provisioning log, to read."""

from __future__ import annotations

from typing import Any

from scim_asgi.store.base import Store
from scim_asgi.store.records import LogRecord


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
