"""What differs is worked off: visibly, oldest first, a few at a time, and anew when asked."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from scim_asgi import Account, HookContext, ScimApp
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import Outcome
from scim_asgi.provisioning.drift import DriftError
from scim_asgi.provisioning.outcomes import postponed
from scim_asgi.store.records import AccountRecord
from tests.client import PATCH_OP, USER, Client, assert_error
from tests.conftest import Scim, Served
from tests.product import Product, raising
from tests.waiting import eventually, until
from tests.waiting import settled as everything_settled


def status(scim: Scim) -> Any:
    return scim.ask(lambda app: app.reconciliation.status("acme"))


def redeliver(scim: Scim, *, everything: bool = False) -> None:
    scim.ask(lambda app: app.reconciliation.redeliver("acme", everything=everything))


def settled(scim: Scim) -> bool:
    left = status(scim)
    return not left.pending and not left.to_map


def put_off(file: sqlite3.Connection) -> None:
    """Let nothing be due for hours, as if it had been tried in vain again and again."""
    file.execute("UPDATE accounts SET due_at = ?", (now() + 10 * 3_600_000,))


def test_pending_accounts_are_counted_and_listed(scim: Scim, client: Client) -> None:
    assert (0, None) == (status(scim).pending, status(scim).oldest)
    began = now()
    scim.product.behaviour = raising(RuntimeError())
    for number in range(3):
        body = {"schemas": [USER], "userName": f"u{number}@acme.test"}
        assert_error(client.post("/Users", body), 500)
    left = status(scim)
    assert (3, 0, 0) == (left.pending, left.to_map, left.held)
    assert began <= left.oldest <= now()
    listed = scim.ask(lambda app: app.reconciliation.pending("acme"))
    assert [f"u{number}@acme.test" for number in range(3)] == [each.name for each in listed]
    assert {("create", "POST /Users")} == {(each.change, each.reason) for each in listed}
    assert all(each.attempts >= 1 for each in listed)
    assert 0 == scim.ask(lambda app: app.reconciliation.status("globex")).pending
    assert 3 == scim.ask(lambda app: app.reconciliation.status()).pending
    scim.product.behaviour = None
    until(lambda: settled(scim))


async def test_the_background_delivers_a_few_at_a_time_and_each_account_once(
    tmp_path: Path,
) -> None:
    product = Product()
    running: list[str] = []
    most = [0]
    database = str(tmp_path / "scim.db")

    async def behave(account: Account, context: HookContext) -> None:
        assert account.id not in running
        running.append(account.id)
        most[0] = max(most[0], len(running))
        await asyncio.sleep(0.02)
        running.remove(account.id)

    app = ScimApp(database, hooks=product, rate_limit=None)
    async with app.lifespan():
        await _people(app, 40)
        product.behaviour = behave
        product.calls.clear()
        await app.mappings.set("acme", {"nickName": "public_metadata.nick"})
        await everything_settled(app)
    assert 40 == len(product.calls)
    assert 40 == len({account.id for account, _ in product.calls})
    assert 1 < most[0] <= 8


async def test_one_hook_that_hangs_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    product = Product()
    app = ScimApp(
        str(tmp_path / "scim.db"),
        hooks=product,
        hook_timeout=20,
        shutdown_timeout=0.1,
        rate_limit=None,
    )

    async def behave(account: Account, context: HookContext) -> None:
        if account.email_address == "u0@acme.test":
            await asyncio.Event().wait()

    async with app.lifespan():
        await _people(app, 120)
        product.behaviour = behave
        await app.mappings.set("acme", {"nickName": "public_metadata.nick"})

        async def only_one_is_left() -> bool:
            left = await app.reconciliation.status("acme")
            return left.pending + left.to_map <= 1

        await eventually(only_one_is_left)
    assert 119 == sum("nick" in each.public_metadata for each in product.accounts.values())


async def test_what_waits_longest_is_delivered_first(tmp_path: Path) -> None:
    product = Product()
    database = str(tmp_path / "scim.db")
    order = [3, 0, 4, 1, 2]
    failing = ScimApp(database, hooks=product, shutdown_timeout=0)
    async with failing.lifespan():
        client = await _people(failing, 5)
        product.behaviour = raising(RuntimeError())
        for number in order:
            name = {"op": "add", "path": "name.familyName", "value": "New"}
            assert 500 == await client.patch(number, name)
    with closing(sqlite3.connect(database)) as file, file:
        put_off(file)
    product.calls.clear()
    product.behaviour = None
    app = ScimApp(database, hooks=product)
    async with app.lifespan():
        await app.reconciliation.redeliver("acme")
        await everything_settled(app)
    assert [f"u{number}@acme.test" for number in order] == [
        account.email_address for account, _ in product.calls
    ]


def test_the_pause_doubles_from_one_second_to_five_minutes_with_jitter() -> None:
    account = AccountRecord(organization_id="acme", id="a", wanted={}, wanted_state="active")
    unknown = Outcome(kind="unknown", hook={})
    pauses: list[set[float]] = []
    for attempt in range(14):
        longest = min(2**attempt, 300)
        pauses.append(set())
        for _ in range(50):
            began = now()
            tried = postponed(replace(account, attempt=attempt), unknown)
            assert attempt + 1 == tried.attempt
            assert began + longest * 740 < tried.due_at <= now() + longest * 1000
            pauses[-1].add(round((tried.due_at - began) / 1000, 2))
    assert all(len(each) > 5 for each in pauses)


def test_a_host_that_names_a_time_is_not_asked_before() -> None:
    account = AccountRecord(organization_id="acme", id="a", wanted={}, wanted_state="active")
    later = Outcome(kind="later", hook={"change": "update"}, seconds=30)
    for _ in range(50):
        began = now()
        assert began + 30_000 <= postponed(account, later).due_at < now() + 38_000


def test_reconcile_repeats_at_once_what_differs(scim: Scim, client: Client) -> None:
    path = f"/Users/{client.create_user('ada@acme.test')['id']}"
    scim.product.behaviour = raising(RuntimeError())
    name = {"op": "replace", "path": "name.familyName", "value": "New"}
    assert_error(client.patch(path, name), 500)
    with scim.file() as file:
        put_off(file)
    scim.product.behaviour = None
    redeliver(scim)
    until(lambda: settled(scim))
    assert "New" == scim.product.account("ada@acme.test").last_name
    delivered = {context.delivery_id for _, context in scim.product.calls[1:]}
    assert 1 == len(delivered)


def test_reconcile_all_gives_a_host_back_everything_that_it_has_lost(
    scim: Scim, client: Client
) -> None:
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(4)]
    client.patch(f"/Users/{users[1]}", {"op": "replace", "path": "active", "value": False})
    client.send("DELETE", f"/Users/{users[2]}")
    before = dict(scim.product.accounts)
    hosts = {account.id: f"host-{account.id}" for account in before.values()}
    scim.product.accounts.clear()
    scim.product.calls.clear()
    redeliver(scim)
    until(lambda: settled(scim))
    assert [] == scim.product.changes
    redeliver(scim, everything=True)
    until(lambda: settled(scim))
    assert before == {
        key: replace(each, host_id=None) if before[key].host_id is None else each
        for key, each in scim.product.accounts.items()
    }
    assert ["create", "create", "create", "delete"] == sorted(scim.product.changes)
    assert {"reconcile --all"} == {context.reason for _, context in scim.product.calls}
    assert all(account.host_id in (None, hosts[account.id]) for account, _ in scim.product.calls)


async def test_reconcile_all_during_a_call_of_a_hook_is_not_lost(tmp_path: Path) -> None:
    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)
    reached, may_end = asyncio.Event(), asyncio.Event()

    async def behave(account: Account, context: HookContext) -> None:
        reached.set()
        await may_end.wait()

    async with app.lifespan():
        people = await _people(app, 1)
        product.behaviour = behave
        name = {"op": "replace", "path": "name.familyName", "value": "New"}
        patching = asyncio.create_task(people.patch(0, name))
        await reached.wait()
        await app.reconciliation.redeliver("acme", everything=True)
        may_end.set()
        assert 200 == await patching
        await everything_settled(app)
    assert ["PATCH", "reconcile"] == [context.reason.split()[0] for _, context in product.calls[1:]]


class Reader(Product):
    """A product that says what it has."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    async def read(self, account_ids: Sequence[str]) -> dict[str, Account]:
        self.asked.append(len(account_ids))
        return {each: self.accounts[each] for each in account_ids if each in self.accounts}


