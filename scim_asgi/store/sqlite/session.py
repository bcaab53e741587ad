"""What is known beside a transaction, for as long as it lasts."""

from __future__ import annotations

import sqlite3

from scim_asgi.store.sqlite.counts import Counts
from scim_asgi.store.sqlite.numbers import Numbers
from scim_asgi.store.sqlite.versions import Stamps


class Session:
    """What a connection's transactions keep in memory.

    Attributes:
        counts: What has to be added to the counts.
        stamps: Which versions are in force.
        numbers: What numbers new resources.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.stamps = Stamps()
        self.numbers = Numbers()

    def begin(self) -> None:
        """Note that a transaction has begun that nobody else can change anything under."""
        self.counts.forget()
        self.numbers.forget()
        self.stamps.begin()

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what is not written yet: a savepoint begins, or the transaction ends."""
        self.counts.write(connection)

    def undo(self) -> None:
        """Forget what was kept since the last savepoint began: it is undone."""
        self.counts.forget()
        self.numbers.forget()
