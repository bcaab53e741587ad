"""What comes in and is no change: the latest request of each organization, refused floods, and
directories that go on with a token which is revoked or has expired.

All are kept in memory first and written at most once in a while, so that neither costs a request
anything nor fills the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.caller import UNKNOWN, Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.connections import ending_of
from scim_asgi.provisioning.log import request_row
from scim_asgi.provisioning.tokens import digest, is_well_formed
from scim_asgi.redaction import shown
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import LogRecord, SeenRecord, TokenRecord

logger = logging.getLogger("scim_asgi")

_SEEN_AGAIN = 5.0
_LIMITED_AGAIN = 1.0
_REFUSED_AGAIN = 60.0
_MOST_REFUSED = 100


class _Seen(Struct, frozen=True):
    """The latest request of an organization, and which directory it or one before it told of."""

    caller: Caller
    directory: str
    status: int
    at: int


class Traffic:
    """Notes requests.

    Args:
        store: Where notes are kept.
        path: Returns what is kept of a request's path.
    """

    def __init__(self, store: Store, path: Callable[[str], str]) -> None:
        self._store = store
        self._path = path
        self._seen: dict[str, _Seen] = {}
        self._limited: dict[tuple[str, str], LogRecord] = {}
        self._refused: dict[bytes, LogRecord] = {}
        self._busy: set[object] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def seen(self, caller: Caller, status: int) -> None:
        """Note a request that had a valid token: the first at once, then every five seconds."""
        organization_id, directory = caller.organization_id, caller.directory
        if directory == UNKNOWN and organization_id in self._seen:
            directory = self._seen[organization_id].directory
        self._seen[organization_id] = _Seen(caller, directory, status, now())
        if organization_id not in self._busy:
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

    def refused(self, caller: Caller, token: str) -> None:
        """Note a request with a token that does not work: strangers' leave no trace.

        Where it is one that worked once, its organization's log gets a row at once, and then at
        most one a minute, with a count. It is looked up after the answer has gone out, so the time
        tells a stranger nothing.
        """
        key = digest(token)
        row = self._refused.get(key)
        if row is None and (len(self._refused) >= _MOST_REFUSED or not is_well_formed(token)):
            return
        row = row or replace(request_row(caller), action="refused", status=401, count=0)
        self._refused[key] = replace(row, at=now(), count=row.count + 1)
        self._begin(key, lambda: self._write_refused(key))

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
        while (seen := self._seen.pop(organization_id, None)) is not None:
            note = partial(_note, self._record(seen))
            await self._store.write(note, durable=False)
            await self._pause(_SEEN_AGAIN)

    def _record(self, seen: _Seen) -> SeenRecord:
        caller = seen.caller
        return SeenRecord(
            organization_id=caller.organization_id,
            directory=seen.directory,
            first_at=seen.at,
            last_at=seen.at,
            method=shown(caller.method, 16),
            path=self._path(caller.path),
            status=seen.status,
        )

    async def _write_limited(self, key: tuple[str, str]) -> None:
        await self._pause(_LIMITED_AGAIN)
        row = self._limited.pop(key)
        await self._store.write(lambda tx: tx.log.insert(row), durable=False)

    async def _write_refused(self, key: bytes) -> None:
        try:
            while row := self._refused.get(key):
                token = await self._store.read(lambda tx: tx.tokens.ended(key, now()), brief=True)
                if token is None:
                    return
                row = self._refused.pop(key)
                await self._store.write(_refusal(row, token), durable=False, brief=True)
                await self._pause(_REFUSED_AGAIN)
        finally:
            self._refused.pop(key, None)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


def _note(record: SeenRecord, tx: Transaction) -> None:
    tx.connections.note(record)


def _refusal(row: LogRecord, token: TokenRecord) -> Callable[[Transaction], None]:
    """Return what writes that a directory still uses a token which does not work any more."""
    told = replace(
        row,
        organization_id=token.organization_id,
        token_prefix=token.prefix,
        detail=f"The directory uses a token that {ending_of(token)}; give it a new one.",
    )

    def write(tx: Transaction) -> None:
        tx.log.insert(told)
        tx.tokens.refuse(token.id, row.at)

    return write
