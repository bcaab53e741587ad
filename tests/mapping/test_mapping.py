"""The attribute mapping: layers, preference, destinations, and what it says when it cannot."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.mapping.entries import DEFAULTS
from scim_asgi.mapping.errors import MappingError, Unmappable
from scim_asgi.mapping.fields import Account, AccountFields, Misfit
from scim_asgi.mapping.mapping import compile_mapping

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GSUITE = "urn:ietf:params:scim:schemas:gsuite:1.0:User"
FIELDS = AccountFields(Account)

ADA: dict[str, Any] = {
    "userName": "Ada@Acme.Test",
    "displayName": "Ada Lovelace",
    "externalId": "e-1",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [
        {"value": "home@acme.test", "type": "home"},
        {"value": "ada@acme.test", "type": "work", "primary": True},
    ],
    "groups": [
        {"value": "g1", "display": "acme-admins", "displayName": "acme-admins"},
        {"value": "g2", "display": "acme-employees", "displayName": "acme-employees"},
    ],
    ENTERPRISE: {
        "employeeNumber": "42",
        "department": "Engineering",
        "manager": {"value": "m1"},
    },
    GSUITE: {"authnRole": "org:admin"},
}


def fields_of(override: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return the account fields that an override makes of Ada."""
    return compile_mapping(override, FIELDS).resolve({**ADA, **changes}).fields


def test_the_defaults_are_the_six_that_are_documented() -> None:
    assert {
        "email_address": "ada@acme.test",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "external_id": "e-1",
        "active": True,
    } == fields_of({})
    assert 6 == len(DEFAULTS)


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        (
            {
                "groups[0].displayName": '{{ value | downcase | replace: "acme-admins", '
                '"org:admin" | replace: "acme-employees", "org:member" }}.organization_role'
            },
            "organization_role",
            "org:admin",
        ),
        (
            {
                "groups[0].value": "{{ value | downcase | replace: 'admins', 'org:admin' "
                "| default: 'org:member' }}.organization_role"
            },
            "organization_role",
            "g1",
        ),
        ({"userName": "{{ value | downcase }}"}, "email_address", "ada@acme.test"),
        (
            {"displayName.firstWord": "{{ value | split: ' ' | first }}.first_name"},
            "first_name",
            "Ada",
        ),
        (
            {f"{ENTERPRISE}.employeeNumber": "public_metadata.employee_id"},
            "public_metadata",
            {"employee_id": "42"},
        ),
        (
            {
                f"{ENTERPRISE}.department": '{{ value | downcase | replace: "engineering", '
                '"org:admin" | default: "org:member" }}.organization_role'
            },
            "organization_role",
            "org:admin",
        ),
        ({f"{GSUITE}.authnRole": "organization_role"}, "organization_role", "org:admin"),
    ],
)
def test_the_documented_examples_work_exactly(
    override: dict[str, str], field: str, value: Any
) -> None:
    assert value == fields_of(override)[field]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", None),
        ("DISPLAYNAME", "Ada Lovelace"),
        ("name.GIVENNAME", "Ada"),
        (f"{ENTERPRISE}:department", "Engineering"),
        (f"{ENTERPRISE.upper()}.Department", "Engineering"),
        (f"{ENTERPRISE}.manager.value", "m1"),
        (f"{ENTERPRISE}:manager.value", "m1"),
        (f"{ENTERPRISE}.manager", "m1"),
        ('emails[type eq "home"].value', "home@acme.test"),
        ('emails[type eq "HOME"]', "home@acme.test"),
        ('emails[not (type eq "home") and value co "acme"].value', "ada@acme.test"),
        ('phoneNumbers[type eq "mobile"].value', None),
        ('groups[displayName eq "acme-admins"].displayName', "acme-admins"),
        ("groups[1].displayName", "acme-employees"),
        ("groups[9].displayName", None),
        ("emails[0].value", "home@acme.test"),
        ("groups.displayName", ["acme-admins", "acme-employees"]),
        ("groups[*].displayName", ["acme-admins", "acme-employees"]),
        ("displayName.anything", "Ada Lovelace"),
        ("urn:example:params:scim:schemas:nobody:1.0:User.badge", None),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayName", "Ada Lovelace"),
    ],
)
def test_every_form_of_path_finds_its_value(path: str, value: Any) -> None:
    found = fields_of({path: "public_metadata.found"}).get("public_metadata")
    assert (None if value is None else {"found": value}) == found


