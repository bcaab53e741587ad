"""Tokens and the provisioning log in SQLite."""

from __future__ import annotations

import builtins
import math
import sqlite3

from scim_asgi.store.records import LiveToken, TokenRecord
from scim_asgi.store.sqlite.rows import Table

_TOKENS = Table("tokens", TokenRecord)
_ENDED = """
WHERE (digest = ?1 AND revoked_at IS NOT NULL)
    OR (digest = ?1 AND revoked_at IS NULL AND expires_at <= ?2)
"""
_LIVE = """
SELECT id, organization_id, prefix, last_used_at FROM tokens
WHERE digest = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
"""
_ENDS = "SELECT expires_at FROM tokens WHERE digest = ? AND revoked_at IS NULL"
_MOST_REMEMBERED = 4096


class SqliteTokens:
    """`scim_asgi.store.base.TokenTable` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, record: TokenRecord) -> None:
        _TOKENS.insert(self._connection, record)

    def live(self, digest: bytes, at: int) -> LiveToken | None:
        # Bytes would be offered to adapters first, which takes long.
        row = self._connection.execute(_LIVE, (bytearray(digest), at)).fetchone()
        return None if row is None else LiveToken(*row)

    def is_live(self, digest: bytes, at: int) -> bool:
        return at < self._ends(digest)

    def _ends(self, digest: bytes) -> float:
        """Return when a token ends or has ended; 0 where it is revoked, or there is none."""
        row = self._connection.execute(_ENDS, (bytearray(digest),)).fetchone()
        if row is None:
            return 0
        return math.inf if row[0] is None else float(row[0])

    def ended(self, digest: bytes, at: int) -> TokenRecord | None:
        return _TOKENS.one(self._connection, _ENDED, (digest, at))

    def by_id(self, token_id: str) -> TokenRecord | None:
        return _TOKENS.one(self._connection, "WHERE id = ?", (token_id,))

    def by_nonce(self, organization_id: str, nonce: str) -> TokenRecord | None:
        condition = "WHERE organization_id = ? AND nonce = ?"
        return _TOKENS.one(self._connection, condition, (organization_id, nonce))

    def list(self, organization_id: str) -> builtins.list[TokenRecord]:
        condition = "WHERE organization_id = ? ORDER BY number DESC"
        return _TOKENS.all(self._connection, condition, (organization_id,))

    def revoke(self, token_id: str, at: int) -> None:
        query = "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
        self._connection.execute(query, (at, token_id))

    def touch(self, token_id: str, at: int) -> None:
        self._connection.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token_id))

    def refuse(self, token_id: str, at: int) -> None:
        self._connection.execute("UPDATE tokens SET refused_at = ? WHERE id = ?", (at, token_id))


class WatchedTokens(SqliteTokens):
    """Tokens on a connection that changes nothing itself: what is read holds until others commit.

    The version of what it sees changes whenever another connection of any process has committed
    (SQLite's ``PRAGMA data_version``), and is had for half of a look-up.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._version: tuple[int] | None = None
        self._remembered: dict[bytes, float] = {}

    def is_live(self, digest: bytes, at: int) -> bool:
        version = self._connection.execute("PRAGMA data_version").fetchone()
        # Before anything is read: what is read later can only be newer than it is taken for.
        if version != self._version or len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.clear()
            self._version = version
        ends = self._remembered.get(digest)
        if ends is None:
            ends = self._remembered[digest] = self._ends(digest)
        return at < ends
