"""Memberships in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from scim_asgi.store.records import Related
from scim_asgi.store.sqlite.lookups import TakesLong

# The + keeps the planner from looking through everybody in the organization for the ids.
_RESOLVE = """
SELECT id, number FROM resources
WHERE +organization_id = ? AND id IN (SELECT value FROM json_each(?))
"""
_IDS = "SELECT number, id FROM resources WHERE number IN (SELECT value FROM json_each(?))"
_ADD = """
INSERT OR IGNORE INTO memberships (group_number, member_number)
SELECT ?, value FROM json_each(?) WHERE TRUE RETURNING member_number
"""
_REMOVE = """
DELETE FROM memberships
WHERE group_number = ? AND member_number IN (SELECT value FROM json_each(?))
RETURNING member_number
"""
_CLEAR = "DELETE FROM memberships WHERE group_number = ? RETURNING member_number"
_COUNT_CHANGE = """
INSERT INTO group_changes
SELECT number, 1 FROM resources
WHERE number IN (SELECT value FROM json_each(?))
AND resource_type IN (SELECT value FROM json_each(?))
ON CONFLICT DO UPDATE SET total = total + 1
"""
_RELATED = """
o.number, o.id, o.resource_type,
coalesce(o.document ->> '$.displayName', o.document ->> '$.userName')
"""
_OF_GROUPS = f"""
SELECT m.group_number, {_RELATED} FROM memberships AS m
JOIN resources AS o ON o.number = m.member_number
WHERE m.group_number IN (SELECT value FROM json_each(?))
ORDER BY m.group_number, m.member_number
"""
_NAME = "o.search ->> '$.displayName'"
_GROUPS = "memberships AS m JOIN resources AS o ON o.number = m.group_number"
_GROUPS_OF = f"SELECT {_NAME}, {_RELATED} FROM {_GROUPS} WHERE m.member_number = ? LIMIT ?"
_GROUPS_OF_ALL = f"""
SELECT m.member_number, {_RELATED} FROM {_GROUPS}
WHERE m.member_number IN (SELECT value FROM json_each(?)) ORDER BY m.member_number, {_NAME}, o.id
"""

_FEW = 200
"""How many groups of a resource are read at once."""

_encode = msgspec.json.Encoder().encode


def _json(values: Iterable[Any]) -> str:
    return _encode(list(values)).decode()


class SqliteMembers:
    """`scim_asgi.store.base.Members` on a connection.

    Args:
        connection: The connection.
        is_brief: Whether a resource that has too many groups to read them at once raises TakesLong.
    """

    def __init__(self, connection: sqlite3.Connection, *, is_brief: bool = False) -> None:
        self._execute = connection.execute
        self._is_brief = is_brief

    def resolve(self, organization_id: str, ids: Sequence[str]) -> dict[str, int]:
        return dict(self._execute(_RESOLVE, (organization_id, _json(ids))).fetchall())

    def ids(self, numbers: Iterable[int]) -> dict[int, str]:
        return dict(self._execute(_IDS, (_json(numbers),)).fetchall())

    def add(self, group: int, members: Iterable[int]) -> list[int]:
        return self._numbers(_ADD, (group, _json(members)))

    def remove(self, group: int, members: Iterable[int]) -> list[int]:
        return self._numbers(_REMOVE, (group, _json(members)))

    def clear(self, group: int) -> list[int]:
        return self._numbers(_CLEAR, (group,))

    def count_change(self, members: Iterable[int], resource_types: Iterable[str]) -> None:
        self._execute(_COUNT_CHANGE, (_json(members), _json(resource_types)))

    def of_group(self, group: int) -> list[Related]:
        return self.of_groups([group])[group]

    def of_groups(self, groups: Sequence[int]) -> dict[int, list[Related]]:
        return self._related(_OF_GROUPS, groups)

    def groups_of(self, member: int) -> list[Related]:
        limit = _FEW + 1 if self._is_brief else -1
        rows = self._execute(_GROUPS_OF, (member, limit)).fetchall()
        if len(rows) == limit:
            raise TakesLong
        rows.sort(key=lambda row: (row[0] or "", row[2]))
        return [Related(*row[1:]) for row in rows]

    def groups_of_all(self, members: Sequence[int]) -> dict[int, list[Related]]:
        if len(members) == 1:
            return {members[0]: self.groups_of(members[0])}
        return self._related(_GROUPS_OF_ALL, members)

    def _numbers(self, query: str, parameters: tuple[Any, ...]) -> list[int]:
        return [row[0] for row in self._execute(query, parameters).fetchall()]

    def _related(self, query: str, numbers: Sequence[int]) -> dict[int, list[Related]]:
        related: dict[int, list[Related]] = {number: [] for number in numbers}
        for owner, *row in self._execute(query, (_json(numbers),)):
            related[owner].append(Related(*row))
        return related
