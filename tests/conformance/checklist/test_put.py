"""PUT: replace (RFC 7644 section 3.5.1)."""

from __future__ import annotations

from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    DEVICE,
    DEVICE_EXT,
    create_device,
    device,
    read,
    user,
)


def test_put_01_and_put_02_a_put_answers_with_the_whole_resource(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    answer = client.send("PUT", path, user(title="T", nickName="N"))
    assert 200 == answer.status_code
    assert read(client, path) == answer.json()
    assert answer.headers["etag"] == answer.json()["meta"]["version"]


def test_put_03_an_unknown_id_is_404(client: Client) -> None:
    assert_error(client.send("PUT", "/Users/none", user()), 404)
    assert_error(client.send("PUT", "/Users/none", {"nonsense": 1}), 404)


def test_put_04_values_are_replaced_and_not_merged(client: Client) -> None:
    made = created(client.post("/Users", user(emails=[{"value": "a@x"}, {"value": "b@x"}])))
    path = f"/Users/{made['id']}"
    client.send("PUT", path, user(emails=[{"value": "c@x"}]))
    assert [{"value": "c@x"}] == read(client, path)["emails"]


def test_put_05_what_is_left_out_is_cleared(client: Client) -> None:
    body = user(title="T", emails=[{"value": "a@x"}], name={"givenName": "A"}, externalId="e")
    path = f"/Users/{created(client.post('/Users', body))['id']}"
    client.send("PUT", path, user())
    assert {"schemas", "id", "userName", "active", "meta"} == read(client, path).keys()


def test_put_05_active_is_kept(client: Client) -> None:
    path = f"/Users/{client.create_user('ada', active=False)['id']}"
    client.send("PUT", path, user(title="T"))
    assert read(client, path)["active"] is False


def test_put_06_what_nobody_can_read_is_kept(client: Client) -> None:
    ports = [{"name": "p", "pin": "1"}]
    made = create_device(client, secret="s", ports=ports, place={"room": "r", "badge": "b"})
    path = f"/Devices/{made['id']}"
    shown = {name: value for name, value in read(client, path).items() if name != "meta"}
    before = client.get(path).headers["etag"]
    answer = client.send("PUT", path, shown)
    assert before == answer.headers["etag"]


def test_put_07_null_and_empty_lists_clear(client: Client) -> None:
    body = user(nickName="N", emails=[{"value": "a@x"}])
    path = f"/Users/{created(client.post('/Users', body))['id']}"
    client.send("PUT", path, user(nickName=None, emails=[], active=None))
    assert not {"nickName", "emails"} & read(client, path).keys()
    assert read(client, path)["active"] is True


def test_put_08_an_immutable_value_may_be_set_once(client: Client) -> None:
    path = f"/Devices/{create_device(client)['id']}"
    assert "S" == client.send("PUT", path, device(serial="S")).json()["serial"]
    assert_error(client.send("PUT", path, device(serial="T")), 400, "mutability")


def test_put_09_read_only_values_are_ignored(client: Client) -> None:
    made = client.create_user("ada")
    path = f"/Users/{made['id']}"
    body = user(id="other", meta={"created": "1999-01-01T00:00:00Z"}, groups=[{"value": "g"}])
    answer = client.send("PUT", path, body).json()
    assert made["id"] == answer["id"]
    assert made["meta"]["created"] == answer["meta"]["created"]
    assert "groups" not in answer


def test_put_10_what_is_required_has_to_be_there(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    answer = client.send("PUT", path, {"schemas": [USER]})
    assert "userName" in assert_error(answer, 400, "invalidValue")


def test_put_11_a_value_in_use_is_409(client: Client) -> None:
    client.create_user("ada")
    path = f"/Users/{client.create_user('bob', title='T')['id']}"
    before = read(client, path)
    assert_error(client.send("PUT", path, user(userName="ada")), 409, "uniqueness")
    assert before == read(client, path)


def test_put_12_an_extension_that_is_left_out_goes(client: Client) -> None:
    made = created(client.post("/Users", user(**{ENTERPRISE: {"department": "d"}})))
    path = f"/Users/{made['id']}"
    client.send("PUT", path, user())
    shown = read(client, path)
    assert [USER] == shown["schemas"]
    assert ENTERPRISE not in shown
    one = f"/Devices/{create_device(client)['id']}"
    answer = client.send("PUT", one, {"schemas": [DEVICE], "label": "one"})
    assert DEVICE_EXT in assert_error(answer, 400, "invalidValue")


def test_put_13_the_same_put_changes_nothing(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    first = client.send("PUT", path, user(title="T", emails=[{"value": "a@x"}]))
    second = client.send("PUT", path, user(title="T", emails=[{"value": "a@x"}]))
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"]


def test_put_14_members_come_and_go_but_do_not_change(client: Client) -> None:
    one, two = (client.create_user(name)["id"] for name in ("a", "b"))
    path = f"/Groups/{client.create_group('g', one)['id']}"
    members = [{"value": one, "type": "Group"}, {"value": two}]
    body = {"schemas": [GROUP], "displayName": "g", "members": members}
    assert 200 == client.send("PUT", path, body).status_code
    shown = read(client, path)["members"]
    assert {(one, "User"), (two, "User")} == {(each["value"], each["type"]) for each in shown}
    body["members"] = [{"value": two}]
    client.send("PUT", path, body)
    assert [two] == [each["value"] for each in read(client, path)["members"]]


def test_put_15_what_was_read_can_be_put_back(client: Client) -> None:
    body = user(emails=[{"value": "a@x"}], **{ENTERPRISE: {"manager": "m", "department": "d"}})
    one = created(client.post("/Users", body))
    group = client.create_group("g", one["id"])
    thing = create_device(client, serial="S", ports=[{"name": "p", "number": 1}], tags=["t"])
    for path in (f"/Users/{one['id']}", f"/Groups/{group['id']}", f"/Devices/{thing['id']}"):
        before = read(client, path)
        answer = client.send("PUT", path, before)
        assert 200 == answer.status_code
        assert before == answer.json() == read(client, path)


def test_put_16_if_match_is_honoured(client: Client) -> None:
    made = client.create_user("ada")
    path = f"/Users/{made['id']}"
    stale = client.send("PUT", path, user(title="T"), headers={"If-Match": 'W/"99"'})
    assert_error(stale, 412)
    fresh = client.send("PUT", path, user(), headers={"If-Match": made["meta"]["version"]})
    assert 200 == fresh.status_code


def test_put_17_a_refused_put_changes_nothing(client: Client) -> None:
    path = f"/Users/{client.create_user('ada', title='T')['id']}"
    before = read(client, path)
    answer = client.send("PUT", path, user(title="U", emails=[{"value": 5}]))
    assert_error(answer, 400, "invalidValue")
    assert before == read(client, path)


def test_put_18_schemas_are_checked_as_in_a_create(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    body = {"schemas": [GROUP], "userName": "ada"}
    assert_error(client.send("PUT", path, body), 400, "invalidValue")
    assert_error(client.send("PUT", path, {"userName": "ada"}), 400, "invalidSyntax")
