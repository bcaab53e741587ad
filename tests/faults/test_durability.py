"""What is answered with success is on disk first: each commit is looked at as it is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scim_asgi import AccountRejected, ScimApp
from scim_asgi.provisioning.traffic import Traffic
from scim_asgi.store.sqlite import connection as module
from tests.client import Client
from tests.conftest import Served
from tests.product import raising
from tests.waiting import until

FULL, NORMAL = 2, 1


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The commits that change something, each as the level of `PRAGMA synchronous`."""
    levels: list[int] = []

    class Watched(sqlite3.Connection):
        changes = 0

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "COMMIT" and self.total_changes != self.changes:
                self.changes = self.total_changes
                levels.append(super().execute("PRAGMA synchronous").fetchone()[0])
            return super().execute(sql, *parameters)

    monkeypatch.setattr(module.Connection, "factory", Watched)
    # Noted beside requests, at most every five seconds.
    monkeypatch.setattr(Traffic, "seen", lambda *_: None)
    return levels


@pytest.fixture
def client(commits: list[int], serve: Served) -> Iterator[Client]:
    client = serve().client()
    client.get("/Users")
    until(lambda: NORMAL in commits)  # the token's use is noted
    commits.clear()
    yield client
    client.close()


def taken(commits: list[int]) -> list[int]:
    """Take the commits that waited for the disk; what is only noted goes with them, or alone."""
    levels = [level for level in commits if level == FULL]
    commits.clear()
    return levels


def test_each_write_waits_for_the_disk_once(client: Client, commits: list[int]) -> None:
    user = client.create_user("ada@acme.test")["id"]
    assert [FULL] == taken(commits)
    client.patch(f"/Users/{user}", {"op": "replace", "path": "name.familyName", "value": "N"})
    assert [FULL] == taken(commits)
    client.patch(f"/Users/{user}", {"op": "replace", "path": "title", "value": "T"})
    assert [FULL] == taken(commits)
    client.send("DELETE", f"/Users/{user}")
    assert [FULL] == taken(commits)
    group = client.create_group("g")["id"]
    assert [FULL] == taken(commits)
    client.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "h"})
    assert [FULL] == taken(commits)


def test_a_change_that_is_taken_back_is_taken_back_on_disk(
    serve: Served, commits: list[int]
) -> None:
    scim = serve()
    client = scim.client()
    client.get("/Users")
    until(lambda: NORMAL in commits)  # the token's use is noted
    user = client.create_user("ada@acme.test")["id"]
    scim.product.behaviour = raising(AccountRejected("no"))
    commits.clear()
    name = {"op": "replace", "path": "name.familyName", "value": "N"}
    assert 400 == client.patch(f"/Users/{user}", name).status_code
    assert [FULL, FULL] == taken(commits)


async def test_tokens_and_mappings_are_on_disk_when_the_call_returns(
    tmp_path: Path, commits: list[int]
) -> None:
    app = ScimApp(str(tmp_path / "scim.db"))
    async with app.lifespan():
        commits.clear()
        issued = await app.tokens.issue("acme", name="tests")
        await app.tokens.revoke(issued.id)
        await app.mappings.set("acme", {"title": "last_name"})
        await app.reconciliation.redeliver("acme")
        await app.reconciliation.release("acme")
    assert commits[:3] == [FULL] * 3
    assert {FULL} == set(commits)
