"""The host's accounts in SQLite."""

from __future__ import annotations

import builtins
import sqlite3
import time
from collections.abc import Iterable

import msgspec
from msgspec.structs import asdict

from scim_asgi.ids import made_at
from scim_asgi.store.records import (
    AccountRecord,
    AccountState,
    Closings,
    HeldChange,
    Present,
    WorkLeft,
)
from scim_asgi.store.sqlite.counts import Counts
from scim_asgi.store.sqlite.rows import Table

_TABLE = Table(
    "accounts",
    AccountRecord,
    json=frozenset({"wanted", "confirmed"}),
    flags=frozenset({"marked", "uncertain"}),
    seldom=("host_id", "confirmed", "confirmed_state", "held_since", "held_change"),
)
# What is wanted stays the same while the delivery's id does.
_CONFIRM = """
UPDATE accounts SET confirmed = wanted, confirmed_state = wanted_state,
    host_id = coalesce(?, host_id), undo = NULL, uncertain = 0, delivery_id = NULL, attempt = 0,
    due_at = 0, claimed_by = NULL, claimed_until = 0
WHERE number = ? AND claimed_by = ? AND delivery_id = ?
"""
_HAS_RETURN_KEY = """
SELECT 1 FROM accounts WHERE organization_id = ? AND return_key = ? LIMIT 1
"""
_MARK = """
UPDATE accounts SET marked = 1
WHERE resource IN (SELECT value FROM json_each(?)) AND NOT marked
"""
_EXTENT = """
SELECT count(*), coalesce(max(number), 0) FROM accounts
WHERE organization_id = ? AND resource IS NOT NULL
"""
_ORGANIZATIONS = """
SELECT DISTINCT organization_id FROM counts
WHERE counted IN ('account:active', 'account:inactive', 'account:deleted')
"""
_UNSETTLED = """
SELECT (
    SELECT count(*) FROM accounts INDEXED BY accounts_to_deliver
    WHERE delivery_id IS NOT NULL AND organization_id = :organization_id
) + (
    SELECT count(*) FROM accounts INDEXED BY accounts_marked
    WHERE marked AND delivery_id IS NULL AND organization_id = :organization_id
)
"""
_NEXT_DUE = """
SELECT min(max(due_at, claimed_until)) FROM accounts
WHERE delivery_id IS NOT NULL AND max(due_at, claimed_until) > ?
"""
_FREE = "NOT (claimed_until > :now AND claimed_until <= :claims)"
_IS_MARKED = f"SELECT 1 FROM accounts WHERE marked AND {_FREE} LIMIT 1"
_MARKED = f"WHERE marked AND {_FREE} ORDER BY number LIMIT :limit"
_DUE = f"""
WHERE delivery_id IS NOT NULL AND due_at <= :now AND {_FREE}
ORDER BY due_at, delivery_id LIMIT :limit
"""
_DUE_BEFORE_SETBACK = f"""
WHERE delivery_id IS NOT NULL AND due_at > :deliveries AND {_FREE}
ORDER BY due_at, delivery_id LIMIT :limit
"""
_MAKE_DUE = """
UPDATE accounts INDEXED BY accounts_to_deliver SET due_at = ?
WHERE organization_id = ? AND delivery_id IS NOT NULL
"""
_PENDING = """
SELECT count(*), count(*) FILTER (WHERE due_at > :since), min(delivery_id) FROM accounts
WHERE delivery_id IS NOT NULL AND organization_id = coalesce(:organization_id, organization_id)
"""
_TO_MAP = """
SELECT (
    SELECT count(*) FROM accounts
    WHERE marked AND organization_id = coalesce(:organization_id, organization_id)
) + (
    SELECT coalesce(sum(total - mapped), 0) FROM remappings
    WHERE finished_at IS NULL AND NOT blocked AND organization_id = coalesce(:organization_id, organization_id)
)
"""
_HELD = """
SELECT held_change, count(*) FROM accounts
WHERE held_since IS NOT NULL AND organization_id = coalesce(:organization_id, organization_id)
GROUP BY held_change
"""
_OF_STATE = """
coalesce((SELECT total FROM counts WHERE organization_id = ?1 AND counted = 'account:{}'), 0)
"""
_SINCE = """(
    SELECT count(*) FROM accounts
    WHERE organization_id = ?1 AND {0} > ?2 AND {0} <= ?3 AND {0} > released_until
)"""
_CLOSINGS = f"""
SELECT {_OF_STATE.format("active")}, {_OF_STATE.format("inactive")},
    {_SINCE.format("closed_at")}, {_SINCE.format("deleted_at")},
    EXISTS (SELECT 1 FROM accounts WHERE organization_id = ?1 AND held_since IS NOT NULL)
"""
_IS_HELD = "SELECT 1 FROM accounts WHERE organization_id = ? AND held_since IS NOT NULL LIMIT 1"
_COUNT_HELD = "SELECT count(*) FROM accounts WHERE organization_id = ? AND held_since IS NOT NULL"
_HOLD = """
UPDATE accounts SET held_since = coalesce(held_since, ?), held_change = ? WHERE number = ?
"""
_RELEASE = """
UPDATE accounts SET held_since = NULL, held_change = NULL, released_until = ?, marked = resource IS NOT NULL
WHERE organization_id = ? AND held_since IS NOT NULL
"""

