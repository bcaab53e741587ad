"""What rows of the log say of the resource itself: attributes, names and members, old and new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scim_asgi import AccountRejected, ScimApp, read_resource_types
from scim_asgi.provisioning.differences import differences, first_of
from scim_asgi.provisioning.log import passed_over
from scim_asgi.store.sqlite.members import SqliteMembers
from tests.client import ENTERPRISE, Client, created
from tests.conftest import Scim, Served
from tests.product import raising

DEVICE = Path(__file__).parent.parent / "conformance" / "device.json"
EXTENSION = "urn:example:params:scim:schemas:test:2.0:DeviceExt"


def last(scim: Scim) -> Any:
    """Return the newest row of the log."""
    return scim.log()[-1]


def replacing(path: str, value: Any) -> dict[str, Any]:
    """Return a PATCH operation."""
    return {"op": "replace", "path": path, "value": value}


def naming(*ids: str, op: str = "add") -> dict[str, Any]:
    """Return a PATCH operation on members."""
    return {"op": op, "path": "members", "value": [{"value": each} for each in ids]}


def test_an_attribute_that_nothing_maps_is_there_with_its_old_and_new_value(
    scim: Scim, client: Client
) -> None:
    user = client.create_user(
        "ada@acme.test",
        title="Countess",
        name={"givenName": "Ada", "familyName": "King"},
        emails=[{"type": "work", "value": "ada@acme.test", "primary": True}],
        phoneNumbers=[{"type": "work", "value": "1"}, {"type": "mobile", "value": "2"}],
    )
    assert {} == last(scim).attributes
    department = {"department": "Engines"}
    client.patch(
        f"/Users/{user['id']}",
        replacing("title", "Analyst"),
        replacing("name.familyName", "Lovelace"),
        replacing('phoneNumbers[type eq "mobile"].value', "3"),
        {"op": "remove", "path": 'phoneNumbers[type eq "work"]'},
        {"op": "add", "path": ENTERPRISE, "value": department},
    )
    row = last(scim)
    assert "updated" == row.action
    assert {"last_name": ["King", "Lovelace"]} == row.changes
    assert {
        "title": ["Countess", "Analyst"],
        "name.familyName": ["King", "Lovelace"],
        'phoneNumbers[type eq "work"].value': ["1", None],
        'phoneNumbers[type eq "mobile"].value': ["2", "3"],
        f"{ENTERPRISE}:department": [None, "Engines"],
    } == row.attributes


def test_what_no_account_field_shows_is_not_silent(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test", title="Countess")
    client.send("PUT", f"/Users/{user['id']}", {**user, "title": "Analyst"})
    row = last(scim)
    assert ("updated", {}) == (row.action, row.changes)
    assert {"title": ["Countess", "Analyst"]} == row.attributes
    client.send("PUT", f"/Users/{user['id']}", {**user, "title": "Analyst"})
    row = last(scim)
    assert ("unchanged", {}) == (row.action, row.attributes)


def test_elements_without_a_type_are_those_that_went_and_those_that_came(
    scim: Scim, client: Client
) -> None:
    roles = [{"value": f"r{number}"} for number in range(30)]
    user = client.create_user("ada@acme.test", roles=[{"value": "kept"}, {"value": "old"}])
    client.patch(f"/Users/{user['id']}", replacing("roles", [{"value": "kept"}, *roles]))
    old, new = last(scim).attributes["roles"]
    assert [{"value": "old"}] == old
    assert [*roles[:20], "… and 10 more"] == new


def test_what_was_refused_has_changed_nothing_and_what_failed_has(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test", title="Countess")
    scim.product.behaviour = raising(AccountRejected("No."))
    both = (replacing("title", "Analyst"), replacing("externalId", "1"))
    client.patch(f"/Users/{user['id']}", *both)
    row = last(scim)
    assert ("refused", {}, {}) == (row.action, row.changes, row.attributes)
    scim.product.behaviour = raising(ValueError("broken"))
    assert 500 == client.patch(f"/Users/{user['id']}", *both).status_code
    row = next(each for each in reversed(scim.log()) if each.status == 500)
    assert "failed" == row.action
    assert ["Countess", "Analyst"] == row.attributes["title"]
    assert "Analyst" == client.get(f"/Users/{user['id']}").json()["title"]


def test_a_rename_of_a_group_is_there(serve: Served) -> None:
    scim = serve(hooks=None)
    client = scim.client()
    group = client.create_group("Engines")
    client.patch(f"/Groups/{group['id']}", replacing("displayName", "Analysis"))
    row = last(scim)
    assert {"displayName": ["Engines", "Analysis"]} == row.attributes
    assert {} == row.members


def test_members_who_came_and_went_are_named(scim: Scim, client: Client) -> None:
    ada, bob, eve = (client.create_user(f"{name}@acme.test")["id"] for name in ("a", "b", "e"))
    group = client.create_group("Engines", ada)
    came = {"added": [ada], "added_count": 1, "removed": [], "removed_count": 0}
    assert came == last(scim).members
    path = f"/Groups/{group['id']}"
    client.patch(path, naming(ada, bob), naming(ada, op="remove"))
    assert {**came, "added": [bob], "removed": [ada], "removed_count": 1} == last(scim).members
    client.patch(path, naming(eve), naming(eve, op="remove"))
    assert {} == last(scim).members
    client.patch(path, naming(bob, op="remove"), naming(bob))
    assert {} == last(scim).members
    client.send("PUT", path, {**group, "members": [{"value": eve}]})
    assert {**came, "added": [eve], "removed": [bob], "removed_count": 1} == last(scim).members
    client.patch(path, naming(ada))
    client.patch(path, {"op": "remove", "path": f'members[value eq "{ada}" and type eq "User"]'})
    gone = {"added": [], "added_count": 0, "removed": [ada], "removed_count": 1}
    assert gone == last(scim).members
    client.patch(path, {"op": "remove", "path": "members"})
    assert {**gone, "removed": [eve]} == last(scim).members
    client.patch(path, naming("nobody"))
    assert {} == last(scim).members


def test_of_many_members_some_are_named_and_all_are_counted(
    scim: Scim, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ids = SqliteMembers.ids

    def watched(self: SqliteMembers, numbers: list[int]) -> dict[int, str]:
        asked.append(len(numbers))
        return ids(self, numbers)

    monkeypatch.setattr(SqliteMembers, "ids", watched)
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(50)]
    group = client.create_group("Engines", *users)
    path = f"/Groups/{group['id']}"
    members = last(scim).members
    assert (20, 50) == (len(members["added"]), members["added_count"])
    assert set(members["added"]) < set(users)
    client.patch(path, {"op": "remove", "path": "members"})
    members = last(scim).members
    assert (20, 50) == (len(members["removed"]), members["removed_count"])
    assert [20, 20] == asked, "as many are looked up as are named"
    client.patch(path, naming(users[0]))
    client.patch(path, naming(users[0], op="remove"))
    assert [20, 20] == asked, "those whom a request names are not looked up"


def test_with_personal_data_switched_off_names_stay_and_values_go(serve: Served) -> None:
    scim = serve(log_personal_data=False)
    client = scim.client()
    secret = "Lovelace-1815"
    user = client.create_user(
        "ada@acme.test",
        title="a",
        addresses=[{"type": secret, "locality": "a"}],
        **{"urn:example:ext": {"shoe": "a"}, ENTERPRISE: {"department": "a"}},
    )
    body = {
        **user,
        "title": secret,
        "emails": [{"type": "work", "value": f"{secret}@acme.test", "primary": True}],
        "addresses": [{"type": secret, "locality": secret}],
        "urn:example:ext": {secret: secret},
        ENTERPRISE: {"department": secret},
    }
    assert 200 == client.send("PUT", f"/Users/{user['id']}", body).status_code
    row = last(scim)
    assert secret not in str(row)
    assert ["***", "***"] == row.attributes["title"]
    assert [None, "***"] == row.attributes['emails[type eq "work"].value']
    assert [None, True] == row.attributes['emails[type eq "work"].primary']
    assert ["***", "***"] == row.attributes['addresses[type eq "***"].locality']
    assert ["***", "***"] == row.attributes[f"{ENTERPRISE}:department"]
    assert "***" in row.attributes


def test_a_row_stays_small_and_holds_no_token(scim: Scim, client: Client) -> None:
    extension = "urn:example:ext"
    user = client.create_user("ada@acme.test", title="x" * 100_000)
    many = {f"{number}{client.token}": "y" * 5000 for number in range(100)}
    deep = {"deep": [{"x": "z" * 100_000}], **many}
    body = {**user, "title": client.token, extension: deep}
    assert 200 == client.send("PUT", f"/Users/{user['id']}", body).status_code
    row = last(scim)
    assert 20 == len(row.attributes)
    assert ["changed as well: 82 more values"] == row.notes
    assert len(str(row)) < 30_000
    assert client.token[5:25] not in str(row)


def test_what_no_answer_may_show_is_masked(serve: Served) -> None:
    types = read_resource_types(DEVICE.read_bytes())
    scim = serve(resource_types=types)
    client = scim.client()
    schemas = [types[0].schema.id, EXTENSION]
    body = {"schemas": schemas, "label": "One", EXTENSION: {"zone": "z"}}

    def sent(secret: str) -> dict[str, Any]:
        ports = [{"name": "usb", "pin": secret}, {"name": secret[::-1], "pin": secret}]
        place = {"badge": secret}
        return {**body, "secret": secret, "ports": ports, "place": place}

    device = created(client.post("/Devices", sent("secret-1")))
    changed = {**sent("secret-2"), "label": "Two"}
    assert 200 == client.send("PUT", f"/Devices/{device['id']}", changed).status_code
    row = last(scim)
    assert ["One", "Two"] == row.attributes["label"]
    assert ["***", "***"] == row.attributes["secret"]
    assert ["***", "***"] == row.attributes["place.badge"]
    assert {"***"} == {port["pin"] for side in row.attributes["ports"] for port in side}
    assert "secret-" not in str(row)


def test_what_is_equal_is_not_looked_into() -> None:
    definition = ScimApp(":memory:")._runtime.endpoints._registry.by_name["User"]

    class Equal(dict[str, Any]):
        __hash__ = None

        def __eq__(self, other: object) -> bool:
            return True

        def __iter__(self) -> Any:
            raise AssertionError

    before = {"title": "a", "name": Equal(), "emails": [Equal()]}
    after = {"title": "b", "name": Equal(), "emails": [Equal()]}
    assert {"title": ("a", "b")} == differences(definition, before, after)
    assert {} == differences(definition, None, after)
    assert ({}, ()) == first_of({})
    assert () == passed_over([])
