"""ATT: types and characteristics of attributes (RFC 7643 sections 2 and 7)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scim_asgi import ScimAsgiError, read_resource_types
from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    DEVICE,
    DEVICE_EXT,
    create_device,
    device,
    found,
    op,
    patched,
    query,
    read,
    user,
)


def test_att_01_what_a_schema_does_not_say_has_the_defaults(client: Client) -> None:
    (attribute,) = read(client, "/Schemas/urn:example:plain")["attributes"]
    assert {
        "name": "thing",
        "type": "string",
        "multiValued": False,
        "description": "",
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    } == attribute
    created(client.post("/Plainly", {"schemas": ["urn:example:plain"], "thing": "AbC"}))
    assert ["AbC"] == found(client, "/Plainly", 'thing eq "aBc"')


def test_att_02_names_match_in_any_case(client: Client) -> None:
    body = {"SCHEMAS": [USER], "USERNAME": "a1", "Emails": [{"VALUE": "a@x"}]}
    resource = created(client.post("/Users", body))
    assert "a1" == resource["userName"]
    assert [{"value": "a@x"}] == resource["emails"]


def test_att_03_a_name_may_begin_with_a_dollar_sign(client: Client) -> None:
    member = client.create_user("ada")
    group = client.create_group("g", member["id"])
    assert ["g"] == found(client, "/Groups", "members.$ref pr")
    reference = read(client, f"/Groups/{group['id']}")["members"][0]["$ref"]
    path = f'members[$ref eq "{reference}"]'
    assert [] == patched(client, f"/Groups/{group['id']}", op("remove", path))["members"]


def test_att_04_an_attribute_that_is_sent_twice_is_refused(client: Client) -> None:
    body = {"schemas": [USER], "userName": "a", "username": "b"}
    assert_error(client.post("/Users", body), 400, "invalidSyntax")


@pytest.mark.parametrize("name", ["名前😀", "O'Malley", "ä"])
def test_att_05_a_string_is_any_unicode(client: Client, name: str) -> None:
    assert name == client.create_user(name)["userName"]


def test_att_05_a_string_is_a_json_string(client: Client) -> None:
    assert_error(client.post("/Users", user(userName=5)), 400, "invalidValue")


@pytest.mark.parametrize("value", [1, "yes", [], {"a": 1}])
def test_att_06_a_boolean_is_true_or_false(client: Client, value: Any) -> None:
    answer = client.post("/Users", user(active=value))
    if value == []:
        assert created(answer)["active"] is True
    else:
        assert_error(answer, 400, "invalidValue")


def test_att_06_booleans_as_texts_are_understood(client: Client) -> None:
    assert created(client.post("/Users", user(active="False")))["active"] is False
    assert created(client.post("/Users", user(userName="b", active=None)))["active"] is True


@pytest.mark.parametrize("value", ["1.5", True, [1.5], {"a": 1}])
def test_att_07_a_decimal_is_a_json_number(client: Client, value: Any) -> None:
    assert 1.5 == create_device(client, weight=1.5)["weight"]
    assert 2 == create_device(client, "two", weight=2)["weight"]
    assert_error(client.post("/Devices", device("three", weight=value)), 400, "invalidValue")


@pytest.mark.parametrize("value", [b"7.5", b"7.0", b"7e0", b"true", b'"7"', b"1" + b"0" * 5000])
def test_att_08_an_integer_has_no_fraction_and_no_exponent(client: Client, value: bytes) -> None:
    assert 7 == create_device(client, rank=7)["rank"]
    body = json.dumps(device("two")).encode()[:-1] + b', "rank": ' + value + b"}"
    answer = client.post("/Devices", body, headers={"Content-Type": "application/scim+json"})
    assert answer.json()["scimType"] in ("invalidValue", "invalidSyntax")
    assert 400 == answer.status_code


@pytest.mark.parametrize(
    "value", ["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456+02:00", "2026-01-31T10:00:00"]
)
def test_att_09_a_date_time_has_date_and_time(client: Client, value: str) -> None:
    assert "seenAt" in create_device(client, seenAt=value)


@pytest.mark.parametrize(
    "value", ["2026-01-31", "2026-02-30T00:00:00Z", 1700000000, "yesterday", "2026-01-31T25:00:00Z"]
)
def test_att_09_what_is_no_date_time_is_refused(client: Client, value: Any) -> None:
    assert_error(client.post("/Devices", device(seenAt=value)), 400, "invalidValue")


def test_att_10_a_date_time_equals_itself_in_a_filter(client: Client) -> None:
    seen = create_device(client, seenAt="2026-01-31T10:00:00.123456+02:00")["seenAt"]
    assert ["one"] == found(client, "/Devices", f'seenAt eq "{seen}"')
    made = read(client, "/Devices")["Resources"][0]["meta"]["created"]
    assert ["one"] == found(client, "/Devices", f'meta.created eq "{made}"')


def test_att_11_binary_is_base64_with_or_without_padding(client: Client) -> None:
    assert "aGVsbG8=" == create_device(client, "a", blob="aGVsbG8=")["blob"]
    assert "aGVsbG8" == create_device(client, "b", blob="aGVsbG8")["blob"]
    for blob in ("@@", "-----BEGIN X-----\naGVsbG8=\n-----END X-----", "aGVs\nbG8=", "a", 5):
        assert_error(client.post("/Devices", device("c", blob=blob)), 400, "invalidValue")


def test_att_12_a_reference_is_a_case_exact_uri(client: Client) -> None:
    create_device(client, link="https://e.x/A", owner="Users/U1")
    assert ["one"] == found(client, "/Devices", 'link eq "https://e.x/A"')
    assert [] == found(client, "/Devices", 'link eq "https://e.x/a"')


def test_att_13_a_reference_in_an_answer_leads_to_the_resource(client: Client) -> None:
    member = client.create_user("ada")
    group = client.create_group("g", member["id"], "nobody")
    members = read(client, f"/Groups/{group['id']}")["members"]
    assert [member["id"]] == [each["value"] for each in members]
    path = members[0]["$ref"].removeprefix(client.base_url)
    assert member["id"] == read(client, path)["id"]


def test_att_14_a_complex_value_is_an_object(client: Client) -> None:
    assert_error(client.post("/Users", user(name="x")), 400, "invalidValue")


def test_att_14_a_complex_sub_attribute_cannot_be_registered() -> None:
    inner = {"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]}
    attribute = {"name": "a", "type": "complex", "subAttributes": [inner]}
    types = {
        "schemas": [{"id": "urn:x", "attributes": [attribute]}],
        "resourceTypes": [{"name": "X", "endpoint": "/Xs", "schema": "urn:x"}],
    }
    with pytest.raises(ScimAsgiError, match=r"a\.b"):
        read_resource_types(json.dumps(types).encode())


def test_att_15_a_single_object_stands_for_a_list_but_a_list_never_for_a_single_text(
    client: Client,
) -> None:
    resource = created(client.post("/Users", user(emails={"value": "a@x"})))
    assert [{"value": "a@x"}] == resource["emails"]
    answer = client.post("/Users", user(userName="b", nickName=["a"]))
    assert_error(answer, 400, "invalidValue")


def test_att_17_at_most_one_value_is_primary(client: Client) -> None:
    emails = [{"value": "a@x", "primary": True}, {"value": "b@x", "primary": True}]
    shown = created(client.post("/Users", user(emails=emails)))["emails"]
    assert [True, False] == [each["primary"] for each in shown]


def test_att_18_the_same_value_twice_is_there_once(client: Client) -> None:
    email = {"value": "a@x", "type": "work"}
    resource = created(client.post("/Users", user(emails=[email, dict(email)])))
    assert [email] == resource["emails"]
    path = f"/Users/{resource['id']}"
    assert [email] == patched(client, path, op("add", "emails", value=[email]))["emails"]


def test_att_19_canonical_values_are_suggestions(client: Client) -> None:
    emails = [{"value": "a@x", "type": "spouse"}, {"value": "b@x", "type": "WORK"}]
    created(client.post("/Users", user(emails=emails)))
    assert ["ada"] == found(client, "/Users", 'emails[type eq "work" and value eq "b@x"]')
    assert ["ada"] == found(client, "/Users", 'emails.type eq "spouse"')


def test_att_20_case_exact_values_keep_their_case_and_compare_with_it(client: Client) -> None:
    assert "AbC" == create_device(client, "AbC")["label"]
    assert [] == found(client, "/Devices", 'label eq "abc"')
    client.create_user("Ada")
    assert ["Ada"] == found(client, "/Users", 'userName eq "aDA"')


def test_att_21_what_is_required_has_to_be_there(client: Client) -> None:
    assert_error(client.post("/Users", {"schemas": [USER]}), 400, "invalidValue")
    made = client.create_user("ada")
    answer = client.send("PUT", f"/Users/{made['id']}", {"schemas": [USER]})
    assert_error(answer, 400, "invalidValue")


@pytest.mark.parametrize("value", [None, "", "   ", []])
def test_att_22_an_empty_value_is_none(client: Client, value: Any) -> None:
    assert_error(client.post("/Users", user(userName=value)), 400, "invalidValue")


def test_att_23_a_required_sub_attribute_is_demanded_where_its_parent_is(client: Client) -> None:
    create_device(client)
    answer = client.post("/Devices", device("two", ports=[{"number": 1}]))
    assert "ports[0].name" in assert_error(answer, 400, "invalidValue")


def test_att_24_read_only_values_are_ignored_even_malformed_ones(client: Client) -> None:
    made = create_device(client, computed=123, id="mine", meta="junk")
    assert "mine" != made["id"]
    assert "c:one" == made["computed"]
    assert "Device" == made["meta"]["resourceType"]
    body = device("two", id=5, meta=[], computed={"a": 1})
    answer = client.send("PUT", f"/Devices/{made['id']}", body)
    assert "c:two" == answer.json()["computed"]


def test_att_25_a_read_only_sub_attribute_is_ignored_alone(client: Client) -> None:
    manager = {"value": "u1", "displayName": "FAKE"}
    made = created(client.post("/Users", user(**{ENTERPRISE: {"manager": manager}})))
    assert "u1" == made[ENTERPRISE]["manager"]["value"]
    assert "displayName" not in made[ENTERPRISE]["manager"]


def test_att_26_an_immutable_value_never_changes(client: Client) -> None:
    path = f"/Devices/{create_device(client, serial='S1')['id']}"
    assert 200 == client.send("PUT", path, device(serial="S1")).status_code
    answer = client.send("PUT", path, device("changed", serial="S2"))
    assert_error(answer, 400, "mutability")
    assert ("S1", "one") == (read(client, path)["serial"], read(client, path)["label"])


def test_att_27_a_put_without_an_immutable_value_keeps_it(client: Client) -> None:
    path = f"/Devices/{create_device(client, serial='S1')['id']}"
    assert "S1" == client.send("PUT", path, device()).json()["serial"]


def test_att_28_write_only_values_are_never_returned(client: Client) -> None:
    ports = [{"name": "p", "pin": "9876"}]
    made = client.post("/Devices", device(secret="hush", place={"badge": "zzz"}, ports=ports))
    path = f"/Devices/{made.json()['id']}"
    answers = [
        made,
        client.get(path),
        client.get("/Devices"),
        client.get(f"{path}?attributes=secret,place.badge,ports.pin"),
        client.post(
            "/Devices/.search",
            {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]},
        ),
        client.patch(path, op("replace", "secret", value="hush2")),
        client.send("PUT", path, device(secret="hush3")),
    ]
    for answer in answers:
        assert answer.status_code in (200, 201)
        for text in ("hush", "zzz", "9876", "secret", "badge", "pin"):
            assert text not in answer.text


def test_att_29_returned_always_means_always(client: Client) -> None:
    path = f"/Devices/{create_device(client, rank=1)['id']}"
    for parameters in ("attributes=rank", "excludedAttributes=label"):
        resource = read(client, f"{path}?{parameters}")
        assert {"id", "label"} <= resource.keys()


def test_att_30_returned_never_means_never(client: Client) -> None:
    made = created(client.post("/Users", user(password="hush-hush")))
    shown = client.get(f"/Users/{made['id']}?attributes=password,userName")
    assert "password" not in shown.text
    assert "ada" == shown.json()["userName"]


def test_att_31_what_is_returned_by_default_is_dropped_when_others_are_named(
    client: Client,
) -> None:
    made = created(client.post("/Users", user(title="T", nickName="N")))
    assert "title" in read(client, f"/Users/{made['id']}")
    shown = read(client, f"/Users/{made['id']}?attributes=nickName")
    assert {"schemas", "id", "nickName"} == shown.keys()


def test_att_32_returned_on_request_means_named_or_just_written(client: Client) -> None:
    made = create_device(client, note="n", ports=[{"name": "p", "hint": "h"}])
    path = f"/Devices/{made['id']}"
    assert ("n", "h") == (made["note"], made["ports"][0]["hint"])
    assert "note" not in read(client, path)
    assert "n" == read(client, f"{path}?attributes=note")["note"]
    assert "note" not in client.patch(path, op("replace", "rank", value=1)).json()
    assert "m" == client.patch(path, op("replace", "note", value="m")).json()["note"]
    ports = [{"name": "q", "hint": "i"}]
    answer = client.patch(path, op("add", "ports", value=ports)).json()
    assert "i" == answer["ports"][1]["hint"]


def test_att_33_returned_holds_for_sub_attributes(client: Client) -> None:
    ports = [{"name": "p", "hint": "h", "pin": "1"}]
    place = {"room": "r", "badge": "b", "tag": "t"}
    path = f"/Devices/{create_device(client, ports=ports, place=place)['id']}"
    resource = read(client, path)
    assert {"room": "r", "tag": "t"} == resource["place"]
    assert [{"name": "p"}] == resource["ports"]
    assert [{"hint": "h"}] == read(client, f"{path}?attributes=ports.hint")["ports"]
    assert {"room": "r", "tag": "t"} == read(client, f"{path}?attributes=place.room")["place"]


def test_att_34_a_create_with_a_value_in_use_is_409(client: Client) -> None:
    client.create_user("ada")
    assert_error(client.post("/Users", user()), 409, "uniqueness")


def test_att_35_so_are_put_and_patch(client: Client) -> None:
    client.create_user("ada")
    path = f"/Users/{client.create_user('bob')['id']}"
    assert_error(client.send("PUT", path, user()), 409, "uniqueness")
    assert_error(client.patch(path, op("replace", "userName", value="ADA")), 409, "uniqueness")
    assert "bob" == read(client, path)["userName"]


def test_att_36_uniqueness_follows_case_exact(client: Client) -> None:
    client.create_user("Bob")
    assert_error(client.post("/Users", user(userName="bob")), 409, "uniqueness")
    create_device(client, "A")
    create_device(client, "a")
    create_device(client, "b", serial="S")
    assert_error(client.post("/Devices", device("c", serial="S")), 409, "uniqueness")


def test_att_37_a_resource_is_not_in_its_own_way(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert "ADA" == client.send("PUT", path, user(userName="ADA")).json()["userName"]


def test_att_38_uniqueness_holds_when_many_come_at_once(client: Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/Users", user()), range(20)))
    assert [201] + [409] * 19 == sorted(each.status_code for each in answers)


def test_att_39_null_and_empty_lists_are_unassigned(client: Client) -> None:
    created(client.post("/Users", user(nickName=None, emails=[])))
    for attribute in ("nickName", "emails"):
        assert [] == found(client, "/Users", f"{attribute} pr")
        assert ["ada"] == found(client, "/Users", f"not ({attribute} pr)")


def test_att_40_answers_hold_no_nulls_and_no_empty_lists(client: Client) -> None:
    made = created(client.post("/Users", user(nickName=None, emails=[], name={"givenName": None})))
    assert {"schemas", "id", "userName", "active", "meta"} == made.keys()


def test_att_41_empty_objects_are_unassigned(client: Client) -> None:
    made = created(client.post("/Users", user(name={}, emails=[{}, {"value": "a@x"}])))
    assert "name" not in made
    assert [{"value": "a@x"}] == made["emails"]
    assert [] == found(client, "/Users", "name pr")


@pytest.mark.parametrize("attributes", [{"tags": ["a", None]}, {"numbers": [None]}])
def test_att_42_a_null_in_a_list_is_refused(client: Client, attributes: dict[str, Any]) -> None:
    assert_error(client.post("/Devices", device(**attributes)), 400, "invalidValue")
    assert_error(client.post("/Users", user(emails=[None])), 400, "invalidValue")


def test_att_43_the_server_sets_defaults_that_null_overrides(client: Client) -> None:
    assert create_device(client)["online"] is True
    assert create_device(client, "b", online=False)["online"] is False
    assert "online" not in create_device(client, "c", online=None)


def test_att_44_an_empty_text_is_unassigned(client: Client) -> None:
    made = created(client.post("/Users", user(nickName="")))
    assert "nickName" not in made
    assert [] == found(client, "/Users", "nickName pr")
    assert 200 == query(client, "/Users", filter='nickName eq ""').status_code


def test_att_45_reference_types_are_there_for_references_only(client: Client) -> None:
    for schema in read(client, "/Schemas")["Resources"]:
        for attribute in schema["attributes"]:
            for each in (attribute, *attribute.get("subAttributes", ())):
                assert ("referenceTypes" in each) == (each["type"] == "reference"), each
    names = {each["name"]: each for each in read(client, f"/Schemas/{DEVICE}")["attributes"]}
    assert ["User"] == names["owner"]["referenceTypes"]
    assert ["external"] == names["link"]["referenceTypes"]


def test_att_46_unknown_attributes_are_ignored_everywhere(client: Client) -> None:
    body = user(favouriteColour="x", name={"givenName": "A", "shoe": 1}, **{ENTERPRISE: {"hat": 1}})
    made = created(client.post("/Users", body))
    assert {"schemas", "id", "userName", "active", "name", "meta"} == made.keys()
    assert {"givenName": "A"} == made["name"]
    path = f"/Users/{made['id']}"
    shown = patched(client, path, op("replace", value={"favouriteColour": "y", "title": "T"}))
    assert "T" == shown["title"]
    assert "favouriteColour" not in shown
    assert_error(query(client, "/Users", filter='favouriteColour eq "x"'), 400, "invalidFilter")


def test_att_47_the_answer_shows_what_is_stored(client: Client) -> None:
    made = created(client.post("/Devices", device(computed="mine", extra=1)))
    assert made == read(client, f"/Devices/{made['id']}")


def test_att_48_the_order_of_members_does_not_matter(client: Client) -> None:
    body = {DEVICE_EXT: {"zone": "z"}, "label": "one", "schemas": [DEVICE_EXT, DEVICE]}
    assert [DEVICE, DEVICE_EXT] == created(client.post("/Devices", body))["schemas"]
    group = {"displayName": "g", "schemas": [GROUP]}
    assert "g" == created(client.post("/Groups", group))["displayName"]