class Reading:
    """An organization in which something has drifted at the host."""

    def __init__(self, serve: Served) -> None:
        self.product = Reader()
        self.scim = serve(hooks=self.product)
        client = self.scim.client()
        names = ("same", "lost", "reopened", "closed", "renamed", "gone", "undead")
        users = {name: client.create_user(f"{name}@acme.test")["id"] for name in names}
        off = {"op": "replace", "path": "active", "value": False}
        client.patch(f"/Users/{users['reopened']}", off)
        for name in ("gone", "undead"):
            client.send("DELETE", f"/Users/{users[name]}")
        self.ids = {
            account.email_address.partition("@")[0]: key
            for key, account in self.product.accounts.items()
        }
        del self.product.accounts[self.ids["lost"]]
        del self.product.accounts[self.ids["gone"]]
        self.change("reopened", active=True)
        self.change("undead", active=True)
        self.change("closed", active=False)
        self.change("renamed", last_name="Other")

    def change(self, name: str, **changes: Any) -> None:
        accounts = self.product.accounts
        accounts[self.ids[name]] = replace(accounts[self.ids[name]], **changes)

    async def drift(self, *, repair: bool = False) -> list[Any]:
        app = ScimApp(str(self.scim.database), hooks=self.product)
        async with app.lifespan():
            return await app.reconciliation.drift("acme", repair=repair)


