"""Versions of mappings, who is recognised, and what reaches a product of its own type."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from scim_asgi import Account, RoleRules, ScimApp
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import CompiledMapping
from scim_asgi.provisioning.compiled import CompiledMappings
from scim_asgi.provisioning.mappings import MappingVersion
from scim_asgi.provisioning.versions import VersionUnknown
from tests.client import ENTERPRISE, USER, Client, assert_error
from tests.conftest import Scim, Served, ask
from tests.waiting import until

TITLE = {"title": "public_metadata.title"}
ENABLED = {"urn:x:y:User.enabled": "active"}


def history(scim: Scim, organization: str = "acme") -> list[MappingVersion]:
    return scim.ask(lambda app: app.mappings.history(organization))


def test_every_override_is_kept_with_who_when_and_the_difference(scim: Scim) -> None:
    scim.set_mapping({"title": "first_name", "nickName": "last_name"}, "other")
    scim.ask(lambda app: app.mappings.set("acme", TITLE, by="ada"))
    second = {"title": "first_name", "nickName": "last_name"}
    scim.ask(lambda app: app.mappings.set("acme", second, by="bob"))
    scim.ask(lambda app: app.mappings.set("acme", {}, by="eve"))
    third, second_saved, first = history(scim)
    assert [(3, "eve"), (2, "bob"), (1, "ada")] == [
        (each.version, each.saved_by) for each in (third, second_saved, first)
    ]
    assert {"title": (None, "public_metadata.title")} == first.difference
    assert {
        "title": ("public_metadata.title", "first_name"),
        "nickName": (None, "last_name"),
    } == second_saved.difference
    assert {"title": ("first_name", None), "nickName": ("last_name", None)} == third.difference
    assert first.saved_at <= second_saved.saved_at <= third.saved_at
    assert 1 == len(scim.ask(lambda app: app.mappings.history("acme", limit=1)))
    assert (
        third.difference
        == scim.ask(lambda app: app.mappings.history("acme", limit=1))[0].difference
    )


def restore(scim: Scim, version: int, organization: str = "acme") -> int:
    return scim.ask(lambda app: app.mappings.restore(organization, version, by="ada"))


def test_an_earlier_override_is_restored_as_a_new_version(scim: Scim, client: Client) -> None:
    client.create_user("ada@acme.test", title="T")
    scim.set_mapping({"title": "last_name"})
    scim.set_mapping({})
    assert 3 == restore(scim, 1)
    assert {"title": "last_name"} == scim.ask(lambda app: app.mappings.get("acme"))
    until(lambda: scim.product.account("ada@acme.test").last_name == "T")
    for version in (0, 4):
        with pytest.raises(VersionUnknown, match=f"version {version}"):
            restore(scim, version)
    scim.set_mapping(TITLE, "other")
    with pytest.raises(VersionUnknown):
        restore(scim, 2, "other")


def test_saving_the_same_again_makes_no_version_but_another_order_does(scim: Scim) -> None:
    one = {"title": "first_name", "nickName": "first_name"}
    assert [1, 1, 2] == [
        scim.set_mapping(one),
        scim.set_mapping(dict(one)),
        scim.set_mapping(dict(reversed(one.items()))),
    ]


class Employee(Struct, frozen=True, kw_only=True):
    """A host's own account type."""

    id: str
    login: str
    directory_id: str | None = None
    badge: int | None = None


EMPLOYEE = {
    "userName": "login",
    "externalId": "directory_id",
    f"{ENTERPRISE}.employeeNumber": "badge",
}


def employees(serve: Served) -> tuple[Scim, Client]:
    """Serve a product with accounts of type Employee."""
    scim = serve(account=Employee)
    scim.ask_as(Employee, lambda app: app.mappings.set("acme", EMPLOYEE))
    return scim, scim.client()


