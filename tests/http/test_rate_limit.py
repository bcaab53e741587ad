"""Rate limits: by token for those who are known, by address for those who are not."""

from __future__ import annotations

import inspect
import time
from typing import Any

import httpx
import pytest
from limits import parse

from scim_asgi import RateLimitMiddleware, ScimApp
from scim_asgi.http.counters import ClientKey, InProcess, counter
from tests.client import assert_error
from tests.conftest import Served
from tests.waiting import eventually


def test_over_the_limit_is_429_with_whole_seconds_to_wait_and_changes_nothing(
    serve: Served,
) -> None:
    scim = serve(rate_limit="5/hour")
    client = scim.client()
    for number in range(5):
        client.create_user(f"person{number}@acme.test")
    answer = client.post("/Users", {"schemas": [], "userName": "late@acme.test"})
    assert "5 per 1 hour" in assert_error(answer, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert 5 == len(scim.product.accounts)


def test_each_token_has_a_limit_of_its_own(serve: Served) -> None:
    scim = serve(rate_limit="2/hour")
    one, other = scim.client(), scim.client()
    assert [200, 200, 429] == [one.get("/Users").status_code for _ in range(3)]
    assert 200 == other.get("/Users").status_code


def test_the_limit_is_100_a_second_unless_somebody_says_otherwise(serve: Served) -> None:
    default = inspect.signature(ScimApp).parameters["rate_limit"].default
    assert "100/second" == default
    client = serve(rate_limit=default).client()
    assert {200} == {client.get("/Users?count=0").status_code for _ in range(40)}


def test_a_limit_that_is_none_is_refused_when_the_app_is_made() -> None:
    with pytest.raises(ValueError, match="parse"):
        ScimApp(rate_limit="often")
    with pytest.raises(ValueError, match="parse"):
        ScimApp(failed_auth_limit="seldom")


def test_the_buckets_of_addresses_are_bounded_and_networks_share_one() -> None:
    key = ClientKey()
    buckets = {
        key({"client": (f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", 1)}) for n in range(60_000)
    }
    assert len(buckets) <= 4096
    assert key({"client": ("2001:db8::1", 1)}) == key({"client": ("2001:db8::ffff", 1)})
    assert key({"client": None}) == key({})


async def test_the_middleware_stands_alone_in_front_of_any_application() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limited = RateLimitMiddleware(app, "1/hour")
    transport = httpx.ASGITransport(app=limited)
    async with httpx.AsyncClient(transport=transport, base_url="http://acme.test") as client:
        answers = [await client.get("/") for _ in range(2)]
    assert [204, 429] == [answer.status_code for answer in answers]


@pytest.mark.parametrize("uri", ["memory://", "async+memory://"])
async def test_a_window_begins_with_its_first_request_in_the_process_as_in_a_storage(
    uri: str,
) -> None:
    counts = counter("2 per 2 second", uri)
    assert "2 per 2 second" == counts.limit
    assert await counts.allows("a")
    began = time.monotonic()
    assert [True, True, False] == [await counts.hit("a") for _ in range(3)]
    assert not await counts.allows("a")
    assert [True, True] == [await counts.allows("b"), await counts.hit("b")]
    assert await counts.pause("a") in (1, 2)
    await eventually(lambda: counts.allows("a"))
    assert 1.5 < time.monotonic() - began
    assert await counts.hit("a")


async def test_who_is_counted_no_more_takes_no_memory() -> None:
    counts = InProcess(parse("1 per 1 second"))
    for number in range(1000):
        await counts.hit(f"early {number}")
    await eventually(lambda: counts.allows("early 999"))
    await counts.hit("late")
    assert ["late"] == list(counts._windows)
