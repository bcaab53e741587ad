"""The cases of Microsoft's SCIM validators, by their ids, and what its Postman collection expects.

W and P are those of the web validator, L those of the Logic App that need no Entra tenant. Every
test makes its own data with random values first, as the validators do: texts that are no locale, no
URL and nobody's id, and one number for three telephones.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from scim_asgi.ids import uuid7
from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import found, op, patched, query, read
from tests.conftest import Scim, Served

WORK = 'emails[type eq "work"]'
ADDRESS = 'addresses[type eq "work"]'
ROLE = 'roles[primary eq "True"]'
MANAGER = f"{ENTERPRISE}:manager"
PLAIN = ("displayName", "title", "preferredLanguage", "userType", "nickName", "locale")
NAMES = (
    *("formatted", "familyName", "givenName", "middleName"),
    *("honorificPrefix", "honorificSuffix"),
)
PLACES = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
JOB = ("employeeNumber", "department", "costCenter", "organization", "division")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    """A server that nobody listens to."""
    with ExitStack() as stack:
        yield Served(stack, tmp_path_factory.mktemp("validator"))(hooks=None)


@pytest.fixture(params=["with a product behind it", "without hooks"])
def client(request: pytest.FixtureRequest, shared: Scim, bare: Scim) -> Client:
    """A client of an organization of its own, of either server."""
    return (bare if request.param == "without hooks" else shared).client(uuid7())


def text() -> str:
    return "".join(random.choices(string.ascii_uppercase, k=12))


def name() -> str:
    return f"{text()}@acme.test"


def full() -> dict[str, Any]:
    """Return what the validator creates."""
    telephone = text()
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name(),
        "active": True,
        "timezone": text(),
        "profileUrl": text(),
        **{each: text() for each in PLAIN},
        "name": {each: text() for each in NAMES},
        "emails": [{"type": "work", "primary": True, "value": name()}],
        "addresses": [{"type": "work", "primary": True, **{each: text() for each in PLACES}}],
        "phoneNumbers": [
            {"type": "work", "primary": True, "value": telephone},
            {"type": "mobile", "value": telephone},
            {"type": "fax", "value": telephone},
        ],
        "roles": [{"primary": "True", "display": text(), "value": text(), "type": text()}],
        ENTERPRISE: {**{each: text() for each in JOB}, "manager": {"value": text()}},
    }


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """Return what has to come back of a body."""
    return {**body, "roles": [{**each, "primary": True} for each in body["roles"]]}


def verbose(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a body as one operation a path."""
    email, (address,), (role,) = body["emails"][0], body["addresses"], body["roles"]
    paths = {each: body[each] for each in ("active", "timezone", "profileUrl", *PLAIN)}
    paths |= {f"name.{each}": body["name"][each] for each in NAMES}
    paths |= {f"{WORK}.value": email["value"], f"{WORK}.primary": True}
    paths |= {f"{ADDRESS}.{each}": address[each] for each in (*PLACES, "primary")}
    for each in body["phoneNumbers"]:
        paths |= {f'phoneNumbers[type eq "{each["type"]}"].value': each["value"]}
    paths |= {'phoneNumbers[type eq "work"].primary': True}
    paths |= {f"{ROLE}.{each}": role[each] for each in ("display", "value", "type")}
    paths |= {f"{ENTERPRISE}:{each}": body[ENTERPRISE][each] for each in JOB}
    return [op(kind, path, value=value) for path, value in paths.items()]


