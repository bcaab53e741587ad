"""Whatever a hook does, the change is settled, and once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from scim_asgi import Account, AccountRejected, HookContext, ScimApp, TryAgainLater
from tests.client import USER, Client, assert_error, created
from tests.conftest import Scim, Served
from tests.product import Behaviour, Product, hanging, raising
from tests.waiting import PATIENCE, until
from tests.waiting import settled as everything_settled

BODY = {"schemas": [USER], "userName": "ada@acme.test", "nickName": "A"}


def settled(scim: Scim) -> bool:
    return scim.ask(lambda app: app.reconciliation.status()).pending == 0


class Odd(BaseException):
    """Something that is no Exception."""


ERRORS = (
    RuntimeError("x"),
    SystemExit(1),
    asyncio.CancelledError(),
    GeneratorExit(),
    Odd(),
    RecursionError(),
    StopAsyncIteration(),
)


def test_whatever_a_hook_raises_the_change_is_repeated_until_it_is_done(
    scim: Scim, client: Client
) -> None:
    for number, error in enumerate(ERRORS):
        scim.product.behaviour = always(error)
        answer = client.post("/Users", {**BODY, "userName": f"u{number}@acme.test"})
        assert answer.status_code in (500, 503)
        assert "x" not in answer.json()["detail"].split()
    scim.product.behaviour = None
    until(lambda: settled(scim))
    assert len(ERRORS) == client.get("/Users").json()["totalResults"]
    assert len(ERRORS) == len(scim.product.accounts)
    assert len(ERRORS) == len({context.delivery_id for _, context in scim.product.calls})


def always(error: BaseException) -> Behaviour:
    async def behave(account: Account, context: HookContext) -> None:
        raise error

    return behave


RESULTS = (1, b"x", ["x"], object(), True, "\ud800")


def test_a_create_that_returns_something_else_is_repeated(serve: Served) -> None:
    class Wrong(Product):
        answer: Any = None

        async def create(self, account: Account, context: HookContext) -> Any:
            await super().create(account, context)
            return self.answer

    product = Wrong()
    scim = serve(hooks=product)
    client = scim.client()
    for number, product.answer in enumerate(RESULTS):
        assert_error(client.post("/Users", {**BODY, "userName": f"u{number}@acme.test"}), 500)
    product.answer = "host-1"
    until(lambda: settled(scim))
    path = f"/Users/{client.get('/Users').json()['Resources'][0]['id']}"
    client.patch(path, {"op": "replace", "path": "name.familyName", "value": "N"})
    assert "host-1" == product.calls[-1][0].host_id
    assert len(RESULTS) == len({account.id for account, _ in product.calls})


def test_what_an_update_returns_is_nobodys_concern(serve: Served) -> None:
    class Talkative(Product):
        async def update(self, account: Account, context: HookContext) -> Any:
            await super().update(account, context)
            return object()

    client = serve(hooks=Talkative()).client()
    path = f"/Users/{created(client.post('/Users', BODY))['id']}"
    operation = {"op": "replace", "path": "name.familyName", "value": "N"}
    assert 200 == client.patch(path, operation).status_code


def test_a_hook_that_changes_what_it_gets_changes_nothing_of_ours(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({"emails": "public_metadata.emails"})

    async def behave(account: Account, context: HookContext) -> None:
        account.public_metadata["emails"][0] = "eve@acme.test"
        account.public_metadata["emails"].append("more")
        account.public_metadata.clear()
        context.changes.clear()
        context.resource.clear()

    scim.product.behaviour = behave
    emails = [{"value": "ada@acme.test"}]
    user = created(client.post("/Users", {**BODY, "emails": emails}))
    assert "ada@acme.test" == user["emails"][0]["value"]
    scim.product.behaviour = None
    path = f"/Users/{user['id']}"
    client.patch(path, {"op": "add", "path": "title", "value": "T"})
    assert ["create"] == scim.product.changes
    client.patch(path, {"op": "replace", "path": "name.familyName", "value": "N"})
    last, context = scim.product.calls[-1]
    assert ["last_name"] == list(context.changes)
    assert ["ada@acme.test"] == last.public_metadata["emails"]


def test_texts_of_a_hook_that_cannot_be_sent_are_sent_all_the_same(
    scim: Scim, client: Client
) -> None:
    scim.product.behaviour = raising(TryAgainLater(7, "half a \ud800 pair"))
    answer = client.post("/Users", BODY)
    assert "half a ? pair" == assert_error(answer, 503)
    assert "7" == answer.headers["retry-after"]


def test_a_hook_that_hangs_ends_in_time_and_is_repeated(serve: Served) -> None:
    scim = serve(hook_timeout=0.2)
    client = scim.client()
    scim.product.behaviour = hanging
    answer = client.post("/Users", BODY)
    assert_error(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    scim.product.behaviour = None
    until(lambda: settled(scim))
    assert ["create"] == sorted(set(scim.product.changes))
    assert 1 == len({context.delivery_id for _, context in scim.product.calls})


def test_a_slow_hook_keeps_no_other_request_waiting(scim: Scim, client: Client) -> None:
    reached, may_end = threading.Event(), threading.Event()

    async def behave(account: Account, context: HookContext) -> None:
        if account.email_address == "ada@acme.test":
            reached.set()
            await asyncio.to_thread(may_end.wait, 20)

    scim.product.behaviour = behave
    thread = threading.Thread(target=client.post, args=("/Users", BODY))
    thread.start()
    assert reached.wait(PATIENCE)
    other = scim.client()
    assert 201 == other.post("/Users", {**BODY, "userName": "b@acme.test"}).status_code
    assert 2 == other.get("/Users").json()["totalResults"]
    may_end.set()
    thread.join(PATIENCE)
    assert 2 == len(scim.product.accounts)


def test_a_client_that_goes_away_during_a_hook_changes_nothing_about_it(
    scim: Scim, client: Client
) -> None:
    reached, may_end = threading.Event(), threading.Event()

    async def behave(account: Account, context: HookContext) -> None:
        reached.set()
        await asyncio.to_thread(may_end.wait, 20)

    scim.product.behaviour = behave
    url = httpx.URL(client.base_url)
    body = msgspec.json.encode(BODY)
    head = (
        f"POST {url.path}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port)) as raw:
        raw.sendall(head.encode() + body)
        assert reached.wait(PATIENCE)
    may_end.set()
    until(lambda: settled(scim))
    until(lambda: [row.status for row in scim.log()] == [201])
    assert ["create"] == scim.product.changes
    assert 1 == client.get("/Users").json()["totalResults"]


@asynccontextmanager
async def inside(app: ScimApp) -> AsyncIterator[httpx.AsyncClient]:
    """Open an application in this loop, and a client for it."""
    async with app.lifespan():
        issued = await app.tokens.issue("acme", name="tests")
        headers = {"Authorization": f"Bearer {issued.token}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers=headers
        ) as http:
            yield http


@pytest.mark.parametrize("ending", ["confirmed", "refused", "unknown"])
async def test_a_request_that_is_cancelled_during_a_hook_is_settled_once(
    tmp_path: Path, ending: str
) -> None:
    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)
    reached, may_end = asyncio.Event(), asyncio.Event()
    after = {"confirmed": None, "refused": AccountRejected("no"), "unknown": RuntimeError("x")}[
        ending
    ]

    async def behave(account: Account, context: HookContext) -> None:
        reached.set()
        await may_end.wait()
        if after is not None and len(product.calls) == 1:
            raise after

    product.behaviour = behave
    async with inside(app) as http:
        request = asyncio.create_task(http.post("/Users", json=BODY))
        await reached.wait()
        request.cancel()
        await asyncio.wait({request})
        assert request.cancelled()
        may_end.set()
        await everything_settled(app)
        users = (await http.get("/Users")).json()["totalResults"]
    assert (0 if ending == "refused" else 1) == users == len(product.accounts)
    assert (2 if ending == "unknown" else 1) == len(product.calls)
    assert 1 == len({context.delivery_id for _, context in product.calls})


async def test_a_hook_runs_in_a_task_of_its_own_with_what_the_request_knows(
    tmp_path: Path,
) -> None:
    known: ContextVar[str] = ContextVar("known", default="nothing")
    product, seen = Product(), []

    async def behave(account: Account, context: HookContext) -> None:
        seen.append((asyncio.current_task(), known.get()))
        known.set("what the hook says")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()

    product.behaviour = behave
    async with inside(ScimApp(str(tmp_path / "scim.db"), hooks=product)) as http:
        known.set("what the request says")
        answer = await http.post("/Users", json=BODY)
        again = await http.post("/Users", json={**BODY, "userName": "b@acme.test"})
    assert [201, 201] == [answer.status_code, again.status_code]
    assert ["what the request says"] * 2 == [said for _, said in seen]
    assert 3 == len({task for task, _ in seen} | {asyncio.current_task()})


async def test_a_request_that_is_cancelled_at_any_await_is_settled_once(tmp_path: Path) -> None:
    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)
    async with inside(app) as http:
        for steps in range(25):
            body = {**BODY, "userName": f"u{steps}@acme.test"}
            request = asyncio.create_task(http.post("/Users", json=body))
            for _ in range(steps):
                await asyncio.sleep(0)
            request.cancel()
            await asyncio.wait({request})
        await app._runtime.service.close()
        await everything_settled(app)
        answer = (await http.get("/Users?count=100")).json()
    names = {user["userName"] for user in answer.get("Resources", [])}
    assert names == {account.email_address for account in product.accounts.values()}
    assert len(product.calls) == len(names)
