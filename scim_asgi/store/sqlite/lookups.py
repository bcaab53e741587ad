"""A few rows read by key, at once: what takes less time than a hop into a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from scim_asgi.store.errors import StoreUnavailable

T = TypeVar("T")
X = TypeVar("X")

_STEPS = 5_000
"""How many steps of SQLite's machine are taken between two looks at how long it takes."""

_LOOKS = 10
"""How often that is looked at before a read is given up: after a millisecond or two."""


class TakesLong(Exception):
    """A read is none that can be made at once; it is to be made in a thread."""


class LookUps:
    """A connection that reads in the event loop, and gives up what would hold it up.

    Locks are not waited for, and queries are ended after a number of steps.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._looks = 0

    def open(self) -> sqlite3.Connection:
        """Open the file, which is there already, and return the connection; for any thread."""
        connection = self._connection = sqlite3.connect(
            self._path,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(self._takes_long, _STEPS)
        return connection

    def _takes_long(self) -> bool:
        """Return whether a read takes too many steps: many, not the first of a cached statement.

        SQLite counts on from one run of a statement to its next.
        """
        self._looks += 1
        return self._looks > _LOOKS

    def read(self, work: Callable[[X], T], tx: X, *, is_single: bool = False) -> T:
        """Run a unit of work that reads through this connection.

        Args:
            work: The unit of work.
            tx: What it gets: the tables, on this connection.
            is_single: Whether it is one statement, which needs no transaction around it.

        Raises:
            TakesLong: It has to wait, takes too many steps, or fails; the thread will say why.
        """
        connection = self._connection
        if connection is None:
            msg = "The store is closed."
            raise StoreUnavailable(msg)
        self._looks = 0
        try:
            return work(tx) if is_single else self._in_transaction(connection, work, tx)
        except sqlite3.Error as error:
            raise TakesLong from error

    def _in_transaction(self, connection: sqlite3.Connection, work: Callable[[X], T], tx: X) -> T:
        connection.execute("BEGIN")
        try:
            return work(tx)
        finally:
            self._looks = 0
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
