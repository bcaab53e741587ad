"""Numbered migrations: `0001_tables.sql` makes a new file, each further one changes an older."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

from scim_asgi.store.errors import StoreError, StoreUnavailable

_TABLES = """
SELECT count(*) FILTER (WHERE name = 'unique_values'), count(*) FROM sqlite_master
"""
_FOREIGN = (
    "The database file has tables of another application, and was left alone. Name a file of its "
    "own for scim-asgi; one that is not there is made."
)


def migrations() -> list[str]:
    """Return the migrations in order; the first has the number 1."""
    folder = Path(__file__).parent / "migrations"
    return [each.read_text(encoding="utf-8") for each in sorted(folder.glob("*.sql"))]


def migrate(connection: sqlite3.Connection, *, make: bool = True) -> None:
    """Bring the tables up to date; processes that open the file together take turns.

    Args:
        connection: The open file.
        make: Whether an empty file is given tables.

    Raises:
        StoreError: The file was written by a newer version or is another application's, or is
            empty and shall not be.
    """
    scripts = migrations()
    _require_ours(connection)
    if _version(connection) == len(scripts):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        _apply(connection, scripts, make=make)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _require_ours(connection: sqlite3.Connection) -> None:
    """Check that a file is ours or empty: other applications keep theirs in SQLite too.

    Raises:
        StoreError: It is another's.
    """
    has_ours, others = connection.execute(_TABLES).fetchone()
    if others and not has_ours:
        raise StoreError(_FOREIGN)


def check_version(connection: sqlite3.Connection) -> None:
    """Check that the tables are those that this release knows.

    Raises:
        StoreUnavailable: Another release has changed them, or the file is another one.
    """
    version, known = _version(connection), _known()
    if version != known:
        raise StoreUnavailable(_newer(version, known))


@cache
def _known() -> int:
    return len(migrations())


def _newer(version: int, known: int) -> str:
    return (
        f"The database has version {version}; this release of scim-asgi knows versions up to "
        f"{known}. Install the release that wrote it, or a newer one."
    )


def _apply(connection: sqlite3.Connection, scripts: list[str], *, make: bool) -> None:
    version = _version(connection)
    if version == 0 and not make:
        msg = "The database has no tables: put the whole file back."
        raise StoreUnavailable(msg)
    if version > len(scripts):
        raise StoreError(_newer(version, len(scripts)))
    for script in scripts[version:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
