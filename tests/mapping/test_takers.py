"""What a request gets without a word about it is what an explanation says, whatever the mapping."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from scim_asgi.mapping.attempts import Explanation
from scim_asgi.mapping.errors import Unmappable
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import CompiledMapping, Mapped, compile_mapping
from scim_asgi.mapping.roles import RoleRule, RoleRules

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OTHER = "urn:acme:1.0:User"
"""An extension that nobody knows: anything may be in it."""


class Person(Struct):
    """An account with fields of several types, so that values have to be converted or do not fit."""

    id: str
    email_address: str
    first_name: str = ""
    last_name: str | None = None
    external_id: str | None = None
    active: bool | None = None
    organization_role: str | None = None
    level: int | None = None
    tags: list[str] = []
    public_metadata: dict[str, Any] = {}


FIELDS = AccountFields(Person)
OVERRIDES: dict[str, list[str]] = {
    "externalId": [
        "external_id",
        "{{ value | upcase }}.external_id",
        '{{ value | split: "-" | first }}.external_id',
        "public_metadata.directory_id",
    ],
    "userName": ["", "email_address", "{{ value | downcase }}.email_address"],
    'emails[type eq "work"].value': ["email_address", "first_name"],
    'emails[type ne "work" and value pr].value': ["email_address"],
    "emails[1].value": ["email_address", "public_metadata.second"],
    "emails[*].value": ["tags"],
    "name.givenName": ["", "first_name", '{{ value | replace: "a", "A" }}.first_name'],
    "nickName": ["first_name", '{{ value | default: "Nobody" }}.first_name', "level"],
    "active": ["", "active"],
    "title": ["organization_role", "level", '{{ value | append: "!" }}.last_name'],
    "id": ["external_id", "public_metadata.scim_id"],
    "groups[0].displayName": ["organization_role"],
    "groups[*].displayName": ["public_metadata.groups"],
    f"{ENTERPRISE}:department": ["organization_role", "last_name"],
    f"{ENTERPRISE}:manager": ["public_metadata.manager"],
    f"{OTHER}:any": ["last_name", "level", "active", "public_metadata.any"],
    f"{OTHER}:any.sub": ["first_name", "{{ value | first }}.first_name", "tags"],
}
TEXTS = st.sampled_from(
    ["ada@acme.test", "ada", "Ada@Acme.Test", "a-b", "admin", "member", "7", "null", "a" * 1030]
)
GROUPS = st.sampled_from(["Admins", "Engineers", "Everybody"]).map(
    lambda name: {"value": name[0], "display": name, "displayName": name, "type": "direct"}
)
EMAILS = st.fixed_dictionaries(
    {"value": TEXTS},
    optional={"type": st.sampled_from(["work", "home"]), "primary": st.booleans()},
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.just(""),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sub", "value"]), inner)
    ),
    max_leaves=5,
)
USERS = st.fixed_dictionaries(
    {"userName": st.sampled_from(["ada@acme.test", "Ada@Acme.Test", "ada"])},
    optional={
        "externalId": TEXTS,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"givenName": TEXTS, "familyName": TEXTS}),
        "nickName": TEXTS,
        "title": TEXTS,
        "emails": st.lists(EMAILS, max_size=3),
        "groups": st.lists(GROUPS, max_size=2),
        ENTERPRISE: st.fixed_dictionaries(
            {}, optional={"department": TEXTS, "manager": st.just({"value": "m-1"})}
        ),
        OTHER: st.fixed_dictionaries({}, optional={"any": ANYTHING}),
    },
)
ROLES = st.sampled_from(["admin", "member", "owner"])
RULES = st.builds(
    RoleRules,
    st.lists(
        st.builds(RoleRule, st.sampled_from(["admins", "ENGINEERS", "nobody"]), ROLES), max_size=4
    ).map(tuple),
    st.none() | ROLES,
)


KNOWN = st.sampled_from([None, frozenset({"admin", "member"})])
FOR_ROLES = [path for path, values in OVERRIDES.items() if "organization_role" in values]


@st.composite
def mappings(draw: st.DrawFn) -> CompiledMapping:
    """Return a mapping of some of the paths above, over role rules, with or without known roles."""
    paths = draw(st.lists(st.sampled_from(sorted(OVERRIDES)), unique=True, max_size=6))
    override = {path: draw(st.sampled_from(OVERRIDES[path])) for path in paths}
    if draw(st.booleans()):
        override |= dict.fromkeys(draw(st.sets(st.sampled_from(FOR_ROLES))), "organization_role")
    return compile_mapping(override, FIELDS, draw(RULES), draw(KNOWN))


def told(explained: list[Explanation], is_closed: bool) -> Mapped | str:
    """Return what explanations come to: the fields with notes, or the field that stands in the way."""
    fields: dict[str, Any] = {}
    notes: list[str] = []
    for each in explained:
        for attempt in each.attempts:
            notes += [attempt.note] if attempt.note else []
            if attempt.stops:
                return f"{each.destination}: {attempt.detail}"
            if not attempt.lost:
                field, _, key = each.destination.partition(".")
                if key:
                    fields.setdefault(field, {})[key] = each.value
                else:
                    fields[field] = each.value
                break
    missing = [name for name in FIELDS.required if name not in fields]
    if missing:
        return missing[0]
    if is_closed and fields.get("active") is True:
        fields["active"] = False
    return Mapped(fields, notes=tuple(notes))


def same_as_told(
    mapping: CompiledMapping, user: dict[str, Any], was_active: bool | None
) -> Mapped | None:
    """Check that a mapping does what it explains; return what it makes, None where it refuses."""
    expected = told(mapping.explain(user, was_active=was_active), user.get("active") is False)
    if isinstance(expected, str):
        with pytest.raises(Unmappable) as caught:
            mapping.resolve(user, was_active=was_active)
        field, detail = caught.value.field, caught.value.detail
        assert expected in (field, f"{field}: {detail}")
        return None
    mapped = mapping.resolve(user, was_active=was_active)
    assert expected == Mapped(mapped.fields, notes=mapped.notes)
    return mapped


@settings(max_examples=300)
@given(mappings(), USERS, st.sampled_from([None, True, False]))
def test_a_request_gets_what_an_explanation_says(
    mapping: CompiledMapping, user: dict[str, Any], was_active: bool | None
) -> None:
    mapped = same_as_told(mapping, user, was_active)
    explained = mapping.explain(user, was_active=was_active)
    winners = [each.winner for each in explained if each.winner is not None]
    by = next((each for each in winners if each.key == "externalId"), None)
    splits = by is not None and "split" in (by.expression or "")
    key = None if by is None else by.held if splits else by.value
    assert mapped is None or key == mapped.return_key


@given(RULES, KNOWN, st.lists(GROUPS, max_size=2))
def test_rules_give_the_role_that_an_explanation_says(
    rules: RoleRules, known: frozenset[str] | None, groups: list[dict[str, Any]]
) -> None:
    mapping = compile_mapping({}, FIELDS, rules, known)
    assert same_as_told(mapping, {"userName": "ada@acme.test", "groups": groups}, None)


def recased(value: Any, upper: bool) -> Any:
    """Return JSON with the names of all members in upper or lower case."""
    if isinstance(value, dict):
        return {
            name
            if name.casefold() == "active"
            else name.upper()
            if upper
            else name.lower(): recased(each, upper)
            for name, each in value.items()
        }
    return [recased(each, upper) for each in value] if isinstance(value, list) else value


@given(mappings(), USERS, st.booleans())
def test_names_are_found_in_any_case(
    mapping: CompiledMapping, user: dict[str, Any], upper: bool
) -> None:
    user.pop("groups", None)

    def outcome(user: dict[str, Any]) -> Mapped | str:
        try:
            return mapping.resolve(user)
        except Unmappable as error:
            return error.field

    assert outcome(user) == outcome(recased(user, upper))


def outcome(mapping: CompiledMapping, user: dict[str, Any]) -> Mapped | str:
    """Return what a mapping makes of a User, or why it refuses it."""
    try:
        return mapping.resolve(user)
    except Unmappable as error:
        return error.detail


@settings(max_examples=300)
@given(mappings(), USERS)
def test_what_depends_on_neither_id_nor_groups_is_the_same_without_them(
    mapping: CompiledMapping, user: dict[str, Any]
) -> None:
    group = {"value": "A", "display": "Admins", "displayName": "Admins", "type": "direct"}
    whole = {**user, "id": "u-1", "groups": [group]}
    bare = {name: value for name, value in user.items() if name != "groups"}
    if mapping.uses_document_only:
        assert outcome(mapping, whole) == outcome(mapping, bare)


@pytest.mark.parametrize(
    ("override", "is_enough"),
    [
        ({"nickName": "first_name"}, True),
        ({"ID": "external_id"}, False),
        ({"Groups[0].displayName": "last_name"}, False),
        ({f"{OTHER}:groups": "last_name"}, True),
    ],
)
def test_a_mapping_knows_whether_the_document_is_enough(
    override: dict[str, str], is_enough: bool
) -> None:
    assert is_enough == compile_mapping(override, FIELDS).uses_document_only
    rules = RoleRules((RoleRule("admins", "admin"),), None)
    assert not compile_mapping(override, FIELDS, rules).uses_document_only
