"""Whatever goes wrong on the way to the host, the two sides agree in the end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from scim_asgi import (
    Account,
    AccountConflict,
    AccountRejected,
    HookContext,
    ScimApp,
    ScimAsgiError,
    TryAgainLater,
)
from scim_asgi.provisioning.clock import now
from tests.client import GROUP, USER, Client, assert_error, created
from tests.conftest import Scim, Served
from tests.product import Behaviour, Product, hanging, raising
from tests.waiting import until

OLD, NEW = "old@acme.test", "new@acme.test"


def rename(client: Client, path: str) -> httpx.Response:
    return client.patch(path, {"op": "replace", "path": "userName", "value": NEW})


def person(name: str = OLD, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": name, **attributes}


class Gate:
    """A behaviour that waits until it is opened, and then raises what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._error = error

    async def __call__(self, account: Account, context: HookContext) -> None:
        self.reached.set()
        await asyncio.to_thread(self.open.wait, 20)
        if self._error is not None:
            raise self._error


def in_turn(*behaviours: Behaviour | None) -> Behaviour:
    """Return a behaviour that is another one at each call, the last one for ever."""
    left = list(behaviours)

    async def behave(account: Account, context: HookContext) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        if now is not None:
            await now(account, context)

    return behave


def test_a_name_stays_taken_until_the_host_has_let_it_go(scim: Scim, client: Client) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    gate = Gate(AccountRejected("no"))
    scim.product.behaviour = gate
    with ThreadPoolExecutor() as pool:
        renaming = pool.submit(rename, client, path)
        assert gate.reached.wait(10)
        assert_error(client.post("/Users", person()), 409, "uniqueness")
        assert 0 == client.get(f'/Users?filter=userName eq "{OLD}"').json()["totalResults"]
        gate.open.set()
        assert "no" in assert_error(renaming.result(), 400, "invalidValue")
    scim.product.behaviour = None
    assert OLD == client.get(path).json()["userName"]
    assert 200 == rename(client, path).status_code
    created(client.post("/Users", person()))


def test_a_person_who_returns_while_being_deleted_waits_for_it(scim: Scim, client: Client) -> None:
    first = client.create_user(OLD, externalId="e")
    gate = Gate()
    scim.product.behaviour = in_turn(gate, None)
    with ThreadPoolExecutor() as pool:
        leaving = pool.submit(client.send, "DELETE", f"/Users/{first['id']}")
        assert gate.reached.wait(10)
        returning = pool.submit(client.post, "/Users", person(NEW, externalId="e"))
        gate.open.set()
        assert 204 == leaving.result().status_code
        created(returning.result())
    assert_error(client.get(f"/Users/{first['id']}"), 404)
    assert ["create", "delete", "reactivate"] == scim.product.changes
    assert 1 == len({account.id for account, _ in scim.product.calls})


def test_a_person_whose_deletion_is_not_confirmed_cannot_return_yet(serve: Served) -> None:
    scim = serve(hook_timeout=0.2)
    client = scim.client()
    first = client.create_user(OLD, externalId="e")
    scim.product.behaviour = raising(RuntimeError())
    assert_error(client.send("DELETE", f"/Users/{first['id']}"), 500)
    assert_error(client.post("/Users", person(NEW, externalId="e")), 503)
    scim.product.behaviour = None
    until(lambda: client.get(f"/Users/{first['id']}").status_code == 404)
    created(client.post("/Users", person(NEW, externalId="e")))
    assert "reactivate" == scim.product.changes[-1]
    assert 1 == len(scim.product.accounts)


def test_a_deleted_person_who_returns_disabled_is_given_no_access(
    scim: Scim, client: Client
) -> None:
    first = client.create_user(OLD, externalId="e")
    client.send("DELETE", f"/Users/{first['id']}")
    second = created(client.post("/Users", person(NEW, externalId="e", active=False)))
    assert ["create", "delete", "deactivate"] == scim.product.changes
    path = f"/Users/{second['id']}"
    client.patch(path, {"op": "replace", "path": "active", "value": True})
    assert "reactivate" == scim.product.changes[-1]


def test_a_host_without_the_required_hooks_is_told_so_at_the_start() -> None:
    app = ScimApp("sqlite:///:memory:")

    @app.on_create
    async def create(account: Account, context: HookContext) -> None: ...

    async def start() -> None:
        async with app.lifespan():
            pass

    with pytest.raises(ScimAsgiError, match="on_update, on_deactivate"):
        asyncio.run(start())


