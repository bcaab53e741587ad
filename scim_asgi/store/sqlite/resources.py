"""SCIM resources in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from scim_asgi.store.errors import NotUnique
from scim_asgi.store.records import ResourceKeys, ResourceRecord
from scim_asgi.store.selections import Part, Selection
from scim_asgi.store.sqlite import queries
from scim_asgi.store.sqlite.counts import Counts
from scim_asgi.store.sqlite.lookups import TakesLong
from scim_asgi.store.sqlite.numbers import Numbers

_COLUMNS = """number, organization_id, resource_type, id, document, version, revision, created,
last_modified, coalesce((SELECT total FROM group_changes WHERE member_number = number), 0)"""
_GET = f"""
SELECT {_COLUMNS} FROM resources WHERE id = ? AND organization_id = ? AND resource_type = ?
"""
_BY_NUMBER = f"SELECT {_COLUMNS} FROM resources WHERE number = ?"
_BY_NUMBERS = f"""
SELECT {_COLUMNS} FROM resources WHERE number IN (SELECT value FROM json_each(?))
"""
_INSERT = """
INSERT INTO resources (number, organization_id, resource_type, id, document, search,
    version, revision, created, last_modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE = """
UPDATE resources SET document = ?, search = ?, version = ?, revision = ?, last_modified = ?
WHERE number = ?
"""
_LEAVE_GROUPS = """
UPDATE resources SET version = revision + 1, revision = revision + 1,
    last_modified = max(?, last_modified + 1)
WHERE number IN (SELECT group_number FROM memberships WHERE member_number = ?)
"""
_IN_MANY_GROUPS = "SELECT 1 FROM memberships WHERE member_number = ? LIMIT 1 OFFSET 50"
_DELETE = "DELETE FROM resources WHERE number = ?"
_TOTAL = "SELECT total FROM counts WHERE organization_id = ? AND counted = 'resource:' || ?"

_OWNER = """
SELECT resource FROM unique_values
WHERE organization_id = ? AND resource_type = ? AND path = ? AND value = ?
"""
_INSERT_UNIQUE = """
INSERT INTO unique_values VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT DO UPDATE SET held = 0 WHERE resource = excluded.resource
"""
_HOLD_UNIQUE = """
UPDATE unique_values SET held = 1
WHERE organization_id = ? AND resource_type = ? AND path = ? AND value = ? AND resource = ?
"""
_RELEASE_UNIQUE = "DELETE FROM unique_values WHERE resource = ? AND held"
_DELETE_UNIQUE = """
DELETE FROM unique_values
WHERE organization_id = ? AND resource_type = ? AND path = ? AND value = ? AND resource = ?
"""
_INSERT_LOOKUP = "INSERT OR IGNORE INTO lookup_values VALUES (?, ?, ?, ?, ?)"
_DELETE_LOOKUP = """
DELETE FROM lookup_values
WHERE organization_id = ? AND resource_type = ? AND path = ? AND value = ? AND resource = ?
"""

Key: TypeAlias = tuple[str, Any]
"""A path and the value there."""

_LONG = 50_000
"""How many characters of a document are read, changed and written in well under a millisecond."""

_NO_KEYS = ResourceKeys((), ())
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SqliteResources:
    """`scim_asgi.store.base.Resources` on a connection.

    Args:
        connection: The connection.
        counts: What counts the resources of each type.
        numbers: What numbers new ones.
        is_brief: Whether a document that is too long to be read at once raises TakesLong.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        counts: Counts,
        numbers: Numbers,
        *,
        is_brief: bool = False,
    ) -> None:
        self._counts = counts
        self._numbers = numbers
        self._connection = connection
        self._execute = connection.execute
        self._execute_many = connection.executemany
        self._is_brief = is_brief

    def get(
        self, organization_id: str, resource_type: str, resource_id: str
    ) -> ResourceRecord | None:
        row = self._execute(_GET, (resource_id, organization_id, resource_type)).fetchone()
        return None if row is None else self._record(row)

    def by_number(self, number: int) -> ResourceRecord | None:
        row = self._execute(_BY_NUMBER, (number,)).fetchone()
        return None if row is None else self._record(row)

    def by_numbers(self, numbers: Sequence[int]) -> dict[int, ResourceRecord]:
        rows = self._execute(_BY_NUMBERS, (_encode(numbers).decode(),))
        return {record.number: record for record in map(self._record, rows)}

    def owner(self, organization_id: str, resource_type: str, path: str, value: Any) -> int | None:
        row = self._execute(_OWNER, (organization_id, resource_type, path, value)).fetchone()
        return None if row is None else int(row[0])

    def insert(self, record: ResourceRecord, search: dict[str, Any], keys: ResourceKeys) -> int:
        record = replace(record, number=self._numbers.next(self._connection))
        # What is refused first of all has changed nothing.
        try:
            self._take_unique(record, keys.unique)
        except NotUnique:
            self._write(_DELETE_UNIQUE, record, keys.unique)
            raise
        self._execute(
            _INSERT,
            (
                record.number,
                record.organization_id,
                record.resource_type,
                record.id,
                _encode(record.document).decode(),
                _encode(search).decode(),
                record.version,
                record.revision,
                record.created,
                record.last_modified,
            ),
        )
        self._write(_INSERT_LOOKUP, record, keys.lookups)
        self._add_to_count(record, 1)
        return record.number

    def update(
        self,
        record: ResourceRecord,
        search: dict[str, Any],
        before: ResourceKeys,
        after: ResourceKeys,
        *,
        hold: bool = False,
    ) -> None:
        self._change_keys(record, before, after, hold=hold)
        self._execute(
            _UPDATE,
            (
                _encode(record.document).decode(),
                _encode(search).decode(),
                record.version,
                record.revision,
                record.last_modified,
                record.number,
            ),
        )

    def release(self, number: int) -> None:
        self._execute(_RELEASE_UNIQUE, (number,))

    def delete(self, record: ResourceRecord, keys: ResourceKeys, at: int) -> None:
        if self._is_brief and self._execute(_IN_MANY_GROUPS, (record.number,)).fetchone():
            raise TakesLong
        self._execute(_LEAVE_GROUPS, (at, record.number))
        self._change_keys(record, keys, _NO_KEYS)
        self.release(record.number)
        if self._execute(_DELETE, (record.number,)).rowcount:
            self._add_to_count(record, -1)

    def _add_to_count(self, record: ResourceRecord, more: int) -> None:
        self._counts.add(record.organization_id, f"resource:{record.resource_type}", more)

    def _change_keys(
        self,
        record: ResourceRecord,
        before: ResourceKeys,
        after: ResourceKeys,
        *,
        hold: bool = False,
    ) -> None:
        if before == after:
            return
        given_up = _HOLD_UNIQUE if hold else _DELETE_UNIQUE
        self._write(given_up, record, set(before.unique) - set(after.unique))
        self._take_unique(record, set(after.unique) - set(before.unique))
        self._write(_DELETE_LOOKUP, record, set(before.lookups) - set(after.lookups))
        self._write(_INSERT_LOOKUP, record, set(after.lookups) - set(before.lookups))

    def _take_unique(self, record: ResourceRecord, values: Iterable[Key]) -> None:
        for path, value in values:
            key = (record.organization_id, record.resource_type, path, value, record.number)
            if not self._execute(_INSERT_UNIQUE, key).rowcount:
                raise NotUnique(path)

    def _write(self, query: str, record: ResourceRecord, values: Collection[Key]) -> None:
        """Run a query for each of a record's values."""
        if values:
            space, number = (record.organization_id, record.resource_type), record.number
            self._execute_many(query, [(*space, *each, number) for each in values])

    def select(self, selection: Selection) -> list[ResourceRecord]:
        if selection.is_look_up and not selection.is_sorted:
            query = queries.select(selection, _COLUMNS)
            return [self._record(row) for row in self._execute(query.sql, query.parameters)]
        # Documents are read once it is known which: sorting does not carry them along.
        query = queries.select(selection)
        numbers = [row[0] for row in self._execute(query.sql, query.parameters)]
        found = self.by_numbers(numbers)
        return [found[number] for number in numbers]

    def count(self, selection: Selection) -> int:
        return sum(self._count(selection, part) for part in selection.parts)

    def _count(self, selection: Selection, part: Part) -> int:
        if part.condition is None:
            self._counts.write(self._connection)
            space = (selection.organization_id, part.definition.name)
            row = self._execute(_TOTAL, space).fetchone()
            return 0 if row is None else int(row[0])
        query = queries.count(selection, part)
        return int(self._execute(query.sql, query.parameters).fetchone()[0])

    def _record(self, row: tuple[Any, ...]) -> ResourceRecord:
        if self._is_brief and len(row[4]) > _LONG:
            raise TakesLong
        return ResourceRecord(
            number=row[0],
            organization_id=row[1],
            resource_type=row[2],
            id=row[3],
            document=_decode(row[4]),
            version=row[5],
            revision=row[6],
            created=row[7],
            last_modified=row[8],
            group_changes=row[9],
        )
