"""What is taken as it is comes to the same as what is read and checked value by value."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi import ResourceDefinition, read_resource_types
from scim_asgi.protocol.core import ENTERPRISE_USER, GROUP, USER, group_definition, user_definition
from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.errors import ScimError
from scim_asgi.protocol.inbound import Received, _receive, _usual, receive
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.protocol.schemas import Attribute

DEVICE = Path(__file__).parents[1] / "conformance" / "device.json"
PEOPLE = user_definition()
TYPES = Registry(
    [PEOPLE, group_definition(), *read_resource_types(DEVICE.read_bytes())],
)

ADA = {
    "schemas": [USER, ENTERPRISE_USER],
    "userName": "ada@example.com",
    "externalId": "1",
    "active": False,
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "ada@example.com", "type": "work", "primary": True}],
    "addresses": [{"locality": "London"}],
    "roles": [],
    "title": None,
    "nickName": "",
    "groups": [],
    "meta": {"resourceType": "User"},
    ENTERPRISE_USER: {"department": "Engines", "manager": {"value": "2"}},
}
TEXTS = st.sampled_from(
    ["a", "ß", "x y", "true", "", " ", "a\x00b", "\\u0000", '{"value": "x"}', "{}", "x\n", "\u202e"]
)
ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.just({}) | st.just([]) | st.just("") | TEXTS
)


def mostly(
    usual: st.SearchStrategy[Any], times: int, odd: st.SearchStrategy[Any] = ODD
) -> st.SearchStrategy[Any]:
    """Return what is usual so many times as often as what is odd."""
    return st.integers(0, times).flatmap(lambda dice: usual if dice else odd)


def values(attribute: Attribute) -> st.SearchStrategy[Any]:
    """Return values of an attribute, a few of them odd."""
    usual: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(-(2**64), 2**64),
        "decimal": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        "dateTime": st.just("2026-01-31T10:00:00Z"),
        "binary": st.just("YQ=="),
        "complex": objects(attribute.sub_attributes),
    }
    value = usual.get(attribute.type, st.just("Ada") | TEXTS)
    if attribute.multi_valued:
        value = st.lists(value, max_size=3)
    return mostly(value, 39)


def objects(attributes: tuple[Attribute, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with a few of some attributes, a few of them named otherwise."""
    names = st.sampled_from([each.name for each in attributes])
    odd = st.sampled_from(["x", "department", "NAME", "value", "$ref", "Value"])
    known = {each.name: each for each in attributes}
    return st.lists(mostly(names, 59, odd), max_size=5).flatmap(
        lambda some: st.fixed_dictionaries(
            {name: values(known[name]) if name in known else ODD for name in some}
        )
    )


@st.composite
def resources(draw: st.DrawFn) -> tuple[ResourceDefinition, dict[str, Any]]:
    """Return a type, and what may have been sent for it."""
    definition = draw(st.sampled_from(TYPES.definitions))
    body = draw(objects(tuple(definition.attributes.values())))
    for extension in definition.extensions.values():
        if draw(st.booleans()):
            body[extension.id] = draw(mostly(objects(extension.attributes), 9))
    urns = [definition.schema.id, definition.schema.id.upper(), ENTERPRISE_USER, GROUP, "urn:x"]
    schemas = st.lists(st.sampled_from(urns) | ODD, max_size=3)
    body["schemas"] = draw(mostly(st.just(urns[:1]), 9, schemas | ODD))
    for attribute in definition.schema.required:
        if draw(st.integers(0, 9)):
            body.setdefault(attribute.name, "ada")
    return definition, dict(draw(st.permutations(list(body.items()))))


def outcome(read: Any, *args: Any, **options: Any) -> Any:
    try:
        received: Received = read(*args, **options)
    except ScimError as error:
        return type(error), error.detail
    rows = {name: value for name, value in received.rows.items() if value is not None}
    return received.document, rows, received.unknown


@given(resources(), st.sampled_from(["ignore", "reject"]), st.booleans())
def test_what_is_taken_as_it_is_is_what_reading_and_checking_gives(
    sent: tuple[ResourceDefinition, dict[str, Any]], unknown: UnknownAttributes, new: bool
) -> None:
    definition, body = sent
    before = copy.deepcopy(body)
    expected = outcome(_receive, TYPES, definition, copy.deepcopy(body), unknown, new=new)
    assert expected == outcome(receive, TYPES, definition, body, unknown, new=new)
    assert before == body


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"active": True, "password": "geheim"},
        {
            "emails": [
                {"value": "a@x.test", "primary": True},
                {"value": "b@x.test", "primary": True},
            ]
        },
        {"emails": [{"value": "a@x.test"}, {"value": "a@x.test"}]},
        {"name": None, "emails": None, "photos": []},
        {ENTERPRISE_USER: {}},
        {"displayName": 'with "quotes" and \\'},
    ],
)
def test_what_directories_send_is_taken_as_it_is(change: dict[str, Any]) -> None:
    body = json.loads(json.dumps(ADA | change))
    before = copy.deepcopy(body)
    assert _usual(TYPES, PEOPLE, body) is not None
    assert _receive(TYPES, PEOPLE, body, "reject", new=True).document == (
        receive(TYPES, PEOPLE, body, new=True).document
    )
    assert before == body