async def test_a_change_that_no_hook_is_there_for_is_never_confirmed(tmp_path: Path) -> None:
    app = ScimApp(str(tmp_path / "scim.db"))

    @app.on_create
    async def create(account: Account, context: HookContext) -> None: ...

    whole = ScimApp(str(tmp_path / "scim.db"), hooks=Product())
    async with whole.lifespan():
        issued = await whole.tokens.issue("acme", name="tests")
    headers = {"Authorization": f"Bearer {issued.token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as http:
        made = (await http.post("/Users", json=person())).json()
        answer = await http.delete(f"/Users/{made['id']}")
        assert_error(answer, 500)
        assert 200 == (await http.get(f"/Users/{made['id']}")).status_code


def test_a_create_of_unknown_outcome_keeps_its_account_when_the_host_is_busy_later(
    scim: Scim, client: Client
) -> None:
    busy = raising(TryAgainLater(1))
    scim.product.behaviour = in_turn(raising(RuntimeError()), busy, None)
    assert_error(client.post("/Users", person()), 500)
    until(lambda: len(scim.product.accounts) == 1)
    assert ["create"] * 3 == scim.product.changes
    assert 1 == len({account.id for account, _ in scim.product.calls})
    assert 1 == len({context.delivery_id for _, context in scim.product.calls})
    assert [1, 2, 3] == [context.attempt for _, context in scim.product.calls]
    assert 1 == client.get("/Users").json()["totalResults"]


def test_a_create_of_unknown_outcome_that_is_refused_later_is_closed_at_the_host(
    scim: Scim, client: Client
) -> None:
    scim.product.behaviour = in_turn(
        raising(RuntimeError()), raising(AccountConflict("taken")), None
    )
    assert_error(client.post("/Users", person()), 500)
    until(lambda: "delete" in scim.product.changes)
    assert 1 == len({account.id for account, _ in scim.product.calls})
    assert not scim.product.calls[-1][0].active
    assert 0 == client.get("/Users").json()["totalResults"]


def test_a_change_of_unknown_outcome_that_is_refused_later_never_happened(
    scim: Scim, client: Client
) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    before = client.get(path)
    refusing = raising(AccountConflict("taken"))
    scim.product.behaviour = in_turn(raising(RuntimeError()), refusing, None)
    assert_error(rename(client, path), 500)
    until(lambda: client.get(path).json()["userName"] == OLD)
    after = client.get(path)
    assert (before.json(), before.headers["etag"]) == (after.json(), after.headers["etag"])
    until(lambda: len(scim.product.calls) >= 4)
    last, context = scim.product.calls[-1]
    assert ("update", OLD) == (context.change, last.email_address)
    created(client.post("/Users", person(NEW)))


def test_the_directorys_retry_takes_a_failed_return_over(scim: Scim, client: Client) -> None:
    first = client.create_user(OLD, externalId="e")
    client.send("DELETE", f"/Users/{first['id']}")
    scim.product.behaviour = in_turn(raising(RuntimeError()), None)
    assert_error(client.post("/Users", person(externalId="e")), 500)
    answer = client.post("/Users", person(externalId="e"))
    assert answer.status_code in (201, 409)
    until(lambda: scim.product.account(OLD).active)
    assert 1 == client.get("/Users").json()["totalResults"]
    assert 1 == len(scim.product.accounts)


def test_the_directorys_retry_waits_for_the_first_try(serve: Served) -> None:
    scim = serve()
    client = scim.client()
    gate = Gate(RuntimeError())
    scim.product.behaviour = in_turn(gate, None)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, "/Users", person())
        assert gate.reached.wait(10)
        second = pool.submit(client.post, "/Users", person())
        gate.open.set()
        assert_error(first.result(), 500)
        assert second.result().status_code in (201, 409)
    until(lambda: len(scim.product.accounts) == 1)
    assert 1 == client.get("/Users").json()["totalResults"]


class Titled(Struct, frozen=True, kw_only=True):
    """An account type that has got a new required field."""

    id: str
    email_address: str
    title: str
    active: bool = True


async def _set_mapping(database: Path) -> None:
    app = ScimApp(str(database), account=Titled)
    async with app.lifespan():
        await app.mappings.set("acme", {"title": "title"})


def test_people_can_leave_when_the_account_type_has_changed(serve: Served) -> None:
    client = serve().client()
    titled = client.create_user(OLD, title="T")["id"]
    bare = client.create_user(NEW)["id"]
    scim = serve(account=Titled)
    asyncio.run(_set_mapping(scim.database))
    client = scim.client()
    assert 204 == client.send("DELETE", f"/Users/{titled}").status_code
    assert ["delete"] == scim.product.changes
    assert_error(client.send("DELETE", f"/Users/{bare}"), 500)
    assert "failed" == scim.log()[-1].action