@pytest.mark.parametrize("value", ["text", 5, 1.5, True, False, ["a", "b"]])
def test_metadata_keeps_the_json_type_of_a_value(value: Any) -> None:
    user = {GSUITE: {"it": value}}
    assert {"it": value} == fields_of({f"{GSUITE}.it": "public_metadata.it"}, **user)[
        "public_metadata"
    ]


@pytest.mark.parametrize("nothing", [None, "", [], {}, [None], [""]])
def test_a_source_without_a_value_yields_nothing(nothing: Any) -> None:
    override = {f"{GSUITE}.it": "{{ value | append: 'x' }}.public_metadata.it"}
    assert "public_metadata" not in fields_of(override, **{GSUITE: {"it": nothing}})


def test_an_expression_with_default_is_evaluated_on_nothing() -> None:
    override = {"title": "{{ value | default: 'org:member' }}.organization_role"}
    assert "org:member" == fields_of(override)["organization_role"]


def test_an_expression_with_an_empty_result_yields_nothing() -> None:
    override = {"nickName": "{{ value | replace: 'x', '' }}.first_name"}
    assert "Ada" == fields_of(override, nickName="x")["first_name"]


def test_the_override_comes_before_the_defaults() -> None:
    override = {"nickName": "first_name"}
    assert "Countess" == fields_of(override, nickName="Countess")["first_name"]
    assert "Ada" == fields_of(override)["first_name"]


def test_a_path_with_a_filter_comes_before_one_without_however_they_are_written() -> None:
    override = {
        "userName": "email_address",
        'emails[type eq "home"].value': "email_address",
    }
    assert "home@acme.test" == fields_of(override)["email_address"]


def test_of_two_paths_alike_the_one_written_first_wins() -> None:
    user = {"nickName": "N", "title": "T"}
    assert "T" == fields_of({"title": "first_name", "nickName": "first_name"}, **user)["first_name"]
    assert "N" == fields_of({"nickName": "first_name", "title": "first_name"}, **user)["first_name"]


def test_an_empty_value_switches_a_default_off() -> None:
    assert "external_id" not in fields_of({"externalId": ""})
    assert "external_id" not in fields_of({"EXTERNALID": " "})


def test_a_path_of_the_override_replaces_the_default_of_that_path_only() -> None:
    fields = fields_of({"externalId": "public_metadata.employee"})
    assert {"employee": "e-1"} == fields["public_metadata"]
    assert "external_id" not in fields
    assert "ada@acme.test" == fields["email_address"]


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"emails": []}, "Ada@Acme.Test"),
        ({"emails": [{"value": None, "primary": True}]}, "Ada@Acme.Test"),
        ({"userName": "ada"}, "ada@acme.test"),
        ({"emails": [{"value": "not an address", "primary": True}]}, "Ada@Acme.Test"),
    ],
)
def test_what_a_directory_leaves_out_is_made_up_for_by_the_next_path(
    changes: dict[str, Any], address: str
) -> None:
    assert address == fields_of({}, **changes)["email_address"]


def test_without_an_address_the_error_names_every_path_and_what_it_held() -> None:
    with pytest.raises(Unmappable) as caught:
        fields_of({}, userName="ada", emails=[])
    assert "email_address" == caught.value.field
    assert '"userName" holds "ada"' in caught.value.detail
    assert '"emails[primary eq true].value" holds nothing' in caught.value.detail


def test_a_value_that_does_not_fit_its_field_is_refused_with_the_fields_name() -> None:
    with pytest.raises(Unmappable, match='"active" cannot be text'):
        fields_of({"title": "active"}, title="perhaps")


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """A host's own account type."""

    id: str
    email: str
    badge: int
    tags: list[str] = []


EMPLOYEE = AccountFields(Employee)


def test_a_hosts_own_type_gives_the_destinations_their_types_and_which_are_required() -> None:
    override = {
        "userName": "email",
        f"{ENTERPRISE}.employeeNumber": "badge",
        "groups.value": "tags",
    }
    fields = compile_mapping(override, EMPLOYEE).resolve(ADA).fields
    assert {"email": "Ada@Acme.Test", "badge": 42, "tags": ["g1", "g2"]} == fields
    account = EMPLOYEE.build(fields, id="a1", host_id=None, organization_id="acme")
    assert Employee(id="a1", email="Ada@Acme.Test", badge=42, tags=["g1", "g2"]) == account
    with pytest.raises(Unmappable, match='"badge" needs a value'):
        compile_mapping({"userName": "email"}, EMPLOYEE).resolve(ADA)


