"""A directory that goes on with a token which does not work any more, or falls silent, is seen."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx
import pytest

from scim_asgi import ScimApp
from scim_asgi.provisioning import traffic
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.tokens import digest, mint
from tests.admin.conftest import Host, Hosts
from tests.admin.test_connection import status
from tests.client import Client
from tests.commands import command_here
from tests.waiting import eventually, until

DAY = 86_400_000
ENTRA = {"User-Agent": "Azure AD SCIM"}


@pytest.fixture(autouse=True)
def noted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the latest request be noted at once."""
    monkeypatch.setattr(traffic, "_SEEN_AGAIN", 0.02)


def revoked(host: Host, name: str = "Entra ID") -> tuple[Client, dict[str, Any]]:
    """Return a directory that was connected and whose token is revoked, and the token."""
    issued = host.admin().post("/tokens", json={"name": name}).json()
    client = host.directory(issued["token"])
    client.create_user("ada@acme.test")
    until(lambda: status(host)["last_request"] is not None)
    host.admin().post(f"/tokens/{issued['id']}/revoke")
    return client, issued


def refusals(host: Host, organization: str = "acme") -> list[dict[str, Any]]:
    """Return the rows of requests that were refused, newest first."""
    rows: list[dict[str, Any]] = (
        host.admin(organization).get("/log", params={"action": "refused"}).json()["data"]
    )
    return rows


def changed(host: Host, query: str, *values: Any) -> None:
    """Change the database itself: what else takes a day."""
    with closing(sqlite3.connect(host.database)) as connection, connection:
        connection.execute(query, values)


