"""The account that a mapping makes of one User, and what is said of each field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from scim_asgi import Account, MappingError, RoleRule, RoleRules, ScimApp
from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.previews import Preview
from tests.client import ENTERPRISE, Client
from tests.conftest import Scim, ask

TITLE = {"title": "public_metadata.title"}


def preview(scim: Scim, organization: str = "acme", **options: Any) -> Preview[Account]:
    return scim.ask(lambda app: app.mappings.preview(organization, **options))


def attempts(found: Preview[Account], field: str) -> list[tuple[str, Any, str]]:
    """Return what a preview says was tried for a field."""
    explained = next(each for each in found.fields if each.destination == field)
    return [(each.key, each.value, each.lost) for each in explained.attempts]


def test_a_preview_of_a_stored_user_shows_the_account_that_the_host_has(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test", name={"givenName": "Ada"}, title="T")
    found = preview(scim, user_id=user["id"])
    assert found.account is not None
    has = scim.product.account("ada@acme.test")
    assert (has.id, f"host-{has.id}", "Ada") == (
        found.account.id,
        found.account.host_id,
        found.account.first_name,
    )
    assert "" == found.problem


def test_a_preview_says_what_was_tried_and_why_it_lost(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test", displayName="Ada L", nickName="A", title="x")
    override = {
        "profileUrl": "first_name",
        "displayName.firstWord": "{{ value | split: ' ' | first }}.first_name",
        "nickName": "first_name",
        "title": "email_address",
    }
    found = preview(scim, user_id=user["id"], override=override)
    assert [
        ("profileUrl", None, "it yields nothing"),
        ("displayName.firstWord", "Ada", ""),
        ("nickName", "A", "something before it was taken"),
        ("name.givenName", None, "it yields nothing"),
    ] == attempts(found, "first_name")
    assert [
        ("emails[primary eq true].value", None, "it yields nothing"),
        ("title", "x", "it is no e-mail address"),
        ("userName", "ada@acme.test", ""),
    ] == attempts(found, "email_address")
    winner = next(each for each in found.fields if each.destination == "first_name").winner
    assert winner is not None
    assert ("{{ value | split: ' ' | first }}", "Ada L", False) == (
        winner.expression,
        winner.held,
        winner.is_default,
    )


def test_a_preview_of_a_pasted_user_reads_it_as_a_request_would(scim: Scim) -> None:
    pasted = {
        "USERNAME": "ada@acme.test",
        "active": "False",
        "groups": [{"display": "b"}, {"display": "A"}],
        f"{ENTERPRISE}:department": "Sales",
    }
    override = {
        "groups.displayName": "public_metadata.groups",
        f"{ENTERPRISE}.department": "public_metadata.department",
    }
    found = preview(scim, resource=pasted, override=override)
    assert found.account is not None
    assert {"groups": ["A", "b"], "department": "Sales"} == found.account.public_metadata
    assert not found.account.active
    assert found.account.host_id is None


def test_a_preview_knows_groups_and_role_rules(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    client.create_group("Admins", user["id"])
    rules = RoleRules((RoleRule("Staff", "org:staff"), RoleRule("admins", "org:admin")))
    scim.ask(lambda app: app.roles.set("acme", rules))
    found = preview(scim, user_id=user["id"])
    assert found.account is not None
    assert "org:admin" == found.account.organization_role
    assert [
        ('role rule "Staff"', "org:staff", "the person is not in this group"),
        ('role rule "admins"', "org:admin", ""),
    ] == attempts(found, "organization_role")


def test_a_preview_of_somebody_without_an_account_says_why(scim: Scim) -> None:
    found = preview(scim, resource={"userName": "ada", "emails": [{"value": None}]})
    assert found.account is None
    assert '"userName" holds "ada"' in found.problem
    explained = next(each for each in found.fields if each.destination == "email_address")
    assert "it is required, and gets no value" == explained.remark


def test_a_preview_names_the_own_default_of_a_field_that_nothing_is_mapped_to(
    scim: Scim,
) -> None:
    found = preview(scim, resource={"userName": "a@b.test"}, override={"active": ""})
    explained = next(each for each in found.fields if each.destination == "active")
    assert (True, "the account type's own default", ()) == (
        explained.value,
        explained.remark,
        explained.attempts,
    )


def test_a_preview_is_refused_with_a_reason(scim: Scim, client: Client) -> None:
    user = scim.client("other").create_user("eve@other.test")
    with pytest.raises(ScimError, match="no User with the id"):
        preview(scim, user_id=user["id"])
    with pytest.raises(ScimError):
        preview(scim, resource={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]})
    with pytest.raises(ScimError):
        preview(scim, resource={"userName": 5})
    with pytest.raises(ValueError, match="either"):
        preview(scim)
    with pytest.raises(MappingError):
        preview(scim, resource={"userName": "a@b.test"}, override={"nope": "first_name"})


def test_a_preview_stores_nothing(scim: Scim, client: Client) -> None:
    preview(scim, resource={"userName": "a@b.test"}, override=TITLE)
    assert 0 == client.get("/Users").json()["totalResults"]
    assert {} == scim.ask(lambda app: app.mappings.get("acme"))
    assert [] == scim.log()


def test_a_preview_says_what_the_account_type_itself_does_not_take(tmp_path: Path) -> None:
    class Picky(Struct, frozen=True, kw_only=True):
        id: str
        login: str = ""

        def __post_init__(self) -> None:
            if " " in self.login:
                msg = "a login has no spaces"
                raise ValueError(msg)

    async def work(app: ScimApp[Any]) -> list[str]:
        names = ("ada", "ada l")
        return [
            (
                await app.mappings.preview(
                    "acme", resource={"userName": name}, override={"userName": "login"}
                )
            ).problem
            for name in names
        ]

    fits, does_not = ask(tmp_path / "scim.db", work, Picky)
    assert "" == fits
    assert "a login has no spaces" in does_not
