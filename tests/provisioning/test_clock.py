"""A clock that is set back keeps nobody waiting until it has caught up.

What an earlier clock has left behind is written into the file: times that are hours ahead.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from scim_asgi import Guard, LogRetention, ScimApp
from scim_asgi.ids import uuid7
from scim_asgi.provisioning.clock import GRACE, LONGEST_HOOK, now, present
from scim_asgi.store.records import AccountRecord, LogRecord, Present
from scim_asgi.store.sqlite import migrate
from scim_asgi.store.sqlite.accounts import SqliteAccounts
from scim_asgi.store.sqlite.counts import Counts
from tests.client import Client, assert_error
from tests.conftest import Scim
from tests.product import raising
from tests.waiting import PATIENCE, until

HOURS = 10 * 3_600_000
TITLE = {"op": "add", "path": "title", "value": "T"}
NAME = {"op": "replace", "path": "name.familyName", "value": "New"}


def leave_behind(scim: Scim, where: str = "TRUE", **columns: Any) -> None:
    """Write into accounts what a clock hours ahead has left there."""
    assignments = ", ".join(f"{name} = ?" for name in columns)
    with scim.file() as file:
        file.execute(f"UPDATE accounts SET {assignments} WHERE {where}", tuple(columns.values()))


def pending(scim: Scim, client: Client) -> str:
    """Return a User whose account the host has yet to confirm, and not before hours."""
    user: str = client.create_user("ada@acme.test")["id"]
    scim.product.behaviour = raising(RuntimeError("not now"))
    assert_error(client.patch(f"/Users/{user}", NAME), 500)
    leave_behind(scim, due_at=now() + HOURS)
    scim.product.behaviour = None
    return user


def test_what_was_to_be_repeated_hours_ahead_is_repeated_now(scim: Scim, client: Client) -> None:
    pending(scim, client)
    until(lambda: scim.product.account("ada@acme.test").last_name == "New")


def test_a_claim_that_lasts_for_hours_keeps_neither_requests_nor_the_background_waiting(
    scim: Scim, client: Client
) -> None:
    user = pending(scim, client)
    leave_behind(scim, claimed_by="gone", claimed_until=now() + HOURS)
    assert 200 == client.patch(f"/Users/{user}", TITLE).status_code
    assert "New" == scim.product.account("ada@acme.test").last_name
    leave_behind(scim, claimed_by="gone", claimed_until=now() + HOURS)
    scim.set_mapping({"title": "public_metadata.title"})
    until(lambda: scim.product.account("ada@acme.test").public_metadata == {"title": "T"})


def test_a_claim_that_can_be_another_process_at_work_is_respected(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test")["id"]
    claimed_until = now() + 1500
    leave_behind(scim, claimed_by="other", claimed_until=claimed_until)
    assert 200 == client.patch(f"/Users/{user}", NAME).status_code
    assert now() >= claimed_until


def test_what_was_released_for_days_ahead_is_not_let_through_for_ever(
    scim: Scim, client: Client
) -> None:
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(22)]
    for each in users[:20]:
        assert 204 == client.send("DELETE", f"/Users/{each}").status_code
    leave_behind(scim, "closed_at IS NULL", released_until=now() + 100 * HOURS)
    assert_error(client.send("DELETE", f"/Users/{users[20]}"), 503)


def test_what_was_closed_hours_ahead_makes_the_guard_hold_nobody(
    scim: Scim, client: Client
) -> None:
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(22)]
    for each in users[:20]:
        assert 204 == client.send("DELETE", f"/Users/{each}").status_code
    leave_behind(scim, "closed_at IS NOT NULL", closed_at=now() + HOURS, deleted_at=now() + HOURS)
    assert 204 == client.send("DELETE", f"/Users/{users[20]}").status_code


def test_whoever_follows_the_log_does_not_wait_for_a_row_of_hours_ahead(scim: Scim) -> None:
    row = LogRecord(organization_id="acme", at=now() + HOURS, action="pending", status=0)

    async def work(app: ScimApp) -> int:
        following = asyncio.ensure_future(anext(app.log.follow("acme", last=0)))
        await asyncio.sleep(0.2)
        await app._runtime.store.write(lambda tx: tx.log.insert(row))
        return (await asyncio.wait_for(following, PATIENCE)).at

    assert row.at == scim.ask(work)


def test_the_use_of_a_token_is_noted_though_it_was_last_used_hours_ahead(
    scim: Scim, client: Client
) -> None:
    with scim.file() as file:
        file.execute("UPDATE tokens SET last_used_at = ?", (now() + HOURS,))
    client.get("/Users")
    until(lambda: all(each.last_used_at <= now() for each in scim.ask(tokens)))


async def tokens(app: ScimApp) -> list[Any]:
    return await app.tokens.list("acme")


@pytest.mark.parametrize("seconds", [0, -1, 300.1, float("nan")])
def test_a_hook_that_may_take_longer_than_any_claim_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="hook_timeout"):
        ScimApp("sqlite:///:memory:", hook_timeout=seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guard", Guard(seconds=1e300)),
        ("log_retention", LogRetention(days=float("inf"))),
        ("cursor_timeout", float("inf")),
    ],
)
def test_a_time_that_nothing_can_reckon_with_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        ScimApp("sqlite:///:memory:", **{name: value})


MOMENTS = (0, 1, 999, 5_000, 60_000, 302_000, 302_001, 3_600_000, HOURS)


@pytest.mark.parametrize("seconds", [0.1, 10, LONGEST_HOOK])
def test_a_claim_lasts_as_long_as_a_hook_may_take_whatever_the_clock_does(seconds: float) -> None:
    length = round(seconds * 1000) + GRACE
    bounds = present()
    for later, set_back in itertools.product(MOMENTS, MOMENTS):
        at = HOURS + later - set_back
        shown = Present(at, at + bounds.claims - bounds.now, at + bounds.deliveries - bounds.now)
        account = AccountRecord(
            organization_id="acme",
            id="a",
            wanted={},
            wanted_state="active",
            claimed_until=HOURS + length,
        )
        left = account.claimed_until - at
        if set_back == 0:
            assert shown.is_claimed(account) == (later < length)
        if shown.is_claimed(account):
            assert 0 < left <= LONGEST_HOOK * 1000 + GRACE + 5_000


@pytest.fixture
def accounts() -> Iterator[SqliteAccounts]:
    """The table of accounts in a database of its own."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate.migrate(connection)
        yield SqliteAccounts(connection, Counts())


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_what_is_due_in_sql_is_what_is_due(accounts: SqliteAccounts, limit: int) -> None:
    present = Present(now=10, claims=20, deliveries=30)
    around = [0, 9, 10, 11, 19, 20, 21, 29, 30, 31]
    made = [
        AccountRecord(
            organization_id="acme",
            id=uuid7(),
            wanted={},
            wanted_state="active",
            delivery_id=uuid7(),
            due_at=due_at,
            claimed_until=claimed_until,
            marked=True,
        )
        for due_at, claimed_until in itertools.product(around, around)
    ]
    for each in made:
        accounts.insert(each)
    free = [each for each in made if not present.is_claimed(each)]
    now_due = [each for each in free if each.due_at <= present.now]
    before_setback = [each for each in free if each.due_at > present.deliveries]
    due = [*now_due, *before_setback]
    assert 0 < len(before_setback) < len(now_due) < len(free) < len(made)
    found = accounts.due(present, limit)
    assert sorted(each.due_at for each in due)[:limit] == [each.due_at for each in found]
    assert {each.id for each in found} <= {each.id for each in due}
    assert [each.id for each in free][:limit] == [
        each.id for each in accounts.marked(present, limit)
    ]
    assert accounts.is_marked(present)
