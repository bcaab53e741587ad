"""A server that is told to stop finishes what is under way, and loses nothing of the rest."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from scim_asgi import Account, HookContext, ScimApp
from tests.client import USER, Client, assert_error
from tests.commands import served
from tests.conftest import issue_token
from tests.product import Product, hanging
from tests.torture.processes import rows
from tests.waiting import eventually, settled, until

HOOKS = """
import asyncio, pathlib, sqlite3

class Hooks:
    async def create(self, account, context):
        pathlib.Path("reached").touch()
        for _ in range(3000):
            if pathlib.Path("go").exists():
                with open("effects", "a") as file:
                    file.write(f"{account.id} {context.delivery_id}\\n")
                return "1"
            await asyncio.sleep(0.01)
    async def update(self, account, context): ...
    async def deactivate(self, account, context): ...
"""
BODY = {"schemas": [USER], "userName": "ada@acme.test"}


class Slow:
    """`scim-asgi serve` with a hook that ends when a file says so, and a request in it."""

    def __init__(self, folder: Path, url: str, process: Any, pool: ThreadPoolExecutor) -> None:
        self.folder = folder
        self.process = process
        self.client = Client(url, issue_token(folder / "scim.db"))
        self.client.get("/Users")
        self._poster = Client(url, self.client.token)
        self.posting = pool.submit(self._poster.post, "/Users", BODY)
        until((folder / "reached").exists)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self._poster.close()


@contextmanager
def slow(folder: Path, *arguments: str) -> Iterator[Slow]:
    (folder / "product.py").write_text(HOOKS)
    options = ("--hooks", "product:Hooks", *arguments)
    with ThreadPoolExecutor() as pool, served(folder, *options) as (url, process):
        server = Slow(folder, url, process, pool)
        try:
            yield server
        finally:
            server.close()


def test_a_server_that_is_told_to_stop_finishes_what_is_under_way(tmp_path: Path) -> None:
    with slow(tmp_path) as server:
        server.process.send_signal(signal.SIGTERM)
        until(lambda: server.client.get("/Users").status_code == 503)
        answer = server.client.post("/Users", {**BODY, "userName": "late@acme.test"})
        assert "stopped" in assert_error(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert server.process.poll() is None
        (tmp_path / "go").touch()
        assert 201 == server.posting.result().status_code
        server.process.wait(60)
    assert [("active", None)] == rows(
        tmp_path / "scim.db", "SELECT confirmed_state, delivery_id FROM accounts"
    )
    assert 1 == len((tmp_path / "effects").read_text().splitlines())


def test_a_hook_that_does_not_end_within_the_grace_is_repeated_by_the_next_server(
    tmp_path: Path,
) -> None:
    with slow(tmp_path, "--grace", "0.5") as server:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        assert time.monotonic() - began < 25
        assert_error(server.posting.result(), 503)
    query = "SELECT id, delivery_id FROM accounts"
    ((account_id, delivery_id),) = rows(tmp_path / "scim.db", query)
    assert delivery_id is not None
    (tmp_path / "go").touch()
    with served(tmp_path, "--hooks", "product:Hooks"):
        until((tmp_path / "effects").exists)
        until(lambda: rows(tmp_path / "scim.db", query) == [(account_id, None)])
    assert f"{account_id} {delivery_id}\n" == (tmp_path / "effects").read_text()


def _app(folder: Path, product: Product, **settings: Any) -> ScimApp:
    return ScimApp(str(folder / "scim.db"), hooks=product, **settings)


def _client(app: ScimApp, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://x", headers=headers
    )


async def test_the_end_of_the_lifespan_waits_for_requests_and_refuses_new_ones(
    tmp_path: Path,
) -> None:
    product = Product()
    app = _app(tmp_path, product)
    reached, may_end = asyncio.Event(), asyncio.Event()

    async def behave(account: Account, context: HookContext) -> None:
        reached.set()
        await may_end.wait()

    product.behaviour = behave
    lifespan = app.lifespan()
    await lifespan.__aenter__()
    token = (await app.tokens.issue("acme", name="tests")).token
    async with _client(app, token) as http:
        posting = asyncio.create_task(http.post("/Users", json=BODY))
        await reached.wait()
        closing = asyncio.ensure_future(lifespan.__aexit__(None, None, None))
        await asyncio.sleep(0)
        refused = await http.post("/Users", json={**BODY, "userName": "late@acme.test"})
        assert_error(refused, 503)
        assert not closing.done()
        may_end.set()
        assert 201 == (await posting).status_code
        await closing
    assert 1 == len(product.accounts)


async def test_the_end_of_the_lifespan_does_not_wait_for_ever(tmp_path: Path) -> None:
    product = Product()
    app = _app(tmp_path, product, shutdown_timeout=0.1, hook_timeout=30)
    product.behaviour = hanging
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        async with _client(app, token) as http:
            posting = asyncio.create_task(http.post("/Users", json=BODY))
            await eventually(lambda: bool(product.calls))
    assert 503 == (await posting).status_code
    product.behaviour = None
    async with app.lifespan():
        await settled(app)
    assert 1 == len(product.accounts)
    assert 1 == len({context.delivery_id for _, context in product.calls})


async def test_a_request_that_waits_for_another_when_the_time_is_over_is_taken_up_later(
    tmp_path: Path,
) -> None:
    product = Product()
    app = _app(tmp_path, product, shutdown_timeout=0.1, hook_timeout=30)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        async with _client(app, token) as http:
            path = f"/Users/{(await http.post('/Users', json=BODY)).json()['id']}"
            product.behaviour = hanging
            bodies = [{**BODY, "name": {"familyName": name}} for name in ("A", "B")]
            first = asyncio.create_task(http.put(path, json=bodies[0]))
            await eventually(lambda: len(product.calls) == 2)
            second = asyncio.create_task(http.put(path, json=bodies[1]))
            await asyncio.sleep(0)
    assert 503 == (await first).status_code == (await second).status_code
    assert 2 == len(product.calls)
    product.behaviour = None
    async with app.lifespan():
        await settled(app)
        async with _client(app, token) as http:
            user = (await http.get(path)).json()
    assert user["name"]["familyName"] == product.account("ada@acme.test").last_name


def test_threads_and_processes_end(tmp_path: Path) -> None:
    before = threading.active_count()

    async def work() -> None:
        async with _app(tmp_path, Product()).lifespan():
            pass

    asyncio.run(work())
    until(lambda: threading.active_count() <= before)
