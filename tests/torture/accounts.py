"""The accounts of a host product in a SQLite file of its own, which remembers every delivery."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scim_asgi import Account, AccountRejected, HookContext, TryAgainLater

REFUSED = "Refused"
"""A family name that the host never accepts."""

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, content TEXT NOT NULL, is_open INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, account_id TEXT NOT NULL, delivery_id TEXT NOT NULL,
    change TEXT NOT NULL, content TEXT NOT NULL, has_effect INTEGER NOT NULL,
    process INTEGER NOT NULL, began REAL NOT NULL, ended REAL NOT NULL
);
"""
_SAVE = """
INSERT INTO accounts VALUES (:id, (SELECT count(*) FROM accounts), :content, :is_open)
ON CONFLICT DO UPDATE SET content = excluded.content, is_open = excluded.is_open
"""
_NOTE = """
INSERT INTO deliveries (
    account_id, delivery_id, change, content, has_effect, process, began, ended
) VALUES (:id, :delivery_id, :change, :content, :has_effect, :process, :began, :ended)
"""


class HostAccounts:
    """Hooks that are idempotent on ``account.id``.

    Args:
        path: The SQLite file.
        reached: Called at the places where the process may be killed, with their names.
        trouble: How many of a hundred calls fail in an unknown way or ask for a later time.
        pause: How many seconds a call takes.
    """

    def __init__(
        self, path: Path, reached: Callable[[str], None], *, trouble: int = 0, pause: float = 0
    ) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_TABLES)
        self._reached = reached
        self._trouble = trouble
        self.refused = {REFUSED}
        self.pause = pause

    async def create(self, account: Account, context: HookContext) -> str:
        """Take an account over and return a number of our own."""
        await self._take(account, context)
        query = "SELECT number FROM accounts WHERE id = ?"
        return str(self._database.execute(query, (account.id,)).fetchone()[0])

    async def update(self, account: Account, context: HookContext) -> None:
        """Take changed fields over."""
        await self._take(account, context)

    async def deactivate(self, account: Account, context: HookContext) -> None:
        """Close the account."""
        await self._take(account, context)

    async def _take(self, account: Account, context: HookContext) -> None:
        began = time.time()
        self._reached("before hook")
        if account.last_name in self.refused and context.change != "delete":
            msg = "Nobody is called so here."
            raise AccountRejected(msg)
        if random.randrange(200) < self._trouble:
            raise TryAgainLater(1)
        self._fail_at_times()
        await asyncio.sleep(self.pause)
        content = json.dumps(_content(account), sort_keys=True)
        self._save(account, context, content, began)
        self._reached("after hook")
        self._fail_at_times()

    def _fail_at_times(self) -> None:
        if random.randrange(400) < self._trouble:
            msg = "trouble"
            raise RuntimeError(msg)

    def _save(self, account: Account, context: HookContext, content: str, began: float) -> None:
        is_open = account.active and context.change not in ("deactivate", "delete")
        query = "SELECT content, is_open FROM accounts WHERE id = ?"
        before = self._database.execute(query, (account.id,)).fetchone()
        values = {
            "id": account.id,
            "content": content,
            "is_open": is_open,
            "delivery_id": context.delivery_id,
            "change": context.change,
            "has_effect": before != (content, is_open),
            "process": os.getpid(),
            "began": began,
            "ended": time.time(),
        }
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(_SAVE, values)
        self._database.execute(_NOTE, values)
        self._reached("in hook")
        self._database.execute("COMMIT")


def _content(account: Account) -> dict[str, Any]:
    return {
        "email_address": account.email_address,
        "last_name": account.last_name,
        "organization_role": account.organization_role,
        "public_metadata": account.public_metadata,
        "active": account.active,
    }
