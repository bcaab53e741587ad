"""What a transaction keeps in memory: as true as the rows, whatever is undone."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from scim_asgi.ids import uuid7
from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import (
    AccountRecord,
    LogRecord,
    ResourceKeys,
    ResourceRecord,
    VersionRecord,
)
from scim_asgi.store.sqlite import SqliteStore

STATES = ("active", "inactive", "deleted")
NO_KEYS = ResourceKeys((), ())
_COUNTED = """
SELECT 'resource:' || resource_type, count(*) FROM resources GROUP BY 1
UNION ALL SELECT 'account:' || wanted_state, count(*) FROM accounts GROUP BY 1
UNION ALL SELECT 'log', count(*) FROM provisioning_log GROUP BY 1
ORDER BY 1
"""

Work = Callable[[Transaction], None]


class _Undone(Exception):
    """Something that is to be undone."""


def add(tx: Transaction) -> None:
    """Add a resource and its account, and a row of the log."""
    resource = ResourceRecord(
        organization_id="acme",
        resource_type="User",
        id=uuid7(),
        document={},
        created=now(),
        last_modified=now(),
    )
    number = tx.resources.insert(resource, {}, NO_KEYS)
    account = AccountRecord(
        organization_id="acme", id=uuid7(), wanted={}, wanted_state="active", resource=number
    )
    tx.accounts.insert(account)
    tx.log.insert(LogRecord(organization_id="acme", at=now(), action="created", status=201))


def change(tx: Transaction, chance: random.Random) -> None:
    """Change the state of an account, delete one, or prune the log."""
    for account in tx.accounts.list("acme")[-3:]:
        state = chance.choice(STATES)
        tx.accounts.update(account, _in_state(account, state))
        if state == "deleted" and chance.random() < 0.5:
            tx.accounts.delete(account.number)
    if chance.random() < 0.2:
        tx.log.prune_oldest("acme", 2)


def _in_state(account: AccountRecord, state: str) -> AccountRecord:
    named = {name: getattr(account, name) for name in account.__struct_fields__}
    return AccountRecord(**{**named, "wanted_state": state})


def unit(chance: random.Random) -> Work:
    """Return a unit that adds, changes, asks, undoes a part of it, or fails in the end."""
    seed = chance.random()

    def work(tx: Transaction) -> None:
        own = random.Random(seed)
        steps: list[Work] = [add, lambda tx: change(tx, own), _ask, lambda tx: _undo(tx, own)]
        for _ in range(own.randrange(4)):
            own.choice(steps)(tx)
        if own.random() < 0.3:
            raise _Undone

    return work


def _ask(tx: Transaction) -> None:
    """Check that counts say in the middle of it what the rows say."""
    accounts = tx.accounts.list("acme", limit=10_000)
    states = [account.wanted_state for account in accounts]
    closings = tx.accounts.closings("acme", 0, now())
    assert (states.count("active"), len(states) - states.count("deleted")) == (
        closings.active,
        closings.kept,
    )
    assert tx.connections.totals("acme").active == closings.active


def _undo(tx: Transaction, chance: random.Random) -> None:
    with suppress(_Undone), tx.savepoint():
        add(tx)
        change(tx, chance)
        raise _Undone


@pytest.mark.parametrize("seed", range(8))
async def test_counts_are_those_of_the_rows_whatever_fails(
    store: SqliteStore, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        some = [
            store.write(unit(chance), brief=chance.random() < 0.7)
            for _ in range(chance.randrange(1, 8))
        ]
        for told in await asyncio.gather(*some, return_exceptions=True):
            assert told is None or isinstance(told, _Undone)
    with closing(sqlite3.connect(tmp_path / "scim.db")) as file:
        counted = file.execute("SELECT counted, total FROM counts WHERE total ORDER BY 1")
        assert file.execute(_COUNTED).fetchall() == counted.fetchall()


def saved(number: int) -> VersionRecord:
    """Return a version of a mapping."""
    return VersionRecord(organization_id="acme", content={}, saved_at=number, version=number)


@pytest.mark.parametrize("brief", [True, False])
async def test_a_version_that_is_undone_is_in_force_for_nobody_in_its_transaction(
    store: SqliteStore, *, brief: bool
) -> None:
    await store.write(lambda tx: tx.mappings.insert(saved(1)))
    before = await store.write(lambda tx: tx.stamp("acme"))

    def saves_and_fails(tx: Transaction) -> None:
        tx.mappings.insert(saved(2))
        assert tx.stamp("acme") != before
        raise _Undone

    told = [
        store.write(lambda tx: tx.stamp("acme"), brief=brief),
        store.write(saves_and_fails, brief=brief),
        store.write(lambda tx: tx.stamp("acme"), brief=brief),
    ]
    first, failed, second = await asyncio.gather(*told, return_exceptions=True)
    assert isinstance(failed, _Undone)
    assert (before, before) == (first, second)


async def test_a_version_of_another_process_is_in_force_from_the_next_transaction_on(
    store: SqliteStore, tmp_path: Path
) -> None:
    before = await store.write(lambda tx: tx.stamp("acme"), brief=True)
    other = SqliteStore(str(tmp_path / "scim.db"))
    await other.open()
    await other.write(lambda tx: tx.mappings.insert(saved(1)))
    await other.close()
    assert before == (None, None, None, None)
    assert (1, 1, None, None) == await store.write(lambda tx: tx.stamp("acme"), brief=True)


async def test_a_file_whose_triggers_have_counted_is_counted_anew(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.write(add)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "scim.db", isolation_level=None)) as file:
        file.execute(
            "CREATE TRIGGER count_new_account AFTER INSERT ON accounts BEGIN "
            "UPDATE counts SET total = total + 1; END"
        )
        file.execute("UPDATE counts SET total = 7")
        file.execute("PRAGMA user_version = 4")
    await store.open()
    await store.write(add)
    with closing(sqlite3.connect(tmp_path / "scim.db")) as file:
        counted = file.execute("SELECT counted, total FROM counts ORDER BY 1").fetchall()
    assert [("account:active", 2), ("log", 2), ("resource:User", 2)] == counted


async def test_a_lost_sequence_makes_no_number_a_second_time(
    store: SqliteStore, tmp_path: Path
) -> None:
    for _ in range(3):
        await store.write(add)
    with closing(sqlite3.connect(tmp_path / "scim.db", isolation_level=None)) as file:
        file.execute("DELETE FROM sqlite_sequence")
    await store.write(add)
    with closing(sqlite3.connect(tmp_path / "scim.db")) as file:
        numbers = [number for (number,) in file.execute("SELECT number FROM resources ORDER BY 1")]
    assert [1, 2, 3, 4] == numbers
