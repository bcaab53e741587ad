"""The provisioning log in SQLite."""

from __future__ import annotations

import builtins
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from scim_asgi.store.records import LogRecord
from scim_asgi.store.selections import LogSelection
from scim_asgi.store.sqlite.counts import Counts
from scim_asgi.store.sqlite.rows import Table

_JSON = frozenset({"changes", "attributes", "members", "hook", "notes"})
_LOG = Table("provisioning_log", LogRecord, json=_JSON, seldom=("scim_type",))
_COMPLETE = """
UPDATE provisioning_log SET action = ?, status = ?, scim_type = ?, detail = ?, changes = ?,
    attributes = ?, members = ?, hook = ?
WHERE number = ?
"""
_CONFIRM = "UPDATE provisioning_log SET action = ?, status = ?, hook = ? WHERE number = ?"
_GIVE_UP = """
UPDATE provisioning_log INDEXED BY provisioning_log_by_resource SET action = 'failed', detail = ?,
    changes = '{}'
WHERE organization_id = ? AND resource_id = ? AND resource_id <> '' AND action = 'pending'
    AND number <> ?
"""
_COUNT = """
SELECT coalesce(sum(count), 0) FROM provisioning_log
WHERE organization_id = ? AND action IN (SELECT value FROM json_each(?)) AND at > ? AND at <= ?
"""
_LATEST_ACTIONS = """
SELECT action FROM (
    SELECT action, method, status FROM provisioning_log
    WHERE organization_id = ? AND at > ? AND at <= ?
    ORDER BY at DESC, number DESC LIMIT 200
) WHERE method <> '' AND status <> 401 AND action NOT IN ('skipped', 'pending') LIMIT ?
"""
_COUNTS = """
SELECT action, sum(count) FROM provisioning_log
WHERE organization_id = ? AND at >= ? GROUP BY action ORDER BY action
"""
_IDS = """
SELECT DISTINCT resource_id FROM provisioning_log INDEXED BY provisioning_log_by_name
WHERE organization_id = ? AND resource_name = ? COLLATE NOCASE AND resource_name <> ''
    AND resource_id <> '' LIMIT 100
"""
_ABOUT = """(
    SELECT number FROM provisioning_log INDEXED BY provisioning_log_by_resource
    WHERE organization_id = :organization_id AND resource_id <> ''
        AND resource_id IN (SELECT value FROM json_each(:ids))
    UNION
    SELECT number FROM provisioning_log INDEXED BY provisioning_log_by_name
    WHERE organization_id = :organization_id AND resource_name <> ''
        AND resource_name = :user COLLATE NOCASE
) AS about CROSS JOIN provisioning_log AS l ON l.number = about.number"""
_ORDER = "ORDER BY l.at DESC, l.number DESC LIMIT :limit"
_BY_NUMBERS = "WHERE number IN (SELECT value FROM json_each(?))"
_ORGANIZATIONS = """
SELECT organization_id, total FROM counts
WHERE organization_id > ? AND counted = 'log' ORDER BY 1 LIMIT ?
"""
_HAS_BEFORE = "SELECT 1 FROM provisioning_log WHERE organization_id = ? AND at < ? LIMIT 1"
_PRUNE = """
DELETE FROM provisioning_log WHERE number IN (
    SELECT number FROM provisioning_log WHERE organization_id = ? AND at < ? ORDER BY at LIMIT ?
)
"""
_PRUNE_ROWS = """
DELETE FROM provisioning_log WHERE number IN (
    SELECT number FROM provisioning_log WHERE organization_id = ? AND surface = ''
    ORDER BY number LIMIT ?
)
"""

_encode = msgspec.json.Encoder().encode


