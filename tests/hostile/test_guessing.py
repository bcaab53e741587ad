"""Guessing tokens: limited by address, told nothing by the time, and no way to lock out others."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from scim_asgi import BearerTokenMiddleware
from scim_asgi.http.authentication import _KNOWN, FailedAuthenticationLimit
from scim_asgi.provisioning.tokens import TokenIdentity, Tokens, digest, mint
from scim_asgi.store.sqlite import SqliteStore
from scim_asgi.store.sqlite.tables import SqliteTokens
from tests.client import assert_error
from tests.conftest import Scim, Served


def get(scim: Scim, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{scim.base_url}/Users", headers=headers)


def statuses(scim: Scim, *tokens: str) -> list[int]:
    return [get(scim, token).status_code for token in tokens]


def limited(
    limit: str | FailedAuthenticationLimit, *, identity: TokenIdentity | None = None
) -> BearerTokenMiddleware:
    """Return an application whose every token stands for the same, and so for nobody at first."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def verify(token: str) -> TokenIdentity | None:
        return identity

    failures = FailedAuthenticationLimit(limit) if isinstance(limit, str) else limit
    return BearerTokenMiddleware(app, verify, failures=failures)


def test_guessing_is_limited_by_address(serve: Served) -> None:
    scim = serve(failed_auth_limit="3/hour")
    assert [401, 401, 401, 429, 429] == statuses(scim, *(mint() for _ in range(5)))
    answer = get(scim, mint())
    assert "no valid token" in assert_error(answer, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 3600


async def test_who_does_not_read_the_answers_is_limited_as_well() -> None:
    begun: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message["status"])
            answered.set()
        else:
            await asyncio.Event().wait()

    limit = limited("3/hour")
    asked: list[asyncio.Task[None]] = []
    for _ in range(5):
        answered = asyncio.Event()
        scope = {"type": "http", "headers": [], "client": ("192.0.2.1", 1)}
        asked.append(asyncio.create_task(limit(scope, receive, send)))
        await asyncio.wait_for(answered.wait(), 60)
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert [401, 401, 401, 429, 429] == begun


def test_guessing_is_limited_whatever_is_sent_instead_of_a_token(serve: Served) -> None:
    scim = serve(failed_auth_limit="3/hour")
    sent = [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {}]
    url = f"{scim.base_url}/Users"
    answers = [httpx.get(url, headers=each).status_code for each in sent]
    assert [401, 401, 401, 429] == answers


def test_a_right_guess_is_not_let_in_over_the_limit(serve: Served) -> None:
    scim = serve(failed_auth_limit="3/hour")
    token = scim.token()
    assert [401, 401, 401, 429] == statuses(scim, mint(), mint(), mint(), token)


def test_who_was_let_in_before_is_not_locked_out_by_somebody_at_the_same_address(
    serve: Served,
) -> None:
    scim = serve(failed_auth_limit="3/hour")
    token = scim.token()
    assert [200, 401, 401, 401, 429, 200] == statuses(scim, token, *(mint() for _ in "1234"), token)


def test_a_revoked_token_counts_as_any_wrong_one(serve: Served) -> None:
    scim = serve(failed_auth_limit="3/hour")
    issued = scim.ask(lambda app: app.tokens.issue("acme", name="one"))
    assert 200 == get(scim, issued.token).status_code
    scim.ask(lambda app: app.tokens.revoke(issued.id))
    assert [401, 401, 401, 429] == statuses(scim, *[issued.token] * 4)


def test_valid_requests_do_not_count(serve: Served) -> None:
    scim = serve(failed_auth_limit="3/hour")
    tokens = [scim.token() for _ in range(4)]
    assert [200] * 8 == statuses(scim, *tokens, *tokens)


def test_guessing_is_limited_where_the_rate_is_not(serve: Served) -> None:
    scim = serve(rate_limit=None, failed_auth_limit="1/hour")
    assert [401, 429] == statuses(scim, mint(), mint())


