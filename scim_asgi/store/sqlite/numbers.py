"""The numbers that new resources get."""

from __future__ import annotations

import sqlite3

_LAST = """
SELECT max(
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'resources'), 0),
    coalesce((SELECT max(number) FROM resources), 0)
)
"""


class Numbers:
    """Gives out numbers in a transaction, so that a resource's is known before it is inserted.

    A number whose resource is refused is left out.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def forget(self) -> None:
        """Note that a transaction begins, or that something is undone."""
        self._last = None

    def next(self, connection: sqlite3.Connection) -> int:
        """Return a number that no resource ever had."""
        if self._last is None:
            self._last = connection.execute(_LAST).fetchone()[0]
        self._last += 1
        return self._last
