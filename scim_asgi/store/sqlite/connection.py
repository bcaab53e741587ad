"""One SQLite connection and its thread.

What may take long runs in the thread, one hop there and back for a whole unit of work. What reads
or writes a few rows by key takes less time than the hop, and may run at once in the event loop
while nothing runs in the thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

import aiosqlite

from scim_asgi.store.errors import StoreError, StoreUnavailable

T = TypeVar("T")

_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 67108864",
)

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_WRITABLE = " The file and its folder have to be there and to be writable."
_HINTS = {
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_NOTADB: " It is no SQLite file, or a damaged one: name another, or put a backup back.",
}
_PAUSE = 0.02


class _Thread(aiosqlite.Connection):
    """Ends quietly when it is forgotten: a mount without a lifespan never closes."""

    def __del__(self) -> None:
        if self._connection is not None:
            self.stop()


class Connection:
    """A connection whose thread neither blocks the event loop nor keeps the process alive.

    Args:
        path: The file, or ``:memory:``.
        busy_timeout: How many seconds to wait for another process's lock.
    """

    factory: ClassVar[type[sqlite3.Connection]] = sqlite3.Connection

    def __init__(self, path: str, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._connection: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Open the file.

        Raises:
            StoreError: It cannot be opened; the message says why.
        """
        connection = _Thread(self._connect, iter_chunk_size=64)
        # Whoever forgets to close must still be able to exit.
        connection._thread.daemon = True
        try:
            self._connection = await connection
            await self.run(lambda opened: _apply_settings(opened, self._busy_timeout))
        except sqlite3.Error as error:
            await self.close()
            # A thread that cannot open the file tells this loop of its end: not after the loop's.
            await asyncio.to_thread(connection._thread.join)
            hint = _HINTS.get(_code(error), "")
            msg = f'The database "{self._path}" cannot be opened: {error}.{hint}'
            raise StoreError(msg) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=self.factory,
            cached_statements=512,
        )

    @property
    def here(self) -> sqlite3.Connection:
        """The connection for use in the event loop, while nothing runs in the thread.

        Raises:
            StoreUnavailable: It is closed.
        """
        return self._opened()._conn

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of the connection in its thread; a cancelled caller does not stop it."""
        connection = self._opened()
        # aiosqlite has no public call for "run this there"; pyproject.toml holds us to the
        # versions that have this one.
        untyped: Any = connection
        return cast("T", await untyped._execute(work, connection._conn))

    def _opened(self) -> aiosqlite.Connection:
        if self._connection is None:
            msg = "The store is closed."
            raise StoreUnavailable(msg)
        return self._connection

    async def close(self) -> None:
        """Finish what is queued and close the file; closing twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.shield(connection.close())


def _apply_settings(connection: sqlite3.Connection, patience: float) -> None:
    """Apply the settings; switching to WAL does not wait for other processes by itself."""
    deadline = time.monotonic() + patience
    for setting in _SETTINGS:
        while True:
            try:
                connection.execute(setting).fetchall()
                break
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)


def is_busy(error: BaseException) -> bool:
    """Return whether an error says that another process has a lock."""
    return isinstance(error, sqlite3.Error) and _code(error) in _BUSY


def is_too_much(error: BaseException) -> bool:
    """Return whether an error says that a query took more steps than it may."""
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_INTERRUPT


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code of SQLite; 0 where the error is none of SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
