"""Tokens and the provisioning log in SQLite."""

from __future__ import annotations

import builtins
import sqlite3

from scim_asgi.store.records import LiveToken, TokenRecord
from scim_asgi.store.sqlite.rows import Table

_TOKENS = Table("tokens", TokenRecord)
_ENDED = """
WHERE (digest = ?1 AND revoked_at IS NOT NULL)
    OR (digest = ?1 AND revoked_at IS NULL AND expires_at <= ?2)
"""
_WHICH = "WHERE digest = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
_LIVE = f"SELECT id, organization_id, prefix, last_used_at FROM tokens {_WHICH}"
_IS_LIVE = f"SELECT 1 FROM tokens {_WHICH}"


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
        row = self._connection.execute(_IS_LIVE, (bytearray(digest), at)).fetchone()
        return row is not None

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
