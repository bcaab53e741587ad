"""The SQLite store: transactions, cancellation, several processes, migrations."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import NotUnique, StoreError, StoreUnavailable
from scim_asgi.store.records import ResourceKeys, ResourceRecord, VersionRecord
from scim_asgi.store.sqlite import SqliteStore
from scim_asgi.store.sqlite.migrate import migrations


def user(name: str, organization: str = "acme") -> ResourceRecord:
    return ResourceRecord(
        organization_id=organization,
        resource_type="User",
        id=f"id-{organization}-{name}",
        document={"userName": name},
        created=now(),
        last_modified=now(),
    )


def insert(tx: Transaction, name: str, organization: str = "acme") -> int:
    keys = ResourceKeys((("userName", name),), ())
    return tx.resources.insert(user(name, organization), {"userName": name}, keys)


def names(tx: Transaction, organization: str = "acme") -> int:
    record = VersionRecord(organization_id=organization, content={}, saved_at=now())
    return tx.mappings.insert(record)


async def test_the_file_is_as_durable_as_sqlite_can_make_it(store: SqliteStore) -> None:
    def look(connection: sqlite3.Connection) -> list[Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert ["wal", 2, 1, 0] == await store._writing.run(look)
    assert ["wal", 2, 1, 5000] == await store._reading.run(look)


async def test_a_unit_that_raises_leaves_nothing_and_does_not_hurt_its_neighbours(
    store: SqliteStore,
) -> None:
    def fail(tx: Transaction) -> None:
        insert(tx, "lost")
        raise LookupError

    results = await asyncio.gather(
        store.write(lambda tx: insert(tx, "one")),
        store.write(fail),
        store.write(lambda tx: insert(tx, "two")),
        return_exceptions=True,
    )
    assert isinstance(results[1], LookupError)
    found = await store.read(
        lambda tx: [
            tx.resources.get("acme", "User", f"id-acme-{n}") for n in ("one", "lost", "two")
        ]
    )
    assert [True, False, True] == [each is not None for each in found]


async def test_a_unique_value_is_there_once_in_an_organization(store: SqliteStore) -> None:
    await store.write(lambda tx: insert(tx, "ada"))
    with pytest.raises(NotUnique):
        await store.write(
            lambda tx: tx.resources.insert(
                user("other"), {}, ResourceKeys((("userName", "ada"),), ())
            )
        )
    await store.write(lambda tx: insert(tx, "ada", "other"))


async def test_a_resource_with_a_value_that_another_has_is_refused_and_leaves_nothing(
    store: SqliteStore,
) -> None:
    keys = ResourceKeys((("userName", "eve"), ("nickName", "ada")), ())

    def work(tx: Transaction) -> list[int | None]:
        tx.resources.insert(user("ada"), {}, ResourceKeys((("nickName", "ada"),), ()))
        with pytest.raises(NotUnique, match="nickName"):
            tx.resources.insert(user("eve"), {}, keys)
        return [tx.resources.owner("acme", "User", path, value) for path, value in keys.unique]

    eve, ada = await store.write(work, brief=True)
    assert (eve, ada is None) == (None, False)
    assert await store.read(lambda tx: tx.resources.get("acme", "User", "id-acme-eve")) is None


async def test_no_number_of_a_resource_is_given_out_again(store: SqliteStore) -> None:
    def lose(tx: Transaction) -> None:
        insert(tx, "lost")
        raise LookupError

    first = await store.write(lambda tx: insert(tx, "first"))
    with pytest.raises(LookupError):
        await store.write(lose)
    gone, keys = replace(user("first"), number=first), ResourceKeys((), ())
    await store.write(lambda tx: tx.resources.delete(gone, keys, now()))
    second = await store.write(lambda tx: insert(tx, "second"))
    assert first < second


async def test_a_cancelled_request_neither_stops_its_transaction_nor_breaks_the_next(
    store: SqliteStore,
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> int:
        begun.set()
        go.wait(60)
        return insert(tx, "slow")

    task = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(lambda tx: insert(tx, "next"))
    found = await store.read(lambda tx: tx.resources.get("acme", "User", "id-acme-slow"))
    assert found is not None


async def test_a_read_that_is_cancelled_does_not_break_the_next(store: SqliteStore) -> None:
    for _ in range(20):
        task = asyncio.create_task(store.read(lambda tx: tx.mappings.current("acme")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await store.read(lambda tx: tx.mappings.current("acme")) is None


async def test_many_writes_at_once_are_all_kept_in_order(store: SqliteStore) -> None:
    numbers = await asyncio.gather(*(store.write(names) for _ in range(300)))
    assert sorted(numbers) == numbers
    assert 300 == len(set(numbers))


async def test_a_closed_store_says_that_it_is_closed(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "scim.db"))
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.read(lambda tx: tx.mappings.current("acme"))


async def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scim.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer one"):
        await SqliteStore(str(path)).open()


async def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "scim.db"
    path.write_text("not a database at all, " * 100)
    with pytest.raises(StoreError, match=r"scim\.db|not a database"):
        await SqliteStore(str(path)).open()


async def test_a_lock_that_is_held_for_too_long_is_said_to_be_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "scim.db"
    store = SqliteStore(str(path), busy_timeout=0.05)
    await store.open()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.write(names)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert 1 == await store.write(names)
    await store.close()


def _write_many(path: str, organization: str, results: Any) -> None:
    async def work() -> None:
        store = SqliteStore(path, busy_timeout=60)
        await store.open()
        for _ in range(50):
            await store.write(lambda tx: names(tx, organization))
        await store.close()

    asyncio.run(work())
    results.put(organization)


def test_several_processes_open_a_new_file_and_write_to_it_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    path = str(tmp_path / "scim.db")
    workers = [
        context.Process(target=_write_many, args=(path, f"org{n}", results)) for n in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [0] * 4 == [worker.exitcode for worker in workers]
    with sqlite3.connect(path) as connection:
        assert 200 == connection.execute("SELECT count(*) FROM mappings").fetchone()[0]
    connection.close()


FORGETFUL = """
import asyncio, sys
from scim_asgi.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open()
    await store.read(lambda tx: tx.mappings.current("acme"))

asyncio.run(main())
"""


def test_a_store_that_nobody_closes_lets_the_process_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(tmp_path / "scim.db")],
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert (0, b"") == (done.returncode, done.stderr)


async def test_a_unit_waits_for_the_lock_of_another_process_once(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "scim.db"), busy_timeout=0.5)
    await store.open()
    other = sqlite3.connect(tmp_path / "scim.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(store.write(lambda tx: insert(tx, "first")))
    for _ in range(5):  # until it waits in the thread
        await asyncio.sleep(0)
    second = asyncio.create_task(store.write(lambda tx: insert(tx, "second")))
    with pytest.raises(StoreUnavailable, match="locked"):
        await first
    done, _ = await asyncio.wait({second}, timeout=0.2)
    other.execute("ROLLBACK")
    other.close()
    assert {second} == done
    assert isinstance(second.exception(), StoreUnavailable)
    assert 1 == await store.write(lambda tx: insert(tx, "third"))
    await store.close()


async def test_the_number_of_a_deleted_resource_is_never_given_out_again(
    store: SqliteStore,
) -> None:
    number = await store.write(lambda tx: insert(tx, "ada"))
    gone = replace(user("ada"), number=number)
    await store.write(lambda tx: tx.resources.delete(gone, ResourceKeys((), ()), now()))
    assert number < await store.write(lambda tx: insert(tx, "bob", "globex"))