def test_hooks_get_the_hosts_own_type_with_converted_values(serve: Served) -> None:
    scim, client = employees(serve)
    client.create_user("ada", externalId="e1", **{ENTERPRISE: {"employeeNumber": "42"}})
    ((account, context),) = scim.product.calls
    own: Any = account
    assert Employee(id=own.id, login="ada", directory_id="e1", badge=42) == own
    assert (None, 42) == context.changes["badge"]


def test_a_value_that_does_not_fit_is_refused_with_path_field_and_kind(serve: Served) -> None:
    scim, client = employees(serve)
    body = {"schemas": [USER], "userName": "ada", ENTERPRISE: {"employeeNumber": "many"}}
    detail = assert_error(client.post("/Users", body), 400, "invalidValue")
    assert f'"{ENTERPRISE}.employeeNumber" holds "many"' in detail
    assert '"badge" cannot be text' in detail
    assert [("skipped", 400, "ada")] == [
        (row.action, row.status, row.resource_name) for row in scim.log()
    ]


def test_a_returning_person_is_recognised_by_whatever_is_mapped_from_the_external_id(
    serve: Served,
) -> None:
    scim, client = employees(serve)
    first = client.create_user("ada", externalId="e1")
    client.send("DELETE", f"/Users/{first['id']}")
    client.create_user("ada.new", externalId="e1")
    assert ["create", "delete", "reactivate"] == [
        "delete" if change == "deactivate" else change for change in scim.product.changes
    ]
    assert 1 == len({account.id for account, _ in scim.product.calls})


@pytest.mark.parametrize(
    ("destination", "same"),
    [
        ("external_id", True),
        ("{{ value | downcase }}", True),
        ("public_metadata.employee", True),
        ("", False),
    ],
)
def test_the_key_of_a_returning_person_follows_the_mapping(
    scim: Scim, client: Client, destination: str, same: bool
) -> None:
    scim.set_mapping({"externalId": destination})
    first = client.create_user("ada@acme.test", externalId="e1")
    client.send("DELETE", f"/Users/{first['id']}")
    client.create_user("ada.new@acme.test", externalId="e1")
    assert same is (1 == len(scim.product.accounts))


@pytest.mark.parametrize(
    "override",
    [
        {"title": "external_id"},
        {"externalId": "{{ value | split: '-' | first }}.public_metadata.team"},
        {"externalId": "{{ 'same' | append: 'x' }}.external_id"},
        {"externalId": "{{ value | replace: '18', '17' }}.external_id"},
    ],
)
def test_nobody_is_given_the_account_of_somebody_else_whose_mapped_value_is_the_same(
    scim: Scim, client: Client, override: dict[str, str]
) -> None:
    scim.set_mapping(override)
    first = client.create_user("old@acme.test", externalId="sales-17", title="Engineer")
    client.send("DELETE", f"/Users/{first['id']}")
    client.create_user("other@acme.test", externalId="sales-18", title="Engineer")
    assert {"old@acme.test": False, "other@acme.test": True} == {
        each.email_address: each.active for each in scim.product.accounts.values()
    }


