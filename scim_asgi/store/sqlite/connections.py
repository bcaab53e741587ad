"""What is known of connections, in SQLite."""

from __future__ import annotations

import sqlite3

from scim_asgi.store.records import SeenRecord, Totals
from scim_asgi.store.sqlite.counts import Counts
from scim_asgi.store.sqlite.rows import Table

_SEEN = Table("connections", SeenRecord)
_NOTE = """
INSERT INTO connections (organization_id, directory, first_at, last_at, method, path, status)
VALUES (:organization_id, :directory, :first_at, :last_at, :method, :path, :status)
ON CONFLICT DO UPDATE SET directory = iif(:directory = 'unknown', directory, :directory), last_at = :last_at, method = :method,
    path = :path, status = :status
"""
_COUNTS = "SELECT counted, total FROM counts WHERE organization_id = ?"


class SqliteConnections:
    """`scim_asgi.store.base.ConnectionTable` on a connection.

    Args:
        connection: The connection.
        counts: What counts what organizations have.
    """

    def __init__(self, connection: sqlite3.Connection, counts: Counts) -> None:
        self._connection = connection
        self._counts = counts

    def seen(self, organization_id: str) -> SeenRecord | None:
        return _SEEN.one(self._connection, "WHERE organization_id = ?", (organization_id,))

    def note(self, record: SeenRecord) -> None:
        named = {name: getattr(record, name) for name in record.__struct_fields__}
        self._connection.execute(_NOTE, named)

    def totals(self, organization_id: str) -> Totals:
        self._counts.write(self._connection)
        counts = dict(self._connection.execute(_COUNTS, (organization_id,)).fetchall())
        return Totals(
            users=counts.get("resource:User", 0),
            groups=counts.get("resource:Group", 0),
            active=counts.get("account:active", 0),
        )
