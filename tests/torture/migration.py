"""A file of the first version, and processes that are killed while they bring it up to date."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from scim_asgi.ids import uuid7
from scim_asgi.store.sqlite import migrate
from tests.torture.processes import Host, assert_sound, rows, running

USERS = 300
_RESOURCE = """
INSERT INTO resources VALUES (?, 'acme', 'User', ?, ?, ?, 1, 1, 1, 1)
"""
_ACCOUNT = """
INSERT INTO accounts (
    number, organization_id, id, resource, wanted, wanted_state, confirmed, confirmed_state,
    attempt, due_at, claimed_until, reason, uncertain, marked
) VALUES (?, 'acme', ?, ?, ?, 'active', ?, 'active', 0, 0, 0, '', 0, 0)
"""


def make_first_version(path: Path) -> None:
    """Write a file as the first version left it, with users and their accounts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(migrate.migrations()[0])
        database.execute("BEGIN")
        for number in range(1, USERS + 1):
            name = f"u{number}@acme.test"
            user = f'{{"schemas":[],"userName":"{name}","active":true}}'
            account = f'{{"email_address":"{name}","public_metadata":{{}},"active":true}}'
            database.execute(_RESOURCE, (number, uuid7(), user, user))
            database.execute(_ACCOUNT, (number, uuid7(), number, account, account))
        database.execute("PRAGMA user_version = 1")
        database.execute("COMMIT")


def kill_while_migrating(folder: Path, chance: random.Random) -> bool:
    """Kill a process that opens the file; return whether it had migrated it before.

    Half of the times it dies at a statement of the migration, else at any instant.
    """
    path = folder / "scim.db"
    if chance.random() < 0.5:
        host = Host(folder, die_at_statement=chance.randrange(6, 40))
        host.kill()
    else:
        code = f"import asyncio, sys; from scim_asgi.store.sqlite import SqliteStore; sys.stdout.write('.'); sys.stdout.flush(); asyncio.run(SqliteStore({str(path)!r}).open())"
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(chance.uniform(0, 0.03))
        process.kill()
        process.communicate()
    assert_sound(path)
    ((version,),) = rows(path, "PRAGMA user_version")
    columns = {row[1] for row in rows(path, "PRAGMA table_info(accounts)")}
    assert (version > 1) == ("held_since" in columns)
    assert [(USERS,)] == rows(path, "SELECT count(*) FROM accounts")
    return bool(version > 1)


def assert_migrates_whole(folder: Path) -> None:
    """Check that a process that is left alone brings the file up to date with all its rows."""
    path = folder / "scim.db"
    with running(folder) as host:
        host.until_settled()
    assert_sound(path)
    assert [(len(migrate.migrations()),)] == rows(path, "PRAGMA user_version")
    counted = rows(path, "SELECT counted, total FROM counts WHERE counted GLOB 'account:*'")
    assert [("account:active", USERS)] == counted