def test_an_annotation_of_a_field_may_be_anything() -> None:
    class Labelled(msgspec.Struct):
        id: str
        email: Annotated[str, {"form": "label"}]

    fields = AccountFields(Labelled)
    assert "ada@acme.test" == fields.convert("email", "ada@acme.test")
    with pytest.raises(Misfit):
        fields.convert("email", ["ada@acme.test"])


def test_the_address_is_verified_because_the_directory_says_so() -> None:
    account = FIELDS.build(fields_of({}), id="a1", host_id="h1", organization_id="acme")
    assert ("h1", "acme", True) == (
        getattr(account, "host_id", None),
        getattr(account, "organization_id", None),
        getattr(account, "email_verified", None),
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("", "first_name", "attribute is expected"),
        ("nope", "first_name", 'no "nope"'),
        ("name.nope", "first_name", "unknown"),
        ("name.givenName.x", "first_name", "unknown"),
        ("password", "first_name", 'no "password"'),
        (f"{ENTERPRISE}.nope", "first_name", 'no "nope"'),
        ("emails[", "first_name", "attribute"),
        ("emails[type is 1].value", "first_name", "neither"),
        ("emails[-1].value", "first_name", "neither"),
        ("urn:nobody", "first_name", "URN"),
        ("title", "nope", "no account field"),
        ("title", "id", "no account field"),
        ("title", "public_metadata", "no account field"),
        ("title", "public_metadata.", "no account field"),
        ("title", "first_name.x", "no account field"),
        ("title", "", "no default"),
        ("title", "{{ value }}", "needs a destination"),
        ("title", "{{ value }}first_name", "dot"),
        ("title", "{{ value ", "write {{ expression }}"),
        ("title", "{{ value | nope }}.first_name", "no filter"),
        ("title", "{{ other }}.first_name", "only variable"),
        ("title", "{% if true %}x{% endif %}", "write {{ expression }}"),
        ("title", 5, "has to be text"),
    ],
)
def test_a_mistake_in_an_override_is_refused_by_its_key(key: str, value: Any, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_mapping({key: value}, FIELDS)
    (problem,) = caught.value.problems
    assert key == problem.key
    assert message in problem.message


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(MappingError) as caught:
        compile_mapping({"nope": "first_name", "title": "nope", "nickName": "last_name"}, FIELDS)
    assert ["nope", "title"] == [problem.key for problem in caught.value.problems]


def test_a_path_cannot_be_there_twice_in_different_writing() -> None:
    with pytest.raises(MappingError, match="twice"):
        compile_mapping({"title": "first_name", "TITLE": "last_name"}, FIELDS)


def test_an_explanation_says_which_path_won_and_why_the_others_did_not() -> None:
    mapping = compile_mapping({"nickName": "first_name"}, FIELDS)
    first_name = next(each for each in mapping.explain(ADA) if each.destination == "first_name")
    assert "Ada" == first_name.value
    assert [("nickName", "it yields nothing"), ("name.givenName", "")] == [
        (attempt.key, attempt.lost) for attempt in first_name.attempts
    ]


PATHS = ["title", "nickName", "userType", 'emails[type eq "home"].value', "displayName"]


@given(st.permutations(PATHS), st.sets(st.sampled_from(PATHS)))
def test_the_first_path_in_order_of_preference_that_has_a_value_wins(
    order: list[str], absent: set[str]
) -> None:
    user = {name: name for name in PATHS if "[" not in name and name not in absent}
    if PATHS[3] not in absent:
        user["emails"] = [{"type": "home", "value": PATHS[3]}]  # type: ignore[assignment]
    mapping = compile_mapping(dict.fromkeys(order, "organization_role"), FIELDS)
    fields = mapping.resolve({"userName": "a@b.test", **user}).fields
    ranked = sorted(order, key=lambda path: "[" not in path)
    assert next((path for path in ranked if path not in absent), None) == fields.get(
        "organization_role"
    )
