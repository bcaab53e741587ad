"""What is kept in versions, and how far mapping anew has come, in SQLite."""

from __future__ import annotations

import builtins
import sqlite3

from scim_asgi.store.records import RemappingRecord, Stamp, VersionRecord
from scim_asgi.store.sqlite.rows import Table

MAPPINGS = Table("mappings", VersionRecord, json=frozenset({"content"}))
ROLES = Table("role_rules", VersionRecord, json=frozenset({"content"}))
_REMAPPINGS = Table("remappings", RemappingRecord, flags=frozenset({"blocked"}))
# The other columns of a query with max() are those of the row that has it.
_STAMP = """
SELECT * FROM (SELECT max(number), saved_at FROM mappings WHERE organization_id = ?),
    (SELECT max(number), saved_at FROM role_rules WHERE organization_id = ?)
"""


class Stamps:
    """Which versions of organizations are in force, each asked for once in a transaction."""

    def __init__(self) -> None:
        self._known: dict[str, Stamp] = {}
        self._is_settled = False

    def begin(self) -> None:
        """Note that a transaction has begun that nobody else can change anything under."""
        self._known.clear()
        self._is_settled = True

    def forget(self) -> None:
        """Note that something is saved, which may be undone yet: nothing is certain any more."""
        self._known.clear()
        self._is_settled = False

    def of(self, connection: sqlite3.Connection, organization_id: str) -> Stamp:
        """Return the stamp of an organization."""
        found = self._known.get(organization_id)
        if found is None:
            found = connection.execute(_STAMP, (organization_id,) * 2).fetchone()
            if self._is_settled:
                self._known[organization_id] = found
        return found


class SqliteVersions:
    """`scim_asgi.store.base.Versions` on a connection.

    Args:
        connection: The connection.
        table: The table.
        stamps: What forgets what it knows when a version is saved.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: Table[VersionRecord], stamps: Stamps
    ) -> None:
        self._connection = connection
        self._table = table
        self._stamps = stamps

    def current(self, organization_id: str) -> VersionRecord | None:
        condition = "WHERE organization_id = ? ORDER BY number DESC LIMIT 1"
        return self._table.one(self._connection, condition, (organization_id,))

    def version(self, organization_id: str, version: int) -> VersionRecord | None:
        condition = "WHERE organization_id = ? AND version = ?"
        return self._table.one(self._connection, condition, (organization_id, version))

    def list(self, organization_id: str, *, limit: int) -> builtins.list[VersionRecord]:
        condition = "WHERE organization_id = ? ORDER BY number DESC LIMIT ?"
        return self._table.all(self._connection, condition, (organization_id, limit))

    def insert(self, record: VersionRecord) -> int:
        self._stamps.forget()
        return self._table.insert(self._connection, record)

    def organizations(self, after: str, limit: int) -> builtins.list[str]:
        query = (
            f"SELECT DISTINCT organization_id FROM {self._table.name} "
            "WHERE organization_id > ? ORDER BY organization_id LIMIT ?"
        )
        return [each for (each,) in self._connection.execute(query, (after, limit))]


class SqliteRemappings:
    """`scim_asgi.store.base.Remappings` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begin(self, record: RemappingRecord) -> None:
        query = "DELETE FROM remappings WHERE organization_id = ?"
        self._connection.execute(query, (record.organization_id,))
        _REMAPPINGS.insert(self._connection, record)

    def of(self, organization_id: str) -> RemappingRecord | None:
        return _REMAPPINGS.one(self._connection, "WHERE organization_id = ?", (organization_id,))

    def unfinished(self) -> RemappingRecord | None:
        condition = "WHERE finished_at IS NULL AND NOT blocked ORDER BY number LIMIT 1"
        return _REMAPPINGS.one(self._connection, condition, ())

    def update(self, before: RemappingRecord, after: RemappingRecord) -> None:
        _REMAPPINGS.update(self._connection, before.number, before, after)

    def is_any_blocked(self) -> bool:
        query = "SELECT 1 FROM remappings WHERE blocked LIMIT 1"
        return self._connection.execute(query).fetchone() is not None

    def unblock(self) -> None:
        self._connection.execute("UPDATE remappings SET blocked = 0 WHERE blocked")
