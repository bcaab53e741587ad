"""Roles from groups without an expression, and roles that the product does not know."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from scim_asgi.mapping.errors import MappingError, Unmappable
from scim_asgi.mapping.fields import Account, AccountFields
from scim_asgi.mapping.mapping import Mapped, compile_mapping
from scim_asgi.mapping.roles import RoleRule, RoleRules, check_rules

FIELDS = AccountFields(Account)
RULES = RoleRules(
    (RoleRule("Acme-Admins", "org:admin"), RoleRule("acme-employees", "org:member")),
    default="org:guest",
)
KNOWN = frozenset({"org:admin", "org:member", "org:guest"})


def mapped(
    groups: list[str],
    rules: RoleRules = RULES,
    override: dict[str, str] | None = None,
    known: frozenset[str] | None = None,
) -> Mapped:
    """Return what is made of somebody in these groups."""
    shown = [{"value": f"id-{name}", "display": name, "displayName": name} for name in groups]
    user = {"userName": "ada@acme.test", "title": "boss", "groups": shown}
    return compile_mapping(override or {}, FIELDS, rules, known).resolve(user)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ([], "org:guest"),
        (["Other"], "org:guest"),
        (["ACME-ADMINS"], "org:admin"),
        (["Acme-Employees"], "org:member"),
        (["Acme-Admins", "Acme-Employees"], "org:admin"),
        (["Acme-Employees", "Acme-Admins"], "org:admin"),
        (["Acme-Admins-Abroad"], "org:guest"),
    ],
)
def test_the_first_rule_with_a_group_of_the_person_wins(groups: list[str], role: str) -> None:
    assert role == mapped(groups).fields["organization_role"]


def test_without_a_default_who_matches_none_has_no_role() -> None:
    rules = RoleRules(RULES.rules)
    assert "organization_role" not in mapped([], rules).fields


def test_the_rules_are_not_used_where_the_mapping_says_something_of_the_role() -> None:
    override = {"title": "organization_role"}
    assert "boss" == mapped(["Acme-Admins"], override=override).fields["organization_role"]
    override = {"nickName": "organization_role"}
    assert "organization_role" not in mapped(["Acme-Admins"], override=override).fields


def test_a_role_that_the_product_does_not_know_gives_way_to_the_default_with_a_note() -> None:
    override = {"groups[0].displayName": "{{ value | downcase }}.organization_role"}
    found = mapped(["Acme-Ops"], override=override, known=KNOWN)
    assert "org:guest" == found.fields["organization_role"]
    (note,) = found.notes
    assert '"acme-ops" from the group "Acme-Ops"' in note
    assert "org:guest" in note


def test_the_note_names_the_group_also_where_its_id_is_mapped() -> None:
    override = {"groups[0].value": "organization_role"}
    (note,) = mapped(["Acme-Ops"], override=override, known=KNOWN).notes
    assert '"id-Acme-Ops" from the group "Acme-Ops"' in note


def test_the_note_names_the_path_where_no_group_is_behind_it() -> None:
    (note,) = mapped([], override={"title": "organization_role"}, known=KNOWN).notes
    assert '"boss" from "title", which holds "boss"' in note


def test_the_documented_trap_ends_with_the_default_role() -> None:
    chain = "{{ value | downcase | replace: 'admins', 'org:admin' | default: 'org:member' }}"
    override = {"groups[0].displayName": f"{chain}.organization_role"}
    assert (
        "acme-org:admin" == mapped(["Acme-Admins"], override=override).fields["organization_role"]
    )
    found = mapped(["Acme-Admins"], override=override, known=KNOWN)
    assert "org:guest" == found.fields["organization_role"]


def test_without_rules_an_unknown_role_is_no_role() -> None:
    override = {"title": "organization_role"}
    found = mapped([], RoleRules(), override, KNOWN)
    assert "organization_role" not in found.fields
    assert "no role is passed on" in found.notes[0]


def test_an_unknown_role_does_not_let_a_lesser_path_win() -> None:
    override = {"title": "organization_role", "userType": "organization_role"}
    user = {"userName": "a@b.test", "title": "boss", "userType": "org:admin", "groups": []}
    found = compile_mapping(override, FIELDS, RULES, KNOWN).resolve(user)
    assert "org:guest" == found.fields["organization_role"]


def test_rules_saved_before_the_product_gave_a_role_up_pass_on_the_default() -> None:
    found = mapped(["Acme-Admins"], known=KNOWN - {"org:admin"})
    assert "org:guest" == found.fields["organization_role"]
    assert 'the group "Acme-Admins"' in found.notes[0]
    gone = mapped(["Acme-Admins"], known=frozenset({"other"}))
    assert "organization_role" not in gone.fields


class Strict(Struct, frozen=True, kw_only=True):
    """An account type that requires a role."""

    id: str
    organization_role: str


def test_a_required_role_that_nobody_gives_is_refused() -> None:
    fields = AccountFields(Strict)
    user: dict[str, Any] = {"userName": "ada", "groups": []}
    with pytest.raises(Unmappable, match="organization_role"):
        compile_mapping({}, fields, RoleRules(RULES.rules)).resolve(user)
    found = compile_mapping({}, fields, RULES).resolve(user)
    assert {"organization_role": "org:guest"} == found.fields


class Roleless(Struct, frozen=True, kw_only=True):
    """An account type without a role."""

    id: str


@pytest.mark.parametrize(
    ("rules", "key", "says"),
    [
        (RoleRules((RoleRule("", "org:admin"),)), "", "name of a group"),
        (RoleRules((RoleRule("A", " "),)), "A", "empty"),
        (RoleRules((RoleRule("A", "org:owner"),)), "A", "org:owner"),
        (RoleRules(default="org:owner"), "default role", "org:owner"),
        (RoleRules((RoleRule("A", "org:admin"), RoleRule("a", "org:guest"))), "a", "twice"),
        (RoleRules((RoleRule("A" * 1001, "org:admin"),)), "A" * 80 + "…", "1000 characters"),
        (RoleRules((RoleRule("A", "r" * 1001),)), "A", "the role has more than 1000"),
        (RoleRules(default="r" * 1001), "default role", "the role has more than 1000"),
    ],
)
def test_a_mistake_in_rules_is_named_by_its_group(rules: RoleRules, key: str, says: str) -> None:
    with pytest.raises(MappingError) as caught:
        check_rules(rules, FIELDS, KNOWN)
    (problem,) = caught.value.problems
    assert key == problem.key
    assert says in problem.message


def test_rules_for_accounts_without_a_role_are_refused() -> None:
    with pytest.raises(MappingError, match="no such field"):
        check_rules(RULES, AccountFields(Roleless), None)
    check_rules(RoleRules(), AccountFields(Roleless), None)


def test_an_explanation_names_the_rule_that_won_and_those_that_did_not() -> None:
    user = {
        "userName": "ada@acme.test",
        "groups": [{"value": "1", "display": "acme-employees", "displayName": "acme-employees"}],
    }
    explained = compile_mapping({}, FIELDS, RULES).explain(user)
    role = next(each for each in explained if each.destination == "organization_role")
    assert [
        ('role rule "Acme-Admins"', "the person is not in this group"),
        ('role rule "acme-employees"', ""),
    ] == [(attempt.key, attempt.lost) for attempt in role.attempts]
    assert "org:member" == role.value
