"""How many of what organizations have, so that nobody has to count them.

Triggers would make each statement several times as dear, so whoever adds or deletes rows says so.
"""

from __future__ import annotations

import sqlite3

_ADD = "UPDATE counts SET total = total + ? WHERE organization_id = ? AND counted = ?"
_BEGIN = "INSERT INTO counts VALUES (?, ?, ?)"


def add_to_count(
    connection: sqlite3.Connection, organization_id: str, counted: str, more: int
) -> None:
    """Add to a count, in the transaction that changes what is counted.

    Args:
        connection: The connection.
        organization_id: The organization.
        counted: `resource:` and a type, `account:` and a state, or `log`.
        more: How many have come; less than 0 where some have gone.
    """
    if not connection.execute(_ADD, (more, organization_id, counted)).rowcount:
        connection.execute(_BEGIN, (organization_id, counted, more))
