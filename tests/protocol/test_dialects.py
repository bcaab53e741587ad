"""What directories send becomes what the RFCs say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from scim_asgi.protocol.core import ENTERPRISE_USER, GROUP, USER, group_definition, user_definition
from scim_asgi.protocol.dialects.resources import read_resource
from scim_asgi.protocol.dialects.urls import read_url
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.dialects.values import read_value
from scim_asgi.protocol.errors import InvalidFilter, InvalidSyntax, ScimError
from scim_asgi.protocol.filters import parse
from scim_asgi.protocol.messages import PatchOperation
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.protocol.resources import check_resource, unknown_names

PEOPLE = user_definition()
GROUPS = group_definition()
CUSTOM = "urn:ietf:params:scim:schemas:extension:Acme:2.0:User"

keys = st.sampled_from(
    [
        *("userName", "USERNAME", "active", "name", "name.givenName", "emails", "Value", "value"),
        *("type", "primary", "manager", "department", "roles", "addresses", "$ref", "groups", "x"),
        *(ENTERPRISE_USER, f"{ENTERPRISE_USER}:manager", ENTERPRISE_USER.replace(":User", "User")),
        *(CUSTOM, USER, "schemas", "meta", "id"),
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner.filter(lambda each: not isinstance(each, list)), max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, json_values, max_size=6))
def test_what_has_been_read_once_stays_as_it_is(body: dict[str, Any]) -> None:
    try:
        once = read_resource(PEOPLE, body)
    except InvalidSyntax:
        return
    assert once == read_resource(PEOPLE, once)


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
simple = scalars | st.lists(scalars, max_size=3)
"""Without objects: names in what takes none are no attribute's, and stay as they are."""


def in_another_case(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(name): in_another_case(each, change) for name, each in value.items()}
    return [in_another_case(each, change) for each in value] if isinstance(value, list) else value


@given(
    st.fixed_dictionaries(
        {"userName": st.text(min_size=1)},
        optional={
            "active": st.sampled_from([True, False, "True", "", None]),
            "name": st.dictionaries(st.sampled_from(["givenName", "familyName"]), simple),
            "emails": st.lists(st.dictionaries(st.sampled_from(["value", "type"]), simple)),
            "meta": st.just({"resourceType": "User"}),
            ENTERPRISE_USER: st.dictionaries(
                st.sampled_from(["department", "manager", "employeeNumber"]), simple
            ),
        },
    ),
    st.sampled_from([str.lower, str.upper, str.swapcase, str.title]),
)
def test_names_in_another_case_are_read_and_checked_alike(
    body: dict[str, Any], change: Callable[[str], str]
) -> None:
    def outcome(sent: dict[str, Any]) -> tuple[Any, ...]:
        try:
            read = read_resource(PEOPLE, sent)
            return read, list(unknown_names(PEOPLE, read)), check_resource(PEOPLE, read)
        except ScimError as error:
            return type(error), error.detail

    assert outcome(body) == outcome(in_another_case(body, change))


@given(st.text(min_size=1).filter(lambda text: not text.startswith("{")))
def test_texts_stay_as_they_are(text: str) -> None:
    body = {
        "title": text,
        "name": {"givenName": text},
        "emails": [{"value": text, "type": text}],
        "roles": [text],
        CUSTOM: {"x": text, "y": [text]},
        ENTERPRISE_USER: {"department": text, "manager": text},
    }
    read = read_resource(PEOPLE, body)
    assert body["title"] == read["title"]
    assert body["name"] == read["name"]
    assert body["emails"] == read["emails"]
    assert [{"value": text}] == read["roles"]
    assert body[CUSTOM] == read[CUSTOM]
    assert {"department": text, "manager": {"value": text}} == read[ENTERPRISE_USER]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0User", ENTERPRISE_USER),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0.User", ENTERPRISE_USER),
        ("URN:IETF:Params:SCIM:schemas:extension:enterprise:2:0:user", ENTERPRISE_USER),
        ("urn:scim:schemas:extension:enterprise:1.0", ENTERPRISE_USER),
        ("urn:scim:schemas:extension:enterprise:1.0:department", f"{ENTERPRISE_USER}:department"),
        ("urn:ietf:params:scim:schemas:core:2.0User:name.givenName", f"{USER}:name.givenName"),
        ("urn:scim:schemas:core:1.0", USER),
        (
            f"{ENTERPRISE_USER.replace(':User', 'User')}:manager.value",
            f"{ENTERPRISE_USER}:manager.value",
        ),
        (
            f'{ENTERPRISE_USER.replace(":User", "User")}:manager[value eq "a:b"]',
            f'{ENTERPRISE_USER}:manager[value eq "a:b"]',
        ),
    ],
)
def test_a_misspelt_urn_is_the_schema_that_it_resembles(written: str, meant: str) -> None:
    assert meant == canonical_urn(PEOPLE, written)


@pytest.mark.parametrize(
    "text",
    [
        *(
            CUSTOM,
            f"{CUSTOM}:badge",
            GROUP,
            f"{USER}s",
            f"{ENTERPRISE_USER}Extra",
            "urn:x",
            "userName",
        ),
        *("urn", "", "urn:ietf:params:scim:schemas:extension:enterprise:3.0:User"),
    ],
)
def test_a_urn_of_something_else_stays_as_it_is(text: str) -> None:
    assert text == canonical_urn(PEOPLE, text)


