"""What benchmarks put into a database is what requests would have put there."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks import seeding
from benchmarks.driver import Client
from benchmarks.ours import MOUNT
from benchmarks.people import Api, group, user
from benchmarks.servers import serving
from benchmarks.sides import issue_token
from tests.waiting import until

USERS = 12
OWN = {"tokens", "connections", "secret"}
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LIST = re.compile(r'"id \d+"(?:,"id \d+")+')
TIMES = 1_500_000_000_000


def rows(database: Path) -> dict[str, list[list[Any]]]:
    """Return what is in all tables, ids by their first appearance and times left out."""
    ids: dict[str, str] = {}

    def shown(value: Any) -> Any:
        if isinstance(value, int) and value > TIMES:
            return "time"
        if not isinstance(value, str):
            return value
        named = ID.sub(lambda found: ids.setdefault(found[0], f"id {len(ids)}"), value)
        # Ids of the same millisecond are in no order of their own.
        listed = LIST.sub(lambda found: ",".join(sorted(found[0].split(","))), named)
        return re.sub(r'"milliseconds":\d+', "", listed)

    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [list(map(shown, row)) for row in _all(connection, name)]
            for (name,) in sorted(names)
            if name not in OWN
        }


def _all(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    # The token that a request came with is the one thing that seeding has not.
    listed = ", ".join("''" if each == "token_prefix" else each for each in columns)
    yield from connection.execute(f"SELECT {listed} FROM {table} ORDER BY 1, 2")


def requested(database: Path, token: str) -> None:
    """Store by requests what is seeded otherwise."""
    api = Api(MOUNT, token)
    with serving("benchmarks.ours:create", BENCH_DATABASE=str(database)) as server:
        client = Client(server.port)
        made = client.ask_all(api.post("/Users", user(number)) for number in range(USERS))
        ids = [json.loads(each)["id"] for each in made]
        for members in seeding.sizes_of_groups(USERS):
            body = group(seeding.name_of_group(members))
            path = f"/Groups/{json.loads(client.ask(api.post('/Groups', body)))['id']}"
            value = [{"value": each} for each in ids[:members]]
            operation = {"op": "add", "path": "members", "value": value}
            client.ask(api.patch(path, operation, status=b"204"))
        with closing(sqlite3.connect(database)) as connection:
            marked = "SELECT count(*) FROM accounts WHERE marked OR delivery_id IS NOT NULL"
            until(lambda: connection.execute(marked).fetchone() == (0,))
        client.close()


def test_a_seeded_database_has_the_rows_that_requests_leave(tmp_path: Path) -> None:
    seeded, served = tmp_path / "seeded.db", tmp_path / "served.db"
    token = issue_token(served)  # which is in the log, too
    shutil.copyfile(served, seeded)
    asyncio.run(seeding.seed(seeded, USERS))
    requested(served, token)
    ours, theirs = rows(seeded), rows(served)
    assert set(theirs) == set(ours)
    for table, expected in theirs.items():
        assert expected == ours[table], table
    assert len(ours["accounts"]) == USERS
    assert len(ours["memberships"]) == 10


def test_databases_are_made_once_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "CACHE", tmp_path / "kept")
    told: list[int] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        copies = seeding.databases(USERS, tmp_path / name, told.append)
        assert all(copy.stat().st_size for copy in copies)
    assert [USERS] == told
