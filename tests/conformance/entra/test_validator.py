"""The cases of Microsoft's web validator, by their ids.

Every test makes its own data with random values first, as the validator does: texts that are no
locale, no URL and nobody's id, and one number for three telephones.
"""

from __future__ import annotations

import pytest

from tests.client import ENTERPRISE, GROUP, Client, assert_error, created
from tests.conformance.checklist.requests import found, op, patched, query, read
from tests.conformance.entra.bodies import (
    MANAGER,
    changed,
    compact,
    full,
    group,
    members,
    name,
    one,
    same,
    shown,
    text,
    verbose,
)


def test_w1_create_a_new_user(client: Client) -> None:
    body = full()
    same(shown(body), created(client.post("/Users", body)))
    same(shown(body), one(client, "/Users", f'userName eq "{body["userName"]}"'))


def test_w2_create_a_duplicate_user(client: Client) -> None:
    body = full()
    created(client.post("/Users", body))
    assert_error(client.post("/Users", {**full(), "userName": body["userName"]}), 409, "uniqueness")


def test_w3_filter_for_an_existing_user(client: Client) -> None:
    body = full()
    made = created(client.post("/Users", body))
    answer = query(client, "/Users", filter=f'userName eq "{body["userName"]}"')
    assert "application/scim+json" == answer.headers["content-type"]
    listing = answer.json()
    assert ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] == listing["schemas"]
    assert (1, 1, 1) == tuple(
        listing[each] for each in ("totalResults", "itemsPerPage", "startIndex")
    )
    assert [made] == listing["Resources"]
    assert {"resourceType", "created", "lastModified", "location", "version"} == made["meta"].keys()


def test_w4_filter_for_a_non_existing_user(client: Client) -> None:
    answer = query(client, "/Users", filter=f'userName eq "{name()}"')
    assert (200, 0, []) == (
        answer.status_code,
        answer.json()["totalResults"],
        answer.json()["Resources"],
    )


def test_w5_filter_for_an_existing_user_with_a_different_case(client: Client) -> None:
    body = {**full(), "userName": f"MiXed.{name()}"}
    created(client.post("/Users", body))
    hit = one(client, "/Users", f'userName eq "{body["userName"].upper()}"')
    assert body["userName"] == hit["userName"]


def test_w6_patch_user_replace_attributes_verbose_request(client: Client) -> None:
    changed(client, "replace", verbose)


def test_w7_patch_user_replace_attributes(client: Client) -> None:
    changed(client, "replace", compact)


def test_w8_patch_user_add_attributes_verbose_request(client: Client) -> None:
    changed(client, "add", verbose)


def test_w9_patch_user_add_attributes(client: Client) -> None:
    changed(client, "add", compact)


@pytest.mark.parametrize("path", [None, "userName"])
def test_w10_update_user_user_name(client: Client, path: str | None) -> None:
    made, new = created(client.post("/Users", full())), name()
    value = {"userName": new} if path is None else new
    answer = client.patch(f"/Users/{made['id']}", op("replace", path, value=value))
    assert (200, new) == (answer.status_code, answer.json()["userName"])
    assert made["id"] == one(client, "/Users", f'userName eq "{new}"')["id"]


def test_w11_patch_user_disable_user(client: Client) -> None:
    made = created(client.post("/Users", full()))
    answer = client.patch(f"/Users/{made['id']}", op("replace", "active", value=False))
    assert (200, False) == (answer.status_code, answer.json()["active"])
    assert read(client, f"/Users/{made['id']}")["active"] is False
    assert one(client, "/Users", f'userName eq "{made["userName"]}"')["active"] is False


def test_w12_patch_user_add_manager(client: Client) -> None:
    made, manager = client.create_user(name()), text()
    resource = patched(client, f"/Users/{made['id']}", op("add", MANAGER, value={"value": manager}))
    assert {"value": manager} == resource[ENTERPRISE]["manager"]


def test_w13_patch_user_replace_manager(client: Client) -> None:
    made, manager = created(client.post("/Users", full())), text()
    step = op("replace", MANAGER, value={"value": manager})
    assert {"value": manager} == patched(client, f"/Users/{made['id']}", step)[ENTERPRISE][
        "manager"
    ]


def test_w14_patch_user_remove_manager(client: Client) -> None:
    made = created(client.post("/Users", full()))
    step = op("replace", MANAGER, value={"value": ""})
    assert "manager" not in patched(client, f"/Users/{made['id']}", step)[ENTERPRISE]


def test_w15_delete_a_user(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.get(path), 404)


def test_w16_get_group_by_id_excluding_members(client: Client) -> None:
    made = group(client, client.create_user(name())["id"])
    assert "members" not in read(client, f"/Groups/{made['id']}?excludedAttributes=members")


