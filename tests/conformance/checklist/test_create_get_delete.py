"""POST, GET, DEL: create, read and delete (RFC 7644 sections 3.3, 3.4.1 and 3.6)."""

from __future__ import annotations

import pytest

from tests.client import ENTERPRISE, GROUP, Client, assert_error, created
from tests.conformance.checklist.requests import (
    create_device,
    device,
    found,
    listed,
    op,
    patched,
    query,
    read,
    user,
)


def test_post_01_a_create_answers_201_with_the_resource(client: Client) -> None:
    made = created(client.post("/Users", user(title="T", name={"givenName": "A"})))
    assert ("T", {"givenName": "A"}, True) == (made["title"], made["name"], made["active"])


def test_post_02_location_is_the_resources_uri(client: Client) -> None:
    answer = client.post("/Users", user())
    path = answer.headers["location"].removeprefix(client.base_url)
    assert answer.headers["location"] == answer.json()["meta"]["location"]
    assert answer.json()["id"] == read(client, path)["id"]


def test_post_03_a_create_has_an_etag(client: Client) -> None:
    answer = client.post("/Users", user())
    assert answer.headers["etag"] == answer.json()["meta"]["version"]


def test_post_04_the_type_comes_from_the_endpoint(client: Client) -> None:
    made = created(client.post("/Users", user(meta={"resourceType": "Group"})))
    assert "User" == made["meta"]["resourceType"]


def test_post_05_read_only_values_are_ignored(client: Client) -> None:
    assert "x" != created(client.post("/Users", user(id="x")))["id"]


def test_post_06_a_user_is_active_whatever_leaves_active_out_or_empties_it(client: Client) -> None:
    assert created(client.post("/Users", user()))["active"] is True
    assert created(client.post("/Users", user(userName="b", active=None)))["active"] is True


def test_post_07_a_conflict_names_what_is_in_use(client: Client) -> None:
    client.create_user("ada")
    assert "userName" in assert_error(client.post("/Users", user()), 409, "uniqueness")


def test_post_09_a_wrong_value_and_a_wrong_message_differ(client: Client) -> None:
    assert_error(client.post("/Users", user(userName=None)), 400, "invalidValue")
    assert_error(client.post("/Users", {"userName": "a"}), 400, "invalidSyntax")


def test_post_10_and_del_03_a_deleted_resource_is_in_nobodys_way(client: Client) -> None:
    first = client.create_user("ada")["id"]
    assert 204 == client.send("DELETE", f"/Users/{first}").status_code
    assert first != client.create_user("ada")["id"]


def test_post_11_a_create_is_all_or_nothing(client: Client) -> None:
    body = {"schemas": [GROUP], "displayName": "g", "members": [{"value": 5}]}
    assert_error(client.post("/Groups", body), 400, "invalidValue")
    assert [] == found(client, "/Groups", 'displayName eq "g"')


def test_post_12_the_answer_is_what_is_stored(client: Client) -> None:
    emails = [{"value": "a@x", "primary": True}, {"value": "b@x"}]
    body = user(emails=emails, **{ENTERPRISE: {"department": "d", "manager": "m"}})
    made = created(client.post("/Users", body))
    assert made == read(client, f"/Users/{made['id']}")


def test_post_14_a_repeated_create_leads_to_the_first_one(client: Client) -> None:
    made = created(client.post("/Users", user(externalId="e")))
    assert_error(client.post("/Users", user(externalId="e")), 409, "uniqueness")
    listed = query(client, "/Users", filter='userName eq "ada"').json()["Resources"]
    assert [made["id"]] == [each["id"] for each in listed]


def test_get_01_a_read_has_an_etag_and_a_location(client: Client) -> None:
    made = client.create_user("ada")
    answer = client.get(f"/Users/{made['id']}")
    assert 200 == answer.status_code
    assert made == answer.json()
    assert made["meta"]["location"] == answer.headers["content-location"]


@pytest.mark.parametrize("path", ["/Users/none", "/Groups/1", "/Devices/%F0%9F%98%80", "/Users/-"])
def test_get_02_an_unknown_id_is_404(client: Client, path: str) -> None:
    assert_error(client.get(path), 404)


def test_get_03_ids_match_exactly(client: Client) -> None:
    made = client.create_user("ada")["id"]
    assert_error(client.get(f"/Users/{made.upper()}"), 404)


def test_get_04_an_id_of_another_type_is_unknown(client: Client) -> None:
    made = client.create_user("ada")["id"]
    for endpoint in ("/Groups", "/Devices"):
        assert_error(client.get(f"{endpoint}/{made}"), 404)


def test_get_05_always_and_default_are_returned(client: Client) -> None:
    made = create_device(client, note="n", secret="s", rank=0)
    shown = read(client, f"/Devices/{made['id']}")
    assert {"label", "rank", "online", "computed"} <= shown.keys()
    assert not {"note", "secret"} & shown.keys()


def test_get_06_a_filter_on_one_resource_is_ignored(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert "ada" == query(client, path, filter='userName eq "bob"').json()["userName"]
    assert {"schemas", "id", "userName"} == read(client, f"{path}?attributes=userName").keys()


def test_get_08_and_del_02_a_deleted_resource_is_gone_for_every_method(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert 204 == client.send("DELETE", path).status_code
    for answer in (
        client.get(path),
        client.send("PUT", path, user()),
        client.patch(path, op("replace", "title", value="T")),
        client.send("DELETE", path),
    ):
        assert_error(answer, 404)
    assert [] == listed(client, "/Users")
    assert [] == found(client, "/Users", 'userName eq "ada"')


def test_del_01_a_delete_is_204_without_a_body(client: Client) -> None:
    answer = client.send("DELETE", f"/Users/{client.create_user('ada')['id']}")
    assert (204, b"") == (answer.status_code, answer.content)


def test_del_04_an_unknown_id_is_404(client: Client) -> None:
    assert_error(client.send("DELETE", "/Users/none"), 404)


def test_del_05_nothing_points_to_a_deleted_resource(client: Client) -> None:
    member = client.create_user("ada")["id"]
    group = client.create_group("g", member)["id"]
    other = client.create_user("bob")["id"]
    patched(client, f"/Groups/{group}", op("add", "members", value=[{"value": other}]))
    client.send("DELETE", f"/Users/{member}")
    assert [other] == [each["value"] for each in read(client, f"/Groups/{group}")["members"]]
    client.send("DELETE", f"/Groups/{group}")
    assert "groups" not in read(client, f"/Users/{other}")


def test_del_06_a_stale_if_match_deletes_nothing(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    answer = client.send("DELETE", path, headers={"If-Match": 'W/"99"'})
    assert_error(answer, 412)
    assert "ada" == read(client, path)["userName"]


@pytest.mark.parametrize("path", ["/Users", '/Users?filter=userName eq "ada"', "/"])
def test_del_07_nothing_deletes_a_collection(client: Client, path: str) -> None:
    client.create_user("ada")
    assert_error(client.send("DELETE", path), 405)
    assert ["ada"] == listed(client, "/Users")


def test_del_08_a_deletes_body_is_ignored(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    headers = {"Content-Type": "text/plain"}
    assert 204 == client.send("DELETE", path, b"{", headers=headers).status_code


def test_del_09_a_delete_deletes_and_does_not_deactivate(client: Client) -> None:
    made = create_device(client, "one", serial="S")
    client.send("DELETE", f"/Devices/{made['id']}")
    assert_error(client.get(f"/Devices/{made['id']}"), 404)
    created(client.post("/Devices", device("one", serial="S")))
