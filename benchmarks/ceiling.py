"""The ceiling: the smallest honest program for the same jobs, on a SQLite file of its own.

A read is a route of Starlette, one point SELECT through aiosqlite in one hop, and msgspec. A write
is a body decoded, completed, encoded and inserted durably, into a rowid table with three indexes
and time-ordered ids, in one hop and with group commit. There is no token, no schema, no log, no
account and no hook.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_asgi.ids import uuid7

TABLE = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_name TEXT NOT NULL,
    external_id TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX documents_by_user_name ON documents (user_name);
CREATE INDEX documents_by_external_id ON documents (external_id);
"""
INSERT = "INSERT INTO documents (id, user_name, external_id, document) VALUES (?, ?, ?, ?)"
META = {
    "resourceType": "User",
    "created": "2026-01-01T00:00:00.000Z",
    "lastModified": "2026-01-01T00:00:00.000Z",
    "location": f"http://bench.example/scim/v2/Users/{'0' * 36}",
    "version": 'W/"1"',
}

_SELECT = "SELECT document FROM documents WHERE id = ?"
_TYPE = "application/scim+json"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Row = tuple[str, str, str, str]


class GroupCommit:
    """Inserts that wait at the same time share a transaction, in one hop.

    Args:
        connection: Where they are made.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection: Any = connection
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def insert(self, row: Row) -> None:
        """Insert a row and return once it is on disk."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            rows = [row for row, _ in some]
            await self._connection._execute(_transact, self._connection._conn, rows)
            for _, future in some:
                future.set_result(None)
        self._running = None


def _transact(connection: sqlite3.Connection, rows: list[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for row in rows:
        connection.execute(INSERT, row)
    connection.execute("COMMIT")


class _Ceiling:
    def __init__(self) -> None:
        self._connection: aiosqlite.Connection
        self._writes: GroupCommit

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        path = os.environ["BENCH_DATABASE"]
        async with aiosqlite.connect(path, isolation_level=None) as self._connection:
            await self._connection.execute("PRAGMA journal_mode = WAL")
            await self._connection.execute("PRAGMA synchronous = FULL")
            self._writes = GroupCommit(self._connection)
            yield

    async def read(self, request: Request) -> Response:
        [(text,)] = await self._connection.execute_fetchall(_SELECT, (request.path_params["id"],))
        return Response(_encode(_decode(text)), media_type=_TYPE)

    async def write(self, request: Request) -> Response:
        document = _decode(await request.body())
        document["id"] = new = uuid7()
        body = _encode({**document, "meta": META})
        row = (new, document["userName"], document["externalId"], body.decode())
        await self._writes.insert(row)
        return Response(body, status_code=201, media_type=_TYPE)


def create() -> Starlette:
    """Return the application on the database that BENCH_DATABASE names."""
    ceiling = _Ceiling()
    routes = [
        Route("/Users/{id}", ceiling.read),
        Route("/Users", ceiling.write, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=ceiling.lifespan)
