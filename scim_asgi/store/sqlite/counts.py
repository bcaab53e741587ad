"""How many of what organizations have, so that nobody has to count them."""

from __future__ import annotations

import sqlite3
from collections import Counter

_ADD = "UPDATE counts SET total = total + ? WHERE organization_id = ? AND counted = ?"
_BEGIN = "INSERT INTO counts VALUES (?, ?, ?)"


class Counts:
    """Adds up what comes and goes in a transaction, and writes it once.

    Triggers would make each statement half as dear again, so whoever adds or deletes rows says so,
    behind it. What is added up has to be written before a savepoint begins, before counts are read
    and before the transaction ends, and to be forgotten when something is undone.
    """

    def __init__(self) -> None:
        self._added: Counter[tuple[str, str]] = Counter()

    def add(self, organization_id: str, counted: str, more: int) -> None:
        """Add to a count.

        Args:
            organization_id: The organization.
            counted: `resource:` and a type, `account:` and a state, or `log`.
            more: How many have come; less than 0 where some have gone.
        """
        self._added[organization_id, counted] += more

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what was added up, in the transaction that a connection is in."""
        for (organization_id, counted), more in self._added.items():
            if more and not connection.execute(_ADD, (more, organization_id, counted)).rowcount:
                connection.execute(_BEGIN, (organization_id, counted, more))
        self._added.clear()

    def unwritten(self, organization_id: str, counted: str) -> int:
        """Return how many have come that are not written yet."""
        return self._added[organization_id, counted]

    def forget(self) -> None:
        """Forget what was added up, because it is undone."""
        self._added.clear()