async def test_those_who_were_let_in_take_bounded_memory() -> None:
    limit = FailedAuthenticationLimit("1/hour")
    app = limited(limit, identity=TokenIdentity("one", "acme", "scim_"))

    async def nothing(*_: Any) -> Any:
        return None

    for number in range(_KNOWN + 500):
        headers = [(b"authorization", b"Bearer %d" % number)]
        scope = {"type": "http", "headers": headers, "client": ("10.0.0.1", 1)}
        await app(scope, nothing, nothing)
    assert _KNOWN == len(limit._known)


async def test_no_token_is_kept_where_it_is_remembered_who_was_let_in() -> None:
    limit = FailedAuthenticationLimit("1/hour")
    sender = limit.sender({"client": ("10.0.0.1", 1)}, [b"Bearer secret"])
    limit.let_in(sender)
    assert limit.knows(sender)
    assert "secret" not in repr(limit._known)
    assert not limit.knows(limit.sender({"client": ("10.0.0.1", 1)}, [b"Bearer other"]))


async def test_who_goes_away_before_the_answer_is_counted_all_the_same() -> None:
    async def gone(message: Any) -> None:
        raise OSError

    statuses = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    app = limited("1/hour")
    scope = {"type": "http", "headers": [], "client": ("10.0.0.1", 1)}
    with pytest.raises(OSError):
        await app(scope, receive, gone)
    await app(scope, receive, send)
    assert 429 == statuses[0]


async def tokens_of(store: SqliteStore) -> tuple[Tokens, str, str]:
    """Return tokens, a revoked and a live one."""
    await store.open()
    tokens = Tokens(store)
    for number in range(50):
        await tokens.issue(f"other-{number}", name="other")
    revoked = await tokens.issue("acme", name="revoked")
    live = await tokens.issue("acme", name="live")
    await tokens.revoke(revoked.id)
    return tokens, revoked.token, live.token


async def test_looking_up_a_revoked_token_is_the_same_work_as_a_wrong_one(tmp_path: Path) -> None:
    path = tmp_path / "scim.db"
    store = SqliteStore(str(path))
    _, revoked, live = await tokens_of(store)
    await store.close()
    connection = sqlite3.connect(path)

    def steps(token: str) -> int:
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        connection.set_progress_handler(step, 1)
        SqliteTokens(connection).live(digest(token), 0)
        connection.set_progress_handler(None, 1)
        return count

    steps(mint())  # the first one reads the schema
    assert steps(mint()) == steps(revoked) == steps(mint())
    assert steps(live) > steps(revoked)
    connection.close()


async def test_no_time_tells_a_revoked_token_from_a_wrong_one(tmp_path: Path) -> None:
    """Both again and again, in turns, so that a noisy machine and its caches are the same for both."""
    store = SqliteStore(str(tmp_path / "scim.db"))
    tokens, revoked, _ = await tokens_of(store)
    times: dict[str, list[int]] = {"wrong": [], "revoked": []}
    wrong = mint()
    for turn in range(600):
        kinds = [("wrong", wrong), ("revoked", revoked)]
        for kind, token in kinds if turn % 2 else kinds[::-1]:
            began = time.perf_counter_ns()
            assert await tokens.verify(token) is None
            times[kind].append(time.perf_counter_ns() - began)
    await store.close()
    faster = [a < b for a, b in zip(times["wrong"], times["revoked"], strict=True)]
    assert 0.2 < statistics.mean(faster) < 0.8


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_wrong_and_a_revoked_token_get_the_same_answer(shared: Scim, method: str) -> None:
    issued = shared.ask(lambda app: app.tokens.issue("acme", name="one"))
    shared.ask(lambda app: app.tokens.revoke(issued.id))
    answers = [
        httpx.request(
            method, f"{shared.base_url}/Users", headers={"Authorization": f"Bearer {token}"}
        )
        for token in (mint(), issued.token)
    ]
    heads = [{**answer.headers, "date": ""} for answer in answers]
    assert (heads[0], answers[0].content) == (heads[1], answers[1].content)
    assert 401 == answers[0].status_code
