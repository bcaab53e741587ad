"""The provisioning log: what is in it, found, exported, followed and thrown away."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.requests import Request

from scim_asgi import AccountRejected, Guard, LogRetention, ScimApp
from scim_asgi.admin import Actor
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.log_entries import LogFilter
from scim_asgi.provisioning.retention import Pruning
from scim_asgi.store.records import LogRecord
from tests.admin.conftest import Host, Hosts
from tests.client import USER, Client
from tests.commands import command_here
from tests.product import raising
from tests.waiting import PATIENCE, until

NAME = {"op": "replace", "path": "name.familyName", "value": "Lovelace"}


def rows(host: Host, **query: Any) -> list[dict[str, Any]]:
    """Return rows of the log, newest first."""
    response = host.admin().get("/log", params=query)
    assert 200 == response.status_code, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


def lived(host: Host) -> Client:
    """Let a directory do a bit of everything."""
    client = host.connected()
    user = client.create_user("ada@acme.test", name={"givenName": "Ada", "familyName": "King"})
    client.patch(f"/Users/{user['id']}", NAME)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": True})
    client.create_user("bob@acme.test")
    client.post("/Users", {"schemas": [USER], "userName": "nobody"})
    client.post("/Users", b"{")
    client.send("DELETE", f"/Users/{user['id']}")
    return client


def test_every_write_and_every_refusal_is_there(host: Host) -> None:
    client = lived(host)
    found = rows(host)[::-1]
    assert [
        "token-issued",
        "created",
        "updated",
        "deactivated",
        "reactivated",
        "created",
        "skipped",
        "refused",
        "deleted",
    ] == [row["action"] for row in found]
    updated = found[2]
    assert ["King", "Lovelace"] == updated["changes"]["last_name"]
    assert ("update", 1) == (updated["hook"]["change"], updated["hook"]["attempt"])
    assert updated["hook"]["milliseconds"] >= 0
    assert client.token.startswith(updated["token_prefix"])
    assert ("PATCH", 200, "success") == (updated["method"], updated["status"], updated["outcome"])
    assert "ada@acme.test" == updated["resource_name"]
    assert (400, "invalidSyntax") == (found[7]["status"], found[7]["scim_type"])


def test_a_request_without_a_token_is_not_there(host: Host) -> None:
    client = host.directory("scim_wrong")
    assert 401 == client.post("/Users", {"userName": "x"}).status_code
    assert [] == rows(host)


def test_what_admins_do_is_there_with_who_and_from_where(host: Host) -> None:
    admin = host.admin()
    issued = admin.post("/tokens", json={"name": "Entra"}).json()
    admin.post(f"/tokens/{issued['id']}/revoke")
    admin.post(f"/tokens/{issued['id']}/revoke")
    admin.put("/attribute-mappings", json={"mapping": {"title": "public_metadata.title"}})
    admin.put("/role-rules", json={"rules": [{"group": "A", "role": "admin"}]})
    admin.post("/release")
    admin.post("/reconcile")
    host.ask(lambda app: app.tokens.issue("acme", name="python", by="ada"))
    found = rows(host)[::-1]
    assert [
        ("token-issued", "secret key", "api"),
        ("token-revoked", "secret key", "api"),
        ("mapping-changed", "secret key", "api"),
        ("roles-changed", "secret key", "api"),
        ("released", "secret key", "api"),
        ("reconciled", "secret key", "api"),
        ("token-issued", "ada", "python"),
    ] == [(row["action"], row["actor"], row["surface"]) for row in found]
    assert "Entra" in found[0]["detail"]
    assert issued["token"] not in json.dumps(found)


def test_rows_are_found_by_outcome_action_user_and_time(host: Host) -> None:
    client = lived(host)
    assert {"skipped"} == {row["action"] for row in rows(host, outcome="skipped")}
    assert 2 == len(rows(host, action="created"))
    assert 6 == len(rows(host, outcome="success", user="ADA@acme.test")) + 1
    assert [] == rows(host, outcome="skipped", action="created")
    bob = client.get("/Users").json()["Resources"][0]["id"]
    client.patch(f"/Users/{bob}", {"op": "replace", "path": "userName", "value": "bob2@acme.test"})
    by_id = rows(host, user=bob)
    assert by_id == rows(host, user="bob@acme.test")
    assert ["updated", "created"] == [row["action"] for row in by_id]
    at = by_id[0]["at"]
    assert by_id[0] in rows(host, since=at)
    assert by_id[0] not in rows(host, until=at)
    assert [] == rows(host, since=now() + 60_000)


def test_a_walk_by_cursor_sees_every_row_once(host: Host) -> None:
    lived(host)
    everything = rows(host)
    for query in ({}, {"outcome": "success"}):
        walked, cursor = [], None
        while True:
            params: dict[str, Any] = {
                "limit": 2,
                **query,
                **({} if cursor is None else {"cursor": cursor}),
            }
            page = host.admin().get("/log", params=params).json()
            walked += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        wanted = [row for row in everything if query.get("outcome") in (None, row["outcome"])]
        assert wanted == walked
    assert 422 == host.admin().get("/log", params={"cursor": "nonsense"}).status_code


def test_the_log_is_exported_and_no_cell_is_a_formula(host: Host) -> None:
    client = lived(host)
    client.create_user("=cmd|' /C calc'!A0", emails=[{"value": "c@acme.test", "primary": True}])
    client.create_user("eve@acme.test", displayName="line\nbreak, comma")
    lines = host.admin().get("/log", params={"format": "jsonl"})
    assert rows(host) == [json.loads(line) for line in lines.text.splitlines()]
    sheet = host.admin().get("/log", params={"format": "csv", "outcome": "success"})
    assert 'filename="provisioning-log.csv"' in sheet.headers["content-disposition"]
    table = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert len(rows(host, outcome="success")) == len(table)
    for row in table:
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        " =1+1",
        "\u00a0+1",
        "\u3000\u200b-1",
        "\ufeff@SUM(A1)",
        "＝1+1",
        " ＠x",
        "a;=1+1",
        "a; ＋1",
        "a;\u00a0=1;-2",
    ],
)
def test_no_spreadsheet_takes_a_cell_for_a_formula(host: Host, text: str) -> None:
    host.ask(lambda app: app.tokens.issue("acme", name=text))
    sheet = host.admin().get("/log", params={"format": "csv"}).text
    (row,) = csv.DictReader(io.StringIO(sheet, newline=""))
    cells = [part.strip(" \u00a0\u3000\u200b\ufeff") for part in row["detail"].split(";")]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@＝＋－＠"))]
    assert row["detail"].replace("'", "").startswith(text)
    (entry,) = rows(host)
    assert entry["detail"].startswith(text)


def test_what_is_no_formula_stays_as_it_is(host: Host) -> None:
    text = "Entra - production; 1=1, a+b (x@y.test); done"
    host.ask(lambda app: app.tokens.issue("acme", name=text))
    sheet = host.admin().get("/log", params={"format": "csv"}).text
    (row,) = csv.DictReader(io.StringIO(sheet, newline=""))
    assert row["detail"].startswith(text)


def test_the_audit_keeps_who_it_was_whatever_they_are_called(hosts: Hosts) -> None:
    async def authorize(request: Request, organization_id: str) -> Actor:
        return Actor(id="user_1815", name="Ada Lovelace", can_manage=True)

    host = hosts(authorize=authorize)
    host.admin().post("/tokens", json={"name": "Entra"})
    (row,) = rows(host)
    assert ("user_1815", "Ada Lovelace", "api") == (row["actor_id"], row["actor"], row["surface"])


def test_a_refused_row_says_whom_it_is_about_as_far_as_the_path_tells(host: Host) -> None:
    client = host.connected()
    ada = client.create_user("ada@acme.test")["id"]
    group = client.create_group("Engines")["id"]
    wrong = {"op": "replace", "path": "active", "value": "perhaps"}
    client.patch(f"/Users/{ada}", wrong)
    client.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": None})
    client.patch("/Users/nobody", wrong)
    client.post("/Groups", b"{")
    client.post("/Nothing", b"{")
    found = rows(host, action="refused")[::-1]
    assert [
        ("User", ada, "ada@acme.test"),
        ("Group", group, "Engines"),
        ("User", "", ""),
        ("Group", "", ""),
        ("", "", ""),
    ] == [(row["resource_type"], row["resource_id"], row["resource_name"]) for row in found]
    assert ["refused", "created"] == [row["action"] for row in rows(host, user=ada)]
    host.connected("globex").patch(f"/Users/{ada}", wrong)
    response = host.admin("globex").get("/log", params={"action": "refused"})
    (row,) = response.json()["data"]
    assert ("User", "", "") == (row["resource_type"], row["resource_id"], row["resource_name"])


def test_a_held_row_names_the_person(hosts: Hosts) -> None:
    host = hosts(guard=Guard(share=0.1, minimum=0))
    client = host.connected()
    ada = client.create_user("ada@acme.test")["id"]
    off = {"op": "replace", "path": "active", "value": False}
    assert 503 == client.patch(f"/Users/{ada}", off).status_code
    assert 503 == client.send("DELETE", f"/Users/{ada}").status_code
    for row in rows(host, action="held"):
        assert ("User", ada, "ada@acme.test") == (
            row["resource_type"],
            row["resource_id"],
            row["resource_name"],
        )
    assert 2 == len(rows(host, action="held"))


def test_what_changed_in_a_resource_is_in_the_log_in_every_form(host: Host) -> None:
    client = host.connected()
    ada = client.create_user("ada@acme.test", title="Countess")["id"]
    client.patch(f"/Users/{ada}", {"op": "replace", "path": "title", "value": "Analyst"})
    group = client.create_group("Engines", ada)["id"]
    gone = {"op": "remove", "path": f'members[value eq "{ada}"]'}
    renamed = {"op": "replace", "path": "displayName", "value": "Analysis"}
    client.patch(f"/Groups/{group}", gone, renamed)
    found = rows(host)
    assert {"title": ["Countess", "Analyst"]} == found[2]["attributes"]
    assert ([ada], 1) == (found[1]["members"]["added"], found[1]["members"]["added_count"])
    assert {"displayName": ["Engines", "Analysis"]} == found[0]["attributes"]
    went = {"added": [], "added_count": 0, "removed": [ada], "removed_count": 1}
    assert went == found[0]["members"]
    assert found[2]["members"] is None
    lines = host.admin().get("/log", params={"format": "jsonl"}).text.splitlines()
    assert found == [json.loads(line) for line in lines]
    sheet = host.admin().get("/log", params={"format": "csv"}).text
    table = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert found[2]["attributes"] == json.loads(table[2]["attributes"])
    assert went == json.loads(table[0]["members"])
    history = host.admin().get(f"/users/{ada}").json()["history"]
    assert found[2] in history
    printed = command_here(host.database.parent, "log", "acme").stdout
    assert "in the directory: title: 'Countess' → 'Analyst'" in printed
    assert f"1 member came: {ada}" in printed
    assert f"'Engines' → 'Analysis'; 1 member went: {ada}" in printed


def test_the_rate_limit_fills_no_disk(hosts: Hosts) -> None:
    host = hosts(rate_limit="5/minute")
    client = host.connected()
    statuses = [client.get("/Users").status_code for _ in range(40)]
    refused = statuses.count(429)
    assert refused >= 35 - 5

    def counted() -> list[int]:
        return [row["count"] for row in rows(host, action="rate-limited")]

    until(lambda: sum(counted()) == refused)
    assert len(counted()) < refused / 2
    (first, *_) = rows(host, action="rate-limited")
    assert (429, "refused") == (first["status"], first["outcome"])
    assert refused == host.admin().get("/status").json()["rate_limited_24h"]


async def test_a_row_costs_no_commit_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scim_asgi.store.sqlite import writer
    from scim_asgi.store.sqlite.log import SqliteLog

    commits: list[bool] = []
    transact = writer.Writer._transact

    async def watched(self: Any, units: Any) -> None:
        commits.append(any(unit.durable for unit in self._waiting))
        await transact(self, units)

    monkeypatch.setattr(writer.Writer, "_transact", watched)
    with_log = await _commits(tmp_path / "with.db", commits)
    monkeypatch.setattr(SqliteLog, "insert", lambda *_: 1)
    monkeypatch.setattr(SqliteLog, "complete", lambda *_: None)
    monkeypatch.setattr(SqliteLog, "confirm", lambda *_: None)
    without = await _commits(tmp_path / "without.db", commits)
    assert with_log == without
    assert with_log


async def _commits(database: Path, commits: list[bool]) -> list[bool]:
    """Return the commits of a few writes that wait for the disk; notes go with them, or alone."""
    from scim_asgi.protocol.projection import project
    from scim_asgi.provisioning.caller import Caller
    from tests.product import Product

    app: ScimApp = ScimApp(str(database), hooks=Product(), log_retention=LogRetention(days=None))
    async with app.lifespan():
        service, registry = app._runtime.service, app._runtime.endpoints._registry
        definition = registry.by_name["User"]
        caller = Caller(organization_id="acme", base_url="http://test", method="POST")
        commits.clear()
        for number in range(5):
            body = {"schemas": [USER], "userName": f"u{number}@acme.test"}
            await service.create(caller, definition, body, project(definition))
        return [is_durable for is_durable in commits if is_durable]


def test_a_refusal_of_the_host_is_there_with_its_words(host: Host) -> None:
    client = host.connected()
    host.product.behaviour = raising(AccountRejected("Only people of acme.test."))
    client.post("/Users", {"schemas": [USER], "userName": "eve@other.test"})
    (row,) = rows(host, outcome="refused")
    assert "Only people of acme.test." == row["detail"]
    assert "create" == row["hook"]["change"]


async def test_old_rows_and_surplus_rows_go_and_the_audit_stays(tmp_path: Path) -> None:
    app: ScimApp = ScimApp(
        str(tmp_path / "scim.db"), log_retention=LogRetention(days=None, rows=None)
    )
    async with app.lifespan():
        await app.tokens.issue("acme", name="first")
        store = app._runtime.store

        def fill(tx: Any, organization: str, count: int, at: int) -> None:
            for _ in range(count):
                row = LogRecord(organization_id=organization, at=at, action="created", status=201)
                tx.log.insert(row)

        await store.write(lambda tx: fill(tx, "acme", 1200, now()))
        await store.write(lambda tx: fill(tx, "globex", 700, now() - 100 * 86_400_000))
        await store.write(lambda tx: fill(tx, "globex", 3, now()))
        assert 1101 + 700 == await Pruning(store, LogRetention(days=90, rows=100)).prune()
        kept = await app.log.entries("acme", limit=1000)
        assert "token-issued" == kept[0].action
        assert 100 == len(kept)
        assert 3 == len(await app.log.entries("globex", limit=1000))
        assert 0 == await Pruning(store, LogRetention(days=90, rows=100)).prune()


async def test_a_follower_sees_each_new_row_once_and_with_its_outcome(tmp_path: Path) -> None:
    app: ScimApp = ScimApp(str(tmp_path / "scim.db"))
    async with app.lifespan():
        await app.tokens.issue("acme", name="first")
        await app.tokens.issue("acme", name="second")
        seen: asyncio.Queue[str] = asyncio.Queue()

        async def follow() -> None:
            async for entry in app.log.follow("acme", LogFilter(outcome="success"), last=1):
                seen.put_nowait(f"{entry.action} {entry.detail.split(' ')[0]}")

        task = asyncio.create_task(follow())
        store = app._runtime.store
        assert "token-issued second" == await asyncio.wait_for(seen.get(), PATIENCE)
        row = LogRecord(organization_id="acme", at=now(), action="pending", status=0)
        number = await store.write(lambda tx: tx.log.insert(row))
        await app.tokens.issue("acme", name="third")
        done = replace(row, number=number, action="created", detail="late")
        await store.write(lambda tx: tx.log.complete(done))
        assert "created late" == await asyncio.wait_for(seen.get(), PATIENCE)
        assert "token-issued third" == await asyncio.wait_for(seen.get(), PATIENCE)
        assert seen.empty()
        task.cancel()


async def test_reading_walks_through_indexes_alone(tmp_path: Path) -> None:
    app: ScimApp = ScimApp(str(tmp_path / "scim.db"))
    async with app.lifespan():
        reading = app._runtime.store._store._reading  # type: ignore[attr-defined]
        queries: list[str] = []
        await reading.run(lambda opened: opened.set_trace_callback(queries.append))
        for wanted in (LogFilter(), LogFilter(since=1, until=9), LogFilter(outcome="success")):
            await app.log.page("acme", wanted)
            await app.log.page("acme", wanted, cursor="5-5")
        await app.log.page("acme", LogFilter(user="ada"))
        await app.connections.status("acme")
        await reading.run(lambda opened: opened.set_trace_callback(None))
        read = [query for query in queries if "FROM provisioning_log" in query]
        assert len(read) >= 8
        for query in read:
            plan = await reading.run(
                lambda opened, q=query: opened.execute(f"EXPLAIN QUERY PLAN {q}").fetchall()
            )
            steps = [step for *_, step in plan]
            scans = [step for step in steps if step.startswith(("SCAN provisioning_log", "SCAN l"))]
            assert not scans, (query, steps)
