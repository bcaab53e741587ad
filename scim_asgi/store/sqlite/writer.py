"""Group commit: units of work that wait at the same time share one transaction and one fsync."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from scim_asgi.store.sqlite.connection import Connection, is_busy

T = TypeVar("T")

MAX_UNITS = 128
"""How many units of work share a transaction at most."""


@dataclass(slots=True, eq=False)
class _Unit:
    work: Callable[[sqlite3.Connection], Any]
    durable: bool
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs units of work one after the other, in the order in which they came.

    A unit that raises is undone alone. A commit that fails fails all its units.

    Args:
        connection: Where they run.
        check: What raises when that is not where they should: called before units run, and
            again before anybody is told that they are stored.
    """

    def __init__(self, connection: Connection, check: Callable[[sqlite3.Connection], None]) -> None:
        self._connection = connection
        self._check = check
        self._waiting: list[_Unit] = []
        self._running: asyncio.Task[None] | None = None
        self._durable = True

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool) -> T:
        """Run a unit of work and return its result once its transaction is committed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Unit(work, durable, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="scim-asgi writer")
        return await future

    async def finish(self) -> None:
        """Wait until nothing waits any more."""
        if self._running is not None:
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        try:
            while self._waiting:
                units, self._waiting = self._waiting[:MAX_UNITS], self._waiting[MAX_UNITS:]
                await self._commit(units)
        finally:
            self._running = None

    async def _commit(self, units: list[_Unit]) -> None:
        try:
            await self._connection.run(lambda connection: self._transact(connection, units))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            if is_busy(error):
                # Whoever came meanwhile has waited for the same lock, and waits no second time.
                units, self._waiting = [*units, *self._waiting], []
            for unit in units:
                unit.error = error
        for unit in units:
            if unit.future.done():
                continue
            if unit.error is None:
                unit.future.set_result(unit.result)
            else:
                unit.future.set_exception(unit.error)

    def _transact(self, connection: sqlite3.Connection, units: list[_Unit]) -> None:
        self._wait_for_disk(connection, any(unit.durable for unit in units))
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._check(connection)
            for unit in units:
                _run_unit(connection, unit)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._check(connection)

    def _wait_for_disk(self, connection: sqlite3.Connection, durable: bool) -> None:
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable


def _run_unit(connection: sqlite3.Connection, unit: _Unit) -> None:
    connection.execute("SAVEPOINT unit")
    try:
        unit.result = unit.work(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise
        unit.error = error
        connection.execute("ROLLBACK TO unit")
    connection.execute("RELEASE unit")
