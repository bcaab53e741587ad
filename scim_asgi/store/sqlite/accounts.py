"""The host's accounts in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from scim_asgi.store.records import AccountRecord
from scim_asgi.store.sqlite.rows import Table

_TABLE = Table(
    "accounts",
    AccountRecord,
    json=frozenset({"wanted", "confirmed"}),
    flags=frozenset({"marked", "uncertain"}),
)
_MARK = """
UPDATE accounts SET marked = 1
WHERE resource IN (SELECT value FROM json_each(?)) AND NOT marked
"""
_EXTENT = """
SELECT count(*), coalesce(max(number), 0) FROM accounts
WHERE organization_id = ? AND resource IS NOT NULL
"""
_UNSETTLED = """
SELECT count(*) FROM accounts WHERE organization_id = ? AND (delivery_id IS NOT NULL OR marked)
"""
_NEXT_DUE = """
SELECT min(max(due_at, claimed_until)) FROM accounts WHERE delivery_id IS NOT NULL
"""

_encode = msgspec.json.Encoder().encode


class SqliteAccounts:
    """`scim_asgi.store.base.Accounts` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def by_number(self, number: int) -> AccountRecord | None:
        return _TABLE.one(self._connection, "WHERE number = ?", (number,))

    def of_resource(self, resource: int) -> AccountRecord | None:
        return _TABLE.one(self._connection, "WHERE resource = ?", (resource,))

    def by_return_key(self, organization_id: str, key: str) -> list[AccountRecord]:
        condition = "WHERE organization_id = ? AND return_key = ? ORDER BY number"
        return _TABLE.all(self._connection, condition, (organization_id, key))

    def insert(self, record: AccountRecord) -> int:
        return _TABLE.insert(self._connection, record)

    def update(self, record: AccountRecord) -> None:
        _TABLE.update(self._connection, record.number, record)

    def delete(self, number: int) -> None:
        self._connection.execute("DELETE FROM accounts WHERE number = ?", (number,))

    def mark(self, resources: Iterable[int]) -> None:
        self._connection.execute(_MARK, (_encode(list(resources)).decode(),))

    def extent(self, organization_id: str) -> tuple[int, int]:
        total, last = self._connection.execute(_EXTENT, (organization_id,)).fetchone()
        return total, last

    def of_organization(
        self, organization_id: str, *, after: int, last: int, limit: int
    ) -> list[AccountRecord]:
        condition = (
            "WHERE organization_id = ? AND number > ? AND number <= ? AND resource IS NOT NULL "
            "ORDER BY number LIMIT ?"
        )
        return _TABLE.all(self._connection, condition, (organization_id, after, last, limit))

    def unsettled(self, organization_id: str) -> int:
        return int(self._connection.execute(_UNSETTLED, (organization_id,)).fetchone()[0])

    def marked(self, now: int, limit: int) -> list[AccountRecord]:
        condition = "WHERE marked AND claimed_until <= ? ORDER BY number LIMIT ?"
        return _TABLE.all(self._connection, condition, (now, limit))

    def due(self, now: int, limit: int) -> list[AccountRecord]:
        condition = (
            "WHERE delivery_id IS NOT NULL AND due_at <= ? AND claimed_until <= ? "
            "ORDER BY due_at LIMIT ?"
        )
        return _TABLE.all(self._connection, condition, (now, now, limit))

    def next_due(self) -> int | None:
        due: int | None = self._connection.execute(_NEXT_DUE).fetchone()[0]
        return due
