"""A simulated directory finds what is wrong with a server: each way to be wrong is tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scim_asgi import ScimApp
from scim_asgi.simulate import Entra, Okta, Report, Simulator
from tests.product import Product

Json = dict[str, Any]


class Broken:
    """A ScimApp behind something that changes requests and answers.

    Args:
        app: The application.
        inbound: Changes the body of a request.
        outbound: Changes status and body of an answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        inbound: Callable[[str, str, Json], Json] | None = None,
        outbound: Callable[[str, str, int, Json], tuple[int, Json]] | None = None,
    ) -> None:
        self._app = app
        self._inbound = inbound
        self._outbound = outbound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        body = (await receive()).get("body", b"")
        if body and self._inbound is not None:
            body = json.dumps(self._inbound(method, target, json.loads(body))).encode()
        start: Message = {}

        async def read() -> Message:
            return {"type": "http.request", "body": body}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            content = message.get("body", b"")
            if self._outbound is not None and content:
                changed = self._outbound(method, target, start["status"], json.loads(content))
                start["status"], content = changed[0], json.dumps(changed[1]).encode()
            headers = [each for each in start["headers"] if each[0] != b"content-length"]
            await send({**start, "headers": headers})
            await send({**message, "body": content})

        headers = [each for each in scope["headers"] if each[0] != b"content-length"]
        await self._app({**scope, "headers": headers}, read, answer)


async def pushed(folder: Path, simulator: type[Simulator], mode: str, **breakage: Any) -> Report:
    """Push a company to a server that is broken in one way."""
    app = ScimApp(str(folder / "scim.db"), hooks=Product(), rate_limit=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        broken = Broken(app, **breakage)
        run = simulator(app=broken, token=token, mode=mode, users=30, groups=5, cycles=3, seed=4)
        return await run.run()


def operations(change: Callable[[Json], Json | None]) -> Callable[[str, str, Json], Json]:
    """Return a change of each operation of a PATCH; None drops it."""

    def inbound(method: str, _: str, body: Json) -> Json:
        if method != "PATCH":
            return body
        changed = [change(dict(each)) for each in body["Operations"]]
        return {**body, "Operations": [each for each in changed if each] or [_NOTHING]}

    return inbound


_NOTHING = {"op": "replace", "value": {}}


def without_value(operation: Json) -> Json:
    """Take `remove members` with a list to mean all of them."""
    if operation["op"].lower() == "remove":
        operation.pop("value", None)
    return operation


def without_dotted_names(operation: Json) -> Json:
    """Drop the keys of a path-less value that have a dot in them."""
    if isinstance(operation.get("value"), dict):
        operation["value"] = {k: v for k, v in operation["value"].items() if "name." not in k}
    return operation


def without_texts_for_booleans(operation: Json) -> Json | None:
    """Pass `active` over when it is a text."""
    return None if operation.get("path") == "active" else operation


def with_one_member(operation: Json) -> Json:
    """Add no more than the first member."""
    if operation["op"].lower() == "add" and operation.get("path") == "members":
        operation["value"] = operation["value"][:1]
    return operation


def without_manager(operation: Json) -> Json | None:
    """Pass managers over."""
    return None if "manager" in operation.get("path", "") else operation


@pytest.mark.parametrize(
    ("change", "mode", "difference"),
    [
        (without_value, "legacy-patch", "lacks the member"),
        (without_dotted_names, "compliant-patch", "name.familyName is"),
        (without_texts_for_booleans, "legacy-patch", "active is True and should be False"),
        (with_one_member, "compliant-patch", "lacks the member"),
        (without_manager, "legacy-patch", "manager.value is None"),
    ],
)
async def test_an_operation_that_is_misunderstood_is_a_difference(
    change: Callable[[Json], Json | None], mode: str, difference: str, tmp_path: Path
) -> None:
    report = await pushed(tmp_path, Entra, mode, inbound=operations(change))
    assert not report.ok
    assert any(difference in line for line in report.differences), report.differences[:5]


def drop_empty(method: str, _: str, body: Json) -> Json:
    """Leave what is to be cleared as it was."""
    if method != "PUT":
        return body
    return {name: value for name, value in body.items() if name not in ("title", "phoneNumbers")}


async def test_a_put_that_loses_values_is_a_difference(tmp_path: Path) -> None:
    report = await pushed(tmp_path, Okta, "put", inbound=drop_empty)
    assert any("title is None and should be" in line for line in report.differences)


def lower_case(_: str, __: str, status: int, body: Json) -> tuple[int, Json]:
    """Answer userNames in lower case."""
    for user in [body, *body.get("Resources", ())]:
        if "userName" in user:
            user["userName"] = user["userName"].lower()
    return status, body


def manager_as_text(_: str, __: str, status: int, body: Json) -> tuple[int, Json]:
    """Answer managers as bare texts."""
    for user in [body, *body.get("Resources", ())]:
        for urn, extension in user.items():
            if "enterprise" in urn and isinstance(extension, dict) and "manager" in extension:
                extension["manager"] = extension["manager"]["value"]
    return status, body


def short_pages(method: str, target: str, status: int, body: Json) -> tuple[int, Json]:
    """Lose the last user of a page."""
    if method == "GET" and "Users?startIndex" in target:
        body["Resources"] = body["Resources"][:-1]
        body["totalResults"] = max(body["totalResults"] - 1, 0)
    return status, body


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lower_case, "userName is 'oyvind.angstrom@acme.example'"),
        (manager_as_text, "manager.value is None"),
        (short_pages, "is missing"),
    ],
)
async def test_an_answer_that_is_not_what_was_sent_is_a_difference(
    change: Callable[[str, str, int, Json], tuple[int, Json]], difference: str, tmp_path: Path
) -> None:
    report = await pushed(tmp_path, Entra, "legacy-patch", outbound=change)
    assert any(difference in line for line in report.differences), report.differences[:5]


