"""The writer: where units run, and what becomes of a transaction that is stopped at any moment."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import StoreUnavailable
from scim_asgi.store.records import ResourceKeys, ResourceRecord, VersionRecord
from scim_asgi.store.sqlite import SqliteStore


def save(tx: Transaction) -> int:
    """Save a version of a mapping and return its number."""
    record = VersionRecord(organization_id="acme", content={}, saved_at=now())
    return tx.mappings.insert(record)


def note(tx: Transaction) -> None:
    """Note something that nobody waits for."""
    save(tx)


def saves_slowly(begun: threading.Event, may_end: threading.Event) -> Callable[[Transaction], int]:
    """Return a unit that says that it has begun, and takes until it may end."""

    def work(tx: Transaction) -> int:
        begun.set()
        may_end.wait(60)
        return save(tx)

    return work


async def stop(store: SqliteStore) -> None:
    """Cancel what writes, as the end of an event loop does."""
    running = store._writer._running
    assert running is not None
    running.cancel()
    await asyncio.wait([running])


async def require_in_order(store: SqliteStore) -> None:
    """Check that no transaction is left open, and that others can be made."""
    assert not store._writing.here.in_transaction
    for brief in (True, False):
        number = await asyncio.wait_for(store.write(save, brief=brief), 60)
        found = await store.read(lambda tx: tx.mappings.current("acme"), brief=True)
        assert found is not None
        assert number == found.number


async def test_a_writer_that_is_stopped_while_it_waits_for_a_lock_leaves_nothing_open(
    store: SqliteStore, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "scim.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        written = asyncio.create_task(store.write(save, brief=True))
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(stop(store))
        await asyncio.sleep(0.05)
        other.execute("ROLLBACK")
        await stopping
    other.close()
    with pytest.raises(StoreUnavailable, match="stopped"):
        await written
    await require_in_order(store)


async def test_a_writer_that_is_stopped_during_a_unit_leaves_nothing_open(
    store: SqliteStore,
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    before = asyncio.create_task(store.write(save, brief=True))
    during = asyncio.create_task(store.write(saves_slowly(begun, may_end)))
    behind = asyncio.create_task(store.write(save))
    await asyncio.to_thread(begun.wait, 60)
    stopping = asyncio.create_task(stop(store))
    await asyncio.sleep(0)
    may_end.set()
    await stopping
    for told in (before, during, behind):
        with pytest.raises(StoreUnavailable, match="stopped"):
            await told
    assert await store.read(lambda tx: tx.mappings.current("acme")) is None
    await require_in_order(store)


async def test_a_writer_that_is_stopped_before_it_begins_is_begun_anew(store: SqliteStore) -> None:
    waiting = asyncio.create_task(store.write(save))
    await asyncio.sleep(0)
    await stop(store)
    await require_in_order(store)
    assert 1 == await asyncio.wait_for(waiting, 60)


async def test_a_store_is_closed_once_nothing_is_written_any_more(store: SqliteStore) -> None:
    async def write_on() -> None:
        for _ in range(5):
            await store.write(save, brief=True)

    writing = asyncio.create_task(write_on())
    await asyncio.sleep(0)
    await store._writer.finish()
    assert store._writer._running is None
    await writing


async def test_who_fails_and_then_does_not_is_told_the_latter(store: SqliteStore) -> None:
    tries = []

    def taken(tx: Transaction) -> int:
        # Another process may let go of what is in use while a transaction is begun anew.
        tries.append(1)
        if len(tries) == 1:
            msg = "it is in use"
            raise ValueError(msg)
        return save(tx)

    def spoils(tx: Transaction) -> None:
        save(tx)
        msg = "it is refused"
        raise ValueError(msg)

    told = [store.write(taken, brief=True), store.write(spoils, brief=True)]
    saved, refused = await asyncio.gather(*told, return_exceptions=True)
    assert (1, "it is refused") == (saved, str(refused))
    assert 2 == await store.write(save)


async def test_a_store_is_closed_although_what_was_noted_last_cannot_be_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "scim.db"
    store = SqliteStore(str(path), busy_timeout=0.05)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.note(note)
        await store.close()
    assert "could not be noted: database is locked" in caplog.text
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.read(lambda tx: tx.mappings.current("acme"))


async def test_a_file_that_was_put_back_is_used_at_once_whatever_had_been_noted(
    store: SqliteStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await store.write(save)
    path, backup = tmp_path / "scim.db", tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as reading, closing(sqlite3.connect(backup)) as writing:
        reading.backup(writing)
    for name in ("scim.db", "scim.db-wal", "scim.db-shm"):
        (tmp_path / name).unlink()
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        await store.write(save)
    backup.rename(path)
    store.note(note)
    found = await store.read(lambda tx: tx.mappings.current("acme"))
    assert found is not None
    assert 1 == found.number
    assert "could not be noted" in caplog.text
    assert 2 == await store.write(save)


@pytest.mark.parametrize(("length", "is_at_once"), [(1_000, True), (100_000, False)])
async def test_what_is_called_brief_and_meets_a_long_document_is_left_to_a_thread(
    store: SqliteStore, length: int, is_at_once: bool
) -> None:
    record = ResourceRecord(
        organization_id="acme",
        resource_type="User",
        id="ada",
        document={"userName": "ada", "urn:example:ext": {"text": "x" * length}},
        created=now(),
        last_modified=now(),
    )
    await store.write(lambda tx: tx.resources.insert(record, {}, ResourceKeys((), ())))
    threads: list[int] = []

    def read(tx: Transaction) -> str:
        threads.append(threading.get_ident())
        found = tx.resources.get("acme", "User", "ada")
        assert found is not None
        return found.id

    def write(tx: Transaction) -> list[int]:
        save(tx)
        read(tx)
        return [each.number for each in tx.mappings.list("acme", limit=10)]

    here = threading.get_ident()
    assert [1] == await store.write(write, brief=True)
    assert is_at_once == (threads == [here])
    assert here == threads[0]
    threads.clear()
    assert "ada" == await store.read(read, brief=True)
    assert is_at_once == (threads == [here])
    assert (1 if is_at_once else 2) == len(threads)


def fails_after(changes: int, tried: list[str]) -> Callable[[Transaction], int]:
    """Return a unit that fails once it has made so many changes."""

    def work(tx: Transaction) -> int:
        tried.append("failing")
        for _ in range(changes):
            save(tx)
        raise ValueError(changes)

    return work


@pytest.mark.parametrize("changes", [0, 1, 3])
@pytest.mark.parametrize("slow", [(), (0,), (1,), (4,), (0, 5)], ids=str)
async def test_a_brief_unit_that_fails_is_undone_alone(
    store: SqliteStore, changes: int, slow: tuple[int, ...]
) -> None:
    tried: list[str] = []

    def saves(name: str) -> Callable[[Transaction], int]:
        def work(tx: Transaction) -> int:
            tried.append(name)
            return save(tx)

        return work

    units = [saves(f"unit {place}") for place in range(6)]
    units[2], units[3] = fails_after(changes, tried), fails_after(changes, tried)
    tasks = [store.write(unit, brief=place not in slow) for place, unit in enumerate(units)]
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told] == [int, int, ValueError, ValueError, int, int]
    kept = await store.read(lambda tx: tx.mappings.list("acme", limit=10))
    assert [told[0], told[1], told[4], told[5]] == sorted(each.number for each in kept)
    # What runs in the thread runs once.
    assert all(tried.count(f"unit {place}") == 1 for place in slow)