def compact(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a body as one operation without a path, and one for each filtered path."""
    steps = verbose(body, kind)
    filtered = [each for each in steps if "[" in each["path"]]
    value = {each["path"]: each["value"] for each in steps if each not in filtered}
    return [op(kind, value=value), *filtered]


def same(expected: dict[str, Any], resource: dict[str, Any]) -> None:
    """Check that a resource has every attribute of a body, and nothing under a path's name."""
    assert expected == {each: resource.get(each) for each in expected}
    assert not [each for each in resource if "." in each and each[:4] != "urn:"]


def changed(client: Client, kind: str, write: Callable[[dict[str, Any], str], Any]) -> None:
    """Create a user, give it other values, and check that they are all there."""
    whole, other = full(), full()
    start = whole if kind == "replace" else {"schemas": [USER], "userName": whole["userName"]}
    path = f"/Users/{created(client.post('/Users', start))['id']}"
    answer = client.patch(path, *write(other, kind))
    assert 200 == answer.status_code, answer.text
    wanted = shown(other)
    for each in ("schemas", "userName"):
        wanted.pop(each)
    wanted[ENTERPRISE].pop("manager")
    for resource in (answer.json(), read(client, path)):
        resource[ENTERPRISE].pop("manager", None)
        same(wanted, resource)


def one(client: Client, endpoint: str, text: str) -> dict[str, Any]:
    """Return the one resource that a filter finds."""
    answer = query(client, endpoint, filter=text)
    assert (200, 1) == (answer.status_code, answer.json()["totalResults"])
    resource: dict[str, Any] = answer.json()["Resources"][0]
    return resource


def group(client: Client, *members: str) -> dict[str, Any]:
    return client.create_group(text(), *members, externalId=text())


def test_w1_create_a_new_user(client: Client) -> None:
    body = full()
    same(shown(body), created(client.post("/Users", body)))
    same(shown(body), one(client, "/Users", f'userName eq "{body["userName"]}"'))


def test_w2_create_a_duplicate_user(client: Client) -> None:
    body = full()
    created(client.post("/Users", body))
    assert_error(client.post("/Users", {**full(), "userName": body["userName"]}), 409, "uniqueness")


def test_w3_filter_for_an_existing_user(client: Client) -> None:
    body = full()
    made = created(client.post("/Users", body))
    answer = query(client, "/Users", filter=f'userName eq "{body["userName"]}"')
    assert "application/scim+json" == answer.headers["content-type"]
    listing = answer.json()
    assert ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] == listing["schemas"]
    assert (1, 1, 1) == tuple(
        listing[each] for each in ("totalResults", "itemsPerPage", "startIndex")
    )
    assert [made] == listing["Resources"]
    assert {"resourceType", "created", "lastModified", "location", "version"} == made["meta"].keys()


def test_w4_filter_for_a_non_existing_user(client: Client) -> None:
    answer = query(client, "/Users", filter=f'userName eq "{name()}"')
    assert (200, 0, []) == (
        answer.status_code,
        answer.json()["totalResults"],
        answer.json()["Resources"],
    )


def test_w5_filter_for_an_existing_user_with_a_different_case(client: Client) -> None:
    body = {**full(), "userName": f"MiXed.{name()}"}
    created(client.post("/Users", body))
    hit = one(client, "/Users", f'userName eq "{body["userName"].upper()}"')
    assert body["userName"] == hit["userName"]


def test_w6_patch_user_replace_attributes_verbose_request(client: Client) -> None:
    changed(client, "replace", verbose)


def test_w7_patch_user_replace_attributes(client: Client) -> None:
    changed(client, "replace", compact)


def test_w8_patch_user_add_attributes_verbose_request(client: Client) -> None:
    changed(client, "add", verbose)


def test_w9_patch_user_add_attributes(client: Client) -> None:
    changed(client, "add", compact)


@pytest.mark.parametrize("path", [None, "userName"])
def test_w10_update_user_user_name(client: Client, path: str | None) -> None:
    made, new = created(client.post("/Users", full())), name()
    value = {"userName": new} if path is None else new
    answer = client.patch(f"/Users/{made['id']}", op("replace", path, value=value))
    assert (200, new) == (answer.status_code, answer.json()["userName"])
    assert made["id"] == one(client, "/Users", f'userName eq "{new}"')["id"]


def test_w11_patch_user_disable_user(client: Client) -> None:
    made = created(client.post("/Users", full()))
    answer = client.patch(f"/Users/{made['id']}", op("replace", "active", value=False))
    assert (200, False) == (answer.status_code, answer.json()["active"])
    assert read(client, f"/Users/{made['id']}")["active"] is False
    assert one(client, "/Users", f'userName eq "{made["userName"]}"')["active"] is False


def test_w12_patch_user_add_manager(client: Client) -> None:
    made, manager = client.create_user(name()), text()
    resource = patched(client, f"/Users/{made['id']}", op("add", MANAGER, value={"value": manager}))
    assert {"value": manager} == resource[ENTERPRISE]["manager"]


def test_w13_patch_user_replace_manager(client: Client) -> None:
    made, manager = created(client.post("/Users", full())), text()
    step = op("replace", MANAGER, value={"value": manager})
    assert {"value": manager} == patched(client, f"/Users/{made['id']}", step)[ENTERPRISE][
        "manager"
    ]


def test_w14_patch_user_remove_manager(client: Client) -> None:
    made = created(client.post("/Users", full()))
    step = op("replace", MANAGER, value={"value": ""})
    assert "manager" not in patched(client, f"/Users/{made['id']}", step)[ENTERPRISE]


def test_w15_delete_a_user(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.get(path), 404)


def test_w16_get_group_by_id_excluding_members(client: Client) -> None:
    made = group(client, client.create_user(name())["id"])
    assert "members" not in read(client, f"/Groups/{made['id']}?excludedAttributes=members")


