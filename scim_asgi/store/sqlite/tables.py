"""Tokens and the provisioning log in SQLite."""

from __future__ import annotations

import builtins
import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from scim_asgi.store.records import LogRecord, TokenRecord
from scim_asgi.store.sqlite.rows import Table

_TOKENS = Table("tokens", TokenRecord)
_LIVE = "WHERE digest = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
_COUNT = """
SELECT coalesce(sum(count), 0) FROM provisioning_log
WHERE organization_id = ? AND action IN (SELECT value FROM json_each(?)) AND at > ?
"""
_LATEST_ACTIONS = """
SELECT action FROM (
    SELECT action, method FROM provisioning_log WHERE organization_id = ? AND at > ?
    ORDER BY at DESC, number DESC LIMIT 200
) WHERE method <> '' AND action NOT IN ('skipped', 'pending') LIMIT ?
"""
_LOG = Table("provisioning_log", LogRecord, json=frozenset({"changes", "hook", "notes"}))


class SqliteTokens:
    """`scim_asgi.store.base.TokenTable` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, record: TokenRecord) -> None:
        _TOKENS.insert(self._connection, record)

    def live(self, digest: bytes, at: int) -> TokenRecord | None:
        return _TOKENS.one(self._connection, _LIVE, (digest, at))

    def by_id(self, token_id: str) -> TokenRecord | None:
        return _TOKENS.one(self._connection, "WHERE id = ?", (token_id,))

    def list(self, organization_id: str) -> builtins.list[TokenRecord]:
        condition = "WHERE organization_id = ? ORDER BY number DESC"
        return _TOKENS.all(self._connection, condition, (organization_id,))

    def revoke(self, token_id: str, at: int) -> None:
        query = "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
        self._connection.execute(query, (at, token_id))

    def touch(self, token_id: str, at: int) -> None:
        self._connection.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token_id))


class SqliteLog:
    """`scim_asgi.store.base.LogTable` on a connection."""

    def __init__(
        self, connection: sqlite3.Connection, kept: Callable[[LogRecord], LogRecord]
    ) -> None:
        self._connection = connection
        self._kept = kept

    def insert(self, record: LogRecord) -> int:
        return _LOG.insert(self._connection, self._kept(record))

    def update(self, number: int, record: LogRecord) -> None:
        _LOG.update(self._connection, number, self._kept(record))

    def list(
        self, organization_id: str, *, after: int = 0, limit: int = 100
    ) -> builtins.list[LogRecord]:
        condition = "WHERE organization_id = ? AND number > ? ORDER BY number LIMIT ?"
        return _LOG.all(self._connection, condition, (organization_id, after, limit))

    def latest(self, organization_id: str, *, limit: int = 100) -> builtins.list[LogRecord]:
        condition = "WHERE organization_id = ? ORDER BY number DESC LIMIT ?"
        return _LOG.all(self._connection, condition, (organization_id, limit))[::-1]

    def counts(self, organization_id: str, *, since: int) -> dict[str, int]:
        query = (
            "SELECT action, count(*) FROM provisioning_log "
            "WHERE organization_id = ? AND at >= ? GROUP BY action ORDER BY action"
        )
        return dict(self._connection.execute(query, (organization_id, since)).fetchall())

    def count(self, organization_id: str, actions: Sequence[str], since: int) -> int:
        named = (organization_id, msgspec.json.encode(actions).decode(), since)
        return int(self._connection.execute(_COUNT, named).fetchone()[0])

    def latest_actions(self, organization_id: str, since: int, limit: int) -> builtins.list[str]:
        rows = self._connection.execute(_LATEST_ACTIONS, (organization_id, since, limit))
        return [action for (action,) in rows]
