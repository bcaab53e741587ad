"""Look-ups: a few rows read at once, in the event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import VersionRecord
from scim_asgi.store.sqlite import SqliteStore
from scim_asgi.store.sqlite.lookups import LookUps, TakesLong

_COUNTED = """
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
SELECT count(*) FROM counted
"""


@pytest.fixture
async def look_ups(store: SqliteStore, tmp_path: Path) -> AsyncIterator[LookUps]:
    """Look-ups of their own in the file of an open store."""
    opened = LookUps(str(tmp_path / "scim.db"))
    opened.open()
    yield opened
    opened.close()


def save(tx: Transaction) -> int:
    """Save a version of a mapping and return its number."""
    record = VersionRecord(organization_id="acme", content={}, saved_at=now())
    return tx.mappings.insert(record)


def counting(look_ups: LookUps, most: int) -> Callable[[None], int]:
    """Return a read that takes the more steps the higher it counts."""
    connection = look_ups._connection
    assert connection is not None
    return lambda _: int(connection.execute(_COUNTED, (most,)).fetchone()[0])


async def test_however_many_look_ups_were_made_the_next_one_is_made_at_once(
    look_ups: LookUps,
) -> None:
    few = counting(look_ups, 1)
    assert {look_ups.read(few, None) for _ in range(20_000)} == {1}


async def test_a_read_of_too_many_steps_is_given_up_and_the_next_one_is_made_at_once(
    look_ups: LookUps,
) -> None:
    few, many = counting(look_ups, 1), counting(look_ups, 1_000_000)
    for _ in range(3):
        with pytest.raises(TakesLong):
            look_ups.read(many, None)
        assert 1 == look_ups.read(few, None)


async def test_what_takes_long_in_many_statements_is_given_up_too(look_ups: LookUps) -> None:
    some = counting(look_ups, 2_000)

    def work(_: None) -> int:
        return sum(some(None) for _ in range(100))

    assert 2_000 == look_ups.read(some, None)
    with pytest.raises(TakesLong):
        look_ups.read(work, None)


async def test_a_read_that_is_called_brief_and_is_not_is_made_in_a_thread(
    store: SqliteStore,
) -> None:
    def work(tx: Any) -> Any:
        return tx.resources._execute(_COUNTED, (100_000,)).fetchone()[0]

    assert 100_000 == await store.read(work, brief=True)


async def test_a_look_up_sees_what_was_answered_here_and_in_another_process(
    store: SqliteStore, tmp_path: Path
) -> None:
    other = SqliteStore(str(tmp_path / "scim.db"))
    await other.open()
    try:
        for writer in [store, other] * 10:
            number = await writer.write(save, brief=True)
            for reader in (store, other):
                found = await reader.read(lambda tx: tx.mappings.current("acme"), brief=True)
                assert found is not None
                assert number == found.number
    finally:
        await other.close()


async def test_a_connection_for_look_ups_that_cannot_be_opened_is_said_in_the_stores_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: LookUps) -> sqlite3.Connection:
        msg = "unable to open database file"
        raise sqlite3.OperationalError(msg)

    monkeypatch.setattr(LookUps, "open", fail)
    with pytest.raises(StoreError, match="unable to open"):
        await SqliteStore(str(tmp_path / "scim.db")).open()
