"""Users and groups over the admin API."""

from __future__ import annotations

from typing import Any

import pytest

from scim_asgi.provisioning import browse
from tests.admin.conftest import Host
from tests.client import USER, Client


def people(host: Host) -> Client:
    """Provision a few people and groups."""
    client = host.connected()
    ada = client.create_user(
        "ada@acme.test",
        externalId="E-1",
        name={"givenName": "Ada", "familyName": "Lovelace"},
        emails=[{"value": "countess@acme.test", "primary": True}],
    )
    client.create_user("bob@acme.test", active=False)
    client.create_user("jörg@acme.test", displayName="Jörg Müller")
    client.create_group("Engineering", ada["id"], externalId="G-1")
    client.create_group("Sales")
    return client


def names(host: Host, **query: Any) -> list[str]:
    """Return the userNames that are found."""
    response = host.admin().get("/users", params=query)
    assert 200 == response.status_code, response.text
    return [user["user_name"] for user in response.json()["data"]]


def test_users_are_found_by_a_part_of_what_they_are_called(host: Host) -> None:
    people(host)
    assert ["jörg@acme.test", "bob@acme.test", "ada@acme.test"] == names(host)
    for text in ("ADA", "lovel", "ada love", "countess", "E-1", "countess@acme.test"):
        assert ["ada@acme.test"] == names(host, search=text), text
    assert ["jörg@acme.test"] == names(host, search="MÜLLER")
    assert [] == names(host, search="e-1")
    assert [] == names(host, search="%")
    assert ["bob@acme.test"] == names(host, active="false")
    assert ["jörg@acme.test", "ada@acme.test"] == names(host, active="true")
    assert [] == names(host, account="pending")
    assert ["ada@acme.test"] == names(host, account="confirmed", search="ada@acme.test")
    ada = host.admin().get("/users", params={"search": "ada"}).json()["data"][0]
    assert ["ada@acme.test"] == names(host, search=ada["id"])
    assert ("Ada Lovelace", "confirmed") == (ada["display_name"], ada["account"]["delivery"])


def test_a_walk_sees_every_user_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "_STRETCH", 3)
    monkeypatch.setattr(browse, "_MOST", 6)
    client = host.connected()
    for number in range(20):
        client.create_user(f"u{number}@acme.test", title="odd" if number % 2 else "even")
    for search, wanted in (("", 20), ("u1", 11)):
        found, cursor, pages = [], None, 0
        while pages < 30:
            params: dict[str, Any] = {
                "search": search,
                "limit": 4,
                **({} if cursor is None else {"cursor": cursor}),
            }
            page = host.admin().get("/users", params=params).json()
            assert 20 == page["total_count"]
            found += [user["user_name"] for user in page["data"]]
            cursor, pages = page["next_cursor"], pages + 1
            if cursor is None:
                break
        assert wanted == len(found) == len(set(found))


def test_a_user_is_shown_whole(host: Host) -> None:
    client = people(host)
    ada = client.get('/Users?filter=userName eq "ada@acme.test"').json()["Resources"][0]
    client.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "title", "value": "Countess"})
    shown = host.admin().get(f"/users/{ada['id']}").json()
    assert client.get(f"/Users/{ada['id']}").json() == shown["resource"]
    assert "ada@acme.test" in str(shown["account"]["fields"]) or shown["account"]["fields"]
    assert ("active", "confirmed") == (shown["account"]["state"], shown["account"]["delivery"])
    assert ["updated", "created"] == [row["action"] for row in shown["history"]]
    assert (None, {}) == (shown["change"], shown["changes"])


def test_another_organizations_user_is_not_found(host: Host) -> None:
    client = people(host)
    ada = client.get("/Users").json()["Resources"][0]["id"]
    found = host.admin("other").get(f"/users/{ada}")
    unknown = host.admin("other").get("/users/none")
    assert (404, found.content) == (found.status_code, unknown.content)
    assert 0 == host.admin("other").get("/users").json()["total_count"]
    assert [] == host.admin("other").get("/users", params={"search": ada}).json()["data"]


def test_groups_are_found_with_their_size(host: Host) -> None:
    people(host)
    page = host.admin().get("/groups").json()
    assert [("Sales", 0), ("Engineering", 1)] == [
        (group["display_name"], group["members"]) for group in page["data"]
    ]
    for text in ("engin", "G-1", "ENGINEERING"):
        found = host.admin().get("/groups", params={"search": text}).json()
        assert ["Engineering"] == [group["display_name"] for group in found["data"]]


@pytest.mark.parametrize(("members", "expected"), [("none", ["Sales"]), ("some", ["Engineering"])])
def test_groups_are_filtered_by_whether_they_have_members(
    host: Host, members: str, expected: list[str]
) -> None:
    people(host)
    first = host.admin().get("/groups", params={"members": members, "limit": 1}).json()
    assert (expected, 2, None) == (
        [group["display_name"] for group in first["data"]],
        first["total_count"],
        first["next_cursor"],
    )
    named = {"members": members, "search": "Engineering"}
    found = host.admin().get("/groups", params=named).json()["data"]
    assert len(found) == (members == "some")
    refused = host.admin().get("/groups", params={"members": "many"})
    assert (422, "members") == (refused.status_code, refused.json()["errors"][0]["meta"]["param"])


def test_a_resource_of_a_user_who_was_never_mapped_is_no_error(host: Host) -> None:
    client = host.connected()
    client.post("/Users", {"schemas": [USER], "userName": "nobody"})
    assert [] == names(host)
