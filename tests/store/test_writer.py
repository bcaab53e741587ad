"""The writer: what becomes of its transaction when it is stopped, at whatever moment."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import StoreUnavailable
from scim_asgi.store.records import VersionRecord
from scim_asgi.store.sqlite import SqliteStore


def save(tx: Transaction) -> int:
    """Save a version of a mapping and return its number."""
    record = VersionRecord(organization_id="acme", content={}, saved_at=now())
    return tx.mappings.insert(record)


def saves_slowly(begun: threading.Event) -> Callable[[Transaction], int]:
    """Return a unit that says that it has begun, and takes a while."""

    def work(tx: Transaction) -> int:
        begun.set()
        threading.Event().wait(0.1)
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
        number = await asyncio.wait_for(store.write(save, brief=brief), 10)
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
    begun = threading.Event()
    before = asyncio.create_task(store.write(save, brief=True))
    during = asyncio.create_task(store.write(saves_slowly(begun)))
    behind = asyncio.create_task(store.write(save))
    await asyncio.to_thread(begun.wait, 10)
    await stop(store)
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
    assert 1 == await asyncio.wait_for(waiting, 10)


async def test_a_store_is_closed_once_nothing_is_written_any_more(store: SqliteStore) -> None:
    async def write_on() -> None:
        for _ in range(5):
            await store.write(save, brief=True)

    writing = asyncio.create_task(write_on())
    await asyncio.sleep(0)
    await store._writer.finish()
    assert store._writer._running is None
    await writing
