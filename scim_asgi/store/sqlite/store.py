"""The store in one SQLite file: one connection writes, another one reads beside it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import msgspec

from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import QueryTooSlow, StoreError, StoreUnavailable
from scim_asgi.store.records import HostRecord, LogRecord, Stamp
from scim_asgi.store.sqlite.accounts import SqliteAccounts
from scim_asgi.store.sqlite.browse import SqliteBrowser
from scim_asgi.store.sqlite.connection import Connection
from scim_asgi.store.sqlite.connections import SqliteConnections
from scim_asgi.store.sqlite.file import MEMORY, DatabaseFile, StoreReplaced
from scim_asgi.store.sqlite.log import SqliteLog
from scim_asgi.store.sqlite.lookups import LookUps, TakesLong
from scim_asgi.store.sqlite.members import SqliteMembers
from scim_asgi.store.sqlite.migrate import check_version, migrate
from scim_asgi.store.sqlite.resources import SqliteResources
from scim_asgi.store.sqlite.session import Session
from scim_asgi.store.sqlite.tables import SqliteTokens
from scim_asgi.store.sqlite.versions import (
    MAPPINGS,
    ROLES,
    SqliteRemappings,
    SqliteVersions,
)
from scim_asgi.store.sqlite.writer import Writer

logger = logging.getLogger("scim_asgi")

T = TypeVar("T")

_CHECKED_AGAIN = 0.01
"""After how many seconds a look-up checks again that the file is the one that is open."""

_STEPS = 10_000
"""How many steps of SQLite's machine are taken between two looks at the clock."""


def _whole(row: LogRecord) -> LogRecord:
    return row


