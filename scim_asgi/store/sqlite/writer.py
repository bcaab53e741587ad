"""Group commit: units of work that wait at the same time share one transaction and one fsync."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from scim_asgi.store.errors import StoreUnavailable
from scim_asgi.store.sqlite.connection import Connection, is_busy
from scim_asgi.store.sqlite.lookups import TakesLong
from scim_asgi.store.sqlite.session import Session

logger = logging.getLogger("scim_asgi")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_UNITS = 128
"""How many units of work share a transaction at most."""

_NOTED = 0.005
"""After how many seconds notes are stored that no unit of work has taken along."""

_TURN = 0.002
"""How many seconds brief units may run in a row before others have their turn."""

_STOPPED = "The store was stopped in the middle of it."


class Work(Protocol[T_co]):
    """A unit of work; at once is in the event loop, and may raise TakesLong."""

    def __call__(self, *, at_once: bool) -> T_co: ...


class _Unit(Struct, eq=False):
    work: Work[Any]
    durable: bool
    brief: bool
    future: asyncio.Future[Any] | None
    is_careful: bool = False
    result: Any = None
    error: BaseException | None = None

    # What a unit holds is nobody's to log.
    __repr__ = object.__repr__


class _Spoilt(Exception):
    """A unit has failed and left changes, which can only be undone with all that came before."""


class Writer:
    """Runs units of work one after the other, in the order in which they came.

    A unit that raises is undone alone. A commit that fails fails all its units. Brief units run
    in the event loop; others, locks and the disk are waited for in the connection's thread.

    A savepoint copies every page that is changed behind it, so brief units do without. Few of them
    fail after they have changed something; then all are begun anew, each in its savepoint.

    Args:
        connection: Where they run.
        patience: How many seconds to wait for another process's lock.
        session: What its transactions keep in memory.
        check: What raises when that is not where they should: called before units run, and
            again before anybody is told that they are stored.
    """

    def __init__(
        self,
        connection: Connection,
        patience: float,
        session: Session,
        check: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._connection = connection
        self._patience = round(patience * 1000)
        self._session = session
        self._check = check
        self._waiting: deque[_Unit] = deque()
        self._notes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None
        self._durable = True

    def write(self, work: Work[T], *, durable: bool, brief: bool) -> asyncio.Future[T]:
        """Run a unit of work; its result is there once its transaction is committed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Unit(work, durable, brief, future))
        self._start()
        return future

    def note(self, work: Work[None]) -> None:
        """Run a brief unit of work that nobody waits for, with the next ones or soon."""
        self._waiting.append(_Unit(work, durable=False, brief=True, future=None))
        self._notes += 1
        if not self._is_running and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(
                _NOTED, self._start, context=Context()
            )

    @property
    def has_notes(self) -> bool:
        """Whether something is noted that is not stored yet."""
        return self._notes > 0

    async def flush(self) -> None:
        """Wait until everything that was noted is stored."""
        await self.write(_nothing, durable=False, brief=True)

    async def finish(self) -> None:
        """Wait until nothing waits any more, whether it could be stored or not."""
        if self._waiting:
            self._start()
        while self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_running:
            # It works for all, not for the request that comes first.
            self._running = asyncio.create_task(
                self._run(), name="scim-asgi writer", context=Context()
            )

    @property
    def _is_running(self) -> bool:
        return self._running is not None and not self._running.done()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._commit()
        finally:
            self._running = None

    async def _commit(self) -> None:
        """Run the units that wait in one transaction, and tell those who wait for them."""
        units: list[_Unit] = []
        try:
            await self._transact(units)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            self._fail(units, error, is_last=is_busy(error) or not units)
        except BaseException:
            self._fail(units, StoreUnavailable(_STOPPED), is_last=True)
            raise
        finally:
            for unit in units:
                self._tell(unit)

    def _fail(self, units: list[_Unit], error: Exception, *, is_last: bool) -> None:
        """Let units fail; those that wait too where it is of no use to try with them again."""
        if is_last:
            # Whoever came meanwhile has waited for the same lock, and waits no second time.
            units += self._waiting
            self._waiting.clear()
        for unit in units:
            unit.error = error

    def _tell(self, unit: _Unit) -> None:
        """Tell whoever waits for a unit how it ended."""
        if unit.future is None:
            self._notes -= 1
            if unit.error is not None:
                logger.warning("What a hook has confirmed could not be noted: %s", unit.error)
        elif unit.future.done():
            return
        elif unit.error is None:
            unit.future.set_result(unit.result)
        else:
            unit.future.set_exception(unit.error)

    async def _transact(self, units: list[_Unit]) -> None:
        connection, durable = self._connection.here, any(unit.durable for unit in self._waiting)
        try:
            await self._begin(connection, durable)
            await self._run_units(connection, units, durable)
            await self._connection.run(self._end)
        except _Spoilt:
            await self._connection.run(_roll_back)
            for unit in units:
                unit.is_careful, unit.error = True, None
            self._waiting.extendleft(reversed(units))
            units.clear()
        except BaseException:
            await self._connection.run(_roll_back)
            raise

    async def _begin(self, connection: sqlite3.Connection, durable: bool) -> None:
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            await self._connection.run(self._begin_in_time)

    def _begin_in_time(self, connection: sqlite3.Connection) -> None:
        """Wait for another process's lock; the event loop never does."""
        connection.execute(f"PRAGMA busy_timeout = {self._patience}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute("PRAGMA busy_timeout = 0")

    async def _run_units(
        self, connection: sqlite3.Connection, units: list[_Unit], durable: bool
    ) -> None:
        """Run what waits, what comes meanwhile included, unless it needs a commit of its own."""
        self._check(connection)
        self._session.begin()
        began, is_careful = time.monotonic(), False
        while self._waiting and len(units) < MAX_UNITS:
            if self._waiting[0].durable and not durable:
                return
            unit = self._waiting.popleft()
            units.append(unit)
            # What runs in the thread may not run twice, so that nothing behind it may spoil it.
            is_careful = is_careful or unit.is_careful or not unit.brief
            if not (unit.brief and self._run_at_once(unit, connection, is_careful=is_careful)):
                is_careful = True
                await self._connection.run(partial(self._run_unit, unit))
            if time.monotonic() - began > _TURN:
                await asyncio.sleep(0)
                began = time.monotonic()

    def _end(self, connection: sqlite3.Connection) -> None:
        self._session.save(connection)
        connection.execute("COMMIT")
        self._check(connection)

    def _run_at_once(
        self, unit: _Unit, connection: sqlite3.Connection, *, is_careful: bool
    ) -> bool:
        """Run a brief unit; return False, and leave nothing of it, where it is not so brief.

        Raises:
            _Spoilt: It has failed and left changes.
        """
        if is_careful:
            self._run_unit(unit, connection, at_once=True)
        else:
            _run_bare(unit, connection)
        if not isinstance(unit.error, TakesLong):
            return True
        unit.error = None
        return False

    def _run_unit(
        self, unit: _Unit, connection: sqlite3.Connection, *, at_once: bool = False
    ) -> None:
        self._session.save(connection)
        connection.execute("SAVEPOINT unit")
        try:
            unit.result = unit.work(at_once=at_once)
        except Exception as error:
            if not connection.in_transaction:
                raise
            unit.error = error
            self._session.undo()
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")


def _nothing(*, at_once: bool) -> None:
    """A unit of work that only waits for its turn."""


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _run_bare(unit: _Unit, connection: sqlite3.Connection) -> None:
    before = connection.total_changes
    try:
        unit.result = unit.work(at_once=True)
    except Exception as error:
        if not connection.in_transaction:
            raise
        if connection.total_changes != before:
            raise _Spoilt from error
        unit.error = error