def test_w17_filter_for_an_existing_group_excluding_members(client: Client) -> None:
    made = group(client, client.create_user(name())["id"])
    asked = f'displayName eq "{made["displayName"]}"'
    answer = query(client, "/Groups", excludedAttributes="members", filter=asked).json()
    assert [made["id"]] == [each["id"] for each in answer["Resources"]]
    assert "members" not in answer["Resources"][0]


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w18_filter_for_an_existing_group(client: Client, joining: str) -> None:
    made = group(client)
    assert made["id"] == one(client, "/Groups", f'{joining} eq "{made[joining]}"')["id"]


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w19_filter_for_a_non_existing_group(client: Client, joining: str) -> None:
    group(client)
    assert [] == found(client, "/Groups", f'{joining} eq "{text()}"')


def test_w20_filter_for_an_existing_group_with_a_different_case(client: Client) -> None:
    made = group(client)
    hit = one(client, "/Groups", f'displayName eq "{made["displayName"].lower()}"')
    assert made["displayName"] == hit["displayName"]
    assert 200 == query(client, "/Groups", filter=f'externalId eq "{text().lower()}"').status_code


def test_w21_create_a_new_group(client: Client) -> None:
    body = {"schemas": [GROUP], "displayName": text(), "externalId": text()}
    same(body, created(client.post("/Groups", body)))


def test_w22_create_a_duplicate_group(client: Client) -> None:
    made = group(client)
    body = {"schemas": [GROUP], "displayName": made["displayName"], "externalId": text()}
    assert_error(client.post("/Groups", body), 409, "uniqueness")


def test_w23_patch_group_replace_attributes(client: Client) -> None:
    made, new = group(client), text()
    step = op("replace", value={"displayName": new, "externalId": f"x-{new}"})
    resource = patched(client, f"/Groups/{made['id']}", step)
    assert (new, f"x-{new}") == (resource["displayName"], resource["externalId"])


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w24_update_group_display_name_or_external_id(client: Client, joining: str) -> None:
    made, new = group(client), text()
    step = op("replace", value={joining: new})
    assert new == patched(client, f"/Groups/{made['id']}", step)[joining]
    assert made["id"] == one(client, "/Groups", f'{joining} eq "{new}"')["id"]
    assert [] == found(client, "/Groups", f'{joining} eq "{made[joining]}"')


def members(resource: dict[str, Any]) -> set[str]:
    return {each["value"] for each in resource["members"]}


def test_w25_patch_group_add_member(client: Client) -> None:
    made, user = group(client), client.create_user(name())["id"]
    step = op("replace", "members", value=[{"value": user}])
    assert {user} == members(patched(client, f"/Groups/{made['id']}", step))


def test_w26_patch_group_remove_member(client: Client) -> None:
    made = group(client)
    leaving, staying = (client.create_user(name())["id"] for _ in range(2))
    both = op("replace", "members", value=[{"value": leaving}, {"value": staying}])
    path = f"/Groups/{made['id']}"
    assert {leaving, staying} == members(patched(client, path, both))
    left = patched(client, path, op("remove", f'members[value eq "{leaving}"]'))
    assert {staying} == members(left)


def test_w27_delete_a_group(client: Client) -> None:
    path = f"/Groups/{group(client)['id']}"
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.get(path), 404)


def test_p1_multiple_operations_on_different_attributes(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    steps = (
        op("remove", "title"),
        op("add", "nickName", value="N"),
        op("replace", "locale", value="L"),
    )
    resource = patched(client, path, *steps)
    assert "title" not in resource
    assert ("N", "L") == (resource["nickName"], resource["locale"])


def test_p2_multiple_operations_on_the_same_attribute(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    steps = [op("remove", "displayName"), op("add", "displayName", value="one")]
    assert (
        "two"
        == patched(client, path, *steps, op("replace", "displayName", value="two"))["displayName"]
    )


def test_p3_delete_a_non_existent_user(client: Client) -> None:
    assert_error(client.send("DELETE", f"/Users/{text()}"), 404)


def delete_twice(client: Client, path: str) -> None:
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.send("DELETE", path), 404)


def test_p4_delete_the_same_user_twice(client: Client) -> None:
    delete_twice(client, f"/Users/{client.create_user(name())['id']}")


def test_p5_patch_group_multiple_operations_on_the_same_attribute(client: Client) -> None:
    made, user = group(client), client.create_user(name())["id"]
    steps = (
        op("add", "members", value=[{"value": user}]),
        op("remove", f'members[value eq "{user}"]'),
    )
    assert set() == members(patched(client, f"/Groups/{made['id']}", *steps))


def test_p6_delete_a_non_existent_group(client: Client) -> None:
    assert_error(client.send("DELETE", f"/Groups/{text()}"), 404)


def test_p7_delete_the_same_group_twice(client: Client) -> None:
    delete_twice(client, f"/Groups/{group(client)['id']}")


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
