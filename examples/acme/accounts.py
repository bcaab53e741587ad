"""Acme's own accounts, and the hooks through which a directory changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite

from scim_asgi import Account, AccountConflict, HookContext

_TABLE = """
CREATE TABLE IF NOT EXISTS accounts (
    number INTEGER PRIMARY KEY,
    scim_id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL,
    email TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    role TEXT,
    is_open INTEGER NOT NULL
)
"""
_SAVE = """
INSERT INTO accounts (scim_id, organization, email, first_name, last_name, role, is_open)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (scim_id) DO UPDATE SET
    email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
    role = excluded.role, is_open = excluded.is_open
RETURNING number
"""
_TAKEN = "SELECT 1 FROM accounts WHERE organization = ? AND email = ? AND scim_id <> ? AND is_open"
_LIST = """
SELECT email, first_name, last_name, role, is_open FROM accounts
WHERE organization = ? ORDER BY email
"""


class Accounts:
    """Acme's table of accounts. Each hook may be called again, so each one just saves.

    Args:
        path: The SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Open the file."""
        self._connection = await aiosqlite.connect(self._path, isolation_level=None)
        await self._connection.execute(_TABLE)

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            await self._connection.close()

    async def create(self, account: Account, context: HookContext) -> str:
        """Open an account and return Acme's own number for it."""
        return await self._save(account, context)

    async def update(self, account: Account, context: HookContext) -> None:
        """Take over changed fields."""
        await self._save(account, context)

    async def deactivate(self, account: Account, context: HookContext) -> None:
        """Close the account; the row stays, for the day the person comes back."""
        await self._save(account, context)

    async def _save(self, account: Account, context: HookContext) -> str:
        is_open = account.active and context.change not in ("deactivate", "delete")
        if is_open and await self._is_taken(account):
            msg = f"Acme already has an account for {account.email_address}."
            raise AccountConflict(msg)
        values = (
            account.id,
            account.organization_id,
            account.email_address,
            account.first_name,
            account.last_name,
            account.organization_role or "org:member",
            is_open,
        )
        (row,) = await self._database().execute_fetchall(_SAVE, values)
        return str(row[0])

    async def _is_taken(self, account: Account) -> bool:
        values = (account.organization_id, account.email_address, account.id)
        return bool(await self._database().execute_fetchall(_TAKEN, values))

    async def of(self, organization: str) -> list[dict[str, Any]]:
        """Return an organization's accounts, by address."""
        rows = await self._database().execute_fetchall(_LIST, (organization,))
        names = ("email", "first_name", "last_name", "role", "is_open")
        return [{**dict(zip(names, row, strict=True)), "is_open": bool(row[4])} for row in rows]

    def _database(self) -> aiosqlite.Connection:
        assert self._connection is not None
        return self._connection
