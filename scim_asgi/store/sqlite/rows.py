"""Structs to rows and back: a field is a column of the same name."""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import fields

R = TypeVar("R", bound=Struct)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Table(Generic[R]):
    """A table whose rows are values of a struct; the key is the column `number`.

    Args:
        name: The table's name.
        record: The struct; a field `number`, where it has one, is the key and not written.
        json: The fields that are stored as JSON text.
        flags: The fields that are booleans, which SQLite keeps as 0 and 1.
    """

    def __init__(
        self,
        name: str,
        record: type[R],
        *,
        json: frozenset[str] = frozenset(),
        flags: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self._record = record
        self._names = [field.name for field in fields(record)]
        self._written = [each for each in self._names if each != "number"]
        self._get = attrgetter(*self._written)
        self._json = json
        self._json_places = [self._written.index(name) for name in json]
        self._flags = flags
        self.select = f"SELECT {', '.join(self._names)} FROM {name}"
        columns = ", ".join(self._written)
        marks = ", ".join("?" * len(self._written))
        self._insert = f"INSERT INTO {name} ({columns}) VALUES ({marks})"
        self._updates: dict[tuple[str, ...], str] = {}

    def insert(self, connection: sqlite3.Connection, record: R) -> int:
        """Insert a record and return its number."""
        number = connection.execute(self._insert, self._values(record)).lastrowid
        assert number is not None
        return number

    def update(self, connection: sqlite3.Connection, number: int, before: R, after: R) -> None:
        """Write the fields of a record that differ; indexes of all others stay as they are."""
        compared = zip(self._written, self._get(before), self._get(after), strict=True)
        changed = {name: new for name, old, new in compared if old != new}
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
        row = connection.execute(f"{self.select} {condition}", parameters).fetchone()
        return None if row is None else self._read(row)

    def all(
        self,
        connection: sqlite3.Connection,
        condition: str,
        parameters: tuple[Any, ...] | dict[str, Any],
    ) -> list[R]:
        """Return the records that meet a condition (SQL behind the FROM)."""
        rows = connection.execute(f"{self.select} {condition}", parameters)
        return [self._read(row) for row in rows]

    def _read(self, row: tuple[Any, ...]) -> R:
        values = dict(zip(self._names, row, strict=True))
        for name in self._json:
            if values[name] is not None:
                values[name] = _decode(values[name])
        for name in self._flags:
            values[name] = bool(values[name])
        return self._record(**values)

    def _values(self, record: R) -> list[Any]:
        values = list(self._get(record))
        for place in self._json_places:
            if values[place] is not None:
                values[place] = _encode(values[place]).decode()
        return values