def test_w17_filter_for_an_existing_group_excluding_members(client: Client) -> None:
    made = group(client, client.create_user(name())["id"])
    asked = f'displayName eq "{made["displayName"]}"'
    answer = query(client, "/Groups", excludedAttributes="members", filter=asked).json()
    assert [made["id"]] == [each["id"] for each in answer["Resources"]]
    assert "members" not in answer["Resources"][0]


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w18_filter_for_an_existing_group(client: Client, joining: str) -> None:
    made = group(client)
    assert made["id"] == one(client, "/Groups", f'{joining} eq "{made[joining]}"')["id"]


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w19_filter_for_a_non_existing_group(client: Client, joining: str) -> None:
    group(client)
    assert [] == found(client, "/Groups", f'{joining} eq "{text()}"')


def test_w20_filter_for_an_existing_group_with_a_different_case(client: Client) -> None:
    made = group(client)
    hit = one(client, "/Groups", f'displayName eq "{made["displayName"].lower()}"')
    assert made["displayName"] == hit["displayName"]
    assert 200 == query(client, "/Groups", filter=f'externalId eq "{text().lower()}"').status_code


def test_w21_create_a_new_group(client: Client) -> None:
    body = {"schemas": [GROUP], "displayName": text(), "externalId": text()}
    same(body, created(client.post("/Groups", body)))


def test_w22_create_a_duplicate_group(client: Client) -> None:
    made = group(client)
    body = {"schemas": [GROUP], "displayName": made["displayName"], "externalId": text()}
    assert_error(client.post("/Groups", body), 409, "uniqueness")


def test_w23_patch_group_replace_attributes(client: Client) -> None:
    made, new = group(client), text()
    step = op("replace", value={"displayName": new, "externalId": f"x-{new}"})
    resource = patched(client, f"/Groups/{made['id']}", step)
    assert (new, f"x-{new}") == (resource["displayName"], resource["externalId"])


@pytest.mark.parametrize("joining", ["displayName", "externalId"])
def test_w24_update_group_display_name_or_external_id(client: Client, joining: str) -> None:
    made, new = group(client), text()
    step = op("replace", value={joining: new})
    assert new == patched(client, f"/Groups/{made['id']}", step)[joining]
    assert made["id"] == one(client, "/Groups", f'{joining} eq "{new}"')["id"]
    assert [] == found(client, "/Groups", f'{joining} eq "{made[joining]}"')


def test_w25_patch_group_add_member(client: Client) -> None:
    made, user = group(client), client.create_user(name())["id"]
    step = op("replace", "members", value=[{"value": user}])
    assert {user} == members(patched(client, f"/Groups/{made['id']}", step))


def test_w26_patch_group_remove_member(client: Client) -> None:
    made = group(client)
    leaving, staying = (client.create_user(name())["id"] for _ in range(2))
    both = op("replace", "members", value=[{"value": leaving}, {"value": staying}])
    path = f"/Groups/{made['id']}"
    assert {leaving, staying} == members(patched(client, path, both))
    left = patched(client, path, op("remove", f'members[value eq "{leaving}"]'))
    assert {staying} == members(left)


def test_w27_delete_a_group(client: Client) -> None:
    path = f"/Groups/{group(client)['id']}"
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.get(path), 404)


def test_p1_multiple_operations_on_different_attributes(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    steps = (
        op("remove", "title"),
        op("add", "nickName", value="N"),
        op("replace", "locale", value="L"),
    )
    resource = patched(client, path, *steps)
    assert "title" not in resource
    assert ("N", "L") == (resource["nickName"], resource["locale"])


def test_p2_multiple_operations_on_the_same_attribute(client: Client) -> None:
    path = f"/Users/{created(client.post('/Users', full()))['id']}"
    steps = [op("remove", "displayName"), op("add", "displayName", value="one")]
    assert (
        "two"
        == patched(client, path, *steps, op("replace", "displayName", value="two"))["displayName"]
    )


def test_p3_delete_a_non_existent_user(client: Client) -> None:
    assert_error(client.send("DELETE", f"/Users/{text()}"), 404)


def delete_twice(client: Client, path: str) -> None:
    assert 204 == client.send("DELETE", path).status_code
    assert_error(client.send("DELETE", path), 404)


def test_p4_delete_the_same_user_twice(client: Client) -> None:
    delete_twice(client, f"/Users/{client.create_user(name())['id']}")


def test_p5_patch_group_multiple_operations_on_the_same_attribute(client: Client) -> None:
    made, user = group(client), client.create_user(name())["id"]
    steps = (
        op("add", "members", value=[{"value": user}]),
        op("remove", f'members[value eq "{user}"]'),
    )
    assert set() == members(patched(client, f"/Groups/{made['id']}", *steps))


def test_p6_delete_a_non_existent_group(client: Client) -> None:
    assert_error(client.send("DELETE", f"/Groups/{text()}"), 404)


def test_p7_delete_the_same_group_twice(client: Client) -> None:
    delete_twice(client, f"/Groups/{group(client)['id']}")