def unnoticed(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """Return what a client sees of an answer, its date aside."""
    return answer.status_code, answer.text, {**answer.headers, "date": ""}


def test_a_directory_with_a_revoked_token_fails_and_everybody_is_told(host: Host) -> None:
    client, issued = revoked(host)
    assert "not_connected" == status(host)["state"]
    answer = client.send("GET", "/Users?count=1", headers=ENTRA)
    stranger = host.directory(mint()).send("GET", "/Users?count=1", headers=ENTRA)
    assert unnoticed(stranger) == unnoticed(answer)
    assert 401 == answer.status_code
    until(lambda: status(host)["state"] == "failing")
    found = status(host)
    ended = found["ended_token"]
    assert (issued["id"], "Entra ID", issued["prefix"], "revoked") == (
        ended["id"],
        ended["name"],
        ended["prefix"],
        ended["ended"],
    )
    assert ended["ended_at"] <= ended["refused_at"] <= now()
    assert 'uses the token "Entra ID"' in found["hint"]
    assert "was revoked on 20" in found["hint"]
    (row,) = refusals(host)
    assert ("GET", "/Users", 401, "entra", issued["prefix"]) == tuple(
        row[name] for name in ("method", "path", "status", "directory", "token_prefix")
    )
    assert "was revoked on 20" in row["detail"]
    assert found["hint"] in command_here(host.database.parent, "status", "acme").stdout
    (token,) = host.admin().get("/tokens").json()["data"]
    assert ended["refused_at"] == token["refused_at"]
    assert issued["token"] not in str(found) + str(row) + str(token)


def test_it_is_over_with_the_first_request_that_has_a_token_that_works(host: Host) -> None:
    client, _ = revoked(host)
    client.get("/Users")
    until(lambda: status(host)["state"] == "failing")
    replaced = host.connected()
    assert "failing" == status(host)["state"], "a new token alone repairs nothing"
    replaced.get("/Users")
    until(lambda: status(host)["ended_token"] is None)
    assert ("connected", "") == (status(host)["state"], status(host)["hint"])


def test_a_token_that_has_expired_is_told_likewise(host: Host) -> None:
    issued = host.admin().post("/tokens", json={"name": "Okta"}).json()
    changed(host, "UPDATE tokens SET expires_at = ?", now() - 3 * DAY)
    assert 401 == host.directory(issued["token"]).get("/Users").status_code
    until(lambda: status(host)["state"] == "failing")
    assert "which expired on 20" in status(host)["hint"]
    assert "expired" == status(host)["ended_token"]["ended"]
    changed(host, "UPDATE tokens SET refused_at = ?", now() - 8 * DAY)
    assert ("not_connected", "") == (status(host)["state"], status(host)["hint"])


def test_a_flood_with_a_revoked_token_is_one_row_and_a_strangers_none(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "_REFUSED_AGAIN", 0.5)
    host = hosts(failed_auth_limit=None)
    client, _ = revoked(host)
    began = time.monotonic()
    for number in range(60):
        assert 401 == client.get("/Users").status_code
        assert 401 == host.directory(mint()).get("/Users").status_code, number
        assert 401 == host.directory(f"scim_{number}").get("/Users").status_code
    until(lambda: sum(row["count"] for row in refusals(host)) == 60)
    assert len(refusals(host)) <= 2 + (time.monotonic() - began) / 0.5
    assert 60 == status(host)["errors_24h"]


def test_another_organization_learns_nothing_of_it(host: Host) -> None:
    host.connected("globex").get("/Users")
    client, _ = revoked(host)
    client.get("/Users")
    until(lambda: status(host)["state"] == "failing")
    other = host.admin("globex").get("/status").json()
    assert ("connected", None, "") == (other["state"], other["ended_token"], other["hint"])
    assert [] == refusals(host, "globex")


def test_with_personal_data_switched_off_the_reason_is_still_there(hosts: Hosts) -> None:
    host = hosts(log_personal_data=False)
    client, _ = revoked(host)
    client.get("/Users/ada@acme.test")
    until(lambda: bool(refusals(host)))
    (row,) = refusals(host)
    assert "The directory uses a token that was revoked on 20" in row["detail"]
    assert "/Users/***" == row["path"]


def test_a_directory_that_is_silent_gets_a_calm_hint(host: Host) -> None:
    client = host.connected()
    client.create_user("ada@acme.test")
    until(lambda: status(host)["last_request"] is not None)
    assert (None, "") == (status(host)["silent_since"], status(host)["hint"])
    client.get("/Users")
    since = now() - 25 * 3_600_000
    until(lambda: status(host)["last_request"]["method"] == "GET")
    changed(host, "UPDATE connections SET last_at = ?", since)
    found = status(host)
    assert ("connected", since) == (found["state"], found["silent_since"])
    assert "Nothing has come since 20" in found["hint"]
    assert (
        "Nothing has come since 20" in command_here(host.database.parent, "status", "acme").stdout
    )
    client.get("/Users")
    until(lambda: status(host)["silent_since"] is None)


def test_what_was_refused_before_the_clock_was_set_back_makes_nothing_fail(host: Host) -> None:
    client, _ = revoked(host)
    client.get("/Users")
    until(lambda: status(host)["state"] == "failing")
    for _ in range(3):
        host.connected().post("/Users", b"{")
    until(lambda: len(refusals(host)) == 4)
    changed(host, "UPDATE tokens SET refused_at = refused_at + ?", DAY)
    changed(host, "UPDATE provisioning_log SET at = at + ?", DAY)
    until(lambda: status(host)["state"] == "connected")
    found = status(host)
    assert (None, 0) == (found["ended_token"], found["errors_24h"])


def test_a_request_before_the_clock_was_set_back_hides_no_token_that_ended(host: Host) -> None:
    client, _ = revoked(host)
    changed(host, "UPDATE connections SET last_at = last_at + ?", DAY)
    client.get("/Users")
    until(lambda: status(host)["state"] == "failing")


async def test_a_token_that_never_was_one_leaves_no_trace_in_memory(host: Host) -> None:
    app: ScimApp = ScimApp(str(host.database))
    async with app.lifespan():
        noted = app._runtime.traffic
        caller = Caller(organization_id="", base_url="", method="GET", path="/Users")
        for _ in range(300):
            noted.refused(caller, mint())
            noted.refused(caller, "scim_mistyped")
        assert len(noted._refused) <= 100
        await eventually(lambda: not noted._refused and not noted._busy)


async def test_looking_a_revoked_token_up_walks_through_indexes(host: Host) -> None:
    app: ScimApp = ScimApp(str(host.database))
    async with app.lifespan():
        reading = app._runtime.store._store._reading  # type: ignore[attr-defined]
        queries: list[str] = []
        await reading.run(lambda opened: opened.set_trace_callback(queries.append))
        token = digest(mint())
        await app._runtime.store.read(lambda tx: tx.tokens.ended(token, 1))
        await reading.run(lambda opened: opened.set_trace_callback(None))
        (query,) = [each for each in queries if "FROM tokens" in each]
        plan = await reading.run(
            lambda opened: opened.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        )
        assert not [step for *_, step in plan if "SCAN" in step], plan


def test_a_request_that_does_not_tell_its_directory_takes_no_name_away(host: Host) -> None:
    client = host.connected()
    client.send("GET", "/Users", headers=ENTRA)
    until(lambda: status(host)["directory"] == "entra")
    client.get("/Groups")
    until(lambda: status(host)["last_request"]["path"] == "/Groups")
    assert "entra" == status(host)["directory"]
    client.send("GET", "/Users", headers={"User-Agent": "Okta SCIM Client 1.0.0"})
    client.get("/Schemas")
    until(lambda: status(host)["last_request"]["path"] == "/Schemas")
    assert "okta" == status(host)["directory"]
