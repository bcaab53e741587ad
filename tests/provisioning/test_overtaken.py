"""A hook that outlives its claim: another delivery takes over, and the late outcome does no harm."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from scim_asgi import Account, AccountRejected, HookContext, ScimApp
from tests.client import Client, assert_error
from tests.conftest import ask, ask_now, issue_token
from tests.product import Product
from tests.servers import serving
from tests.waiting import until


class Frozen:
    """A behaviour that stops the whole server at a family name, until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._error = error

    async def __call__(self, account: Account, context: HookContext) -> None:
        if account.last_name == "Frozen" and not self.reached.is_set():
            self.reached.set()
            self.go_on.wait(20)
            if self._error is not None:
                raise self._error


class Held:
    """A behaviour that waits at its first call, without stopping the server."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()

    async def __call__(self, account: Account, context: HookContext) -> None:
        self.reached.set()
        await asyncio.to_thread(self.go_on.wait, 20)


class Pair:
    """Two servers of one product on one file; the first one is frozen by a change."""

    def __init__(self, database: Path, stack: ExitStack) -> None:
        self.database = database
        self.first, self.second = Product(), Product()
        self.second.accounts = self.first.accounts
        self.token = issue_token(database)
        self._stack = stack
        self._pool = stack.enter_context(ThreadPoolExecutor())
        self.slow = self._serve(self.first, 0.1)
        self.quick = self._serve(self.second, 10)
        self.path = f"/Users/{self.slow.create_user('ada@acme.test')['id']}"

    def _serve(self, product: Product, timeout: float) -> Client:
        app = ScimApp(str(self.database), hooks=product, hook_timeout=timeout)
        url = self._stack.enter_context(serving(app, lifespan="on"))
        client = Client(url, self.token)
        self._stack.callback(client.close)
        return client

    def freeze(self, behaviour: Frozen) -> Future[httpx.Response]:
        """Change the family name at the first server, whose hook stops it."""
        self._stack.callback(behaviour.go_on.set)
        self.first.behaviour = behaviour
        change = self.change(self.slow, "name.familyName", "Frozen")
        assert behaviour.reached.wait(10)
        return change

    def change(self, client: Client, path: str, value: object) -> Future[httpx.Response]:
        operation = {"op": "replace", "path": path, "value": value}
        return self._pool.submit(client.patch, self.path, operation)

    def until_settled(self) -> None:
        """Wait until nothing is pending, while a server may be frozen."""
        until(lambda: ask_now(self.database, lambda app: app.reconciliation.status()).pending == 0)

    @property
    def account(self) -> Account:
        (account,) = self.first.accounts.values()
        return account


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path / "scim.db", stack)


def test_an_account_that_was_closed_stays_closed_when_an_older_hook_ends_later(pair: Pair) -> None:
    frozen = Frozen()
    late = pair.freeze(frozen)
    assert 200 == pair.change(pair.quick, "active", value=False).result().status_code
    assert not pair.account.active
    frozen.go_on.set()
    assert_error(late.result(), 503)
    pair.until_settled()
    assert not pair.account.active
    told = [*pair.first.calls, *pair.second.calls]
    assert 2 == [context.change for _, context in told].count("deactivate")
    assert pair.quick.get(pair.path).json()["active"] is False


def test_an_older_hook_that_ends_while_a_newer_one_runs_is_followed_by_the_newer_state(
    pair: Pair,
) -> None:
    frozen, held = Frozen(), Held()
    pair.second.behaviour = held
    late = pair.freeze(frozen)
    newer = pair.change(pair.quick, "active", value=False)
    assert held.reached.wait(10)
    frozen.go_on.set()
    assert_error(late.result(), 503)
    assert pair.account.active
    held.go_on.set()
    assert 200 == newer.result().status_code
    pair.until_settled()
    assert not pair.account.active


@pytest.mark.parametrize("is_running", [False, True], ids=["after it", "during it"])
def test_a_late_refusal_takes_nothing_back_of_a_newer_change(
    pair: Pair, *, is_running: bool
) -> None:
    frozen, held = Frozen(AccountRejected("no")), Held()
    pair.second.behaviour = held
    late = pair.freeze(frozen)
    newer = pair.change(pair.quick, "name.familyName", "Newer")
    assert held.reached.wait(10)
    steps = [(frozen.go_on, late), (held.go_on, newer)]
    for go_on, change in steps if is_running else reversed(steps):
        go_on.set()
        change.result()
    assert_error(late.result(), 503)
    assert 200 == newer.result().status_code
    pair.until_settled()
    assert "Newer" == pair.account.last_name
    user = pair.quick.get(pair.path)
    assert "Newer" == user.json()["name"]["familyName"]
    assert newer.result().headers["etag"] == user.headers["etag"]


def test_a_delivery_that_another_process_has_finished_meanwhile_is_confirmed_in_the_log_too(
    pair: Pair,
) -> None:
    frozen = Frozen()
    late = pair.freeze(frozen)
    until(lambda: "Frozen" in [account.last_name for account, _ in pair.second.calls])
    pair.until_settled()
    frozen.go_on.set()
    assert 200 == late.result().status_code
    assert "Frozen" == pair.account.last_name
    log = ask(pair.database, lambda app: app.log.entries("acme"))
    assert "pending" not in {row.action for row in log}