@pytest.mark.parametrize(
    "change",
    [
        {"active": "True"},
        {"USERNAME": "ada"},
        {"userName": "\u202eada"},
        {"userName": " "},
        {"schemas": [ENTERPRISE_USER]},
        {"schemas": [USER, GROUP]},
        {"schemas": USER},
        {"title": "a\x00b"},
        {"name": {"givenName": ""}},
        {"name.givenName": "Ada"},
        {"emails": "ada@example.com"},
        {"emails": [{"type": "work"}]},
        {"emails": [None]},
        {"addresses": [{}]},
        {"roles": [{"value": '{"value": "x"}'}]},
        {"meta": {"resourcetype": "User"}},
        {"department": "Engines"},
        {ENTERPRISE_USER: {"shoe": "9"}},
        {ENTERPRISE_USER: {"manager": {"$ref": "../Users/2"}}},
    ],
)
def test_what_is_not_as_the_schema_says_is_read_the_long_way(change: dict[str, Any]) -> None:
    body = json.loads(json.dumps(ADA | change))
    assert _usual(TYPES, PEOPLE, body) is None


def custom(attributes: list[dict[str, Any]], extension: str = "urn:x:ext") -> Registry:
    """Return a registry with a type of attributes that a host has made up, and an extension."""
    things = {"id": "urn:x:thing", "name": "Thing", "attributes": attributes}
    more = {"id": extension, "name": "More", "attributes": [{"name": "more", "type": "string"}]}
    kind = {
        "name": "Thing",
        "endpoint": "/Things",
        "schema": "urn:x:thing",
        "schemaExtensions": [{"schema": extension, "required": False}],
    }
    described = {"schemas": [things, more], "resourceTypes": [kind]}
    return Registry([PEOPLE, *read_resource_types(json.dumps(described).encode())])


def several(name: str, *subs: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": "complex", "multiValued": True, "subAttributes": list(subs)}


ROLES = several("roles", {"name": "value", "type": "boolean"})
PARTS = several("parts", {"name": "Value", "type": "string"}, {"name": "$ref", "type": "reference"})
ODDLY_NAMED = [
    {"name": name, "type": "string", "multiValued": False, "required": False}
    for name in ('a"b', "a\\b", "a\nb", "plain")
]


@pytest.mark.parametrize(
    ("attributes", "sent"),
    [
        ([ROLES], {"roles": [{"value": True}]}),
        ([ROLES], {"roles": [{"value": "true"}]}),
        ([ROLES], {"roles": [{"value": "nonsense"}]}),
        ([PARTS], {"parts": [{"Value": "9"}]}),
        ([PARTS], {"parts": [{"$ref": "https://x.test/Things/9"}]}),
        (ODDLY_NAMED, {"plain": "x"}),
        (ODDLY_NAMED, {'a"b': "x", "a\\b": "y", "a\nb": "z"}),
        ([several("parts", *ODDLY_NAMED)], {"parts": [{"plain": "x"}, {'a"b': "y"}]}),
        ([several("parts", ODDLY_NAMED[0] | {"required": True})], {"parts": [{}]}),
        ([several("parts", *ODDLY_NAMED) | {"mutability": "readOnly"}], {"parts": [{'a"b': "y"}]}),
    ],
)
def test_what_a_host_has_made_up_is_taken_as_it_is_read_the_long_way(
    attributes: list[dict[str, Any]], sent: dict[str, Any]
) -> None:
    types = custom(attributes)
    body = {"schemas": ["urn:x:thing"], **sent}
    expected = outcome(
        _receive, types, types.by_name["Thing"], copy.deepcopy(body), "ignore", new=True
    )
    assert expected == outcome(receive, types, types.by_name["Thing"], body, new=True)


@pytest.mark.parametrize("urn", ["urn:x:ext", 'urn:x:"ext', "urn:x:e\\xt"])
def test_an_extension_is_taken_as_it_is_whatever_its_urn(urn: str) -> None:
    types = custom([ODDLY_NAMED[3]], urn)
    body = {"schemas": ["urn:x:thing", urn], "plain": "x", urn: {"more": "y"}}
    expected = outcome(_receive, types, types.by_name["Thing"], body, "ignore", new=True)
    assert expected == outcome(receive, types, types.by_name["Thing"], body, new=True)
