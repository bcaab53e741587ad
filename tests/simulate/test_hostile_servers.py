"""What servers answer that are broken or hostile ends in the report: nothing crashes or hangs."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from scim_asgi import ScimApp
from scim_asgi.remote import UnusableTarget
from scim_asgi.simulate import SIMULATORS, Authentik, Entra, Exchange, Keycloak, Okta, Report
from tests.product import Product
from tests.simulate.broken import Broken, Call, Fault

TOKEN = "secret-token-0123456789"
ODD: tuple[Any, ...] = (None, True, 7, "odd\x1b[2J", [], ["a", None, 3], {}, {"value": [1]}, [[]])


def answering(answer: Callable[[Request], Response]) -> ASGIApp:
    """Return an application that answers everything in one way."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await request.body()
        await answer(request)(scope, receive, send)

    return app


def listing(*resources: Any, total: int | None = None) -> Response:
    body = {"totalResults": len(resources) if total is None else total, "Resources": resources}
    return Response(msgspec.json.encode(body), media_type="application/scim+json")


async def test_a_token_and_escapes_that_a_server_sends_back_are_not_in_the_report() -> None:
    def echo(request: Request) -> Response:
        sent = request.headers["authorization"]
        detail = f"\x1b[31m{'x' * 470} {sent} \u202e {sent}"
        return Response(msgspec.json.encode({"detail": detail}), status_code=400)

    report = await Okta(app=answering(echo), token=TOKEN).run()
    text = repr(report)
    assert TOKEN[:8] not in text
    assert "[the token]" in text
    assert "\\x1b" not in text
    assert "\\u202e" not in text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda _: Response(b"no gzip", headers={"content-encoding": "gzip"}),
            "the answer is not encoded as its Content-Encoding says",
        ),
        (
            lambda _: Response(gzip.compress(b"{}")[:-4], headers={"content-encoding": "gzip"}),
            "",
        ),
        (lambda _: Response(b'{"a":' * 100_000), "the answer is no JSON object"),
        (
            lambda _: listing({"id": "1", "members": ["x"], "groups": ["y"]}),
            "the answer cannot be read: members is no list of objects",
        ),
        (
            lambda _: listing({"id": "1", "groups": [{"display": "y"}]}),
            "the answer cannot be read: groups has an element without a value",
        ),
    ],
    ids=["false gzip", "cut gzip", "deep JSON", "members that are texts", "groups of nothing"],
)
@pytest.mark.parametrize("name", ["okta", "keycloak", "authentik"])
async def test_a_broken_answer_is_a_difference(
    name: str, answer: Callable[[Request], Response], words: str
) -> None:
    report = await SIMULATORS[name](app=answering(answer), token=TOKEN, users=5, cycles=1).run()
    assert not report.ok
    assert any(words in each for each in [*report.differences, *report.failures])


async def test_an_id_that_makes_no_url_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_asgi.simulate.client._LONGEST_PAUSE", 0)

    def spoil(call: Call) -> None:
        if call.method == "POST" and "id" in call.answer:
            call.answer["id"] = f"\x1b[2J{call.answer['id']}"

    seen: list[Exchange] = []
    report = await hostile(tmp_path, "okta", Fault(garbles=spoil), on_exchange=seen.append)
    assert any("the server's id makes no URL" in each for each in report.failures)
    assert not any("\x1b" in each.target for each in seen)
    assert "\\x1b" not in repr(report)


def replaced_at_random(value: Any, random: Random) -> Any:
    """Return JSON with now and then something odd in the place of a part of it."""
    if random.random() < 0.02:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {name: replaced_at_random(each, random) for name, each in value.items()}
    if isinstance(value, list):
        return [replaced_at_random(each, random) for each in value]
    return value


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", SIMULATORS)
async def test_odd_values_anywhere_raise_nothing(
    name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_asgi.simulate.simulator._REPEATS", 4)
    random = Random(seed)
    changed = 0

    def spoil(call: Call) -> None:
        nonlocal changed
        if call.method != "GET" or " eq " in call.filter or call.path.count("/") == 2:
            spoilt = replaced_at_random(call.answer, random)
            changed += spoilt != call.answer
            call.answer = spoilt if isinstance(spoilt, dict) else {"odd": spoilt}

    report = await hostile(tmp_path, name, Fault(garbles=spoil))
    assert changed
    assert report.requests


async def hostile(folder: Path, name: str, fault: Fault, **options: Any) -> Report:
    """Let a directory push to a server with a fault and return what it reports."""
    app = ScimApp(str(folder / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        run = SIMULATORS[name](
            app=Broken(app, fault), token=token, users=15, groups=4, cycles=2, **options
        )
        return await run.run()


@pytest.mark.parametrize("name", ["okta", "authentik", "rippling"])
async def test_a_list_without_an_end_is_given_up(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("snapshot", "plain", "okta"):
        monkeypatch.setattr(f"scim_asgi.simulate.{module}.MOST_PAGES", 20)
    number = 0

    def endless(request: Request) -> Response:
        nonlocal number
        number += 1
        return listing({"id": str(number), "userName": str(number)}, total=10**15)

    report = await SIMULATORS[name](app=answering(endless), token=TOKEN, users=2, cycles=1).run()
    assert any("does not end" in each for each in report.differences)


@pytest.mark.parametrize("first", ["older", "newer", "put"])
@pytest.mark.parametrize("mode", Keycloak.modes)
async def test_keycloak_gets_along_with_users_whom_its_import_cannot_take(
    first: str, mode: str, tmp_path: Path
) -> None:
    size: dict[str, Any] = {"users": 40, "groups": 6, "cycles": 3, "seed": 5}
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        assert (await Authentik(app=app, token=token, mode=first, **size).run()).ok
        report = await Keycloak(app=app, token=token, mode=mode, **size).run()
    assert [] == report.differences
    assert any("there is no displayName" in each for each in report.failures)
    assert any(each.status == 409 for each in report.refused)


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("foo", TOKEN, "has to be whole"),
        ("http://127.0.0.1:99999/x", TOKEN, "cannot be read"),
        ("http://[::1/x", TOKEN, "cannot be read"),
        ("http://ex..ample/x", TOKEN, "host"),
        (f"http://{'a' * 64}.example/x", TOKEN, "host"),
        ("http://acme.example/x\x00y", TOKEN, "characters that no URL has"),
        ("http://u:p@acme.example/x", TOKEN, "password"),
        ("http://acme.example/x#frag", TOKEN, "fragment"),
        ("http://acme.example/x", "", "empty"),
        ("http://acme.example/x", "a\nb", "line breaks"),
        ("http://acme.example/x", "ümlaut", "characters"),
    ],
)
def test_a_url_or_token_that_cannot_be_used_is_refused_at_once(
    url: str, token: str, words: str
) -> None:
    with pytest.raises(UnusableTarget, match=words):
        Entra(url, token)


async def test_what_is_behind_a_question_mark_is_left_away(tmp_path: Path) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        url = "http://scim.test/?aadOptscim062020"
        assert (await Entra(url, token, app=app, users=5, groups=1, cycles=1).run()).ok


async def test_a_server_that_is_not_there_is_given_up_soon() -> None:
    began = time.monotonic()
    report = await Okta("http://127.0.0.1:1/scim/v2", TOKEN).run()
    assert "the connection test failed" in report.differences[0]
    assert time.monotonic() - began < 25
