"""Every limit is a setting, is named when it is reached, and has a default that directories fit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import fields

from scim_asgi import Limits, ScimApp, read_resource_types
from tests.client import GROUP, PATCH_OP, SEARCH, USER, Client, assert_error
from tests.conftest import Served
from tests.hostile.attempts import BULK

ADA = {"schemas": [USER], "userName": "ada@acme.test"}
DEVICE = Path(__file__).parents[1] / "conformance" / "device.json"
JSON = {"Content-Type": "application/scim+json"}


@dataclass(frozen=True)
class Case:
    """A limit, its setting, and a request of a size."""

    limit: str
    value: int
    status: int
    scim_type: str | None
    send: Callable[[Client, int], httpx.Response]


def raw(client: Client, body: str) -> httpx.Response:
    return client.send("POST", "/Users/.search", body.encode(), headers=JSON)


def sized(client: Client, size: int) -> httpx.Response:
    body = json.dumps({"schemas": [SEARCH]})
    return raw(client, body + " " * (size - len(body)))


def queried(client: Client, size: int) -> httpx.Response:
    return client.get("/Users?x=" + "a" * (size - 2))


def nested(client: Client, depth: int) -> httpx.Response:
    opening, closing = '{"a":' * (depth - 1), "}" * (depth - 1)
    return raw(client, f'{{"schemas": ["{SEARCH}"], "x": {opening}1{closing}}}')


def counted(client: Client, number: int) -> httpx.Response:
    values = ",".join(["0"] * (number - 4))
    return raw(client, f'{{"schemas": ["{SEARCH}"], "x,[]": [{values}]}}')


def texts(client: Client, length: int) -> httpx.Response:
    return client.post("/Users/.search", {"schemas": [SEARCH], "x": ["é" * length]})


def filtered(client: Client, length: int) -> httpx.Response:
    start = 'userName eq "'
    return client.get("/Users", params={"filter": start + "a" * (length - len(start) - 1) + '"'})


def parentheses(client: Client, depth: int) -> httpx.Response:
    return client.get("/Users", params={"filter": "(" * depth + "title pr" + ")" * depth})


def patched(client: Client, number: int) -> httpx.Response:
    user = client.create_user(f"u{time.monotonic_ns()}@acme.test")
    operation = {"op": "replace", "path": "title", "value": "T"}
    return client.patch(f"/Users/{user['id']}", *[operation] * number)


def compared(client: Client, number: int) -> httpx.Response:
    emails = [{"value": f"{each}@acme.test"} for each in range(10)]
    user = client.create_user(f"u{time.monotonic_ns()}@acme.test", emails=emails)
    gone = [{"value": f"gone{each}@acme.test"} for each in range(number // 10)]
    remove = {"op": "remove", "path": "emails", "value": gone}
    rest = {"op": "replace", "path": "title", "value": "T"}
    return client.patch(f"/Users/{user['id']}", remove, *[rest] * (number % 10))


def named(client: Client, number: int) -> httpx.Response:
    members = [{"value": str(each)} for each in range(number)]
    group = {"schemas": [GROUP], "displayName": f"g{time.monotonic_ns()}", "members": members}
    return client.post("/Groups", group)


def bulky(client: Client, number: int) -> httpx.Response:
    operation = {"method": "DELETE", "path": "/Users/none"}
    return client.post("/Bulk", {"schemas": [BULK], "Operations": [operation] * number})


def projected(client: Client, number: int) -> httpx.Response:
    return client.get("/Users?attributes=" + ",".join(["title"] * number))


CASES = [
    Case("body_bytes", 2000, 413, None, sized),
    Case("query_bytes", 500, 414, None, queried),
    Case("json_depth", 7, 400, "invalidSyntax", nested),
    Case("json_values", 40, 413, None, counted),
    Case("string_length", 90, 400, "invalidValue", texts),
    Case("filter_length", 60, 400, "invalidFilter", filtered),
    Case("filter_depth", 3, 400, "invalidFilter", parentheses),
    Case("patch_operations", 4, 413, None, patched),
    Case("patch_comparisons", 50, 413, None, compared),
    Case("members", 6, 413, None, named),
    Case("bulk_operations", 5, 413, None, bulky),
    Case("projection_attributes", 3, 400, "invalidValue", projected),
]
ELSEWHERE = {
    "body_seconds": "test_wire.py",
    "query_seconds": "test_cost.py",
    "page_size": "test_a_page_is_never_larger_than_its_limit",
}


def test_every_limit_is_tested() -> None:
    tested = {case.limit for case in CASES} | ELSEWHERE.keys()
    assert tested == {each.name for each in fields(Limits)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.limit)
def test_a_request_at_the_limit_is_served_and_one_over_it_is_told_the_limit(
    serve: Served, case: Case
) -> None:
    setting: Any = {case.limit: case.value}
    client = serve(hooks=None, limits=Limits(**setting)).client()
    assert case.send(client, case.value).status_code in (200, 201)
    before = client.get("/").text
    answer = case.send(client, case.value + 1)
    detail = assert_error(answer, case.status, case.scim_type)
    assert str(case.value) in detail
    if case.limit not in ("patch_operations", "patch_comparisons"):
        assert before == client.get("/").text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.limit)
def test_under_the_defaults_the_same_requests_are_served(shared: Any, case: Case) -> None:
    client = shared.client(f"limits-{case.limit}")
    assert case.send(client, case.value + 1).status_code in (200, 201)


def test_limits_are_announced_as_they_are(serve: Served) -> None:
    limits = Limits(body_bytes=5000, bulk_operations=7, page_size=9)
    config = serve(limits=limits).client().get("/ServiceProviderConfig").json()
    assert (7, 5000) == (config["bulk"]["maxOperations"], config["bulk"]["maxPayloadSize"])
    assert 9 == config["filter"]["maxResults"]
    assert (9, 9) == (
        config["pagination"]["maxPageSize"],
        config["pagination"]["defaultPageSize"],
    )


def test_a_page_is_never_larger_than_its_limit(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(page_size=3)).client()
    for number in range(5):
        client.create_user(f"u{number}")
    for query in ("", "?count=3", "?count=4", "?count=999999999999999999999"):
        body = client.get(f"/Users{query}").json()
        assert (5, 3) == (body["totalResults"], len(body["Resources"]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body_bytes", 0),
        ("body_seconds", 0),
        ("body_seconds", -1.0),
        ("json_depth", 1000),
        ("filter_depth", 33),
        ("filter_length", 100_000),
        ("filter_depth", 0),
        ("page_size", "many"),
        ("members", None),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_when_the_app_is_made(name: str, value: Any) -> None:
    setting: Any = {name: value}
    with pytest.raises(ValueError, match=name):
        ScimApp(":memory:", limits=Limits(**setting))


def deep_filters(depth: int) -> list[str]:
    """Return filters that nest as deep as they may, in the ways that cost SQLite's parser most."""
    units = [
        ["not (X)"],
        ["title pr or (X)", "title pr and (X)"],
        ["title pr or not (X)", "title pr and not (X)"],
        ["not (title pr) or not (X)", "(title pr or id pr) and not (X)"],
    ]
    filters = [_nested(each, depth, "title pr") for each in units]
    inner = [each.replace("title", "value") for each in units[2]]
    for name in ("emails", "members", "groups"):
        filters.append(f"title pr or {name}[{_nested(inner, depth - 1, 'value pr')}]")
        half = f"title pr or {name}[{_nested(inner, depth // 2 - 1, 'value pr')}]"
        filters.append(_nested(units[2], depth // 2, half))
    return filters


def _nested(units: list[str], depth: int, text: str) -> str:
    for level in range(depth):
        text = units[level % len(units)].replace("X", text)
    return text


@pytest.mark.parametrize("text", deep_filters(Limits().filter_depth))
def test_a_filter_as_deep_as_it_may_be_is_one_that_sqlite_can_read(
    client: Client, text: str
) -> None:
    for query in ({"filter": text}, {"filter": text, "sortBy": "userName", "cursor": ""}):
        answer = client.get("/", params=query)
        assert 200 == answer.status_code, answer.text


def test_the_largest_limits_that_can_be_set_hold(serve: Served) -> None:
    """SQLite has bounds of its own; none of ours may be set beyond them."""
    limits = Limits(filter_length=8192, query_bytes=100_000, json_depth=200)
    client = serve(hooks=None, limits=limits).client()
    terms = " or ".join(["id pr"] * 900)
    both = " and ".join(["id pr"] * 800)
    values = " or ".join(["id eq 1"] * 680)
    for text in (terms, both, values):
        answer = client.get("/Users", params={"filter": text})
        assert 200 == answer.status_code, answer.text
    digits = f"meta.version eq {'9' * 8000}"
    assert client.get("/Users", params={"filter": digits}).status_code in (200, 400)
    assert 200 == nested(client, 200).status_code


@pytest.mark.parametrize(
    "number",
    ["9" * 299, "9" * 309, "9" * 400, "-" + "9" * 4000, "1e400", "9" * 4090, "0." + "9" * 350],
)
def test_numbers_of_any_size_are_answered(serve: Served, number: str) -> None:
    types = read_resource_types(DEVICE.read_bytes())
    client = serve(hooks=None, resource_types=types, limits=Limits(filter_length=8192)).client()
    for path, name in (
        ("/Users", "meta.created"),
        ("/Users", "userName"),
        ("/Devices", "rank"),
        ("/Devices", "weight"),
    ):
        for operator in ("eq", "ge"):
            answer = client.get(path, params={"filter": f"{name} {operator} {number}"})
            assert answer.status_code in (200, 400), answer.text
    body = b'{"schemas": ["%s"], "userName": "a", "x": %s}' % (USER.encode(), number.encode())
    assert client.send("POST", "/Users", body, headers=JSON).status_code in (201, 400)
    body = b'{"schemas": ["%s"], "userName": "b", "urn:x:y": {"a": [%s]}}'
    body %= (USER.encode(), number.encode())
    answer = client.send("POST", "/Users", body, headers=JSON)
    assert answer.status_code in (201, 400), answer.text
    assert 200 == client.get("/Users").status_code


@pytest.mark.parametrize(
    "body",
    [
        {"x" * 101: 1},
        {"a": [{"b": {"x" * 101: 1}}]},
        {"a": [["x", "x" * 101]]},
        {"a": '\\"' * 51},
    ],
)
def test_no_text_is_too_long_wherever_it_stands(serve: Served, body: Any) -> None:
    client = serve(hooks=None, limits=Limits(string_length=100)).client()
    answer = client.post("/Users/.search", {"schemas": [SEARCH], **body})
    assert "100" in assert_error(answer, 400, "invalidValue")


def test_a_patch_over_a_limit_changes_nothing(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(patch_comparisons=3)).client()
    user = client.create_user("ada@acme.test")
    path = f"/Users/{user['id']}"
    operation = {"op": "replace", "path": "title", "value": "T"}
    body = {"schemas": [PATCH_OP], "Operations": [operation] * 4}
    assert_error(client.send("PATCH", path, body), 413)
    shown = client.get(path)
    assert 'W/"1"' == shown.headers["etag"]
    assert "title" not in shown.json()
