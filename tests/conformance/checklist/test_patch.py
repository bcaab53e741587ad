"""PAT: PATCH (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.client import ENTERPRISE, PATCH_OP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    DEVICE_EXT,
    create_device,
    found,
    op,
    patched,
    read,
    user,
)

WORK = {"value": "a@work", "type": "work", "primary": True}
HOME = {"value": "a@home", "type": "home"}


@pytest.fixture
def ada(client: Client) -> str:
    """The path of a user with a name and two e-mail addresses."""
    name = {"givenName": "A", "familyName": "L"}
    body = user(name=name, emails=[WORK, HOME], title="T", password="pw")
    return f"/Users/{created(client.post('/Users', body))['id']}"


@pytest.fixture
def one(client: Client) -> str:
    """The path of a device."""
    made = create_device(
        client, serial="S", tags=["a"], ports=[{"name": "p", "number": 1, "kind": "lan"}]
    )
    return f"/Devices/{made['id']}"


def refused(
    client: Client, path: str, *operations: dict[str, Any], status: int = 400, why: str
) -> str:
    """Return the detail with which a PATCH is refused; it has to leave everything as it was."""
    before = client.get(path)
    detail = assert_error(client.patch(path, *operations), status, why)
    after = client.get(path)
    assert (before.json(), before.headers["etag"]) == (after.json(), after.headers["etag"])
    return detail


def unchanged(client: Client, path: str, *operations: dict[str, Any]) -> None:
    """Check that a PATCH succeeds and changes nothing, version and moment included."""
    before = read(client, path)
    assert before == patched(client, path, *operations)


@pytest.mark.parametrize("schemas", [None, [], [USER], "x"])
def test_pat_02_a_patch_says_what_it_is(client: Client, ada: str, schemas: Any) -> None:
    body = {"schemas": schemas, "Operations": [op("remove", "title")]}
    assert_error(client.send("PATCH", ada, body), 400, "invalidSyntax")


@pytest.mark.parametrize("operations", [None, [], {}, "x", [5]])
def test_pat_03_a_patch_has_operations(client: Client, ada: str, operations: Any) -> None:
    body = {"schemas": [PATCH_OP], "Operations": operations}
    assert_error(client.send("PATCH", ada, body), 400, "invalidSyntax")


def test_pat_03_the_member_is_found_in_any_case(client: Client, ada: str) -> None:
    body = {"SCHEMAS": [PATCH_OP], "operations": [{"OP": "remove", "Path": "title"}]}
    assert "title" not in client.send("PATCH", ada, body).json()


@pytest.mark.parametrize("kind", ["move", "test", "copy", "", 5, None])
def test_pat_04_an_operation_is_add_remove_or_replace(client: Client, ada: str, kind: Any) -> None:
    refused(client, ada, {"op": kind, "path": "title", "value": "x"}, why="invalidSyntax")
    refused(client, ada, {"path": "title", "value": "x"}, why="invalidSyntax")


@pytest.mark.parametrize("kind", ["Add", "REPLACE", "replace"])
def test_pat_05_operations_match_in_any_case(client: Client, ada: str, kind: str) -> None:
    assert "U" == patched(client, ada, op(kind, "title", value="U"))["title"]


def test_pat_06_operations_follow_each_other(client: Client, ada: str) -> None:
    titles = [op("replace", "title", value=each) for each in ("A", "B")]
    assert "B" == patched(client, ada, *titles)["title"]
    new = [{"value": "c@x", "type": "other"}]
    come_and_go = op("add", "emails", value=new), op("remove", 'emails[value eq "c@x"]')
    assert [WORK, HOME] == patched(client, ada, *come_and_go)["emails"]
    anew = op("remove", "emails"), op("add", "emails", value=new)
    assert new == patched(client, ada, *anew)["emails"]


def test_pat_07_a_patch_is_all_or_nothing(client: Client, ada: str) -> None:
    refused(
        client,
        ada,
        op("replace", "title", value="U"),
        op("replace", 'emails[not (type eq "work") and type eq "x"].value', value="y"),
        why="noTarget",
    )


def test_pat_08_the_answer_is_the_resource_or_nothing(client: Client, ada: str) -> None:
    answer = client.patch(ada, op("replace", "title", value="U"))
    assert 200 == answer.status_code
    assert read(client, ada) == answer.json()
    assert answer.headers["etag"] == answer.json()["meta"]["version"]
    group = f"/Groups/{client.create_group('g')['id']}"
    answer = client.patch(group, op("replace", "displayName", value="h"))
    assert (204, b"") == (answer.status_code, answer.content)
    assert answer.headers["etag"] == client.get(group).headers["etag"]


def test_pat_09_a_patch_that_asks_for_attributes_is_200(client: Client) -> None:
    group = f"/Groups/{client.create_group('g')['id']}"
    answer = client.patch(f"{group}?attributes=externalId", op("add", "externalId", value="e"))
    assert (200, "e") == (answer.status_code, answer.json()["externalId"])


def test_pat_10_an_unknown_id_is_404_whatever_the_body(client: Client) -> None:
    assert_error(client.patch("/Groups/none", op("remove", "displayName")), 404)
    assert_error(client.send("PATCH", "/Users/none", {"x": 1}), 404)


def test_pat_11_a_refusal_is_a_scim_error_that_names_the_operation(
    client: Client, ada: str
) -> None:
    operations = op("add", "title", value="U"), op("add", "active", value="perhaps")
    assert "Operations[1]" in refused(client, ada, *operations, why="invalidValue")


def test_pat_12_a_patch_is_one_change(client: Client, ada: str) -> None:
    before = int(client.get(ada).headers["etag"].strip('W/"'))
    patched(client, ada, *(op("add", "title", value=str(number)) for number in range(5)))
    assert before + 1 == int(client.get(ada).headers["etag"].strip('W/"'))


def test_pat_13_paths_name_attributes_values_and_parts_of_values(client: Client, ada: str) -> None:
    assert (
        "M"
        == patched(client, ada, op("replace", "name.familyName", value="M"))["name"]["familyName"]
    )
    part = 'emails[type eq "home"].value'
    assert (
        "b@home" == patched(client, ada, op("replace", part, value="b@home"))["emails"][1]["value"]
    )
    emails = patched(client, ada, op("remove", 'emails[type eq "home"]'))["emails"]
    assert [WORK] == emails


@pytest.mark.parametrize("path", ["emails[0]", "emails[0].value", "emails.0"])
def test_pat_14_a_path_has_no_index(client: Client, ada: str, path: str) -> None:
    refused(client, ada, op("replace", path, value="x"), why="invalidPath")


@pytest.mark.parametrize(
    "path", ["name..x", ".x", 'emails[type eq "a"]x', "emails]", "a b", "/emails", "emails.", 5, []]
)
def test_pat_15_a_malformed_path_is_refused(client: Client, ada: str, path: Any) -> None:
    refused(client, ada, op("replace", path, value="x"), why="invalidPath")


def test_pat_15_a_malformed_filter_is_refused(client: Client, ada: str) -> None:
    before = read(client, ada)
    for path in ("emails[type eq", "emails[", "emails[]", "emails[type]"):
        answer = client.patch(ada, op("replace", path, value="x"))
        assert answer.json()["scimType"] in ("invalidPath", "invalidFilter")
    assert before == read(client, ada)


@pytest.mark.parametrize("path", ["foo", "name.foo", 'emails[type eq "work"].foo', "urn:x:y:z"])
def test_pat_16_an_unknown_attribute_is_passed_over_and_never_stored(
    client: Client, ada: str, path: str
) -> None:
    shown = patched(client, ada, op("add", path, value="x"), op("add", "title", value="U"))
    assert "U" == shown["title"]
    assert "foo" not in str(shown)


@pytest.mark.parametrize(
    "path", ['emails[typ eq "a"]', 'emails[type regex "a"]', "emails[primary gt true]"]
)
def test_pat_17_a_bad_filter_is_invalid_filter(client: Client, ada: str, path: str) -> None:
    refused(client, ada, op("remove", path), why="invalidFilter")


def test_pat_18_paths_match_in_any_case_and_qualified(client: Client, ada: str) -> None:
    assert (
        "M"
        == patched(client, ada, op("replace", "NAME.FamilyName", value="M"))["name"]["familyName"]
    )
    shown = patched(client, ada, op("replace", f"{USER}:userName", value="eve"))
    assert "eve" == shown["userName"]
    shown = patched(client, ada, op("add", f"{ENTERPRISE.upper()}:manager.VALUE", value="m"))
    assert {"value": "m"} == shown[ENTERPRISE]["manager"]


def test_pat_19_filters_in_paths_are_whole_filters(client: Client, one: str) -> None:
    ports = [{"name": "q", "number": 20, "kind": "LAN"}, {"name": "r", "number": 30}]
    patched(client, one, op("add", "ports", value=ports))
    path = 'ports[number gt 10 and kind eq "lan"].kind'
    kinds = [
        each.get("kind") for each in patched(client, one, op("replace", path, value="wan"))["ports"]
    ]
    assert ["lan", "wan", None] == kinds
    path = 'ports[not (kind pr) or name eq "P"]'
    assert ["q"] == [each["name"] for each in patched(client, one, op("remove", path))["ports"]]


def test_pat_20_a_filter_on_a_single_value_picks_it_or_nothing(client: Client, ada: str) -> None:
    manager = f"{ENTERPRISE}:manager"
    patched(client, ada, op("add", manager, value={"value": "m"}))
    unchanged(client, ada, op("remove", f'{manager}[value eq "other"]'))
    assert ENTERPRISE not in patched(client, ada, op("remove", f'{manager}[value eq "m"]'))


def test_pat_21_one_of_several_simple_values_can_be_removed(client: Client, one: str) -> None:
    patched(client, one, op("add", "tags", value=["b", "c"]))
    assert ["a", "c"] == patched(client, one, op("remove", 'tags[value eq "B"]'))["tags"]


def test_pat_22_a_part_without_a_filter_is_that_of_every_value(client: Client, ada: str) -> None:
    emails = patched(client, ada, op("replace", "emails.display", value="D"))["emails"]
    assert ["D", "D"] == [each["display"] for each in emails]


def test_pat_23_a_path_may_be_a_whole_extension(client: Client, ada: str) -> None:
    shown = patched(client, ada, op("add", ENTERPRISE, value={"department": "d"}))
    shown = patched(client, ada, op("replace", ENTERPRISE, value={"division": "v"}))
    assert {"department": "d", "division": "v"} == shown[ENTERPRISE]
    shown = patched(client, ada, op("remove", ENTERPRISE))
    assert [USER] == shown["schemas"]
    assert ENTERPRISE not in shown


@pytest.mark.parametrize("kind", ["add", "replace"])
def test_pat_24_what_is_read_only_cannot_be_changed(
    client: Client, ada: str, one: str, kind: str
) -> None:
    client.create_group("g", ada.rpartition("/")[2])
    for path, value in (
        ("id", "x"),
        ("meta", {"resourceType": "X"}),
        ("meta.created", "1999-01-01T00:00:00Z"),
        ("groups", [{"value": "x"}]),
        (f"{ENTERPRISE}:manager.displayName", "X"),
    ):
        refused(client, ada, op(kind, path, value=value), why="mutability")
    for path in ("computed", "place.code"):
        refused(client, one, op(kind, path, value="x"), why="mutability")


def test_pat_24_what_is_read_only_cannot_be_removed(client: Client, ada: str, one: str) -> None:
    client.create_group("g", ada.rpartition("/")[2])
    for path in ("id", "meta", "meta.created", "groups"):
        refused(client, ada, op("remove", path), why="mutability")
    refused(client, one, op("remove", "computed"), why="mutability")


def test_pat_25_read_only_values_that_are_what_they_were_pass(client: Client) -> None:
    made = client.create_group("g")
    path = f"/Groups/{made['id']}"
    value = {"id": made["id"], "schemas": made["schemas"], "meta": made["meta"], "displayName": "h"}
    assert "h" == patched(client, path, op("replace", value=value))["displayName"]
    refused(client, path, op("replace", value={"id": "x"}), why="mutability")


def test_pat_25_read_only_values_beside_others_are_passed_over(client: Client) -> None:
    made = client.create_group("g")
    path = f"/Groups/{made['id']}"
    value = {"id": "x", "meta": {"resourceType": "X"}, "displayName": "i"}
    after = patched(client, path, op("replace", value=value))
    assert (made["id"], "Group", "i") == (
        after["id"],
        after["meta"]["resourceType"],
        after["displayName"],
    )


def test_pat_26_an_immutable_value_is_set_once(client: Client, one: str) -> None:
    other = f"/Devices/{create_device(client, 'two')['id']}"
    assert "X" == patched(client, other, op("add", "serial", value="X"))["serial"]
    refused(client, one, op("replace", "serial", value="T"), why="mutability")
    refused(client, one, op("remove", "serial"), why="mutability")
    unchanged(client, one, op("replace", "serial", value="S"))


def test_pat_27_members_come_and_go_but_do_not_change(client: Client) -> None:
    member = client.create_user("a")["id"]
    group = f"/Groups/{client.create_group('g', member)['id']}"
    path = f'members[value eq "{member}"].type'
    refused(client, group, op("replace", path, value="Group"), why="mutability")
    assert [] == patched(client, group, op("remove", f'members[value eq "{member}"]'))["members"]


def test_pat_28_what_is_required_cannot_be_removed(client: Client, ada: str, one: str) -> None:
    group = f"/Groups/{client.create_group('g')['id']}"
    refused(client, ada, op("remove", "userName"), why="mutability")
    refused(client, group, op("remove", "displayName"), why="mutability")
    refused(client, one, op("remove", f"{DEVICE_EXT}:zone"), why="mutability")
    refused(client, one, op("replace", "label", value=None), why="invalidValue")
    refused(client, one, op("remove", 'ports[name eq "p"].name'), why="mutability")


def test_pat_29_every_step_has_to_be_legal(client: Client, ada: str) -> None:
    steps = op("remove", "userName"), op("add", "userName", value="x")
    refused(client, ada, *steps, why="mutability")


@pytest.mark.parametrize(
    ("path", "value"),
    [("active", "yes"), ("name", "x"), ("title", 5), ("emails", [5]), ("title", ["a", "b"])],
)
def test_pat_30_a_value_of_the_wrong_type_is_refused(
    client: Client, ada: str, path: str, value: Any
) -> None:
    for kind in ("add", "replace"):
        refused(client, ada, op(kind, path, value=value), why="invalidValue")


def test_pat_31_a_value_in_use_is_409(client: Client, ada: str) -> None:
    client.create_user("bob")
    refused(client, ada, op("replace", "userName", value="BOB"), status=409, why="uniqueness")


def test_pat_32_add_and_replace_need_a_value(client: Client, ada: str) -> None:
    for kind in ("add", "replace"):
        refused(client, ada, op(kind, "title"), why="invalidValue")


@pytest.mark.parametrize("value", [None, [], ""])
def test_pat_33_replacing_by_nothing_unassigns(client: Client, ada: str, value: Any) -> None:
    for path in ("title", "emails", "name"):
        assert path not in patched(client, ada, op("replace", path, value=value))
    member = client.create_user("a")["id"]
    group = f"/Groups/{client.create_group('g', member)['id']}"
    assert [] == patched(client, group, op("replace", "members", value=value))["members"]


@pytest.mark.parametrize("value", [None, []])
def test_pat_34_adding_nothing_changes_nothing(client: Client, ada: str, value: Any) -> None:
    unchanged(client, ada, op("add", "emails", value=value), op("add", "title", value=None))


def test_pat_35_a_patch_touches_what_it_names_and_nothing_else(client: Client) -> None:
    made = create_device(client, note="n", secret="s", ports=[{"name": "p", "pin": "1"}])
    path = f"/Devices/{made['id']}"
    patched(client, path, op("add", "rank", value=1))
    assert "n" == read(client, f"{path}?attributes=note")["note"]


def test_pat_36_add_without_a_path_merges(client: Client, ada: str) -> None:
    value = {"NickName": "B", "emails": [{"value": "c@x"}], "name": {"middleName": "M"}}
    shown = patched(client, ada, op("add", value=value))
    assert "B" == shown["nickName"]
    assert [WORK, HOME, {"value": "c@x"}] == shown["emails"]
    assert {"givenName": "A", "familyName": "L", "middleName": "M"} == shown["name"]


@pytest.mark.parametrize("value", ["x", [], 5, None])
def test_pat_37_without_a_path_the_value_is_an_object(client: Client, ada: str, value: Any) -> None:
    for kind in ("add", "replace"):
        refused(client, ada, op(kind, value=value), why="invalidValue")


def test_pat_38_adding_a_single_value_replaces_it(client: Client, ada: str) -> None:
    assert "U" == patched(client, ada, op("add", "title", value="U"))["title"]


def test_pat_39_adding_to_an_object_keeps_the_rest(client: Client, ada: str) -> None:
    shown = patched(client, ada, op("add", "name", value={"middleName": "Q"}))
    assert {"givenName": "A", "familyName": "L", "middleName": "Q"} == shown["name"]


def test_pat_40_adding_to_several_values_appends(client: Client, ada: str) -> None:
    shown = patched(client, ada, op("add", "emails", value=[{"value": "c@x"}]))
    shown = patched(client, ada, op("add", "emails", value={"value": "d@x"}))
    assert ["a@work", "a@home", "c@x", "d@x"] == [each["value"] for each in shown["emails"]]
    member = client.create_user("a")["id"]
    group = f"/Groups/{client.create_group('g', ada.rpartition('/')[2])['id']}"
    patched(client, group, op("add", "members", value={"value": member}))
    assert 2 == len(patched(client, group, op("add", "members", value=member))["members"])


def test_pat_41_and_pat_42_and_sch_12_a_new_extension_is_listed(client: Client, ada: str) -> None:
    number = f"{ENTERPRISE}:employeeNumber"
    shown = patched(client, ada, op("add", number, value="1"), op("replace", number, value="2"))
    assert [USER, ENTERPRISE] == shown["schemas"]
    assert "2" == shown[ENTERPRISE]["employeeNumber"]


def test_pat_43_flat_and_nested_keys_mean_the_same(client: Client, ada: str) -> None:
    nested = {ENTERPRISE: {"department": "d"}, "name": {"givenName": "B"}}
    flat = {f"{ENTERPRISE}:division": "v", "name.familyName": "M", f"{ENTERPRISE}:manager": "m"}
    shown = patched(client, ada, op("replace", value=nested), op("replace", value=flat))
    expected = {"department": "d", "division": "v", "manager": {"value": "m"}}
    assert expected == shown[ENTERPRISE]
    assert {"givenName": "B", "familyName": "M"} == shown["name"]
    assert not [key for key in shown if "." in key and key != ENTERPRISE]


def test_pat_44_the_servers_list_of_schemas_stays_true(client: Client, ada: str) -> None:
    patched(client, ada, op("add", f"{ENTERPRISE}:department", value="d"))
    before = read(client, ada)["schemas"]
    for operation in (
        op("replace", "schemas", value=["urn:x"]),
        op("add", "schemas", value=["urn:x"]),
        op("remove", "schemas"),
        op("remove", f'schemas[value eq "{USER}"]'),
    ):
        client.patch(ada, operation)
        assert before == read(client, ada)["schemas"]


def test_pat_45_adding_what_is_there_changes_nothing(client: Client, ada: str, one: str) -> None:
    member = client.create_user("a")["id"]
    group = f"/Groups/{client.create_group('g', member)['id']}"
    unchanged(client, group, op("add", "members", value=[{"value": member}]))
    unchanged(client, ada, op("add", "emails", value=[HOME]), op("add", "title", value="T"))
    unchanged(client, one, op("add", "tags", value=["A"]), op("replace", "serial", value="S"))


def test_pat_46_a_member_is_the_same_by_its_value(client: Client) -> None:
    member = client.create_user("a")["id"]
    group = f"/Groups/{client.create_group('g', member)['id']}"
    unchanged(client, group, op("add", "members", value=[{"value": member, "display": "other"}]))


def test_pat_47_a_new_primary_value_is_the_only_one(client: Client, ada: str) -> None:
    new = {"value": "c@x", "primary": True}
    for operation, expected in (
        (op("add", "emails", value=[new]), [False, None, True]),
        (op("replace", 'emails[type eq "home"].primary', value=True), [False, True, False]),
        (op("add", value={"emails": [{"value": "d@x", "primary": True}]}), [False] * 3 + [True]),
    ):
        emails = patched(client, ada, operation)["emails"]
        assert expected == [each.get("primary") for each in emails]


def test_pat_48_of_two_primary_values_one_stays(client: Client, ada: str) -> None:
    two = [{"value": each, "primary": True} for each in ("c@x", "d@x")]
    for kind in ("add", "replace"):
        emails = patched(client, ada, op(kind, "emails", value=two))["emails"]
        assert 1 == sum(each.get("primary", False) for each in emails)


def test_pat_49_a_filtered_add_without_a_match_makes_the_value(client: Client, ada: str) -> None:
    path = 'emails[type eq "other" and display eq "D"].value'
    emails = patched(client, ada, op("add", path, value="o@x"))["emails"]
    assert {"type": "other", "display": "D", "value": "o@x"} == emails[2]
    refused(client, ada, op("add", 'emails[type sw "x"].value', value="y"), why="noTarget")
    text = 'emails[type eq "a" or type eq "b"].value'
    refused(client, ada, op("replace", text, value="y"), why="noTarget")


def test_pat_50_a_filtered_add_sets_a_part_of_every_match(client: Client, ada: str) -> None:
    patched(client, ada, op("add", "emails", value=[{"value": "c@x", "type": "work"}]))
    emails = patched(client, ada, op("add", 'emails[type eq "work"].display', value="W"))["emails"]
    assert ["W", None, "W"] == [each.get("display") for each in emails]


def test_pat_51_simple_values_append_once(client: Client, one: str) -> None:
    assert ["a", "b"] == patched(client, one, op("add", "tags", value=["b"]))["tags"]
    unchanged(client, one, op("add", "tags", value=["b"]))
    assert [1, 2] == patched(client, one, op("add", "numbers", value=[1, 2, 1]))["numbers"]


def test_pat_52_remove_needs_a_path(client: Client, ada: str) -> None:
    refused(client, ada, op("remove"), why="noTarget")
    refused(client, ada, op("remove", value={"title": "T"}), why="noTarget")


def test_pat_53_a_removed_value_is_unassigned(client: Client, ada: str) -> None:
    assert "title" not in patched(client, ada, op("remove", "title"))
    assert [] == found(client, "/Users", "title pr")


def test_pat_54_and_pat_56_without_a_filter_all_values_go(client: Client, ada: str) -> None:
    assert "emails" not in patched(client, ada, op("remove", "emails"))
    assert [] == found(client, "/Users", "emails pr")


def test_pat_55_with_a_filter_every_match_goes(client: Client, ada: str) -> None:
    patched(client, ada, op("add", "emails", value=[{"value": "c@x", "type": "work"}]))
    assert [HOME] == patched(client, ada, op("remove", 'emails[type eq "work"]'))["emails"]


def test_pat_56_with_its_last_value_an_extension_goes(client: Client, ada: str) -> None:
    patched(client, ada, op("add", f"{ENTERPRISE}:department", value="d"))
    shown = patched(client, ada, op("remove", f"{ENTERPRISE}:department"))
    assert [USER] == shown["schemas"]
    assert "emails" not in patched(client, ada, op("remove", "emails[value pr]"))


def test_pat_57_and_pat_58_removing_what_is_not_there_changes_nothing(
    client: Client, ada: str
) -> None:
    unchanged(client, ada, op("remove", 'emails[type eq "zzz"]'), op("remove", "nickName"))
    group = f"/Groups/{client.create_group('g')['id']}"
    unchanged(client, group, op("remove", 'members[value eq "none"]'), op("remove", "members"))


def test_pat_59_a_part_of_every_match_goes(client: Client, ada: str) -> None:
    emails = patched(client, ada, op("remove", 'emails[type eq "work"].primary'))["emails"]
    assert [{"value": "a@work", "type": "work"}, HOME] == emails
    emails = patched(client, ada, op("remove", 'emails[type eq "work"].value'))["emails"]
    assert [HOME] == emails


def test_pat_60_a_part_of_an_object_goes_alone(client: Client, ada: str) -> None:
    assert {"familyName": "L"} == patched(client, ada, op("remove", "name.givenName"))["name"]
    assert "name" not in patched(client, ada, op("remove", "name.familyName"))


def test_pat_61_a_remove_with_a_list_removes_only_those(client: Client) -> None:
    one, two = (client.create_user(name)["id"] for name in ("a", "b"))
    group = f"/Groups/{client.create_group('g', one, two)['id']}"
    shown = patched(client, group, op("remove", "members", value=[{"value": one}]))
    assert [two] == [each["value"] for each in shown["members"]]
    unchanged(client, group, op("remove", "members", value=[]))


def test_pat_62_members_are_removed_by_any_filter(client: Client) -> None:
    ids = [client.create_user(name)["id"] for name in ("a", "b", "c")]
    inner = client.create_group("inner")["id"]
    group = f"/Groups/{client.create_group('g', *ids, inner)['id']}"
    two = f'members[value eq "{ids[0]}" or value eq "{ids[1]}"]'
    shown = patched(client, group, op("remove", two))
    assert [ids[2], inner] == [each["value"] for each in shown["members"]]
    shown = patched(client, group, op("remove", 'members[type eq "Group"]'))
    assert [ids[2]] == [each["value"] for each in shown["members"]]


def test_pat_63_replace_without_a_path_replaces_each_attribute(client: Client, ada: str) -> None:
    new = [{"value": "c@x"}]
    shown = patched(client, ada, op("replace", value={"emails": new, "nickName": "N"}))
    assert (new, "N", "T") == (shown["emails"], shown["nickName"], shown["title"])


def test_pat_64_replacing_what_is_unassigned_adds_it(client: Client, ada: str) -> None:
    assert "N" == patched(client, ada, op("replace", "nickName", value="N"))["nickName"]


def test_pat_65_without_a_filter_all_values_are_replaced(client: Client, ada: str) -> None:
    new = [{"value": "c@x"}]
    assert new == patched(client, ada, op("replace", "emails", value=new))["emails"]
    one, two = (client.create_user(name)["id"] for name in ("a", "b"))
    group = f"/Groups/{client.create_group('g', one)['id']}"
    shown = patched(client, group, op("replace", "members", value=[{"value": two}]))
    assert [two] == [each["value"] for each in shown["members"]]


def test_pat_66_replacing_an_object_keeps_what_is_not_named(client: Client, ada: str) -> None:
    expected = {"givenName": "A", "familyName": "X"}
    assert (
        expected == patched(client, ada, op("replace", "name", value={"familyName": "X"}))["name"]
    )
    expected["familyName"] = "Y"
    value = {"name": {"familyName": "Y"}}
    assert expected == patched(client, ada, op("replace", value=value))["name"]


def test_pat_67_with_a_filter_every_match_is_replaced(client: Client) -> None:
    addresses = [{"type": "work", "locality": each} for each in ("A", "B")]
    made = client.create_user("ada", addresses=[*addresses, {"type": "home", "locality": "C"}])
    value = {"type": "work", "locality": "D", "country": "DE"}
    operation = op("replace", 'addresses[type eq "work"]', value=value)
    shown = patched(client, f"/Users/{made['id']}", operation)["addresses"]
    assert {"type": "home", "locality": "C"} in shown
    assert all(each == value for each in shown if each["type"] == "work")


def test_pat_68_a_part_is_set_on_every_match(client: Client, ada: str) -> None:
    patched(client, ada, op("add", "emails", value=[{"value": "c@x", "type": "work"}]))
    path = 'emails[type eq "work"].display'
    emails = patched(client, ada, op("replace", path, value="W"))["emails"]
    assert ["W", None, "W"] == [each.get("display") for each in emails]


def test_pat_69_a_filtered_replace_without_a_match_makes_the_value(
    client: Client, ada: str
) -> None:
    emails = patched(client, ada, op("replace", 'emails[type eq "zzz"].value', value="z@x"))
    assert {"type": "zzz", "value": "z@x"} == emails["emails"][2]
    refused(
        client,
        ada,
        op("replace", 'emails[type ne "x" and type eq "y"].value', value="z"),
        why="noTarget",
    )


def test_pat_70_a_single_object_is_a_list_of_one(client: Client, ada: str) -> None:
    shown = patched(client, ada, op("replace", "emails", value={"value": "c@x"}))
    assert [{"value": "c@x"}] == shown["emails"]


def test_pat_71_replacing_by_the_same_changes_nothing(client: Client, ada: str) -> None:
    unchanged(
        client,
        ada,
        op("replace", "title", value="T"),
        op("replace", "emails", value=[WORK, HOME]),
        op("replace", value={"name": {"givenName": "A"}, "active": True}),
    )


def test_pat_72_members_added_at_the_same_time_are_all_there(client: Client) -> None:
    ids = [client.create_user(f"u{number}")["id"] for number in range(10)]
    group = f"/Groups/{client.create_group('g')['id']}"

    def add(member: str) -> int:
        return client.patch(group, op("add", "members", value=[{"value": member}])).status_code

    with ThreadPoolExecutor(10) as pool:
        assert {204} == set(pool.map(add, ids))
    assert set(ids) == {each["value"] for each in read(client, group)["members"]}


def test_pat_73_a_password_can_be_patched(client: Client, ada: str) -> None:
    answer = client.patch(ada, op("replace", "password", value="new-one"))
    assert 200 == answer.status_code
    assert "password" not in answer.text
    refused(client, ada, op("replace", "password", value=5), why="invalidValue")


def test_an_explicit_removal_of_active_leaves_it_unassigned(client: Client, ada: str) -> None:
    assert "active" not in patched(client, ada, op("remove", "active"))
    assert patched(client, ada, op("add", "active", value=True))["active"] is True
