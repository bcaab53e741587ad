"""Structs to rows and back: a field is a column of the same name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import fields

R = TypeVar("R", bound=Struct)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Insert(Struct, frozen=True):
    """A statement that inserts, and where in its values what stands."""

    sql: str
    get: Callable[[Any], tuple[Any, ...]]
    json: list[int]
    flags: list[int]

    def values(self, record: Struct) -> list[Any]:
        """Return what of a record is bound to the statement."""
        values = list(self.get(record))
        for place in self.json:
            if values[place] is not None:
                values[place] = _encode(values[place]).decode()
        for place in self.flags:
            values[place] = int(values[place])
        return values


class Table(Generic[R]):
    """A table whose rows are values of a struct; the key is the column `number`.

    Args:
        name: The table's name.
        record: The struct; a field `number`, where it has one, is the key and not written.
        json: The fields that are stored as JSON text.
        flags: The fields that are booleans, which SQLite keeps as 0 and 1.
        seldom: The fields that a new record seldom has. None is dear to bind: it is offered to
            adapters first, as all is that is no plain int, float or str.
    """

    def __init__(
        self,
        name: str,
        record: type[R],
        *,
        json: frozenset[str] = frozenset(),
        flags: frozenset[str] = frozenset(),
        seldom: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._record = record
        self._names = [field.name for field in fields(record)]
        self._written = [each for each in self._names if each != "number"]
        self._get = attrgetter(*self._written)
        self._json = json
        self._flags = flags
        self._json_places = [self._names.index(each) for each in json]
        self._flag_places = [self._names.index(each) for each in flags]
        self._seldom = tuple(map(attrgetter, seldom))
        self._select = f"SELECT {', '.join(self._names)} FROM {name}"
        self._insert = self._compile_insert(self._written)
        self._insert_most = self._compile_insert([x for x in self._written if x not in seldom])
        self._updates: dict[tuple[str, ...], str] = {}
        self._queries: dict[str, str] = {}

    def _compile_insert(self, names: list[str]) -> _Insert:
        marks = ", ".join("?" * len(names))
        return _Insert(
            sql=f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({marks})",
            get=attrgetter(*names),
            json=[names.index(name) for name in self._json if name in names],
            flags=[names.index(name) for name in self._flags if name in names],
        )

    def insert(self, connection: sqlite3.Connection, record: R) -> int:
        """Insert a record and return its number."""
        is_full = any(get(record) is not None for get in self._seldom)
        insert = self._insert if is_full else self._insert_most
        number = connection.execute(insert.sql, insert.values(record)).lastrowid
        assert number is not None
        return number

    def update(
        self,
        connection: sqlite3.Connection,
        number: int,
        before: R,
        after: R,
        more: dict[str, Any] | None = None,
    ) -> None:
        """Write the fields of a record that differ; indexes of all others stay as they are.

        Args:
            connection: The connection.
            number: The record's number.
            before: The record as it is stored.
            after: The record as it is to be.
            more: Further columns and their values.
        """
        compared = zip(self._written, self._get(before), self._get(after), strict=True)
        changed = {name: new for name, old, new in compared if old is not new and old != new}
        if more:
            changed.update(more)
        if not changed:
            return
        names = tuple(changed)
        query = self._updates.get(names)
        if query is None:
            assignments = ", ".join(f"{name} = ?" for name in names)
            query = f"UPDATE {self.name} SET {assignments} WHERE number = ?"
            self._updates[names] = query
        for name in self._json:
            if changed.get(name) is not None:
                changed[name] = _encode(changed[name]).decode()
        connection.execute(query, (*changed.values(), number))

    def one(
        self, connection: sqlite3.Connection, condition: str, parameters: tuple[Any, ...]
    ) -> R | None:
        """Return the record that meets a condition (SQL behind the FROM), or None."""
        row = connection.execute(self._query(condition), parameters).fetchone()
        return None if row is None else self._read(row)

    def all(
        self,
        connection: sqlite3.Connection,
        condition: str,
        parameters: tuple[Any, ...] | dict[str, Any],
    ) -> list[R]:
        """Return the records that meet a condition (SQL behind the FROM)."""
        rows = connection.execute(self._query(condition), parameters)
        return [self._read(row) for row in rows]

    def _query(self, condition: str) -> str:
        """Return the query with a condition: always the same text, which is hashed but once."""
        query = self._queries.get(condition)
        if query is None:
            query = self._queries[condition] = f"{self._select} {condition}"
        return query

    def _read(self, row: tuple[Any, ...]) -> R:
        # By place: naming more than fifteen arguments would take longer than all else here.
        values = list(row)
        for place in self._json_places:
            if values[place] is not None:
                values[place] = _decode(values[place])
        for place in self._flag_places:
            values[place] = bool(values[place])
        return self._record(*values)