async def test_closing_waits_for_the_hooks_of_the_background(tmp_path: Path) -> None:
    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)
    began, may_end = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def slow(account: Account, context: HookContext) -> None:
        began.set()
        await may_end.wait()
        ended.append(context.change)

    async def work() -> None:
        async with app.lifespan():
            issued = await app.tokens.issue("acme", name="tests")
            headers = {"Authorization": f"Bearer {issued.token}"}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://x", headers=headers
            ) as http:
                body = person(title="T")
                assert 201 == (await http.post("/Users", json=body)).status_code
            product.behaviour = slow
            await app.mappings.set("acme", {"title": "last_name"})
            await began.wait()

    closing = asyncio.create_task(work())
    await began.wait()
    done, _ = await asyncio.wait({closing}, timeout=0.05)
    assert not done
    may_end.set()
    await closing
    assert ["update"] == ended
    assert "T" == product.account(OLD).last_name


def test_a_hook_that_does_not_end_when_cancelled_is_not_called_beside_itself(
    serve: Served,
) -> None:
    scim = serve(hook_timeout=0.1)
    client = scim.client()
    stop = threading.Event()
    running: list[int] = [0, 0]

    async def stubborn(account: Account, context: HookContext) -> None:
        running[0] += 1
        running[1] = max(running)
        while not stop.is_set():
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue
        running[0] -= 1

    scim.product.behaviour = stubborn
    assert_error(client.post("/Users", person()), 503)
    assert_error(client.post("/Users", person()), 500)
    stop.set()
    until(lambda: len(scim.product.accounts) == 1)
    assert 1 == running[1]


def test_a_bulk_circle_that_cannot_be_taken_back_is_still_answered(
    scim: Scim, client: Client
) -> None:
    async def no_leaving(account: Account, context: HookContext) -> None:
        if context.change == "delete":
            raise RuntimeError

    scim.product.behaviour = no_leaving
    manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": name,
            "data": person(name, **{manager: {"manager": {"value": f"bulkId:{other}"}}}),
        }
        for name, other in ((OLD, "no address"), ("no address", OLD))
    ]
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }
    answer = client.post("/Bulk", body)
    assert 200 == answer.status_code
    assert ["409", "400"] == sorted(each["status"] for each in answer.json()["Operations"])[::-1]


def test_every_refused_write_is_in_the_log_with_its_name(scim: Scim, client: Client) -> None:
    client.create_user(OLD)
    client.post("/Users", b"{")
    client.post("/Users", b"no JSON", headers={"Content-Type": "text/plain"})
    client.post("/Users", person())
    client.post("/Users", person("no address"))
    client.post("/Groups", {"schemas": [GROUP]})
    rows = [(row.action, row.status, row.resource_name) for row in scim.log()]
    assert [
        ("created", 201, OLD),
        ("refused", 400, ""),
        ("refused", 415, ""),
        ("refused", 409, OLD),
        ("skipped", 400, "no address"),
        ("refused", 400, ""),
    ] == rows


def test_a_change_is_pending_in_the_log_until_the_host_has_answered(serve: Served) -> None:
    scim = serve()
    client = scim.client()
    gate = Gate()
    scim.product.behaviour = gate
    with ThreadPoolExecutor() as pool:
        making = pool.submit(client.post, "/Users", person())
        assert gate.reached.wait(10)
        assert [("pending", 0)] == [(row.action, row.status) for row in scim.log()]
        gate.open.set()
        created(making.result())
    assert [("created", 201)] == [(row.action, row.status) for row in scim.log()]


def test_hooks_that_hang_in_the_background_keep_nobody_from_working(serve: Served) -> None:
    scim = serve(hook_timeout=0.1)
    client = scim.client()
    scim.product.behaviour = hanging
    for number in range(3):
        assert_error(client.post("/Users", person(f"u{number}@acme.test")), 503)
    scim.product.behaviour = None
    created(client.post("/Users", person(NEW)))
    until(lambda: len(scim.product.accounts) == 4)


def test_a_new_mapping_waits_for_a_hook_that_is_being_called(scim: Scim, client: Client) -> None:
    gate = Gate()
    refusing = raising(AccountRejected("no"))
    scim.product.behaviour = in_turn(gate, refusing)
    with ThreadPoolExecutor() as pool:
        making = pool.submit(client.post, "/Users", person(nickName="N"))
        assert gate.reached.wait(10)
        scim.set_mapping({"nickName": "public_metadata.nick"})
        gate.open.set()
        user = created(making.result())
    until(lambda: len(scim.product.calls) >= 2)
    assert "update" == scim.product.changes[1]
    assert OLD == client.get(f"/Users/{user['id']}").json()["userName"]
    assert_error(client.post("/Users", person()), 409, "uniqueness")