_encode = msgspec.json.Encoder().encode


class SqliteAccounts:
    """`scim_asgi.store.base.Accounts` on a connection.

    Args:
        connection: The connection.
        counts: What counts the accounts in each state.
    """

    def __init__(self, connection: sqlite3.Connection, counts: Counts) -> None:
        self._connection = connection
        self._counts = counts

    def by_number(self, number: int) -> AccountRecord | None:
        return _TABLE.one(self._connection, "WHERE number = ?", (number,))

    def of_resource(self, resource: int) -> AccountRecord | None:
        return _TABLE.one(self._connection, "WHERE resource = ?", (resource,))

    def by_return_key(self, organization_id: str, key: str) -> builtins.list[AccountRecord]:
        # Mostly there is none, and a query for many columns is dear without a row too.
        if self._connection.execute(_HAS_RETURN_KEY, (organization_id, key)).fetchone() is None:
            return []
        condition = "WHERE organization_id = ? AND return_key = ? ORDER BY number"
        return _TABLE.all(self._connection, condition, (organization_id, key))

    def insert(self, record: AccountRecord) -> int:
        number = _TABLE.insert(self._connection, record)
        self._count(record, 1)
        return number

    def update(self, before: AccountRecord, after: AccountRecord) -> None:
        if before.wanted_state == after.wanted_state:
            _TABLE.update(self._connection, before.number, before, after)
            return
        closing = _closing(before.wanted_state, after.wanted_state)
        _TABLE.update(self._connection, before.number, before, after, closing)
        self._count(before, -1)
        self._count(after, 1)

    def _count(self, record: AccountRecord, more: int) -> None:
        self._counts.add(record.organization_id, f"account:{record.wanted_state}", more)

    def confirm(self, delivered: AccountRecord, host_id: str | None) -> bool:
        named = (host_id, delivered.number, delivered.claimed_by, delivered.delivery_id)
        return self._connection.execute(_CONFIRM, named).rowcount == 1

    def delete(self, number: int) -> None:
        query = "DELETE FROM accounts WHERE number = ? RETURNING organization_id, wanted_state"
        for organization_id, state in self._connection.execute(query, (number,)).fetchall():
            self._counts.add(organization_id, f"account:{state}", -1)

    def mark(self, resources: Iterable[int]) -> None:
        self._connection.execute(_MARK, (_encode(list(resources)).decode(),))

    def extent(self, organization_id: str) -> tuple[int, int]:
        total, last = self._connection.execute(_EXTENT, (organization_id,)).fetchone()
        return total, last

    def of_organization(
        self, organization_id: str, *, after: int, last: int, limit: int
    ) -> list[AccountRecord]:
        condition = (
            "WHERE organization_id = ? AND number > ? AND number <= ? AND resource IS NOT NULL "
            "ORDER BY number LIMIT ?"
        )
        return _TABLE.all(self._connection, condition, (organization_id, after, last, limit))

    def organizations(self) -> builtins.list[str]:
        self._counts.write(self._connection)
        return [each for (each,) in self._connection.execute(_ORGANIZATIONS)]

    def unsettled(self, organization_id: str) -> int:
        return int(
            self._connection.execute(_UNSETTLED, {"organization_id": organization_id}).fetchone()[0]
        )

    def marked(self, present: Present, limit: int) -> builtins.list[AccountRecord]:
        return _TABLE.all(self._connection, _MARKED, {**asdict(present), "limit": limit})

    def due(self, present: Present, limit: int) -> builtins.list[AccountRecord]:
        named = {**asdict(present), "limit": limit}
        # Apart, so that each walks the index in order.
        due = _TABLE.all(self._connection, _DUE, named)
        named["limit"] -= len(due)
        if named["limit"]:
            due += _TABLE.all(self._connection, _DUE_BEFORE_SETBACK, named)
        return due

    def next_due(self, now: int) -> int | None:
        due: int | None = self._connection.execute(_NEXT_DUE, (now,)).fetchone()[0]
        return due

    def is_marked(self, present: Present) -> bool:
        return self._connection.execute(_IS_MARKED, asdict(present)).fetchone() is not None

    def list(
        self, organization_id: str, *, after: int = 0, limit: int = 100
    ) -> builtins.list[AccountRecord]:
        condition = "WHERE organization_id = ? AND number > ? ORDER BY number LIMIT ?"
        return _TABLE.all(self._connection, condition, (organization_id, after, limit))

    def pending(self, organization_id: str | None, limit: int) -> builtins.list[AccountRecord]:
        condition = (
            "WHERE delivery_id IS NOT NULL AND organization_id = coalesce(?, organization_id) "
            "ORDER BY delivery_id LIMIT ?"
        )
        return _TABLE.all(self._connection, condition, (organization_id, limit))

    def make_due(self, organization_id: str, at: int) -> int:
        return self._connection.execute(_MAKE_DUE, (at, organization_id)).rowcount

    def work_left(self, organization_id: str | None, since: int) -> WorkLeft:
        named = {"organization_id": organization_id, "since": since}
        pending, waiting, oldest = self._connection.execute(_PENDING, named).fetchone()
        held = dict(self._connection.execute(_HELD, named).fetchall())
        return WorkLeft(
            pending=pending,
            waiting=waiting,
            to_map=self._connection.execute(_TO_MAP, named).fetchone()[0],
            held=sum(held.values()),
            held_changes=held,
            oldest=None if oldest is None else made_at(oldest),
        )

    def closings(self, organization_id: str, since: int, until: int) -> Closings:
        given = (organization_id, since, until)
        active, inactive, closed, deleted, is_held = self._connection.execute(
            _CLOSINGS, given
        ).fetchone()
        active += self._counts.unwritten(organization_id, "account:active")
        inactive += self._counts.unwritten(organization_id, "account:inactive")
        return Closings(active, active + inactive, closed, deleted, bool(is_held))

    def held(self, organization_id: str) -> int:
        return int(self._connection.execute(_COUNT_HELD, (organization_id,)).fetchone()[0])

    def is_held(self, organization_id: str) -> bool:
        return self._connection.execute(_IS_HELD, (organization_id,)).fetchone() is not None

    def hold(self, number: int, change: HeldChange, at: int) -> None:
        self._connection.execute(_HOLD, (at, change, number))

    def release(self, organization_id: str, until: int) -> int:
        return self._connection.execute(_RELEASE, (until, organization_id)).rowcount


def _closing(before: AccountState, after: AccountState) -> dict[str, int | None]:
    """Return what is noted of when an account was closed, where its state has changed.

    What is taken back counts no more; an account that was closed already was closed then.
    """
    at = time.time_ns() // 1_000_000
    deleted: dict[str, int | None] = {"deleted_at": at if after == "deleted" else None}
    if "active" not in (before, after):
        return deleted
    return {"closed_at": at if before == "active" else None, **deleted}
