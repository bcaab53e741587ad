"""Numbered migrations: `0001_tables.sql` makes a new file, each further one changes an older."""

from __future__ import annotations

import sqlite3
from importlib import resources

from scim_asgi.store.errors import StoreError


def migrations() -> list[str]:
    """Return the migrations in order; the first has the number 1."""
    folder = resources.files("scim_asgi.store.sqlite") / "migrations"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date; processes that open the file together take turns.

    Raises:
        StoreError: The file was written by a newer version.
    """
    scripts = migrations()
    if _version(connection) == len(scripts):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        _apply(connection, scripts)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _apply(connection: sqlite3.Connection, scripts: list[str]) -> None:
    version = _version(connection)
    if version > len(scripts):
        msg = (
            f"The database has version {version}; this release of scim-asgi knows versions up to "
            f"{len(scripts)}. Install the release that wrote it, or a newer one."
        )
        raise StoreError(msg)
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
