"""The provisioning log read: pages, all of it, and what is being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.log_entries import (
    LogEntry,
    LogFilter,
    LogPage,
    cursor_behind,
    entry_of,
    read_cursor,
)
from scim_asgi.store.base import Store
from scim_asgi.store.records import LogRecord
from scim_asgi.store.selections import LogSelection

EVERYTHING = LogFilter()
_BATCH = 500
_LOOK = 0.3
_SETTLED = 60_000


class ProvisioningLog:
    """A row for each inbound write, each refused request, each delivery of the background, and
    each thing that an admin has done.

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

    async def counts(self, organization_id: str, *, since: int = 0) -> dict[str, int]:
        """Return how many requests the rows since a time stand for, by their action."""
        return await self._store.read(lambda tx: tx.log.counts(organization_id, since=since))

    async def page(
        self,
        organization_id: str,
        wanted: LogFilter = EVERYTHING,
        *,
        cursor: str | None = None,
        limit: int = 100,
    ) -> LogPage:
        """Return a page of the log, newest rows first.

        Args:
            organization_id: The organization.
            wanted: Which rows.
            cursor: Where the page begins, from `next_cursor` of the one before.
            limit: How many rows at most.

        Raises:
            CursorUnknown: The cursor is none.
        """
        before = read_cursor(cursor)
        found = await self._select(
            wanted.selection(organization_id, before=before, limit=limit + 1)
        )
        data = found[:limit]
        more = len(found) > limit
        return LogPage(data=data, next_cursor=cursor_behind(data[-1]) if more else None)

    async def rows(
        self,
        organization_id: str,
        wanted: LogFilter = EVERYTHING,
        *,
        cursor: str | None = None,
    ) -> AsyncIterator[LogEntry]:
        """Yield all rows, newest first, of which only some are ever held in memory.

        Raises:
            CursorUnknown: The cursor is none.
        """
        before = read_cursor(cursor)
        while True:
            found = await self._select(
                wanted.selection(organization_id, before=before, limit=_BATCH)
            )
            for entry in found:
                yield entry
            if len(found) < _BATCH:
                return
            before = (found[-1].at, found[-1].number)

    async def _select(self, selection: LogSelection) -> list[LogEntry]:
        rows = await self._store.read(lambda tx: tx.log.select(selection))
        return [entry_of(row) for row in rows]

    async def follow(
        self, organization_id: str, wanted: LogFilter = EVERYTHING, *, last: int = 10
    ) -> AsyncIterator[LogEntry]:
        """Yield the latest rows and then each new one, oldest first, without an end.

        A row whose outcome is not known yet is waited for, up to a minute, and so are those
        behind it.

        Args:
            organization_id: The organization.
            wanted: Which rows.
            last: How many rows that are there already.
        """
        newest = await self._store.read(lambda tx: tx.log.latest(organization_id, limit=1))
        position = newest[-1].number if newest else 0
        page = await self.page(organization_id, wanted, limit=max(last, 1))
        for entry in reversed(page.data[:last]):
            if entry.number <= position:
                yield entry
        while True:
            rows = await self.entries(organization_id, after=position, limit=_BATCH)
            about = await self._about(organization_id, wanted)
            for row in rows:
                if row.action == "pending" and abs(now() - row.at) < _SETTLED:
                    break
                position = row.number
                entry = entry_of(row)
                if wanted.accepts(entry, about):
                    yield entry
            if len(rows) < _BATCH:
                await asyncio.sleep(_LOOK)

    async def _about(self, organization_id: str, wanted: LogFilter) -> frozenset[str]:
        """Return the ids of those whom a filter names."""
        user = wanted.user
        if user is None:
            return frozenset()
        return frozenset(await self._store.read(lambda tx: tx.log.ids(organization_id, user)))