def test_drift_lists_what_the_host_has_otherwise(serve: Served) -> None:
    reading = Reading(serve)
    found = asyncio.run(reading.drift())
    names = {key: name for name, key in reading.ids.items()}
    assert {
        "lost": ("missing", {}),
        "reopened": ("open", {"active": (True, False)}),
        "closed": ("closed", {"active": (False, True)}),
        "renamed": ("fields", {"last_name": ("Other", None)}),
        "undead": ("open", {"active": (True, False)}),
    } == {names[each.account_id]: (each.kind, each.differences) for each in found}
    assert not any(each.is_pending for each in found)
    assert [] != [each.host_id for each in found if each.host_id]


def test_drift_can_be_repaired(serve: Served) -> None:
    reading = Reading(serve)
    reading.product.calls.clear()
    asyncio.run(reading.drift(repair=True))
    until(lambda: settled(reading.scim))
    assert [] == asyncio.run(reading.drift())
    names = {key: name for name, key in reading.ids.items()}
    assert {
        "lost": "create",
        "reopened": "deactivate",
        "closed": "reactivate",
        "renamed": "update",
        "undead": "delete",
    } == {names[account.id]: context.change for account, context in reading.product.calls}


def test_accounts_are_read_some_at_a_time(serve: Served) -> None:
    product = Reader()
    scim = serve(hooks=product)
    client = scim.client()
    for number in range(101):
        client.create_user(f"u{number}@acme.test")

    async def drift() -> list[Any]:
        app = ScimApp(str(scim.database), hooks=product)
        async with app.lifespan():
            return await app.reconciliation.drift("acme")

    assert [] == asyncio.run(drift())
    assert [100, 1] == product.asked


async def test_fields_that_a_host_leaves_out_are_not_compared(tmp_path: Path) -> None:
    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)

    @app.on_read
    async def read(account_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {each: {"email_address": "u0@acme.test"} for each in account_ids}

    async with app.lifespan():
        await _people(app, 2)
        (found,) = await app.reconciliation.drift("acme")
    assert {"email_address": ("u0@acme.test", "u1@acme.test")} == found.differences


@pytest.mark.parametrize("answer", [None, [], {"x": 1}, "x"])
async def test_a_read_that_returns_something_else_is_said_to(tmp_path: Path, answer: Any) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product())

    @app.on_read
    async def read(account_ids: Sequence[str]) -> Any:
        return answer

    async with app.lifespan():
        await _people(app, 1)
        with pytest.raises(DriftError, match="read failed"):
            await app.reconciliation.drift("acme")


async def test_a_host_that_cannot_be_asked_is_said_to(tmp_path: Path) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), hook_timeout=0.1)
    async with app.lifespan():
        await _people(app, 1)
        with pytest.raises(DriftError, match="No hook `read`"):
            await app.reconciliation.drift("acme")

        @app.on_read
        async def read(account_ids: Sequence[str]) -> Any:
            await asyncio.Event().wait()

        with pytest.raises(DriftError, match="longer than"):
            await app.reconciliation.drift("acme")


class _People:
    """Users made inside the loop that runs the application."""

    def __init__(self, app: ScimApp, token: str, ids: list[str]) -> None:
        self._app, self._token, self._ids = app, token, ids

    async def patch(self, number: int, *operations: dict[str, Any]) -> int:
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        answer = await _send(self._app, self._token, "PATCH", f"/Users/{self._ids[number]}", body)
        return int(answer.status_code)


async def _send(app: ScimApp, token: str, method: str, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as http:
        return await http.request(method, path, json=body)


async def _people(app: ScimApp, count: int) -> _People:
    issued = await app.tokens.issue("acme", name="tests")
    ids = []
    for number in range(count):
        body = {
            "schemas": [USER],
            "userName": f"u{number}@acme.test",
            "nickName": f"n{number}",
        }
        answer = await _send(app, issued.token, "POST", "/Users", body)
        assert 201 == answer.status_code, answer.text
        ids.append(answer.json()["id"])
    return _People(app, issued.token, ids)
