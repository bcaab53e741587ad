"""A clock that is set back keeps nobody waiting until it has caught up.

What an earlier clock has left behind is written into the file: times that are hours ahead.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi import ScimApp
from scim_asgi.ids import uuid7
from scim_asgi.provisioning.clock import GRACE, LONGEST_HOOK, now, present
from scim_asgi.store.records import AccountRecord, Present
from scim_asgi.store.sqlite import migrate
from scim_asgi.store.sqlite.accounts import SqliteAccounts
from tests.client import Client, assert_error
from tests.conftest import Scim
from tests.product import raising
from tests.waiting import until

HOURS = 10 * 3_600_000
TITLE = {"op": "add", "path": "title", "value": "T"}
NAME = {"op": "replace", "path": "name.familyName", "value": "New"}


def leave_behind(scim: Scim, where: str = "TRUE", **columns: Any) -> None:
    """Write into accounts what a clock hours ahead has left there."""
    assignments = ", ".join(f"{name} = ?" for name in columns)
    with closing(sqlite3.connect(scim.database)) as file, file:
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
    leave_behind(scim, claimed_by="other", claimed_until=now() + 1500)
    began = now()
    assert 200 == client.patch(f"/Users/{user}", NAME).status_code
    assert now() - began > 1000


def test_what_was_released_for_days_ahead_is_not_let_through_for_ever(
    scim: Scim, client: Client
) -> None:
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(22)]
    for each in users[:20]:
        assert 204 == client.send("DELETE", f"/Users/{each}").status_code
    leave_behind(scim, "closed_at IS NULL", released_until=now() + 100 * HOURS)
    assert_error(client.send("DELETE", f"/Users/{users[20]}"), 503)


@pytest.mark.parametrize("seconds", [0, -1, 300.1, float("nan")])
def test_a_hook_that_may_take_longer_than_any_claim_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="hook_timeout"):
        ScimApp("sqlite:///:memory:", hook_timeout=seconds)


times = st.integers(0, 4 * HOURS)


@given(
    made=times,
    later=st.integers(0, 2 * HOURS),
    set_back=st.integers(0, 2 * HOURS),
    seconds=st.floats(0.1, LONGEST_HOOK),
)
def test_a_claim_lasts_as_long_as_a_hook_may_take_whatever_the_clock_does(
    made: int, later: int, set_back: int, seconds: float
) -> None:
    length = round(seconds * 1000) + GRACE
    at = made + later - set_back
    ahead = present()
    shown = Present(at, at + ahead.claims - ahead.now, at + ahead.deliveries - ahead.now)
    account = AccountRecord(
        organization_id="acme",
        id="a",
        wanted={},
        wanted_state="active",
        claimed_until=made + length,
    )
    if set_back == 0:
        assert shown.is_claimed(account) == (later < length)
    if shown.is_claimed(account):
        assert account.claimed_until - at <= LONGEST_HOOK * 1000 + GRACE + 5_000


@pytest.fixture(scope="module")
def accounts() -> Any:
    """The table of accounts in a database of its own."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate.migrate(connection)
        yield SqliteAccounts(connection)


moments = st.sampled_from([0, 9, 10, 11, 19, 20, 21, 29, 30, 31])


@given(rows=st.lists(st.tuples(moments, moments), max_size=6), limit=st.integers(1, 6))
def test_what_is_due_in_sql_is_what_is_due(
    accounts: SqliteAccounts, rows: list[tuple[int, int]], limit: int
) -> None:
    present = Present(now=10, claims=20, deliveries=30)
    accounts._connection.execute("DELETE FROM accounts")
    made = []
    for due_at, claimed_until in rows:
        record = AccountRecord(
            organization_id="acme",
            id=uuid7(),
            wanted={},
            wanted_state="active",
            delivery_id=uuid7(),
            due_at=due_at,
            claimed_until=claimed_until,
            marked=True,
        )
        made.append(record)
        accounts.insert(record)
    free = [each for each in made if not present.is_claimed(each)]
    due = [each.id for each in free if each.due_at <= 10 or each.due_at > 30]
    assert len(due[:limit]) == len(accounts.due(present, limit))
    assert {each.id for each in accounts.due(present, 10)} == {*due}
    assert [each.id for each in free] == [each.id for each in accounts.marked(present, 10)]
    assert bool(free) == accounts.is_marked(present)
