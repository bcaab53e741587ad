"""SCH, COM, EXT: `schemas`, common attributes and extensions (RFC 7643 sections 3 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from scim_asgi.ids import uuid7
from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    DEVICE,
    DEVICE_EXT,
    DEVICE_OPT,
    create_device,
    device,
    found,
    op,
    patched,
    query,
    read,
    search,
    user,
)


def test_sch_01_every_message_says_what_it_is(client: Client) -> None:
    client.create_user("ada")
    listed = read(client, "/Users")
    for message in (
        listed,
        listed["Resources"][0],
        client.get("/Users/none").json(),
        read(client, "/Schemas"),
        read(client, "/ServiceProviderConfig"),
        search(client, "/Users").json(),
    ):
        assert message["schemas"]
        assert len(set(message["schemas"])) == len(message["schemas"])


def test_sch_02_a_resource_lists_its_own_schema_and_its_extensions(client: Client) -> None:
    plain = client.create_user("ada")
    extended = created(
        client.post("/Users", user(userName="b", **{ENTERPRISE: {"department": "d"}}))
    )
    assert [USER] == plain["schemas"]
    assert [USER, ENTERPRISE] == extended["schemas"]


def test_sch_03_no_schema_is_listed_twice(client: Client) -> None:
    body = {"schemas": [USER, USER], "userName": "ada"}
    assert [USER] == created(client.post("/Users", body))["schemas"]


@pytest.mark.parametrize("schemas", [None, USER, [], [5], {}])
def test_sch_04_schemas_are_required(client: Client, schemas: Any) -> None:
    body = {"schemas": schemas, "userName": "ada"}
    assert_error(client.post("/Users", body), 400, "invalidSyntax")
    assert_error(client.post("/Users", {"userName": "ada"}), 400, "invalidSyntax")


def test_sch_05_another_types_schema_is_refused(client: Client) -> None:
    for schemas in ([GROUP], [USER, GROUP]):
        body = {"schemas": schemas, "userName": "ada", "displayName": "g"}
        assert_error(client.post("/Users", body), 400, "invalidValue")
    assert [] == read(client, "/Users")["Resources"]


def test_sch_05_a_schema_that_nobody_knows_is_passed_over(client: Client) -> None:
    body = {"schemas": [USER, "urn:x"], "userName": "ada"}
    assert [USER] == created(client.post("/Users", body))["schemas"]


def test_sch_06_urns_match_in_any_case(client: Client) -> None:
    body = {"schemas": ["URN:IETF:params:SCIM:schemas:core:2.0:user"], "userName": "ada"}
    assert [USER] == created(client.post("/Users", body))["schemas"]


def test_sch_07_an_extension_that_is_not_listed_is_kept_and_listed(client: Client) -> None:
    made = created(client.post("/Users", user(**{ENTERPRISE: {"department": "d"}})))
    assert [USER, ENTERPRISE] == made["schemas"]
    assert {"department": "d"} == made[ENTERPRISE]


def test_sch_08_an_extension_may_be_listed_without_data(client: Client) -> None:
    body = {"schemas": [USER, ENTERPRISE], "userName": "ada"}
    made = created(client.post("/Users", body))
    assert [USER] == made["schemas"]
    assert ENTERPRISE not in made


def test_sch_09_an_extension_is_listed_for_as_long_as_it_has_data(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    number = f"{ENTERPRISE}:employeeNumber"
    assert [USER, ENTERPRISE] == patched(client, path, op("add", number, value="1"))["schemas"]
    after = patched(client, path, op("remove", number))
    assert [USER] == after["schemas"]
    assert ENTERPRISE not in after


def test_sch_10_messages_are_no_schemas(client: Client) -> None:
    for schema in read(client, "/Schemas")["Resources"]:
        assert ":api:messages:" not in schema["id"]


def test_sch_11_schemas_survive_every_projection(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert [USER] == read(client, f"{path}?attributes=userName")["schemas"]
    assert [USER] == read(client, f"{path}?excludedAttributes=schemas")["schemas"]


def test_com_01_the_server_gives_ids(client: Client) -> None:
    made = created(client.post("/Users", user(id="x")))
    assert "x" != made["id"]
    assert made["id"] == read(client, f"/Users/{made['id']}")["id"]
    assert_error(client.get(f"/Users/{made['id'].upper()}"), 404)


def test_com_02_an_id_is_given_once(client: Client) -> None:
    first = client.create_user("ada")["id"]
    assert first != client.create_group("g")["id"]
    assert 204 == client.send("DELETE", f"/Users/{first}").status_code
    assert first != client.create_user("ada")["id"]


def test_com_03_no_id_contains_bulk_id() -> None:
    assert all(set(uuid7()) <= set("0123456789abcdef-") for _ in range(1000))


def test_com_04_an_external_id_is_exact_and_not_unique(client: Client, stranger: Client) -> None:
    for name in ("a", "b"):
        created(client.post("/Users", user(userName=name, externalId="Ext")))
    stranger.create_user("c", externalId="Ext")
    assert ["a", "b"] == found(client, "/Users", 'externalId eq "Ext"')
    assert [] == found(client, "/Users", 'externalId eq "ext"')


def test_com_05_every_type_has_an_external_id(client: Client) -> None:
    group = f"/Groups/{client.create_group('g', externalId='x')['id']}"
    one = f"/Devices/{create_device(client, externalId='x')['id']}"
    for path in (group, one):
        assert "x" == read(client, path)["externalId"]
        assert "y" == patched(client, path, op("replace", "externalId", value="y"))["externalId"]
        assert "externalId" not in patched(client, path, op("remove", "externalId"))
        assert "z" == patched(client, path, op("add", value={"externalId": "z"}))["externalId"]
    client.send("PUT", one, device())
    assert "externalId" not in read(client, one)


def test_com_06_a_clients_meta_is_ignored(client: Client) -> None:
    meta = {"resourceType": "X", "created": "1999-01-01T00:00:00Z", "version": "v"}
    made = created(client.post("/Users", user(meta=meta)))
    assert "User" == made["meta"]["resourceType"]
    assert not made["meta"]["created"].startswith("1999")


def test_com_07_meta_names_the_type(client: Client) -> None:
    assert "User" == client.create_user("ada")["meta"]["resourceType"]
    assert "Group" == client.create_group("g")["meta"]["resourceType"]
    assert "Device" == create_device(client)["meta"]["resourceType"]


def test_com_08_a_new_resource_was_last_modified_when_it_was_created(client: Client) -> None:
    meta = client.create_user("ada")["meta"]
    assert meta["created"] == meta["lastModified"]


def test_com_09_a_change_moves_last_modified_and_nothing_else_does(client: Client) -> None:
    made = client.create_user("ada")
    path = f"/Users/{made['id']}"
    read(client, path)
    assert made["meta"] == read(client, path)["meta"]
    meta = patched(client, path, op("replace", "title", value="T"))["meta"]
    assert meta["created"] == made["meta"]["created"] < meta["lastModified"]


def test_com_10_meta_location_is_where_the_resource_is(client: Client) -> None:
    answer = client.post("/Users", user())
    location = answer.json()["meta"]["location"]
    assert location == answer.headers["location"]
    assert location.startswith(f"{client.base_url}/Users/")
    assert 200 == client.get(location.removeprefix(client.base_url)).status_code


def test_com_11_meta_version_is_the_etag(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    answer = client.get(path)
    assert answer.headers["etag"] == answer.json()["meta"]["version"]
    assert answer.headers["etag"].startswith('W/"')


def test_com_12_meta_is_returned_by_default_and_in_parts(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert "meta" not in read(client, f"{path}?attributes=userName")
    assert {"location"} == read(client, f"{path}?attributes=meta.location")["meta"].keys()


def test_com_13_custom_types_have_the_common_attributes(client: Client) -> None:
    made = create_device(client, externalId="x")
    for text in (
        'externalId eq "x"',
        f'id eq "{made["id"]}"',
        'meta.resourceType eq "Device"',
        f'meta.lastModified ge "{made["meta"]["lastModified"]}"',
    ):
        assert ["one"] == found(client, "/Devices", text)


def test_ext_01_an_extensions_attributes_are_under_its_urn(client: Client) -> None:
    made = created(client.post("/Users", user(**{ENTERPRISE: {"employeeNumber": "1"}})))
    assert {"employeeNumber": "1"} == read(client, f"/Users/{made['id']}")[ENTERPRISE]


def test_ext_02_the_urn_matches_in_any_case(client: Client) -> None:
    made = created(client.post("/Users", user(**{ENTERPRISE.lower(): {"DEPARTMENT": "d"}})))
    assert {"department": "d"} == made[ENTERPRISE]


def test_ext_03_a_required_extension_has_to_be_there(client: Client) -> None:
    for extension in (None, {}, {"grade": "g"}):
        body = {"schemas": [DEVICE], "label": "x", DEVICE_EXT: extension}
        assert_error(client.post("/Devices", body), 400, "invalidValue")
    answer = client.post("/Devices", {"schemas": [DEVICE], "label": "x"})
    assert DEVICE_EXT in assert_error(answer, 400, "invalidValue")
    path = f"/Devices/{create_device(client)['id']}"
    assert_error(client.patch(path, op("remove", f"{DEVICE_EXT}:zone")), 400, "mutability")
    assert_error(client.patch(path, op("remove", DEVICE_EXT)), 400, "mutability")


def test_ext_04_another_extension_may_be_absent(client: Client) -> None:
    assert DEVICE_OPT not in create_device(client)
    assert ENTERPRISE not in client.create_user("ada")


def test_ext_05_an_extensions_attribute_is_unknown_at_the_top(client: Client) -> None:
    made = created(client.post("/Users", user(employeeNumber="1")))
    assert {"schemas", "id", "userName", "active", "meta"} == made.keys()


@pytest.mark.parametrize("value", ["x", [], [1], 5])
def test_ext_06_an_extension_is_an_object(client: Client, value: Any) -> None:
    answer = client.post("/Users", user(**{ENTERPRISE: value}))
    if value == []:
        assert ENTERPRISE not in created(answer)
    else:
        assert_error(answer, 400, "invalidValue")


def test_ext_06_null_unassigns_an_extension(client: Client) -> None:
    assert ENTERPRISE not in created(client.post("/Users", user(**{ENTERPRISE: None})))


def test_ext_06_an_extension_that_is_there_twice_is_one_or_refused(client: Client) -> None:
    twice: dict[str, Any] = {ENTERPRISE: None, ENTERPRISE.upper(): {"department": "d"}}
    assert {"department": "d"} == created(client.post("/Users", user(**twice)))[ENTERPRISE]
    twice = {ENTERPRISE: "x", ENTERPRISE.upper(): {"department": "d"}}
    answer = client.post("/Users", user(userName="b", **twice))
    assert_error(answer, 400, "invalidSyntax")
    flat = {ENTERPRISE: None, f"{ENTERPRISE}:department": "d"}
    made = created(client.post("/Users", user(userName="c", **flat)))
    assert {"department": "d"} == made[ENTERPRISE]


def test_ext_05_a_core_schema_is_no_extension(client: Client) -> None:
    body = user(**{USER: {"nickName": "N"}, GROUP: {"displayName": "g"}})
    made = created(client.post("/Users", body))
    assert [USER] == made["schemas"]
    assert "N" == made["nickName"]
    assert GROUP not in made


def test_ext_07_urn_qualified_names_work_everywhere(client: Client) -> None:
    for name, number in (("a", "2"), ("b", "1")):
        extension = {"employeeNumber": number, "manager": {"value": f"m{name}"}}
        created(client.post("/Users", user(userName=name, **{ENTERPRISE: extension})))
    qualified = f"{ENTERPRISE}:employeeNumber"
    assert ["b"] == found(client, "/Users", f'{qualified} eq "1"')
    assert ["a"] == found(client, "/Users", f'{ENTERPRISE}:manager.value eq "ma"')
    answer = query(client, "/Users", sortBy=qualified, attributes=qualified).json()["Resources"]
    assert ["1", "2"] == [each[ENTERPRISE]["employeeNumber"] for each in answer]
    assert ["employeeNumber"] == list(answer[0][ENTERPRISE])
    path = f"/Users/{answer[0]['id']}"
    excluded = read(client, f"{path}?excludedAttributes={qualified}")
    assert ["manager"] == list(excluded[ENTERPRISE])
    assert (
        "9"
        == patched(client, path, op("replace", qualified, value="9"))[ENTERPRISE]["employeeNumber"]
    )


def test_ext_08_an_unqualified_name_means_the_one_extension_that_has_it(client: Client) -> None:
    created(client.post("/Users", user(**{ENTERPRISE: {"employeeNumber": "1"}})))
    client.create_user("bob")
    assert ["ada"] == found(client, "/Users", 'employeeNumber eq "1"')


def test_ext_09_a_custom_type_has_every_operation(client: Client) -> None:
    types = read(client, "/ResourceTypes")["Resources"]
    endpoint = next(each["endpoint"] for each in types if each["name"] == "Device")
    made = created(client.post(endpoint, device()))
    assert 1 == search(client, endpoint).json()["totalResults"]
    assert 3 == patched(client, f"{endpoint}/{made['id']}", op("add", "rank", value=3))["rank"]
    assert 204 == client.send("DELETE", f"{endpoint}/{made['id']}").status_code
