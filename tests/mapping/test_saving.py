"""Every mistake in an override is found when it is saved: by key, and where in it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import pytest
from msgspec import Struct

from scim_asgi.mapping.errors import ExpressionError, MappingError, MappingProblem
from scim_asgi.mapping.expression import MAX_FILTERS, MAX_LITERAL, MAX_SOURCE, Expression
from scim_asgi.mapping.fields import Account, AccountFields
from scim_asgi.mapping.mapping import compile_mapping

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIELDS = AccountFields(Account)


class Employee(Struct, frozen=True, kw_only=True):
    """An account type with fields of many types."""

    id: str
    login: str = ""
    badge: int | None = None
    since: date | None = None
    tags: list[str] = []
    level: Literal["junior", "senior"] | None = None
    organization_role: str | None = None
    address: dict[str, str] | None = None
    is_open: bool = True


EMPLOYEE = AccountFields(Employee)


def problem(key: str, value: Any, fields: AccountFields[Any] = FIELDS) -> MappingProblem:
    """Return the one problem of an override."""
    with pytest.raises(MappingError) as caught:
        compile_mapping({key: value}, fields)
    (found,) = caught.value.problems
    assert key == found.key
    return found


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("{{ value | shout }}.first_name", "shout"),
        ("  {{ value | shout }}.first_name", "shout"),
        ("{{ value | downcase | replace: 'a' , 'b' | size }}.first_name", "size"),
        ("{{ other }}.first_name", "other"),
        ("{{ value | append: other }}.first_name", "other"),
        ("{{ value }}.nope", "nope"),
        ("{{ value }} . nope", "nope"),
        (" nope", "nope"),
        ("{{ value | downcase: 1 }}.first_name", "downcase"),
        ("{{ value | split: '' }}.first_name", "split"),
        ("{{ value | first }}.first_name", "first"),
        ("{{ value }}first_name", "first_name"),
        ("{% if value %}x{% endif %}", "{% if"),
        ("{{ value }}{% comment %}.first_name", "{% comment"),
        ("{{ value | append: '" + "x" * (MAX_LITERAL + 1) + "' }}.first_name", "'xxx"),
    ],
)
def test_a_mistake_in_a_value_is_found_at_its_character(value: str, at: str) -> None:
    found = problem("title", value)
    assert ("value", value.index(at)) == (found.part, found.position), str(found)
    assert f"character {value.index(at) + 1}:" in str(found)


@pytest.mark.parametrize(
    ("key", "at"),
    [
        ("nope", "nope"),
        ("name.nope", "nope"),
        (f"{ENTERPRISE}.nope", "nope"),
        (f"{ENTERPRISE}:manager.nope", "nope"),
        ('emails[nope eq "x"].value', "nope"),
        ('emails[type eq "x"].nope', "nope"),
        ("emails[type is 1].value", "[type"),
        ("groups[0].$ref", "$ref"),
        ("meta.created", "meta"),
        ("addresses", "addresses"),
        ("userName.", ""),
    ],
)
def test_a_mistake_in_a_path_is_found_at_its_character(key: str, at: str) -> None:
    found = problem(key, "first_name")
    where = key.index(at) if at else len(key)
    assert ("path", where) == (found.part, found.position), str(found)
    assert "of the path" in str(found)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("groups.displayName", "login", "a list"),
        ("groups.displayName", "{{ value | downcase }}.login", "list"),
        ("groups.displayName", "{{ value | split: ' ' }}.tags", "list"),
        ("title", "{{ value | append: 'x' | last }}.login", "list"),
        ("title", "tags", "a list"),
        ("title", "{{ value | split: ' ' }}.login", "a list"),
        ("active", "login", "a boolean"),
        ("active", "badge", "a boolean"),
        ("active", "since", "a boolean"),
        ("title", "address", "nothing"),
        ("title", "{{ 'x' }}.badge", "badge"),
        ("title", "{{ value | default: 'x' }}.badge", "badge"),
        ("title", "{{ value | default: 'lead' }}.level", "lead"),
        ("title", "{{ value | downcase | default: 5 }}.login", "login"),
        ("title", "{{ nil }}.login", "never"),
        ("title", "{{ '' | default: '' }}.login", "never"),
    ],
)
def test_what_can_never_fit_its_field_is_refused(key: str, value: str, says: str) -> None:
    assert says in problem(key, value, EMPLOYEE).message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("groups.displayName", "tags"),
        ("groups.displayName", "{{ value | first }}.login"),
        ("groups[0].displayName", "{{ value | downcase }}.login"),
        ("title", "{{ value | split: ',' }}.tags"),
        ("title", "badge"),
        ("title", "since"),
        ("title", "is_open"),
        ("active", "is_open"),
        ("title", "level"),
        ("title", "{{ value | default: 'junior' }}.level"),
        ("title", "{{ value | default: 5 }}.badge"),
        ("urn:example:unknown:1.0:User.it", "badge"),
        ("urn:example:unknown:1.0:User.it", "tags"),
        ("urn:example:unknown:1.0:User.it", "{{ value | last }}.login"),
        ("id", "login"),
    ],
)
def test_what_may_fit_its_field_is_saved(key: str, value: str) -> None:
    compile_mapping({key: value}, EMPLOYEE)


def test_a_default_address_has_to_be_one() -> None:
    found = problem("nickName", "{{ value | default: 'nobody' }}.email_address")
    assert "no e-mail address" in found.message


def test_a_literal_that_is_no_role_of_the_product_is_refused() -> None:
    override = {"title": "{{ value | default: 'org:owner' }}.organization_role"}
    compile_mapping(override, FIELDS)
    with pytest.raises(MappingError, match=r"org:owner.*none of the product's roles"):
        compile_mapping(override, FIELDS, roles=frozenset({"org:admin"}))


SPELLINGS = [(" & ", " and "), ("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), (" ", ".")]
GROWING = " | replace: 'a', '" + "a" * 60 + "'"


@pytest.mark.parametrize(
    "source",
    [
        "{{ value" + GROWING + " | downcase" * 7 + " }}",
        "{{ value" + " | upcase" * 8 + " }}",
        "{{ value" + " | replace: value, 'x'" * 8 + " }}",
        "{{ value | append: value | append: value | append: value" + " | downcase" * 5 + " }}",
    ],
)
def test_what_could_take_longer_than_its_budget_is_refused_at_the_filter_that_exceeds_it(
    source: str,
) -> None:
    with pytest.raises(ExpressionError, match="longer than 1 ms") as caught:
        Expression(source)
    before = source[: caught.value.position].rstrip().removesuffix("|") + "}}"
    Expression(before)


def test_what_is_longer_than_is_allowed_is_refused_where_it_exceeds() -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression("{{ value" + " | strip" * (MAX_FILTERS + 1) + " }}")
    assert len("{{ value" + " | strip" * MAX_FILTERS + " | ") == caught.value.position
    with pytest.raises(ExpressionError, match=str(MAX_SOURCE)):
        Expression("{{ value" + " " * MAX_SOURCE + "}}")


@pytest.mark.parametrize(
    "source",
    [
        "{{ value | downcase"
        + "".join(f" | replace: 'acme-group-{n}', 'org:role-{n}'" for n in range(7))
        + " }}",
        "{{ value | downcase"
        + "".join(f" | replace: '{old}', '{new}'" for old, new in SPELLINGS)
        + " | append: '@acme.test' }}",
        "{{ value | strip | split: '@' | first | upcase | prepend: 'u-' | default: 'nobody' }}",
    ],
)
def test_what_people_write_is_within_its_budget(source: str) -> None:
    assert Expression(source).evaluate("x" * 1024)


def test_too_much_is_said_and_not_repeated() -> None:
    assert "paths" in str(_error({f"title.l{n}": "first_name" for n in range(201)}))
    assert 200 > len(str(_error({"x" * 5000: "first_name"})))
    assert 200 > len(str(_error({"title": "x" * 5000})))


def _error(override: dict[str, str]) -> MappingError:
    with pytest.raises(MappingError) as caught:
        compile_mapping(override, FIELDS)
    return caught.value
