"""What directories really send fits the limits, and nothing within the limits costs others much."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scim_asgi import Limits
from scim_asgi.http.requests import decode_object
from scim_asgi.protocol.errors import PayloadTooLarge
from scim_asgi.protocol.paths import MAX_LENGTH, PathSyntaxError, parse_path
from tests.client import GROUP, USER, Client, assert_error
from tests.conftest import Served
from tests.hostile.attempts import BULK
from tests.waiting import until

JSON = {"Content-Type": "application/scim+json"}


def test_a_thousand_members_fit_in_one_operation(serve: Served) -> None:
    client = serve(hooks=None).client()
    made = [_bulk_users(client, start) for start in range(0, 1000, 500)]
    ids = [each for some in made for each in some]
    group = client.create_group("Staff")
    add = {"op": "Add", "path": "members", "value": [{"value": each} for each in ids]}
    path = f"/Groups/{group['id']}"
    assert 204 == client.patch(path, add).status_code
    assert 1000 == len(client.get(path).json()["members"])
    remove = {"op": "Remove", "path": "members", "value": [{"value": each} for each in ids]}
    assert 204 == client.patch(path, remove).status_code
    each = [
        {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one}]} for one in ids
    ]
    assert 204 == client.patch(path, *each).status_code
    assert 1000 == len(client.get(path).json()["members"])


@pytest.mark.parametrize("count", [100, 200])
def test_pages_of_100_and_200_are_given_as_asked_for(serve: Served, count: int) -> None:
    client = serve(hooks=None).client()
    _bulk_users(client, 0, 250)
    page = client.get(f"/Users?startIndex=1&count={count}").json()
    assert count == page["itemsPerPage"] == len(page["Resources"])


def test_a_body_of_8_mib_is_read(serve: Served) -> None:
    client = serve(hooks=None).client()
    member = {"value": "x" * 36, "display": "Ada Lovelace", "type": "User"}
    number = 8 * 2**20 // (len(json.dumps(member)) + 2) - 10
    body = {"schemas": [GROUP], "displayName": "g", "members": [member] * number}
    text = json.dumps(body)
    assert 0.99 * 8 * 2**20 < len(text) <= 8 * 2**20
    answer = client.send("POST", "/Groups", text.encode(), headers=JSON)
    assert 201 == answer.status_code, answer.text


def test_a_photo_in_an_attribute_fits(client: Client) -> None:
    photo = "data:image/jpeg;base64," + "A" * 140_000
    client.create_user("ada@acme.test", photos=[{"value": photo, "type": "photo"}])


def _bulk_users(client: Client, start: int, number: int = 500) -> list[str]:
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": str(each),
            "data": {"schemas": [USER], "userName": f"u{each}@acme.test"},
        }
        for each in range(start, start + number)
    ]
    answer = client.post("/Bulk", {"schemas": [BULK], "Operations": operations})
    return [each["location"].rpartition("/")[2] for each in answer.json()["Operations"]]


SLOW = " or ".join(f'emails.value co "{number:x}zz"' for number in range(150))


def _many_values(client: Client) -> None:
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": str(number),
            "data": {
                "schemas": [USER],
                "userName": f"u{number}",
                "emails": [{"value": f"{each}.{number}@acme.test"} for each in range(40)],
            },
        }
        for number in range(600)
    ]
    assert 200 == client.post("/Bulk", {"schemas": [BULK], "Operations": operations}).status_code


def test_many_operations_on_many_values_are_refused_before_they_take_long(client: Client) -> None:
    emails = [{"value": f"{each}@acme.test"} for each in range(1000)]
    user = client.create_user("ada@acme.test", emails=emails)
    path = f"/Users/{user['id']}"
    gone = [{"value": f"gone{each}@acme.test"} for each in range(1000)]
    attacks: list[list[dict[str, Any]]] = [
        [{"op": "remove", "path": "emails", "value": gone}] * 100,
        [{"op": "add", "path": "emails", "value": emails}] * 150,
        [{"op": "replace", "path": f'emails[value eq "{n}"].type', "value": ""} for n in "ab"]
        * 500,
    ]
    for operations in attacks:
        began = time.monotonic()
        assert "compares" in assert_error(client.patch(path, *operations), 413)
        assert time.monotonic() - began < 60
    assert 200 == client.get(path).status_code


def test_searching_a_large_group_again_and_again_is_refused(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(patch_comparisons=100)).client()
    ids = _bulk_users(client, 0, 60)
    group = client.create_group("Staff", *ids)
    search = {"op": "remove", "path": 'members[display co "nobody"]'}
    path = f"/Groups/{group['id']}"
    assert 204 == client.patch(path, search, search).status_code
    assert "compares" in assert_error(client.patch(path, *[search] * 3), 413)


def test_a_list_that_takes_long_is_stopped(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(query_seconds=0.1)).client()
    _many_values(client)
    for query in ({"filter": SLOW}, {"filter": SLOW, "count": "0"}):
        began = time.monotonic()
        answer = client.get("/Users", params=query)
        assert "0.1 seconds" in assert_error(answer, 400, "tooMany")
        assert time.monotonic() - began < 10
    until(lambda: client.get("/Users?count=1").status_code == 200)


def test_a_list_of_large_groups_is_stopped_too(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(query_seconds=0.02)).client()
    ids = _bulk_users(client, 0, 1000)
    for number in range(20):
        client.post("/Groups?excludedAttributes=members", _group(f"g{number}", ids))
    answer = client.get("/Groups")
    assert "members" in assert_error(answer, 400, "tooMany")
    short = "/Groups?excludedAttributes=members"
    until(lambda: client.get(short).json().get("totalResults") == 20)


def _group(name: str, ids: list[str]) -> dict[str, Any]:
    members = [{"value": each} for each in ids]
    return {"schemas": [GROUP], "displayName": name, "members": members}


def test_slow_lists_of_one_organization_do_not_queue_in_front_of_another(serve: Served) -> None:
    scim = serve(hooks=None, limits=Limits(query_seconds=0.3))
    slow, other = scim.client("slow"), scim.client("other")
    _many_values(slow)
    with ThreadPoolExecutor(12) as pool:
        sent = [pool.submit(slow.get, "/Users", params={"filter": SLOW}) for _ in range(12)]
        answered = 0
        while not all(each.done() for each in sent):
            answered += other.get("/Users").status_code == 200
    assert {400} == {each.result().status_code for each in sent}
    assert answered > 3  # behind the queue there would be one


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + '\\"' * 400_000,
        "[" + "," * 600_000,
        '"' * 500_001 + "," * 600_000,
        "\\" * 9**6,
    ],
)
def test_counting_values_takes_no_time_that_grows_faster_than_the_body(text: str) -> None:
    body = text.encode() + b"," * 600_000
    began = time.monotonic()
    with pytest.raises(PayloadTooLarge):
        decode_object({}, b"[" * 600_000 + body, Limits())
    assert time.monotonic() - began < 30


def test_what_is_remembered_of_paths_and_names_is_bounded() -> None:
    parse_path("a" * MAX_LENGTH)
    with pytest.raises(PathSyntaxError):
        parse_path("a" * (MAX_LENGTH + 1))


def test_a_thousand_values_are_added_at_once(client: Client) -> None:
    user = client.create_user("ada@acme.test")
    emails = [{"value": f"{each}@acme.test", "type": "work"} for each in range(1000)]
    path = f"/Users/{user['id']}"
    add = {"op": "add", "path": "emails", "value": emails}
    again = {"op": "add", "path": "emails", "value": [{"value": "5@ACME.test", "type": "work"}]}
    began = time.monotonic()
    assert 200 == client.patch(path, add, again, add).status_code
    assert time.monotonic() - began < 30
    assert 1000 == len(client.get(path).json()["emails"])
