"""ETG: versions and conditional requests (RFC 7644 section 3.14, RFC 9110 section 13)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.client import Client, assert_error
from tests.conformance.checklist.requests import op, query, read, user


@pytest.fixture
def ada(client: Client) -> str:
    """The path of a user."""
    return f"/Users/{client.create_user('ada')['id']}"


def version(client: Client, path: str) -> str:
    """Return the entity tag of a resource."""
    return str(client.get(path).headers["etag"])


def test_etg_01_and_etg_02_every_answer_with_a_resource_has_a_weak_tag(
    client: Client, ada: str
) -> None:
    group = f"/Groups/{client.create_group('g')['id']}"
    for answer in (
        client.post("/Users", user(userName="b")),
        client.get(ada),
        client.send("PUT", ada, user(title="T")),
        client.patch(ada, op("remove", "title")),
        client.patch(group, op("add", "externalId", value="e")),
    ):
        assert re.fullmatch(r'W/"[^"]+"', answer.headers["etag"])


def test_etg_03_a_projection_has_the_same_tag(client: Client, ada: str) -> None:
    answer = client.get(f"{ada}?attributes=userName")
    assert version(client, ada) == answer.headers["etag"]


@pytest.mark.parametrize("tags", ["{0}", '"x", {0}', "*", "{1}", '{0} , "y"'])
def test_etg_04_and_etg_05_who_has_the_version_gets_304(
    client: Client, ada: str, tags: str
) -> None:
    tag = version(client, ada)
    header = tags.format(tag, tag.removeprefix("W/"))
    answer = client.get(ada, headers={"If-None-Match": header})
    assert (304, b"", tag) == (answer.status_code, answer.content, answer.headers["etag"])
    assert "content-location" in answer.headers
    assert 200 == client.get(ada, headers={"If-None-Match": 'W/"x"'}).status_code


METHODS: list[tuple[str, Any]] = [
    ("PUT", user(title="T")),
    (
        "PATCH",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [op("add", "title", value="T")],
        },
    ),
    ("DELETE", None),
]


@pytest.mark.parametrize(("method", "body"), METHODS)
def test_etg_06_a_stale_if_match_is_412_and_changes_nothing(
    client: Client, ada: str, method: str, body: Any
) -> None:
    before = read(client, ada)
    answer = client.send(method, ada, body, headers={"If-Match": 'W/"0", "x"'})
    assert before["meta"]["version"] in assert_error(answer, 412)
    assert before == read(client, ada)


@pytest.mark.parametrize("tags", ["{0}", "*", '"x", {0}'])
@pytest.mark.parametrize(("method", "body"), METHODS)
def test_etg_06_and_etg_07_the_tag_as_it_was_given_matches(
    client: Client, ada: str, method: str, body: Any, tags: str
) -> None:
    headers = {"If-Match": tags.format(version(client, ada))}
    assert client.send(method, ada, body, headers=headers).status_code in (200, 204)


@pytest.mark.parametrize(("method", "body"), METHODS)
def test_etg_08_if_none_match_keeps_a_write_from_what_is_there(
    client: Client, ada: str, method: str, body: Any
) -> None:
    assert_error(client.send(method, ada, body, headers={"If-None-Match": "*"}), 412)
    headers = {"If-None-Match": version(client, ada)}
    assert_error(client.send(method, ada, body, headers=headers), 412)


def test_etg_09_other_refusals_come_first(client: Client, ada: str) -> None:
    stale = {"If-Match": 'W/"0"'}
    answer = client.send("PUT", ada, user(), headers={**stale, "Authorization": "Bearer no"})
    assert_error(answer, 401)
    assert_error(client.send("PUT", "/Users/none", user(), headers=stale), 404)
    assert_error(client.send("DELETE", "/Users/none", headers=stale), 404)
    assert_error(client.send("PUT", ada, b"{", headers=stale), 400, "invalidSyntax")


def test_etg_10_if_match_is_looked_at_first(client: Client, ada: str) -> None:
    tag = version(client, ada)
    headers = {"If-Match": 'W/"0"', "If-None-Match": 'W/"0"'}
    assert_error(client.send("PUT", ada, user(title="T"), headers=headers), 412)
    headers = {"If-Match": tag, "If-None-Match": 'W/"0"'}
    assert 200 == client.send("PUT", ada, user(title="T"), headers=headers).status_code


def test_etg_11_every_change_has_its_version_and_nothing_else_has(client: Client, ada: str) -> None:
    seen = [version(client, ada)]
    for number in range(5):
        client.patch(ada, op("replace", "title", value=f"T{number}"))
        seen.append(version(client, ada))
        client.patch(ada, op("replace", "title", value=f"T{number}"))
        read(client, "/Users")
        assert seen[-1] == version(client, ada)
    assert len(seen) == len(set(seen))


def test_etg_12_of_many_writes_with_one_tag_one_succeeds(client: Client, ada: str) -> None:
    headers = {"If-Match": version(client, ada)}

    def write(number: int) -> int:
        body = user(title=f"T{number}")
        return client.send("PUT", ada, body, headers=headers).status_code

    with ThreadPoolExecutor(20) as pool:
        assert [200] + [412] * 19 == sorted(pool.map(write, range(20)))


def test_etg_12_a_change_of_members_is_a_change(client: Client, ada: str) -> None:
    group = f"/Groups/{client.create_group('g')['id']}"
    before = version(client, group)
    member = [{"value": ada.rpartition("/")[2]}]
    client.patch(group, op("add", "members", value=member))
    assert before != version(client, group)
    headers = {"If-Match": before}
    assert_error(client.patch(group, op("remove", "members"), headers=headers), 412)
    assert 1 == len(read(client, group)["members"])


def test_etg_04_a_change_of_a_users_groups_is_a_change_of_the_user(
    client: Client, ada: str
) -> None:
    seen = [version(client, ada)]
    member = ada.rpartition("/")[2]
    group = f"/Groups/{client.create_group('g', member)['id']}"
    inner = f"/Groups/{client.create_group('inner')['id']}"
    before = version(client, inner)
    steps: list[Callable[[], Any]] = [
        lambda: None,
        lambda: client.patch(group, op("replace", "displayName", value="h")),
        lambda: client.patch(group, op("remove", "members", value=[{"value": member}])),
        lambda: client.patch(group, op("add", "members", value=[{"value": member}])),
        lambda: client.send("DELETE", group),
    ]
    for step in steps:
        step()
        answer = client.get(ada, headers={"If-None-Match": seen[-1]})
        assert 200 == answer.status_code
        assert answer.headers["etag"] == answer.json()["meta"]["version"]
        seen.append(answer.headers["etag"])
        text = f"meta.version eq {json.dumps(seen[-1])}"
        assert 1 == query(client, "/Users", filter=text).json()["totalResults"]
    assert len(seen) == len(set(seen))
    assert before == version(client, inner)


def test_etg_04_a_group_changes_when_a_member_is_deleted(client: Client, ada: str) -> None:
    inner = client.create_group("inner")["id"]
    group = f"/Groups/{client.create_group('g', ada.rpartition('/')[2], inner)['id']}"
    for path in (ada, f"/Groups/{inner}"):
        before = read(client, group)["meta"]
        assert 204 == client.send("DELETE", path).status_code
        after = read(client, group)["meta"]
        assert before["version"] != after["version"]
        assert before["lastModified"] < after["lastModified"]


def test_etg_16_a_failed_precondition_is_never_409(client: Client, ada: str) -> None:
    assert_error(client.send("PUT", ada, user(), headers={"If-Match": '"x"'}), 412)


@pytest.mark.parametrize("tag", ["x", "", ",", "W/", '"'])
def test_etg_17_a_malformed_tag_matches_nothing(client: Client, ada: str, tag: str) -> None:
    assert_error(client.send("PUT", ada, user(title="T"), headers={"If-Match": tag}), 412)
    assert 200 == client.get(ada, headers={"If-None-Match": tag}).status_code