def test_who_returns_is_recognised_by_what_was_sent_where_an_expression_loses_something(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({"externalId": "{{ value | split: '-' | first }}.public_metadata.team"})
    first = client.create_user("ada@acme.test", externalId="sales-17")
    client.send("DELETE", f"/Users/{first['id']}")
    client.create_user("ada.new@acme.test", externalId="sales-17")
    assert 1 == len(scim.product.accounts)


def test_who_is_closed_by_the_directory_is_closed_whatever_else_fills_active(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping(ENABLED)
    user = client.create_user("ada@acme.test", **{"urn:x:y:User": {"enabled": True}})
    path = f"/Users/{user['id']}"
    client.patch(path, {"op": "replace", "path": "active", "value": False})
    assert "deactivate" == scim.product.changes[-1]
    assert not scim.product.account("ada@acme.test").active
    preview = scim.ask(lambda app: app.mappings.preview("acme", user_id=user["id"]))
    assert [False] == [each.value for each in preview.fields if each.destination == "active"]
    client.patch(path, {"op": "replace", "path": "active", "value": True})
    assert "reactivate" == scim.product.changes[-1]


def test_a_path_reopens_whom_it_closed_where_the_directory_says_nothing_of_active(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping(ENABLED)
    user = client.create_user("ada@acme.test", **{"urn:x:y:User": {"enabled": True}})
    path = f"/Users/{user['id']}"
    client.patch(path, {"op": "remove", "path": "active"})
    for enabled, change in ((False, "deactivate"), (True, "reactivate")):
        client.patch(path, {"op": "replace", "path": "urn:x:y:User:enabled", "value": enabled})
        assert change == scim.product.changes[-1]
    assert scim.product.account("ada@acme.test").active


def test_a_new_mapping_of_the_external_id_moves_the_key_of_those_who_are_there(
    scim: Scim, client: Client
) -> None:
    first = client.create_user("ada@acme.test", externalId="E1")
    scim.set_mapping({"externalId": "{{ value | downcase }}"})
    until(lambda: scim.product.account("ada@acme.test").external_id == "e1")
    client.send("DELETE", f"/Users/{first['id']}")
    client.create_user("ada.new@acme.test", externalId="e1")
    assert 1 == len(scim.product.accounts)


def test_a_person_of_another_organization_is_never_recognised(scim: Scim, client: Client) -> None:
    first = client.create_user("ada@acme.test", externalId="e1")
    client.send("DELETE", f"/Users/{first['id']}")
    scim.client("other").create_user("ada@acme.test", externalId="e1")
    assert {"acme", "other"} == {each.organization_id for each in scim.product.accounts.values()}


def test_somebody_who_loses_the_mailbox_keeps_the_account_as_it_was(
    scim: Scim, client: Client
) -> None:
    mail = [{"value": "ada@acme.test", "primary": True}]
    user = client.create_user("ada", emails=mail)
    path = f"/Users/{user['id']}"
    removed = client.patch(path, {"op": "remove", "path": "emails"})
    detail = assert_error(removed, 400, "invalidValue")
    assert "Set it for this person in the directory" in detail
    row = scim.log()[-1]
    assert ("skipped", "User", "ada") == (row.action, row.resource_type, row.resource_name)
    assert mail[0]["value"] == client.get(path).json()["emails"][0]["value"]
    assert ["create"] == scim.product.changes
    counts = scim.ask(lambda app: app.log.counts("acme"))
    assert {"created": 1, "skipped": 1, "token-issued": 1} == counts


def test_roles_that_the_product_does_not_know_do_not_reach_it(serve: Served) -> None:
    scim = serve(roles={"org:admin", "org:member"})
    client = scim.client()
    ada = client.create_user("ada@acme.test")
    scim.ask(lambda app: app.roles.set("acme", RoleRules(default="org:member")))
    scim.set_mapping({"groups[0].displayName": "{{ value | downcase }}.organization_role"})
    client.create_group("Org:Admin", ada["id"])
    until(lambda: scim.product.account("ada@acme.test").organization_role == "org:admin")
    client.create_group("Acme-Ops", ada["id"])
    until(lambda: scim.product.account("ada@acme.test").organization_role == "org:member")
    warning = next(row for row in scim.log() if row.action == "warning")
    assert '"acme-ops" from the group "Acme-Ops"' in warning.detail
    assert (ada["id"], "ada@acme.test", 0) == (
        warning.resource_id,
        warning.resource_name,
        warning.status,
    )


def test_a_request_that_maps_to_an_unknown_role_says_so_in_its_own_row(serve: Served) -> None:
    scim = serve(roles={"org:admin"})
    scim.set_mapping({"title": "organization_role"})
    scim.client().create_user("ada@acme.test", title="boss")
    (row,) = scim.log()
    assert "created" == row.action
    assert '"boss" from "title"' in row.notes[0]
    assert scim.product.account("ada@acme.test").organization_role is None


def test_saving_replaces_the_whole_override_and_an_empty_one_means_the_defaults(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({**TITLE, "externalId": ""})
    scim.set_mapping({"nickName": "public_metadata.nick"})
    assert {"nickName": "public_metadata.nick"} == scim.ask(lambda app: app.mappings.get("acme"))
    client.create_user("ada@acme.test", title="T", nickName="N", externalId="e1")
    ada = scim.product.account("ada@acme.test")
    assert ({"nick": "N"}, "e1") == (ada.public_metadata, ada.external_id)
    scim.set_mapping({})
    until(lambda: scim.product.account("ada@acme.test").public_metadata == {})


def test_without_hooks_the_log_notes_what_would_be_missing(serve: Served) -> None:
    scim = serve(hooks=None)
    scim.client().create_user("nobody")
    (row,) = scim.log()
    assert "created" == row.action
    assert '"userName" holds "nobody"' in row.notes[0]


def test_groups_of_one_name_come_in_the_order_of_their_ids(serve: Served) -> None:
    scim = serve(unique_group_names=False)
    client = scim.client()
    scim.set_mapping({"groups[0].value": "public_metadata.first"})
    ada = client.create_user("ada@acme.test")
    ids = [client.create_group("Same", ada["id"])["id"] for _ in range(3)]
    client.create_group("zzz", ada["id"])
    wanted = {"first": min(ids)}
    until(lambda: scim.product.account("ada@acme.test").public_metadata == wanted)
    client.send("DELETE", f"/Groups/{min(ids)}")
    wanted = {"first": sorted(ids)[1]}
    until(lambda: scim.product.account("ada@acme.test").public_metadata == wanted)


def test_a_mapping_of_a_backup_that_was_put_back_is_not_taken_for_a_later_one(
    tmp_path: Path,
) -> None:
    live, backup = tmp_path / "scim.db", tmp_path / "backup.db"
    compiled = CompiledMappings(AccountFields(Account), None)

    def title_of(app: ScimApp) -> Any:
        return app._runtime.store.read(
            lambda tx: compiled.current(tx, "acme").resolve(
                {"userName": "ada@acme.test", "title": "T"}
            )
        )

    ask(live, lambda app: app.mappings.set("acme", {}))
    ask(live, lambda app: app._runtime.store.read(lambda _: None))
    with sqlite3.connect(live) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
    ask(live, lambda app: app.mappings.set("acme", {"title": "first_name"}))
    assert "T" == ask(live, title_of).fields["first_name"]
    ask(backup, lambda app: app.mappings.set("acme", {"title": "last_name"}))
    fields = ask(backup, title_of).fields
    assert ("T", None) == (fields["last_name"], fields.get("first_name"))


def test_a_saved_mapping_is_compiled_once_and_another_processs_at_once(tmp_path: Path) -> None:
    compiled = CompiledMappings(AccountFields(Account), None)

    async def work(app: ScimApp[Any]) -> list[CompiledMapping]:
        store = app._runtime.store
        found = []
        for override in ({}, TITLE, TITLE):
            if override:
                await app.mappings.set("acme", override)
            found += [await store.read(lambda tx: compiled.current(tx, "acme")) for _ in range(2)]
        await app.roles.set("acme", RoleRules(default="org:member"))
        return [*found, await store.read(lambda tx: compiled.current(tx, "acme"))]

    seen = ask(tmp_path / "scim.db", work)
    assert [True, False, True, True, True, False] == [
        before is after for before, after in pairwise(seen)
    ]


def test_the_work_that_is_left_counts_who_is_to_be_mapped_anew(tmp_path: Path) -> None:
    with ExitStack() as stack:
        scim = Served(stack, tmp_path)()
        client = scim.client()
        for number in range(15):
            client.create_user(f"user{number}@acme.test", title="T")
    scim.set_mapping({"title": "last_name"})
    left = scim.ask(lambda app: app.reconciliation.status("acme"))
    assert 15 == left.to_map
    assert 0 == scim.ask(lambda app: app.reconciliation.status("other")).to_map
