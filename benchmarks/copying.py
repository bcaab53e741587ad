"""More users like one that was stored: the rows that it has left, again and again with other values.

What a POST leaves is read from two states of a database, before and after it, whatever the tables
are: rows that have come, and counters that have changed. What differs from one user to the next is
found in the rows by the user's own values.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.people import user
from scim_asgi.ids import uuid7
from scim_asgi.provisioning.clock import now

Progress = Callable[[int], None]
Row = tuple[Any, ...]
State = dict[str, list[Row]]

_BATCH = 20_000
_CACHE_KIB = 2_000_000
_TIMES = 1_500_000_000_000
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NUMBERS = frozenset({"number", "resource"})


class Values(Struct, frozen=True):
    """What differs from one user to the next.

    Attributes:
        texts: The user's own values, as they are and as they are compared.
        ids: Its new ids.
        ahead: How many users come between the one that is copied and it.
        at: When it is stored.
    """

    texts: list[str]
    ids: list[str]
    ahead: int
    at: int


_Column = Callable[[Values], Any]


class _Copied(Struct, frozen=True):
    """A row that is copied.

    Attributes:
        table: Its table.
        row: The row.
        columns: What other values its columns have, by place.
    """

    table: str
    row: Row
    columns: tuple[tuple[int, _Column], ...]

    def copy(self, values: Values) -> Row:
        """Return the row of another user."""
        row = list(self.row)
        for place, column in self.columns:
            row[place] = column(values)
        return tuple(row)


def state(database: Path) -> State:
    """Return the rows of all tables."""
    with closing(sqlite3.connect(database)) as connection:
        return {name: _rows(connection, name) for name in _tables(connection)}


def _tables(connection: sqlite3.Connection) -> list[str]:
    own = "type = 'table' AND name NOT LIKE 'sqlite%'"
    query = f"SELECT name FROM sqlite_master WHERE {own} ORDER BY rowid"
    return [name for (name,) in connection.execute(query)]


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    return connection.execute(f"SELECT * FROM {table}").fetchall()


class Copies:
    """Stores users in a database that nobody else has open.

    Args:
        database: The file.
        before: The state before the last user was stored.
        number: The last user.
    """

    def __init__(self, database: Path, before: State, number: int) -> None:
        self._database = database
        self._number = number
        self._ids: dict[str, int] = {}
        own = _texts(number)
        self._places = {text: place for place, text in reversed([*enumerate(own)])}
        others = set(_texts(number + 1))
        changing = {text for text in own if text not in others}
        longest = sorted(map(re.escape, changing), key=len, reverse=True)
        self._pattern = re.compile("|".join([_ID, *longest]))
        after = state(database)
        come = {name: Counter(rows) - Counter(before[name]) for name, rows in after.items()}
        gone = {name: Counter(before[name]) - Counter(rows) for name, rows in after.items()}
        with closing(sqlite3.connect(database)) as connection:
            self._copied = [
                self._copy(name, row, _columns(connection, name))
                for name, rows in come.items()
                for row in rows
                if not gone[name]
            ]
            self._counters = [
                query
                for name, rows in gone.items()
                for query in _counters(name, _columns(connection, name), [*rows], [*come[name]])
            ]

    def store(self, last: int, progress: Progress = lambda _: None) -> None:
        """Store all users behind the one that is copied, up to but without another.

        Args:
            last: The number of that one.
            progress: Is told how many are stored.
        """
        with closing(sqlite3.connect(self._database, isolation_level=None)) as connection:
            connection.executescript(
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                f"PRAGMA cache_size = -{_CACHE_KIB}"
            )
            for first in range(self._number + 1, last, _BATCH):
                end = min(first + _BATCH, last)
                self._store(connection, range(first, end))
                progress(end)
            for query in self._counters:
                connection.execute(query, {"users": last - self._number - 1})
            connection.execute("PRAGMA journal_mode = WAL")

    def _store(self, connection: sqlite3.Connection, numbers: range) -> None:
        everybody = [self._values(number) for number in numbers]
        connection.execute("BEGIN")
        for copied in self._copied:
            marks = ", ".join("?" * len(copied.row))
            query = f"INSERT INTO {copied.table} VALUES ({marks})"
            connection.executemany(query, map(copied.copy, everybody))
        connection.execute("COMMIT")

    def _values(self, number: int) -> Values:
        ids = [uuid7() for _ in self._ids]
        return Values(_texts(number), ids, number - self._number, now())

    def _copy(self, table: str, row: Row, columns: list[str]) -> _Copied:
        named = enumerate(zip(columns, row, strict=True))
        other = ((place, self._column(name, value)) for place, (name, value) in named)
        return _Copied(table, row, tuple((place, each) for place, each in other if each))

    def _column(self, name: str, value: Any) -> _Column | None:
        """Return what makes the value of a column for another user; None where it is the same."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and name in _NUMBERS:
            return lambda values: value + values.ahead
        if isinstance(value, int) and value > _TIMES:
            return lambda values: values.at
        return None

    def _text(self, text: str) -> _Column | None:
        pieces: list[tuple[str, bool, int]] = []
        end = 0
        for found in self._pattern.finditer(text):
            is_own = found[0] in self._places
            places = self._places if is_own else self._ids
            place = places.setdefault(found[0], len(places))
            pieces.append((text[end : found.start()], is_own, place))
            end = found.end()
        rest = text[end:]
        if not pieces:
            return None

        def make(values: Values) -> str:
            made: list[str] = []
            for before, is_own, place in pieces:
                made += before, (values.texts if is_own else values.ids)[place]
            return "".join([*made, rest])

        return make


def _texts(number: int) -> list[str]:
    """Return all texts of a user, as they are and as they are compared."""
    texts = [*_leaves(user(number))]
    return texts + [text.lower() for text in texts]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


def _counters(table: str, columns: list[str], gone: list[Row], come: list[Row]) -> Iterator[str]:
    """Yield what makes counters go on by some users as they have gone on by one.

    Raises:
        RuntimeError: What has changed is no counter.
    """
    after = {_key(row): row for row in come}
    for row in gone:
        changed = after.pop(_key(row), None)
        if changed is None:
            msg = f"A user has changed a row of {table} that is no counter: {row}."
            raise RuntimeError(msg)
        pairs = [*zip(columns, row, changed, strict=True)]
        changes = [
            f"{name} = {name} + {new - old} * :users" for name, old, new in pairs if old != new
        ]
        same = [f"{name} IS {_literal(old)}" for name, old, new in pairs if old == new]
        yield f"UPDATE {table} SET {', '.join(changes)} WHERE {' AND '.join(same)}"
    if gone and after:
        msg = f"A user has changed counters in {table} and added rows: {[*after.values()]}."
        raise RuntimeError(msg)


def _key(row: Row) -> Row:
    return tuple(value for value in row if not isinstance(value, int))


def _literal(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