class SqliteTransaction:
    """`scim_asgi.store.base.Transaction` on a connection.

    Args:
        connection: The connection; it is used for one unit of work at a time.
        kept: Returns what is kept of a row of the provisioning log.
        session: What the connection's transactions keep in memory, where one writes.
        is_bounded: Whether queries are ended early enough whatever they are.
        is_brief: Whether it runs in the event loop: what would hold that up raises TakesLong.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        kept: Callable[[LogRecord], LogRecord] = _whole,
        *,
        session: Session | None = None,
        is_bounded: bool = False,
        is_brief: bool = False,
    ) -> None:
        self._session = session = session or Session()
        counts, stamps = session.counts, session.stamps
        self.resources = SqliteResources(connection, counts, session.numbers, is_brief=is_brief)
        self.members = SqliteMembers(connection, is_brief=is_brief)
        self.accounts = SqliteAccounts(connection, counts)
        self.tokens = SqliteTokens(connection)
        self.mappings = SqliteVersions(connection, MAPPINGS, stamps)
        self.roles = SqliteVersions(connection, ROLES, stamps)
        self.remappings = SqliteRemappings(connection)
        self.browser = SqliteBrowser(connection)
        self.connections = SqliteConnections(connection, counts)
        self.log = SqliteLog(connection, counts, kept)
        self._connection = connection
        self._is_bounded = is_bounded
        self._is_brief = is_brief

    def take_long(self) -> None:
        if self._is_brief:
            raise TakesLong

    @contextmanager
    def in_time(self, seconds: float) -> Iterator[None]:
        if self._is_bounded:
            yield
            return
        deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            msg = f"The query took longer than {seconds:g} seconds."
            raise QueryTooSlow(msg) from error
        finally:
            self._connection.set_progress_handler(None, 0)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._session.save(self._connection)
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except sqlite3.OperationalError as error:
            msg = f"The database cannot be used now: {error}."
            raise StoreUnavailable(msg) from error
        except Exception:
            self._session.undo()
            self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    def stamp(self, organization_id: str) -> Stamp:
        return self._session.stamps.of(self._connection, organization_id)

    def host(self) -> HostRecord | None:
        row = self._connection.execute("SELECT account_fields, roles FROM host").fetchone()
        if row is None:
            return None
        fields, roles = map(msgspec.json.decode, row)
        return HostRecord(account_fields=fields, roles=None if roles is None else tuple(roles))

    def remember_host(self, record: HostRecord) -> None:
        values = [msgspec.json.encode(each).decode() for each in msgspec.structs.astuple(record)]
        self._connection.execute("INSERT OR REPLACE INTO host VALUES (1, ?, ?)", values)

    def secret(self) -> bytes:
        row = self._connection.execute("SELECT value FROM secret").fetchone()
        return bytes(row[0])


class SqliteStore:
    """`scim_asgi.store.base.Store` in a file, or in memory for as long as it is open.

    What is brief runs in the event loop, on connections of its own; all else in a thread. A file
    that is put in the place of the open one is opened on the next use.

    Args:
        path: The file's path, or ``:memory:``.
        busy_timeout: How many seconds to wait for another process that writes.
        kept: Returns what is kept of a row of the provisioning log.
    """

    def __init__(
        self,
        path: str,
        *,
        busy_timeout: float = 5.0,
        kept: Callable[[LogRecord], LogRecord] = _whole,
    ) -> None:
        self._file = DatabaseFile(path)
        self._writing = Connection(path, busy_timeout)
        # In memory there is but one connection, which others wait for in its thread.
        self._has_several = path != MEMORY
        self._reading = Connection(path, busy_timeout) if self._has_several else self._writing
        self._looking = LookUps(path)
        self._session = Session()
        self._writer = Writer(self._writing, busy_timeout, self._session, self._check)
        self._kept = kept
        self._is_replaced = False
        self._checked_at = 0.0
        self._reopening = asyncio.Lock()

    async def open(self) -> None:
        await self._open(make=True)

    async def _open(self, *, make: bool) -> None:
        await self._writing.open()
        try:
            with _in_our_words:
                await self._writing.run(lambda opened: migrate(opened, make=make))
            self._writing.here.execute("PRAGMA busy_timeout = 0")
            self._to_write = self._transaction()
            self._to_write_at_once = self._transaction(is_brief=True)
            if self._has_several:
                await self._reading.open()
                self._to_read = SqliteTransaction(self._reading.here)
                with _in_our_words:
                    looking = await self._reading.run(lambda _: self._looking.open())
                self._to_look_up = SqliteTransaction(looking, is_bounded=True, is_brief=True)
            self._file.remember()
        except BaseException:
            await self.close()
            raise
        self._is_replaced = False

    def _transaction(self, *, is_brief: bool = False) -> SqliteTransaction:
        return SqliteTransaction(
            self._writing.here, self._kept, session=self._session, is_brief=is_brief
        )

    async def close(self) -> None:
        await self._writer.finish()
        self._looking.close()
        await self._writing.close()
        await self._reading.close()

    async def read(
        self,
        work: Callable[[Transaction], T],
        *,
        brief: bool = False,
        single: bool = False,
        fresh: bool = True,
    ) -> T:
        if self._is_replaced:
            await self._reopen()
        if fresh and self._writer.has_notes:
            with _in_our_words:
                await self._writer.flush()
        if not self._has_several:
            return await self.write(work, durable=False)
        if brief:
            try:
                return self._look_up(work, single=single)
            except TakesLong:
                pass
        with _in_our_words:
            return await self._reading.run(lambda opened: self._read(opened, work))

    async def write(
        self, work: Callable[[Transaction], T], *, durable: bool = True, brief: bool = False
    ) -> T:
        if self._is_replaced:
            await self._reopen()
        unit = self._writer.write(partial(self._work, work), durable=durable, brief=brief)
        with _in_our_words:
            return await unit

    def note(self, work: Callable[[Transaction], None]) -> None:
        if self._is_replaced:
            logger.warning("What a hook has confirmed could not be noted: the file was replaced.")
            return
        self._writer.note(partial(self._work, work))

    def _work(self, work: Callable[[Transaction], T], *, at_once: bool) -> T:
        return work(self._to_write_at_once if at_once else self._to_write)

    def _look_up(self, work: Callable[[Transaction], T], *, single: bool) -> T:
        if time.monotonic() > self._checked_at + _CHECKED_AGAIN:
            self._check_file()
            self._checked_at = time.monotonic()
        return self._looking.read(work, self._to_look_up, is_single=single)

    def _read(self, connection: sqlite3.Connection, work: Callable[[Transaction], T]) -> T:
        self._check_file()
        connection.execute("BEGIN")
        try:
            return work(self._to_read)
        finally:
            connection.execute("ROLLBACK")

    def _check(self, connection: sqlite3.Connection) -> None:
        """Check what the writer has to know before it says that something is stored."""
        self._check_file()
        try:
            check_version(connection)
        except StoreError:
            self._is_replaced = True
            raise

    def _check_file(self) -> None:
        try:
            self._file.check()
        except StoreReplaced:
            self._is_replaced = True
            raise

    async def _reopen(self) -> None:
        async with self._reopening:
            if self._is_replaced:
                self._file.require()
                await self.close()
                await self._open(make=False)


class _InOurWords:
    """Says what SQLite says in the words of the store; holds nothing, so one does for all."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            msg = f"The database cannot be used now: {error}."
            raise StoreUnavailable(msg) from error
        if isinstance(error, sqlite3.DatabaseError):
            msg = f"The database cannot be used: {error}."
            raise StoreError(msg) from error


_in_our_words = _InOurWords()