class SqliteLog:
    """`scim_asgi.store.base.LogTable` on a connection.

    Args:
        connection: The connection.
        counts: What counts the rows.
        kept: Returns what is kept of a row.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        counts: Counts,
        kept: Callable[[LogRecord], LogRecord],
    ) -> None:
        self._connection = connection
        self._counts = counts
        self._kept = kept

    def insert(self, record: LogRecord) -> int:
        number = _LOG.insert(self._connection, self._kept(record))
        self._counts.add(record.organization_id, "log", 1)
        return number

    def complete(self, record: LogRecord) -> None:
        kept = self._kept(record)
        parts = (kept.changes, kept.attributes, kept.members, kept.hook)
        values = [_encode(part).decode() for part in parts]
        said = (kept.action, kept.status, kept.scim_type, kept.detail)
        self._connection.execute(_COMPLETE, (*said, *values, record.number))

    def confirm(self, record: LogRecord) -> None:
        hook = _encode(record.hook).decode()
        self._connection.execute(_CONFIRM, (record.action, record.status, hook, record.number))

    def give_up(self, record: LogRecord, detail: str) -> None:
        given = (detail, record.organization_id, record.resource_id, record.number)
        self._connection.execute(_GIVE_UP, given)

    def list(
        self, organization_id: str, *, after: int = 0, limit: int = 100
    ) -> builtins.list[LogRecord]:
        condition = "WHERE organization_id = ? AND number > ? ORDER BY number LIMIT ?"
        return _LOG.all(self._connection, condition, (organization_id, after, limit))

    def latest(self, organization_id: str, *, limit: int = 100) -> builtins.list[LogRecord]:
        condition = "WHERE organization_id = ? ORDER BY number DESC LIMIT ?"
        return _LOG.all(self._connection, condition, (organization_id, limit))[::-1]

    def select(self, selection: LogSelection) -> builtins.list[LogRecord]:
        if selection.actions == ():
            return []
        named = self._named(selection)
        numbers = [number for number, _ in self._connection.execute(_numbers(selection), named)]
        rows = _LOG.all(self._connection, _BY_NUMBERS, (_encode(numbers).decode(),))
        return sorted(rows, key=lambda row: (row.at, row.number), reverse=True)

    def _named(self, selection: LogSelection) -> dict[str, Any]:
        named: dict[str, Any] = {
            "organization_id": selection.organization_id,
            "since": selection.since,
            "until": selection.until,
            "limit": selection.limit,
            **{f"action{index}": action for index, action in enumerate(selection.actions or ())},
        }
        if selection.before is not None:
            named["at"], named["number"] = selection.before
        if selection.user is not None:
            named["user"] = selection.user
            named["ids"] = _encode(self.ids(selection.organization_id, selection.user)).decode()
        return named

    def ids(self, organization_id: str, user: str) -> builtins.list[str]:
        rows = self._connection.execute(_IDS, (organization_id, user))
        return [user, *(found for (found,) in rows)]

    def counts(self, organization_id: str, *, since: int) -> dict[str, int]:
        return dict(self._connection.execute(_COUNTS, (organization_id, since)).fetchall())

    def count(self, organization_id: str, actions: Sequence[str], since: int, until: int) -> int:
        given = (organization_id, _encode(actions).decode(), since, until)
        return int(self._connection.execute(_COUNT, given).fetchone()[0])

    def latest_actions(
        self, organization_id: str, since: int, until: int, limit: int
    ) -> builtins.list[str]:
        rows = self._connection.execute(_LATEST_ACTIONS, (organization_id, since, until, limit))
        return [action for (action,) in rows]

    def totals(self, after: str, limit: int) -> builtins.list[tuple[str, int]]:
        self._counts.write(self._connection)
        return self._connection.execute(_ORGANIZATIONS, (after, limit)).fetchall()

    def has_before(self, organization_id: str, at: int) -> bool:
        return self._connection.execute(_HAS_BEFORE, (organization_id, at)).fetchone() is not None

    def prune_before(self, organization_id: str, at: int, limit: int) -> int:
        return self._prune(organization_id, _PRUNE, (organization_id, at, limit))

    def prune_oldest(self, organization_id: str, limit: int) -> int:
        return self._prune(organization_id, _PRUNE_ROWS, (organization_id, limit))

    def _prune(self, organization_id: str, query: str, given: tuple[Any, ...]) -> int:
        pruned = self._connection.execute(query, given).rowcount
        self._counts.add(organization_id, "log", -pruned)
        return pruned


def _numbers(selection: LogSelection) -> str:
    """Return the query for number and time of a selection's rows, in its order.

    The planner would rather walk through all rows in their order than look few up, so that each
    query leaves it one way alone.
    """
    condition = _conditions(selection)
    marks = [f":action{index}" for index, _ in enumerate(selection.actions or ())]
    if selection.user is not None:
        # A user has few rows: they are found first, whatever else is asked for.
        some = f" AND l.action IN ({', '.join(marks)})" if marks else ""
        return f"SELECT l.number, l.at FROM {_ABOUT} WHERE {condition}{some} {_ORDER}"
    if not marks:
        return f"SELECT l.number, l.at FROM provisioning_log AS l WHERE {condition} {_ORDER}"
    # Each action has its own stretch of the index, which is read from its end.
    parts = [
        "SELECT * FROM (SELECT l.number, l.at FROM provisioning_log AS l "
        f"INDEXED BY provisioning_log_by_action WHERE {condition} AND l.action = {mark} {_ORDER})"
        for mark in marks
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS l {_ORDER}"


def _conditions(selection: LogSelection) -> str:
    conditions = ["l.organization_id = :organization_id"]
    if selection.since is not None:
        conditions.append("l.at >= :since")
    if selection.until is not None:
        conditions.append("l.at < :until")
    if selection.before is not None:
        conditions.append("l.at <= :at AND (l.at, l.number) < (:at, :number)")
    return " AND ".join(conditions)