def test_a_refused_deactivation_of_the_background_never_reopens_an_account(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({"groups[0].displayName": "organization_role"})
    user = client.create_user(OLD)
    gate = Gate()
    scim.product.behaviour = in_turn(gate, raising(AccountRejected("no")), None)
    path = f"/Users/{user['id']}"
    with ThreadPoolExecutor() as pool:
        operation = {"op": "replace", "path": "active", "value": False}
        closing = pool.submit(client.patch, path, operation)
        assert gate.reached.wait(10)
        client.create_group("g", user["id"])
        gate.open.set()
        assert 200 == closing.result().status_code
    until(lambda: len(scim.product.calls) >= 4)
    assert client.get(path).json()["active"] is False
    assert "reactivate" not in scim.product.changes


@pytest.mark.parametrize("meanwhile", ["delete", "patch"])
def test_a_refused_takeover_ends_well_whatever_became_of_the_earlier_user(
    scim: Scim, client: Client, meanwhile: str
) -> None:
    first = f"/Users/{client.create_user(OLD, externalId='e', active=False)['id']}"
    gate = Gate(AccountRejected("no"))
    scim.product.behaviour = in_turn(gate, None)
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(client.post, "/Users", person(NEW, externalId="e"))
        assert gate.reached.wait(10)
        if meanwhile == "delete":
            assert 204 == client.send("DELETE", first).status_code
        else:
            title = {"op": "add", "path": "title", "value": "T"}
            assert 200 == client.patch(first, title).status_code
        gate.open.set()
        assert_error(taking.result(), 400, "invalidValue")
    assert 0 == client.get(f'/Users?filter=userName eq "{NEW}"').json()["totalResults"]
    until(lambda: not any(each.active for each in scim.product.accounts.values()))
    created(client.post("/Users", person(NEW, externalId="e")))


def test_nothing_keeps_a_person_from_losing_access(scim: Scim, client: Client) -> None:
    emails = [{"value": OLD, "primary": True}]
    path = f"/Users/{client.create_user('no address', emails=emails)['id']}"
    answer = client.patch(
        path,
        {"op": "replace", "path": "active", "value": False},
        {"op": "remove", "path": "emails"},
    )
    assert 200 == answer.status_code
    assert "deactivate" == scim.product.changes[-1]
    assert not scim.product.account(OLD).active


class Bare(Struct, frozen=True, kw_only=True):
    """An account type that does not say whether the account is open."""

    id: str
    email_address: str


def test_an_active_that_is_removed_reopens_nothing(serve: Served) -> None:
    scim = serve(account=Bare)
    client = scim.client()
    path = f"/Users/{client.create_user(OLD)['id']}"
    client.patch(path, {"op": "replace", "path": "active", "value": False})
    assert 200 == client.patch(path, {"op": "remove", "path": "active"}).status_code
    assert ["create", "deactivate"] == scim.product.changes


def test_a_password_that_is_taken_back_is_not_handed_on(scim: Scim, client: Client) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    name = {"op": "replace", "path": "name.givenName", "value": "A"}
    client.patch(path, {"op": "replace", "path": "password", "value": ""}, name)
    again = {"op": "replace", "path": "name.givenName", "value": "B"}
    client.patch(
        path,
        {"op": "replace", "path": "password", "value": "new"},
        {"op": "remove", "path": "password"},
        again,
    )
    assert [None] * 3 == [context.password for _, context in scim.product.calls]


def test_another_password_is_another_delivery(scim: Scim, client: Client) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    scim.product.behaviour = in_turn(raising(RuntimeError()), None)
    for password, status in (("one", 500), ("two", 200)):
        operation = {"op": "replace", "path": "password", "value": password}
        assert status == client.patch(path, operation).status_code
    sent = {context.delivery_id: context.password for _, context in scim.product.calls[1:]}
    assert ["one", "two"] == list(sent.values())


def test_a_refused_deletion_keeps_a_user_that_was_never_confirmed(
    scim: Scim, client: Client
) -> None:
    scim.product.behaviour = in_turn(raising(RuntimeError()), raising(AccountRejected("no")), None)
    assert_error(client.post("/Users", person()), 500)
    (user,) = client.get("/Users").json()["Resources"]
    assert_error(client.send("DELETE", f"/Users/{user['id']}"), 400, "invalidValue")
    assert 200 == client.get(f"/Users/{user['id']}").status_code
    until(lambda: OLD in {each.email_address for each in scim.product.accounts.values()})


def test_whoever_leaves_a_closing_group_is_let_in_again(scim: Scim, client: Client) -> None:
    scim.set_mapping(
        {"active": "", "groups[0].displayName": "{{ value | replace: 'blocked','false' }}.active"}
    )
    user = client.create_user(OLD)["id"]
    group = client.create_group("blocked", user)["id"]
    until(lambda: scim.product.changes[-1] == "deactivate")
    client.send("DELETE", f"/Groups/{group}")
    until(lambda: scim.product.changes[-1] == "reactivate")


def family(client: Client, path: str, name: str) -> httpx.Response:
    return client.patch(path, {"op": "replace", "path": "name.familyName", "value": name})


def by_family(**errors: Exception) -> Behaviour:
    """Return a behaviour that raises by the account's family name."""

    async def behave(account: Account, context: HookContext) -> None:
        if account.last_name in errors:
            raise errors[account.last_name]

    return behave


def test_the_directorys_retry_has_the_delivery_id_of_the_first_try(
    scim: Scim, client: Client
) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    scim.product.behaviour = by_family(New=RuntimeError())
    for _ in range(3):
        assert_error(family(client, path, "New"), 500)
    scim.product.behaviour = None
    assert 200 == family(client, path, "New").status_code
    told = scim.product.calls[1:]
    assert len(told) >= 2
    assert 1 == len({context.delivery_id for _, context in told})
    attempts = [context.attempt for _, context in told]
    assert list(range(1, len(told) + 1)) == attempts


def test_a_refusal_leads_back_to_before_a_change_of_unknown_outcome(
    scim: Scim, client: Client
) -> None:
    path = f"/Users/{client.create_user(OLD, name={'familyName': 'Before'})['id']}"
    before = client.get(path)
    scim.product.behaviour = by_family(One=RuntimeError(), Two=AccountRejected("no"))
    assert_error(family(client, path, "One"), 500)
    assert_error(family(client, path, "Two"), 400, "invalidValue")
    after = client.get(path)
    assert (before.json(), before.headers["etag"]) == (after.json(), after.headers["etag"])
    until(lambda: scim.product.calls[-1][0].last_name == "Before")
    assert "update" == scim.product.changes[-1]


def test_no_other_state_ever_has_the_entity_tag_of_one_that_was_taken_back(
    scim: Scim, client: Client
) -> None:
    path = f"/Users/{client.create_user(OLD)['id']}"
    gate = Gate(AccountRejected("no"))
    scim.product.behaviour = gate
    with ThreadPoolExecutor() as pool:
        refused = pool.submit(family, client, path, "Refused")
        assert gate.reached.wait(10)
        seen = scim.client().get(path)
        assert "Refused" == seen.json()["name"]["familyName"]
        gate.open.set()
        assert_error(refused.result(), 400, "invalidValue")
    scim.product.behaviour = None
    answer = family(client, path, "Accepted")
    assert 200 == answer.status_code
    assert seen.headers["etag"] != answer.headers["etag"]
    stale = {"If-Match": seen.headers["etag"]}
    name = {"op": "replace", "path": "name.familyName", "value": "Stale"}
    assert 412 == client.patch(path, name, headers=stale).status_code


@pytest.mark.parametrize("again", [True, False], ids=["the directory", "the background"])
def test_the_row_of_a_request_whose_process_died_does_not_stay_pending(
    scim: Scim, again: bool
) -> None:
    client = scim.client()
    user = client.create_user(OLD)["id"]
    scim.product.behaviour = raising(RuntimeError("not now"))
    assert_error(rename(client, f"/Users/{user}"), 500)
    due = now() + 60_000 if again else 0
    with scim.file() as file:
        file.execute(
            "UPDATE accounts SET claimed_by = 'gone', claimed_until = 1, due_at = ?", (due,)
        )
        file.execute(
            "UPDATE provisioning_log SET action = 'pending', status = 0, detail = '' "
            "WHERE action = 'failed'"
        )
    scim.product.behaviour = None
    if again:
        family = {"op": "replace", "path": "name.familyName", "value": "New"}
        assert 200 == client.patch(f"/Users/{user}", family).status_code
    until(lambda: scim.log()[-1].action == "updated")
    found = [(row.action, row.status) for row in scim.log()]
    assert ("failed", 0) in found
    assert "pending" not in {action for action, _ in found}
    (row,) = (row for row in scim.log() if row.action == "failed" and row.status == 0)
    assert "before the product had answered" in row.detail
