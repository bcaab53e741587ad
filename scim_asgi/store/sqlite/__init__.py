"""The store in one SQLite file."""

from scim_asgi.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
