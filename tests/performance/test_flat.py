"""What a request asks of SQLite does not grow with the number of people.

Counted are the steps of SQLite's machine, which are the same on every machine however busy it is.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks import people
from benchmarks.hooks import Idle
from benchmarks.seeding import ORGANIZATION, name_of_group, seed
from benchmarks.sides import FILTERS
from scim_asgi import ScimApp

FEW, MANY = 20, 600
SOMEBODY = 15

Request = tuple[str, str, dict[str, Any] | None]


class Steps:
    """Counts the steps of all connections that are opened meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        steps, connect = self, sqlite3.connect

        class Counted(sqlite3.Connection):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                super().set_progress_handler(steps.step, 1)

            def set_progress_handler(self, *_: Any) -> None:
                """Keep the one that counts; what takes too long is of no matter here."""

        def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
            opened: sqlite3.Connection = connect(*arguments, **{**options, "factory": Counted})
            return opened

        monkeypatch.setattr(sqlite3, "connect", counted)

    def step(self) -> int:
        """Count, and go on."""
        self.taken += 1
        return 0


def requests(user: str, group: str) -> Iterator[tuple[str, Request]]:
    """Yield what is asked, by what it is called."""
    yield "read", ("GET", f"/Users/{user}", None)
    for attribute, value in FILTERS.items():
        text = f'{attribute} eq "{value(SOMEBODY)}"'
        yield f"filter {attribute}", ("GET", f"/Users?{httpx.QueryParams(filter=text)}", None)
    yield "page by cursor", ("GET", "/Users?count=5&cursor=", None)
    yield "create", ("POST", "/Users", people.user(10_000))
    yield "same name", ("POST", "/Users", people.user(10_000))
    for name, new in (("displayName", "Other"), ("active", "False")):
        change = {"op": "Replace", "path": name, "value": new}
        yield f"change {name}", ("PATCH", f"/Users/{user}", people.patch(change))
    for op in ("Add", "Remove"):
        member = {"op": op, "path": "members", "value": [{"value": user}]}
        yield f"{op} member", ("PATCH", f"/Groups/{group}", people.patch(member))
    yield "group", ("GET", f"/Groups/{group}?excludedAttributes=members", None)
    yield "delete", ("DELETE", f"/Users/{user}", None)


async def counted(database: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return how many steps each request takes; the background's work for it is in there."""
    steps = Steps(monkeypatch)
    app = ScimApp(str(database), hooks=Idle(), rate_limit=None)
    found: dict[str, int] = {}
    transport = httpx.ASGITransport(app=app)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://scim.test") as client,
    ):
        token = (await app.tokens.issue(ORGANIZATION, name="flat")).token
        client.headers["Authorization"] = f"Bearer {token}"

        async def first(path: str) -> str:
            answer = await client.get(path)
            resource_id: str = answer.json()["Resources"][0]["id"]
            return resource_id

        user = await first(f'/Users?filter=userName eq "{people.login(SOMEBODY)}"')
        group = await first(f'/Groups?filter=displayName eq "{name_of_group(10)}"')
        for name, (method, target, body) in requests(user, group):
            before = steps.taken
            answer = await client.request(method, target, json=body)
            assert answer.status_code < 300 or name == "same name", answer.text
            found[name] = steps.taken - before
    return found


def test_no_request_takes_more_steps_among_many_people_than_among_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[int, dict[str, int]] = {}
    for users in (FEW, MANY):
        database = tmp_path / f"{users}.db"
        asyncio.run(seed(database, users))
        with monkeypatch.context() as patched:
            taken[users] = asyncio.run(counted(database, patched))
    pairs = {name: (few, taken[MANY][name]) for name, few in taken[FEW].items()}
    assert len(pairs) == len(list(itertools.chain(requests("", ""))))
    # The background looks for work now and then, which takes some hundred steps.
    grown = {name: pair for name, pair in pairs.items() if pair[1] > 1.2 * pair[0] + MANY}
    assert not grown, "steps among few and among many"
    assert all(few for few, _ in pairs.values())