def test_the_urn_of_scim_1_means_the_type_of_the_endpoint() -> None:
    assert GROUP == canonical_urn(GROUPS, "urn:scim:schemas:core:1.0")


@pytest.mark.parametrize(
    ("route", "query", "expected"),
    [
        ("", b"aadOptscim062020/Users", ("/Users", b"")),
        ("", b"aadOptscim062020/Users?filter=a+eq+%22x%22", ("/Users", b"filter=a+eq+%22x%22")),
        ("", b"AADOptSCIM062020=true/Users/a%20b&count=1", ("/Users/a b", b"count=1")),
        ("", b"aadOptscim062020/Users/", ("/Users", b"")),
        ("/scim", b"AzureAdScimPatch2017/Groups", ("/scim/Groups", b"")),
        ("/Users", b"aadOptscim062020", ("/Users", b"aadOptscim062020")),
        ("/Users", b"aadOptscim062020&filter=x/y", ("/Users", b"aadOptscim062020&filter=x/y")),
        ("/Users", b"filter=aadOptscim062020/Users", ("/Users", b"filter=aadOptscim062020/Users")),
    ],
)
def test_a_path_behind_the_flag_is_the_path(
    route: str, query: bytes, expected: tuple[str, bytes]
) -> None:
    assert expected == read_url(route, query)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("userName eq ada", 'userName eq "ada"'),
        ("userName eq Ada van Ohm", 'userName eq "Ada van Ohm"'),
        ("userName eq Ada  van and active eq true", 'userName eq "Ada  van" and active eq true'),
        ("(title eq a b) or title eq c", '(title eq "a b") or title eq "c"'),
        ("title eq 5 Ohm", 'title eq "5 Ohm"'),
        ("title eq and", 'title eq "and"'),
        ("not (title co x)", 'not (title co "x")'),
        ("emails[type eq work].value eq a@b", 'emails[type eq "work" and value eq "a@b"]'),
        ('emails[type eq "work"].value pr', 'emails[type eq "work" and value pr]'),
        (
            'emails[type eq "a" or type eq "b"].value eq "x" and title pr',
            'emails[(type eq "a" or type eq "b") and value eq "x"] and title pr',
        ),
        ("eq eq eq", 'eq eq "eq"'),
        ("title eq a and b", 'title eq "a and b"'),
        ("title eq a and b or title pr", 'title eq "a and b" or title pr'),
        ("title eq a or not (title pr)", 'title eq "a" or not (title pr)'),
        ("emails[type eq a and b]", 'emails[type eq "a and b"]'),
        ("emails[type eq a and value eq b]", 'emails[type eq "a" and value eq "b"]'),
        ("title eq a and emails[type pr]", 'title eq "a" and emails[type pr]'),
    ],
)
def test_filters_as_directories_write_them(written: str, meant: str) -> None:
    assert parse(meant) == parse(written)


@pytest.mark.parametrize("text", ["title eq a and", "title eq a or (b)", 'title eq a and "b"'])
def test_a_filter_that_stops_in_the_middle_is_no_name(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse(text)


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_empty_extension_is_cleared_by_replace_and_nothing_by_add(empty: Any) -> None:
    def edits(op: str) -> list[str]:
        patch = plan_patch(PEOPLE, [PatchOperation(op, ENTERPRISE_USER, empty)])
        return [edit.op for edit in patch.edits]

    assert {"remove"} == set(edits("replace"))
    assert [] == edits("add")


def test_members_that_are_named_in_every_form_are_the_same() -> None:
    attribute = GROUPS.attributes["members"]
    wanted = [{"value": "u1"}]
    for value in ("u1", ["u1"], {"value": "u1"}, [{"Value": "u1"}]):
        assert wanted == read_value(attribute, value)
    referenced = read_value(attribute, {"$ref": "https://x.test/Users/u1/"})
    assert "u1" == referenced[0]["value"]


def test_an_operation_without_a_path_is_one_for_each_attribute() -> None:
    value = {"name.givenName": "A", 'emails[type eq "work"].value': "a@b", "a b": 1, "title": ""}
    patch = plan_patch(PEOPLE, [PatchOperation("replace", None, value, 3)])
    assert [("name.givenName", "A"), ('emails[type eq "work"].value', "a@b"), ("title", None)] == [
        (str(edit.path), edit.value) for edit in patch.edits
    ]
    assert (["a b"], {3}) == (patch.ignored, {edit.place for edit in patch.edits})


@pytest.mark.parametrize(
    ("path", "value", "left"),
    [
        ("emails", [{"value": "a"}], [{"value": "a"}]),
        ("emails", None, UNSET),
        ("emails", [], []),
        ('emails[type eq "work"]', "old", UNSET),
        ("title", "old", UNSET),
        (f"{ENTERPRISE_USER}:manager", {"value": "old"}, UNSET),
    ],
)
def test_the_value_of_a_removal_counts_for_whole_lists_alone(
    path: str, value: Any, left: Any
) -> None:
    (edit,) = plan_patch(PEOPLE, [PatchOperation("remove", path, value)]).edits
    assert left == edit.value
