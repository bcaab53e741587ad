"""Resources looked through for people: newest first, a stretch at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from scim_asgi.store.selections import Browse, Browsed

_BEFORE = "AND number < :before"
_NAMED = """
SELECT resource FROM unique_values
WHERE organization_id = :organization_id AND resource_type = :resource_type
    AND path IN ('userName', 'displayName') AND value = :folded AND NOT held
UNION
SELECT resource FROM lookup_values
WHERE organization_id = :organization_id AND resource_type = :resource_type
    AND ((path = 'externalId' AND value = :text) OR (path = 'emails.value' AND value = :folded))
UNION
SELECT number FROM resources
WHERE id = :text AND organization_id = :organization_id AND resource_type = :resource_type
"""
_CONTAINS = """(
    instr(r.search ->> '$.userName', :folded) OR instr(r.search ->> '$.displayName', :folded)
    OR instr(r.search ->> '$.nickName', :folded)
    OR instr(r.search ->> '$.name.formatted', :folded)
    OR instr(coalesce(r.search ->> '$.name.givenName', '') || ' '
        || coalesce(r.search ->> '$.name.familyName', ''), :folded)
    OR instr(r.search ->> '$.externalId', :text)
    OR EXISTS (
        SELECT 1 FROM json_each(r.search, '$.emails') AS e
        WHERE instr(e.value ->> '$.value', :folded)
    )
)"""
_STATES = {
    "none": "a.number IS NULL",
    "held": "a.held_since IS NOT NULL",
    "pending": "a.delivery_id IS NOT NULL AND a.held_since IS NULL",
    "confirmed": "a.number IS NOT NULL AND a.delivery_id IS NULL AND a.held_since IS NULL",
}
_HAS_MEMBERS = "EXISTS (SELECT 1 FROM memberships AS m WHERE m.group_number = r.number)"
_MEMBERSHIPS = {"none": f"NOT {_HAS_MEMBERS}", "some": _HAS_MEMBERS}
_MEMBERS = """
SELECT group_number, count(*) FROM memberships
WHERE group_number IN (SELECT value FROM json_each(?)) GROUP BY group_number
"""


class SqliteBrowser:
    """`scim_asgi.store.base.Browser` on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def named(self, browse: Browse) -> list[int]:
        # CROSS JOIN: the few that are found first, then what they have to be besides.
        query = (
            f"SELECT r.number FROM ({_NAMED}) AS found "
            f"CROSS JOIN resources AS r ON r.number = found.resource {_JOIN} "
            f"WHERE {_where(browse, contains=False)} ORDER BY r.number DESC LIMIT 100"
        )
        return [number for (number,) in self._execute(query, _parameters(browse))]

    def stretch(self, browse: Browse) -> Browsed:
        parameters = _parameters(browse)
        window = _window(browse)
        end, count = self._execute(
            f"SELECT min(number), count(*) FROM ({window})", parameters
        ).fetchone()
        rows = self._execute(
            f"SELECT r.number FROM ({window}) AS r {_JOIN} WHERE {_where(browse, contains=True)} "
            "ORDER BY r.number DESC LIMIT :limit",
            parameters,
        )
        found = [number for (number,) in rows]
        return Browsed(found, end or 0, is_last=count < browse.stretch)

    def member_counts(self, groups: Sequence[int]) -> dict[int, int]:
        numbers = msgspec.json.encode(groups).decode()
        return dict(self._execute(_MEMBERS, (numbers,)).fetchall())


_JOIN = "LEFT JOIN accounts AS a ON a.resource = r.number"


def _window(browse: Browse) -> str:
    before = "" if browse.before is None else _BEFORE
    return (
        "SELECT number, search FROM resources WHERE organization_id = :organization_id "
        f"AND resource_type = :resource_type {before} ORDER BY number DESC LIMIT :stretch"
    )


def _where(browse: Browse, *, contains: bool) -> str:
    conditions = ["TRUE"]
    if browse.text and contains:
        conditions.append(_CONTAINS)
    if browse.active is not None:
        conditions.append("coalesce(r.search ->> '$.active', 1) = :active")
    if browse.state is not None:
        conditions.append(_STATES[browse.state])
    if browse.members is not None:
        conditions.append(_MEMBERSHIPS[browse.members])
    return " AND ".join(conditions)


def _parameters(browse: Browse) -> dict[str, Any]:
    return {
        "organization_id": browse.organization_id,
        "resource_type": browse.resource_type,
        "text": browse.text,
        "folded": browse.folded,
        "active": browse.active,
        "before": browse.before,
        "stretch": browse.stretch,
        "limit": browse.limit,
    }
