"""PRJ, SRCH: what is returned, and `.search` (RFC 7644 sections 3.4.2.5, 3.4.3 and 3.9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import ENTERPRISE, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    create_device,
    device,
    listed,
    op,
    query,
    read,
    search,
    user,
)


@pytest.fixture
def ada(client: Client) -> str:
    """The path of a user with everything."""
    body = user(
        title="T",
        externalId="e",
        name={"givenName": "A", "familyName": "L"},
        emails=[
            {"value": "a@x", "type": "work", "primary": True},
            {"value": "b@x", "type": "home"},
        ],
        **{ENTERPRISE: {"department": "d", "division": "v"}},
    )
    return f"/Users/{created(client.post('/Users', body))['id']}"


def test_prj_01_every_operation_that_returns_a_resource_projects(client: Client, ada: str) -> None:
    text = "attributes=title"
    expected = {"schemas", "id", "title"}
    put = user(userName="ada", title="T")
    assert expected == read(client, f"{ada}?{text}").keys()
    assert expected == read(client, f"/Users?{text}")["Resources"][0].keys()
    assert expected == search(client, "/Users", attributes=["title"]).json()["Resources"][0].keys()
    assert expected == client.send("PUT", f"{ada}?{text}", put).json().keys()
    assert expected == client.patch(f"{ada}?{text}", op("add", "title", value="U")).json().keys()
    answer = client.post(f"/Users?{text}", user(userName="b", title="T"))
    assert expected == created(answer).keys()


def test_prj_02_attributes_name_what_is_returned(client: Client, ada: str) -> None:
    assert {"schemas", "id", "userName"} == read(client, f"{ada}?attributes=userName").keys()


def test_prj_03_excluded_attributes_name_what_is_not(client: Client, ada: str) -> None:
    whole = read(client, ada)
    shown = read(client, f"{ada}?excludedAttributes=emails,name")
    assert whole.keys() - {"emails", "name"} == shown.keys()


def test_prj_04_what_is_always_returned_cannot_be_excluded(client: Client) -> None:
    path = f"/Devices/{create_device(client)['id']}"
    shown = read(client, f"{path}?excludedAttributes=id,label,schemas,meta")
    assert {"id", "label", "schemas"} <= shown.keys()
    assert "meta" not in shown


def test_prj_05_never_stays_hidden_and_on_request_has_to_be_named(client: Client) -> None:
    path = f"/Devices/{create_device(client, note='n', secret='s')['id']}"
    shown = read(client, f"{path}?attributes=secret,note")
    assert {"schemas", "id", "label", "note"} == shown.keys()


@pytest.mark.parametrize("name", ["USERNAME", f"{USER}:userName", f"{USER.upper()}:username"])
def test_prj_06_names_match_in_any_case_and_qualified(client: Client, ada: str, name: str) -> None:
    assert "ada" == read(client, f"{ada}?attributes={name}")["userName"]


def test_prj_07_a_sub_attribute_comes_alone(client: Client, ada: str) -> None:
    assert {"familyName": "L"} == read(client, f"{ada}?attributes=name.familyName")["name"]
    place = {"room": "r", "floor": 1, "tag": "t"}
    path = f"/Devices/{create_device(client, place=place)['id']}"
    assert {"room": "r", "tag": "t"} == read(client, f"{path}?attributes=place.room")["place"]


def test_prj_08_a_sub_attribute_of_several_values_comes_from_each(client: Client, ada: str) -> None:
    shown = read(client, f"{ada}?attributes=emails.value")["emails"]
    assert [{"value": "a@x"}, {"value": "b@x"}] == shown


def test_prj_09_naming_the_whole_returns_its_default_parts(client: Client, ada: str) -> None:
    assert {"value", "type", "primary"} == read(client, f"{ada}?attributes=emails")["emails"][
        0
    ].keys()
    ports = [{"name": "p", "hint": "h", "pin": "1"}]
    path = f"/Devices/{create_device(client, ports=ports)['id']}"
    assert [{"name": "p"}] == read(client, f"{path}?attributes=ports")["ports"]


def test_prj_10_a_sub_attribute_can_be_excluded(client: Client, ada: str) -> None:
    shown = read(client, f"{ada}?excludedAttributes=name.givenName,emails.type")
    assert {"familyName": "L"} == shown["name"]
    assert {"value": "a@x", "primary": True} == shown["emails"][0]


def test_prj_11_nothing_is_left_of_an_empty_parent(client: Client, ada: str) -> None:
    shown = read(client, f"{ada}?excludedAttributes=name.givenName,name.familyName")
    assert "name" not in shown


def test_prj_12_an_extensions_attribute_is_named_by_its_urn(client: Client, ada: str) -> None:
    for separator in (":", "."):
        shown = read(client, f"{ada}?attributes={ENTERPRISE}{separator}department")
        assert {"department": "d"} == shown[ENTERPRISE]


def test_prj_13_a_urn_alone_names_the_whole_extension(client: Client, ada: str) -> None:
    shown = read(client, f"{ada}?attributes={ENTERPRISE}")
    assert {"department": "d", "division": "v"} == shown[ENTERPRISE]
    assert "userName" not in shown
    assert ENTERPRISE not in read(client, f"{ada}?excludedAttributes={ENTERPRISE}")


def test_prj_14_both_parameters_at_once_are_refused(client: Client, ada: str) -> None:
    answer = client.get(f"{ada}?attributes=userName&excludedAttributes=title")
    assert_error(answer, 400, "invalidValue")


def test_prj_15_unknown_names_are_passed_over_and_an_empty_list_is_none(
    client: Client, ada: str
) -> None:
    assert {"schemas", "id"} == read(client, f"{ada}?attributes=nope").keys()
    assert read(client, ada) == read(client, f"{ada}?attributes=")
    assert read(client, ada) == read(client, f"{ada}?excludedAttributes=nope")


def test_prj_16_spaces_and_repeated_parameters_are_fine(client: Client, ada: str) -> None:
    expected = {"schemas", "id", "userName", "title"}
    assert expected == read(client, f"{ada}?attributes=userName,%20title").keys()
    assert expected == read(client, f"{ada}?attributes=userName&attributes=title").keys()


def test_prj_17_a_patch_that_asks_for_attributes_gets_them(client: Client) -> None:
    path = f"/Groups/{client.create_group('g')['id']}"
    answer = client.patch(f"{path}?attributes=displayName", op("add", "externalId", value="e"))
    assert 200 == answer.status_code
    assert {"schemas", "id", "displayName"} == answer.json().keys()


def test_prj_18_a_search_lists_names(client: Client, ada: str) -> None:
    answer = search(client, "/Users", attributes=["userName", "emails.value"])
    assert {"schemas", "id", "userName", "emails"} == answer.json()["Resources"][0].keys()


def test_prj_19_a_filter_sees_what_is_not_returned(client: Client, ada: str) -> None:
    answer = query(
        client, "/Users", filter='title eq "T"', sortBy="title", attributes="userName"
    ).json()
    assert [{"schemas", "id", "userName"}] == [set(each) for each in answer["Resources"]]


def test_prj_20_members_can_be_left_out(client: Client, ada: str) -> None:
    member = ada.rpartition("/")[2]
    path = f"/Groups/{client.create_group('g', member)['id']}"
    assert "members" not in read(client, f"{path}?excludedAttributes=members")
    assert "members" not in read(client, "/Groups?excludedAttributes=members")["Resources"][0]


def test_prj_21_common_attributes_are_projected_like_any_other(client: Client, ada: str) -> None:
    meta = read(client, f"{ada}?attributes=meta")["meta"]
    assert {"resourceType", "created", "lastModified", "location", "version"} == meta.keys()
    assert "e" == read(client, f"{ada}?attributes=externalId")["externalId"]
    assert {"schemas", "id"} == read(client, f"{ada}?attributes=schemas,id").keys()


def test_prj_22_a_name_means_what_it_means_in_each_type(client: Client) -> None:
    client.create_group("g")
    client.create_user("ada", displayName="Ada")
    for path in ("/Groups", "/Users", "/"):
        for each in read(client, f"{path}?attributes=displayName")["Resources"]:
            assert {"schemas", "id", "displayName"} == each.keys()


def test_srch_01_a_post_to_search_is_a_query(client: Client, ada: str) -> None:
    answer = search(client, "/Users", filter='userName eq "ada"')
    assert 200 == answer.status_code
    assert 1 == answer.json()["totalResults"]


def test_srch_02_a_search_at_the_root_looks_at_all_types(client: Client, ada: str) -> None:
    client.create_group("g")
    assert 2 == search(client, "").json()["totalResults"]
    assert 1 == search(client, "", filter="userName pr").json()["totalResults"]


@pytest.mark.parametrize("schemas", [None, [], ["urn:x"], "urn:x"])
def test_srch_03_a_search_says_what_it_is(client: Client, schemas: Any) -> None:
    answer = client.post("/Users/.search", {"schemas": schemas})
    assert_error(answer, 400, "invalidSyntax")


def test_srch_04_a_search_means_what_a_get_means(client: Client) -> None:
    for number in range(5):
        client.create_user(f"u{number}", title=f"t{number % 2}")
    wanted: dict[str, Any] = {
        "filter": "title pr",
        "sortBy": "title",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 2,
    }
    by_get = query(client, "/Users", **wanted, attributes="userName")
    by_search = search(client, "/Users", **wanted, attributes=["userName"])
    assert by_get.json() == by_search.json()


def test_srch_05_the_errors_are_the_same(client: Client) -> None:
    assert_error(search(client, "/Users", filter="x y"), 400, "invalidFilter")
    assert_error(search(client, "/Users", sortOrder="up"), 400, "invalidValue")


@pytest.mark.parametrize(
    "members", [{"filter": 5}, {"sortBy": []}, {"attributes": [5]}, {"count": {}}, {"cursor": 1}]
)
def test_srch_06_a_member_of_the_wrong_type_is_named(
    client: Client, members: dict[str, Any]
) -> None:
    detail = assert_error(search(client, "/Users", **members), 400, "invalidValue")
    assert next(iter(members)) in detail


def test_srch_07_member_names_match_in_any_case(client: Client, ada: str) -> None:
    answer = search(client, "/Users", Filter='userName eq "x"', COUNT=1)
    assert 0 == answer.json()["totalResults"]


def test_srch_08_everything_is_optional(client: Client, ada: str) -> None:
    assert read(client, "/Users") == search(client, "/Users").json()


def test_srch_09_search_takes_post_only(client: Client) -> None:
    for path in ("/.search", "/Users/.search"):
        assert_error(client.get(path), 405)


def test_srch_11_a_search_changes_nothing(client: Client, ada: str) -> None:
    before = read(client, ada)
    search(client, "/Users")
    assert before == read(client, ada)
    answer = client.post(
        "/Users/.search",
        b"schemas=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert_error(answer, 415)


@pytest.mark.parametrize("path", ["/Users/u1/.search", "/Schemas/.search", "/Me/.search"])
def test_srch_12_there_is_no_search_elsewhere(client: Client, path: str) -> None:
    answer = client.post(path, {})
    assert answer.status_code in (404, 405)
    assert_error(answer, answer.status_code)


def test_devices_are_listed_whole(client: Client) -> None:
    created(client.post("/Devices", device()))
    assert ["one"] == listed(client, "/Devices")