def not_found_when_empty(_: str, target: str, status: int, body: Json) -> tuple[int, Json]:
    """Answer 404 when a query finds nothing."""
    return (404, body) if "filter" in target and not body.get("totalResults") else (status, body)


def everything(_: str, target: str, status: int, body: Json) -> tuple[int, Json]:
    """Ignore filters."""
    if "filter" in target:
        body["Resources"] = [{"id": "1"}, {"id": "2"}]
        body["totalResults"] = 2
    return status, body


@pytest.mark.parametrize("change", [not_found_when_empty, everything])
async def test_queries_that_answer_wrongly_fail_the_connection_test(
    change: Callable[[str, str, int, Json], tuple[int, Json]], tmp_path: Path
) -> None:
    report = await pushed(tmp_path, Entra, "legacy-patch", outbound=change)
    assert ["connection test failed" in line for line in report.differences] == [True]


async def test_an_empty_answer_to_a_create_is_a_failure_for_okta(tmp_path: Path) -> None:
    def emptied(method: str, target: str, status: int, body: Json) -> tuple[int, Json]:
        return status, {"id": body["id"]} if method == "POST" and "Users" in target else body

    report = await pushed(tmp_path, Okta, "patch", outbound=emptied)
    assert any("returned an empty user" in line for line in report.failures)


async def test_an_import_that_loses_users_to_short_pages_is_a_failure_for_okta(
    tmp_path: Path,
) -> None:
    def capped(method: str, target: str, status: int, body: Json) -> tuple[int, Json]:
        if method == "GET" and "count=100" in target and "filter" not in target:
            body["Resources"] = body["Resources"][:10]
        return status, body

    report = await pushed(tmp_path, Okta, "patch", outbound=capped)
    assert any(line.startswith("an import saw 10 of") for line in report.failures)


async def test_members_in_spite_of_excluded_attributes_are_a_failure_for_entra(
    tmp_path: Path,
) -> None:
    def shown(_: str, target: str, status: int, body: Json) -> tuple[int, Json]:
        if "excludedAttributes" in target and "Resources" not in body:
            body["members"] = [{"value": "1"}]
        return status, body

    report = await pushed(tmp_path, Entra, "legacy-patch", outbound=shown)
    assert any("excludedAttributes=members is ignored" in line for line in report.failures)


async def test_a_waiting_time_in_words_is_a_failure(tmp_path: Path) -> None:
    class Busy:
        def __init__(self, app: ASGIApp) -> None:
            self.app, self.times = app, 0

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.times += 1
            if self.times > 1:
                await self.app(scope, receive, send)
                return
            headers = [(b"retry-after", b"Tue, 24 Nov 2026 12:00:00 GMT")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b"slow down"})

    app = ScimApp(str(tmp_path / "scim.db"), rate_limit=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        report = await Okta(app=Busy(app), token=token, users=2, groups=0, cycles=1).run()
    assert report.ok
    assert ["429" in line and "Retry-After" in line for line in report.failures] == [True]
