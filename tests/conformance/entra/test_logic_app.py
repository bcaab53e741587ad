"""The cases of Microsoft's Logic App that need no Entra tenant, and its Postman collection."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import found, op, patched, read
from tests.conformance.entra.bodies import (
    ADDRESS,
    JOB,
    MANAGER,
    NAMES,
    PLACES,
    WORK,
    full,
    group,
    members,
    name,
    text,
    verbose,
)


def mapped(schema: dict[str, Any]) -> set[str]:
    """Return the paths that a schema covers, flattened as the Logic App flattens them."""
    paths: set[str] = set()
    for each in schema["attributes"]:
        subs = [sub["name"] for sub in each.get("subAttributes", ()) if sub["type"] != "reference"]
        if not subs:
            paths.add(each["name"])
        elif not each["multiValued"]:
            paths |= {f"{each['name']}.{sub}" for sub in subs}
        else:
            types = [sub for sub in each["subAttributes"] if sub["name"] == "type"]
            paths |= {
                f'{each["name"]}[type eq "{kind}"].{sub}'
                for kind in (types[0].get("canonicalValues", ()) if types else ())
                for sub in subs
            }
    return paths


def test_l_schema_discoverability(client: Client) -> None:
    schemas = {each["id"]: each for each in read(client, "/Schemas")["Resources"]}
    assert {USER, ENTERPRISE, GROUP} == schemas.keys()
    wanted = {"userName", "active", "displayName", "title", "preferredLanguage", f"{WORK}.value"}
    wanted |= {f"name.{each}" for each in NAMES} | {f"{ADDRESS}.{each}" for each in PLACES}
    wanted |= {f'phoneNumbers[type eq "{each}"].value' for each in ("work", "mobile", "fax")}
    wanted |= {'emails[type eq "other"].value', 'addresses[type eq "other"].formatted'}
    assert wanted <= mapped(schemas[USER])
    assert {*JOB, "manager.value"} <= mapped(schemas[ENTERPRISE])
    assert "displayName" in mapped(schemas[GROUP])
    assert "null" not in client.get("/Schemas").text


@pytest.mark.parametrize("empty", ["", None])
def test_l_scim_null_update(client: Client, empty: str | None) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    cleared = [each["path"] for each in verbose(full(), "replace")]
    for each in (*cleared, MANAGER):
        answer = client.patch(path, op("replace", each, value=empty))
        assert 200 == answer.status_code, answer.text
    resource = read(client, path)
    assert {"schemas", "id", "userName", "active", "meta"} >= resource.keys() - {"roles"}
    assert [USER] == resource["schemas"]


def test_l_scim_user_create_and_update(client: Client) -> None:
    body = full()
    path = f"/Users/{created(client.post('/Users', {**body, 'externalId': 'x-1'}))['id']}"
    assert "x-1" == read(client, path)["externalId"]
    assert "New" == patched(client, path, op("Replace", "displayName", value="New"))["displayName"]


def test_l_scim_group_create_and_update(client: Client) -> None:
    made, new = group(client), text()
    path = f"/Groups/{made['id']}"
    assert new == patched(client, path, op("Replace", "displayName", value=new))["displayName"]


def test_l_scim_update_manager(client: Client) -> None:
    path = f"/Users/{client.create_user(name())['id']}"
    first = patched(client, path, op("Add", MANAGER, value="m-1"))
    assert "m-1" == first[ENTERPRISE]["manager"]["value"]
    second = patched(client, path, op("Replace", MANAGER, value="m-2"))
    assert "m-2" == second[ENTERPRISE]["manager"]["value"]
    assert ENTERPRISE not in patched(client, path, op("Replace", MANAGER, value=""))


def test_l_validate_credentials(client: Client) -> None:
    assert 200 == client.get("/Users?startIndex=1&count=1").status_code
    answer = httpx.get(f"{client.base_url}/Users?startIndex=1&count=1")
    assert_error(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("endpoint", ["/Users", "/Groups"])
def test_l_scim_pagination(client: Client, endpoint: str) -> None:
    for _ in range(12):
        group(client) if endpoint == "/Groups" else client.create_user(name())
    seen: list[str] = []
    for page in range(3):
        body = read(client, f"{endpoint}?startIndex={page * 5 + 1}&count=5")
        assert (page * 5 + 1, 12) == (body["startIndex"], body["totalResults"])
        seen += [each["id"] for each in body["Resources"]]
    assert 12 == len(seen) == len(set(seen))


def test_l_restore_user(client: Client) -> None:
    made = client.create_user(name())
    path = f"/Users/{made['id']}"
    for active in ("False", "True"):
        resource = patched(client, path, op("Replace", "active", value=active))
        assert (made["id"], active == "True") == (resource["id"], resource["active"])


def test_l_restore_group(client: Client) -> None:
    made = group(client)
    assert 204 == client.send("DELETE", f"/Groups/{made['id']}").status_code
    body = {each: made[each] for each in ("schemas", "displayName", "externalId")}
    assert made["id"] != created(client.post("/Groups", body))["id"]


def test_l_pre_flight(client: Client) -> None:
    for path in ("/Users?count=1", "/Groups?count=1", "/Schemas"):
        assert 200 == client.get(path).status_code
    assert [] == found(client, "/Users", f'userName eq "{name()}"')


def test_postman_a_boolean_as_text_on_create(client: Client) -> None:
    body = {"schemas": [USER], "UserName": name(), "Active": "True", "DisplayName": "D"}
    assert created(client.post("/Users", body))["active"] is True


def test_postman_what_cannot_be_created(client: Client) -> None:
    assert_error(client.post("/Users", {"schemas": [USER], "Active": "True"}), 400, "invalidValue")
    assert_error(client.post("/Users", b"junk"), 400, "invalidSyntax")
    body = {"schemas": [USER], "userName": name()}
    created(client.post("/Users", body))
    for _ in range(2):
        assert_error(client.post("/Users", body), 409, "uniqueness")


def test_postman_replacing_a_user(client: Client) -> None:
    made = client.create_user(name())
    path, body = f"/Users/{made['id']}", {"schemas": [USER], "userName": made["userName"]}
    assert 200 == client.send("PUT", path, {**body, "Favourite": "x"}).status_code
    assert_error(
        client.send("PUT", path, {"schemas": [USER], "Active": "True"}), 400, "invalidValue"
    )


@pytest.mark.parametrize(
    "asked",
    [
        *("startIndex=1&count=2", "attributes=userName,emails"),
        *('attributes=emails[type eq "work"]', "filter=DisplayName eq BobIsAmazing"),
        *("filter=userName sw O", 'filter=userName eq "nobody"'),
        "filter=name.FamilyName eq X and (emails.Value co a or emails.Value co b)",
        "filter=meta.Created gt 2019-10-10T14:38:21.8617979-07:00",
        "startindex=0",
    ],
)
def test_postman_queries(client: Client, asked: str) -> None:
    for _ in range(3):
        client.create_user(name())
    assert 200 == client.get(f"/Users/?{asked}").status_code


def test_postman_members(client: Client) -> None:
    users = [client.create_user(name())["id"] for _ in range(3)]
    path = f"/Groups/{group(client, *users[:2])['id']}"
    assert set(users[:2]) == members(read(client, path))
    step = {"name": "addMember", **op("add", "members", value=users[2])}
    answer = client.patch(path, step)
    assert 204 == answer.status_code
    assert set(users) == members(read(client, path))
    assert set() == members(patched(client, path, op("remove", "members")))
    body = {"schemas": [GROUP], "displayName": text(), "members": [{"value": users[0]}]}
    assert {users[0]} == members(client.send("PUT", path, body).json())
