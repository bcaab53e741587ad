"""What comes in and is no change: the latest request of each organization, and refused floods.

Both are kept in memory first and written at most once in a while, so that neither costs a request
anything nor fills the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.log import request_row
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import LogRecord, SeenRecord

logger = logging.getLogger("scim_asgi")

_SEEN_AGAIN = 5.0
_LIMITED_AGAIN = 1.0


class Traffic:
    """Notes requests.

    Args:
        store: Where notes are kept.
        path: Returns what is kept of a request's path.
    """

    def __init__(self, store: Store, path: Callable[[str], str]) -> None:
        self._store = store
        self._path = path
        self._seen: dict[str, SeenRecord] = {}
        self._limited: dict[tuple[str, str], LogRecord] = {}
        self._busy: set[object] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def seen(self, caller: Caller, status: int) -> None:
        """Note a request that had a valid token: the first at once, then every five seconds."""
        at, organization_id = now(), caller.organization_id
        self._seen[organization_id] = SeenRecord(
            organization_id=organization_id,
            directory=caller.directory,
            first_at=at,
            last_at=at,
            method=caller.method[:16],
            path=self._path(caller.path),
            status=status,
        )
        self._begin(organization_id, lambda: self._write_seen(organization_id))

    def limited(self, caller: Caller, error: ScimError) -> None:
        """Note a request over the rate limit: a row for each token and second, with a count."""
        key = (caller.organization_id, caller.token_prefix)
        row = self._limited.get(key)
        if row is None:
            row = replace(
                request_row(caller),
                action="rate-limited",
                status=error.status,
                detail=error.detail,
                count=0,
            )
        self._limited[key] = replace(row, count=row.count + 1)
        self._begin(key, lambda: self._write_limited(key))

    async def close(self) -> None:
        """Write what is left."""
        self._closing.set()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._closing = asyncio.Event()

    def _begin(self, key: object, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if key not in self._busy:
            self._busy.add(key)
            task = asyncio.create_task(self._guarded(key, work()), name="scim-asgi traffic")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _guarded(self, key: object, work: Awaitable[None]) -> None:
        try:
            await work
        except StoreError as error:
            logger.warning("A request could not be noted: %s", error)
        finally:
            self._busy.discard(key)

    async def _write_seen(self, organization_id: str) -> None:
        while (record := self._seen.pop(organization_id, None)) is not None:

            def note(tx: Transaction, record: SeenRecord = record) -> None:
                tx.connections.note(record)

            await self._store.write(note, durable=False)
            await self._pause(_SEEN_AGAIN)

    async def _write_limited(self, key: tuple[str, str]) -> None:
        await self._pause(_LIMITED_AGAIN)
        row = self._limited.pop(key)
        await self._store.write(lambda tx: tx.log.insert(row), durable=False)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
