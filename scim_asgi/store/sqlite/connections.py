"""What is known of connections, in SQLite."""

from __future__ import annotations

import sqlite3

from scim_asgi.store.records import SeenRecord, Totals
from scim_asgi.store.sqlite.rows import Table

_SEEN = Table("connections", SeenRecord)
_NOTE = """
INSERT INTO connections (organization_id, directory, first_at, last_at, method, path, status)
VALUES (:organization_id, :directory, :first_at, :last_at, :method, :path, :status)
ON CONFLICT DO UPDATE SET directory = iif(:directory = 'unknown', directory, :directory), last_at = :last_at, method = :method,
    path = :path, status = :status
"""
_RESOURCES = "SELECT resource_type, total FROM resource_counts WHERE organization_id = ?"
_ACTIVE = "SELECT total FROM account_counts WHERE organization_id = ? AND state = 'active'"


class SqliteConnections:
    """`scim_asgi.store.base.ConnectionTable` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def seen(self, organization_id: str) -> SeenRecord | None:
        return _SEEN.one(self._connection, "WHERE organization_id = ?", (organization_id,))

    def note(self, record: SeenRecord) -> None:
        named = {name: getattr(record, name) for name in record.__struct_fields__}
        self._connection.execute(_NOTE, named)

    def totals(self, organization_id: str) -> Totals:
        resources = dict(self._connection.execute(_RESOURCES, (organization_id,)).fetchall())
        active = self._connection.execute(_ACTIVE, (organization_id,)).fetchone()
        return Totals(
            users=resources.get("User", 0),
            groups=resources.get("Group", 0),
            active=0 if active is None else active[0],
        )
