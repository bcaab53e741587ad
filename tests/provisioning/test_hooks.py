"""What the host product is told, and what its answers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from scim_asgi import (
    Account,
    AccountConflict,
    AccountRejected,
    HookContext,
    ScimApp,
    TryAgainLater,
)
from tests.client import ENTERPRISE, USER, Client, assert_error
from tests.conftest import Scim
from tests.product import hanging, raising
from tests.waiting import until


def test_a_new_user_is_created_with_its_mapped_fields(scim: Scim, client: Client) -> None:
    user = client.create_user(
        "ada@acme.test", name={"givenName": "Ada", "familyName": "L"}, externalId="e1"
    )
    ((account, context),) = scim.product.calls
    assert isinstance(account, Account)
    assert ("ada@acme.test", "Ada", "L", "e1", True, "acme", True) == (
        account.email_address,
        account.first_name,
        account.last_name,
        account.external_id,
        account.active,
        account.organization_id,
        account.email_verified,
    )
    assert ("create", "acme", 1, None) == (
        context.change,
        context.organization_id,
        context.attempt,
        account.host_id,
    )
    assert user["id"] == context.resource["id"]
    assert (None, "ada@acme.test") == context.changes["email_address"]
    assert "POST /Users" == context.reason


def test_the_hosts_own_id_comes_back_in_every_later_call(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "name.givenName", "value": "A"})
    first, second = scim.product.calls
    assert f"host-{first[0].id}" == second[0].host_id
    assert ("update", {"first_name": (None, "A")}) == (second[1].change, second[1].changes)


def test_disabling_deactivates_and_enabling_reactivates_the_same_account(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test")
    for value in ("False", "False", "True", True):
        answer = client.patch(
            f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": value}
        )
        assert 200 == answer.status_code
    assert ["create", "deactivate", "reactivate"] == scim.product.changes
    assert 1 == len({account.id for account, _ in scim.product.calls})


def test_what_is_not_mapped_calls_no_hook(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    answer = client.patch(f"/Users/{user['id']}", {"op": "add", "path": "title", "value": "Boss"})
    assert "Boss" == answer.json()["title"]
    assert ["create"] == scim.product.changes


def test_a_deleted_user_is_deactivated_and_gone(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    assert 204 == client.send("DELETE", f"/Users/{user['id']}").status_code
    assert_error(client.get(f"/Users/{user['id']}"), 404)
    assert ["create", "deactivate"] == [
        "deactivate" if not account.active else context.change
        for account, context in scim.product.calls
    ]


def test_a_returning_person_gets_the_same_account_back(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test", externalId="e1")
    client.send("DELETE", f"/Users/{user['id']}")
    client.create_user("ada.new@acme.test", externalId="e1")
    assert "reactivate" == scim.product.calls[-1][1].change
    assert 1 == len(scim.product.accounts)
    assert "ada.new@acme.test" == next(iter(scim.product.accounts.values())).email_address


def test_a_new_user_takes_over_the_account_of_an_inactive_one(scim: Scim, client: Client) -> None:
    old = client.create_user("ada@acme.test", externalId="e1", active=False)
    client.create_user("ada.new@acme.test", externalId="e1")
    assert 1 == len(scim.product.accounts)
    assert 200 == client.get(f"/Users/{old['id']}").status_code


def test_two_active_users_with_one_external_id_are_two_accounts_and_the_log_says_so(
    scim: Scim, client: Client
) -> None:
    client.create_user("ada@acme.test", externalId="e1")
    client.create_user("eve@acme.test", externalId="e1")
    assert 2 == len(scim.product.accounts)
    assert any("same external id" in note for row in scim.log() for note in row.notes)


REFUSALS = [
    (AccountConflict("Ada has another account."), 409, "uniqueness", "Ada has another account."),
    (AccountRejected("No seats left."), 400, "invalidValue", "No seats left."),
    (TryAgainLater(7), 503, None, None),
]


@pytest.mark.parametrize(("error", "status", "scim_type", "detail"), REFUSALS)
def test_a_refused_create_leaves_nothing(
    scim: Scim,
    client: Client,
    error: Exception,
    status: int,
    scim_type: str | None,
    detail: str | None,
) -> None:
    scim.product.behaviour = raising(error)
    answer = client.post("/Users", {"schemas": [USER], "userName": "ada@acme.test"})
    told = assert_error(answer, status, scim_type)
    assert detail in (None, told)
    assert ("7" if status == 503 else None) == answer.headers.get("retry-after")
    assert 0 == client.get('/Users?filter=userName eq "ada@acme.test"').json()["totalResults"]
    scim.product.behaviour = None
    client.create_user("ada@acme.test")
    assert 1 == len(scim.product.accounts)


@pytest.mark.parametrize(("error", "status", "scim_type", "detail"), REFUSALS)
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_a_refused_change_leaves_no_trace_in_the_resource(
    scim: Scim,
    client: Client,
    method: str,
    error: Exception,
    status: int,
    scim_type: str | None,
    detail: str | None,
) -> None:
    user = client.create_user("ada@acme.test", name={"givenName": "Ada"}, externalId="e1")
    before = client.get(f"/Users/{user['id']}")
    scim.product.behaviour = raising(error)
    told = assert_error(_change(client, method, user), status, scim_type)
    assert detail in (None, told)
    after = client.get(f"/Users/{user['id']}")
    assert (before.json(), before.headers["etag"]) == (after.json(), after.headers["etag"])
    scim.product.behaviour = None
    assert _change(client, method, user).is_success
    assert "Eve" == scim.product.calls[-1][0].first_name or method == "DELETE"


def _change(client: Client, method: str, user: dict[str, Any]) -> httpx.Response:
    path = f"/Users/{user['id']}"
    if method == "DELETE":
        return client.send("DELETE", path)
    if method == "PUT":
        return client.send("PUT", path, {**user, "name": {"givenName": "Eve"}})
    return client.patch(path, {"op": "replace", "path": "name.givenName", "value": "Eve"})


def test_a_version_that_was_taken_back_is_not_given_again(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    scim.product.behaviour = raising(AccountRejected("no"))
    _change(client, "PATCH", user)
    scim.product.behaviour = None
    changed = _change(client, "PATCH", user)
    assert 'W/"3"' == changed.headers["etag"]


def test_a_failing_hook_shows_the_client_nothing_of_its_error(scim: Scim, client: Client) -> None:
    scim.product.behaviour = raising(RuntimeError("password of the database is hunter2"))
    answer = client.post("/Users", {"schemas": [USER], "userName": "ada@acme.test"})
    assert "hunter2" not in assert_error(answer, 500)


def test_the_directorys_retry_takes_a_failed_create_over(scim: Scim, client: Client) -> None:
    scim.product.behaviour = raising(RuntimeError("connection lost"))
    client.post("/Users", {"schemas": [USER], "userName": "ada@acme.test"})
    scim.product.behaviour = None
    client.create_user("ada@acme.test")
    deliveries = {(account.id, context.delivery_id) for account, context in scim.product.calls}
    assert 1 == len(deliveries)
    assert [1, 2] == [context.attempt for _, context in scim.product.calls][:2]


def test_a_create_that_takes_a_failed_one_over_tells_the_groups_that_came_meanwhile(
    scim: Scim, client: Client
) -> None:
    scim.product.behaviour = raising(RuntimeError("connection lost"))
    client.post("/Users", {"schemas": [USER], "userName": "ada@acme.test"})
    (user,) = client.get("/Users").json()["Resources"]
    client.create_group("Admins", user["id"])
    scim.product.behaviour = None
    created = client.create_user("ada@acme.test")
    assert ["Admins"] == [group["display"] for group in created["groups"]]
    assert created == client.get(f"/Users/{user['id']}").json()
    told = scim.product.calls[-1][1].resource
    assert ["Admins"] == [group["display"] for group in told["groups"]]


def test_what_a_hook_does_to_the_resource_that_it_gets_changes_no_answer(
    scim: Scim, client: Client
) -> None:
    async def spoil(account: Account, context: HookContext) -> None:
        context.resource["name"]["givenName"] = "Eve"
        context.resource["emails"].clear()

    scim.product.behaviour = spoil
    emails = [{"value": "ada@acme.test", "type": "work"}]
    created = client.create_user("ada@acme.test", name={"givenName": "Ada"}, emails=emails)
    path = f"/Users/{created['id']}"
    changed = client.patch(path, {"op": "add", "path": "name.familyName", "value": "King"}).json()
    assert {"givenName": "Ada"} == created["name"]
    assert emails == created["emails"]
    assert {"givenName": "Ada", "familyName": "King"} == changed["name"]
    assert changed == client.get(path).json()


def test_the_hook_that_deletes_is_told_of_the_groups_that_the_user_was_in(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test")
    client.create_group("Admins", user["id"])
    assert 204 == client.send("DELETE", f"/Users/{user['id']}").status_code
    told = scim.product.calls[-1][1].resource
    assert ["Admins"] == [group["display"] for group in told["groups"]]


def test_a_deleted_user_is_closed_even_when_nobody_knows_whether_it_was_created(
    scim: Scim, client: Client
) -> None:
    async def lost(account: Account, context: HookContext) -> None:
        scim.product.accounts[account.id] = account
        msg = "the connection broke after the commit"
        raise ConnectionError(msg)

    scim.product.behaviour = lost
    body = {"schemas": [USER], "userName": "ada@acme.test"}
    assert_error(client.post("/Users", body), 500)
    scim.product.behaviour = None
    (user,) = client.get("/Users").json()["Resources"]
    assert 204 == client.send("DELETE", f"/Users/{user['id']}").status_code
    assert not scim.product.account("ada@acme.test").active


def test_a_failed_deactivation_is_repeated_until_the_host_confirms(
    scim: Scim, client: Client
) -> None:
    user = client.create_user("ada@acme.test")
    scim.product.behaviour = raising(RuntimeError("connection lost"))
    path = f"/Users/{user['id']}"
    assert_error(client.patch(path, {"op": "replace", "path": "active", "value": False}), 500)
    scim.product.behaviour = None
    until(lambda: not scim.product.account("ada@acme.test").active)
    repeated = [context for _, context in scim.product.calls if context.change == "deactivate"]
    assert 1 == len({context.delivery_id for context in repeated})


def test_a_hook_that_hangs_is_answered_503_and_asked_again(
    serve: Callable[..., Scim],
) -> None:
    scim = serve(hook_timeout=0.2)
    client = scim.client()
    scim.product.behaviour = hanging
    answer = client.post("/Users", {"schemas": [USER], "userName": "ada@acme.test"})
    assert_error(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    scim.product.behaviour = None
    until(lambda: len(scim.product.accounts) == 1)


def test_one_account_is_never_delivered_twice_at_once(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test")
    running: list[str] = []
    overlaps: list[str] = []

    async def slow(account: Account, context: HookContext) -> None:
        overlaps.extend(running)
        running.append(context.delivery_id)
        await asyncio.sleep(0.02)
        running.remove(context.delivery_id)

    scim.product.behaviour = slow

    def change(number: int) -> int:
        operation = {"op": "replace", "path": "name.givenName", "value": f"A{number}"}
        return client.patch(f"/Users/{user['id']}", operation).status_code

    with ThreadPoolExecutor(8) as pool:
        assert {200} == set(pool.map(change, range(16)))
    assert [] == overlaps


def test_a_password_is_handed_on_once_and_kept_nowhere(scim: Scim, client: Client) -> None:
    user = client.create_user("ada@acme.test", password="s3cret-Passw0rd")
    path = f"/Users/{user['id']}"
    changed = client.patch(path, {"op": "replace", "value": {"password": "An0ther-Secret"}})
    assert ["s3cret-Passw0rd", "An0ther-Secret"] == [
        context.password for _, context in scim.product.calls
    ]
    stored = scim.database.read_bytes() + scim.database.with_name("scim.db-wal").read_bytes()
    for secret in ("s3cret-Passw0rd", "An0ther-Secret"):
        assert secret.encode() not in stored
        assert secret not in f"{user} {changed.text} {client.get(path).text}"
        assert all(secret not in str(context.resource) for _, context in scim.product.calls)


def test_hooks_may_be_given_by_decorator() -> None:
    app = ScimApp("sqlite:///:memory:")
    calls: list[str] = []

    @app.on_create
    async def create(account: Account, context: HookContext) -> str:
        calls.append(account.email_address)
        return "1"

    @app.on_update
    @app.on_deactivate
    async def change(account: Account, context: HookContext) -> None:
        calls.append(context.change)

    async def work() -> None:
        async with app.lifespan():
            issued = await app.tokens.issue("acme", name="tests")
            transport = httpx.ASGITransport(app)
            headers = {"Authorization": f"Bearer {issued.token}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://x", headers=headers
            ) as http:
                body = {"schemas": [USER], "userName": "ada@acme.test"}
                assert 201 == (await http.post("/Users", json=body)).status_code

    asyncio.run(work())
    assert ["ada@acme.test"] == calls


def test_hooks_that_are_not_async_or_not_complete_are_refused_at_once() -> None:
    class Incomplete:
        async def create(self, account: Account, context: HookContext) -> None: ...

    class NotAsync(Incomplete):
        def update(self, account: Account, context: HookContext) -> None: ...

    with pytest.raises(TypeError, match="lacks update, deactivate"):
        ScimApp("sqlite:///:memory:", hooks=Incomplete())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="update has to be async"):
        ScimApp("sqlite:///:memory:", hooks=NotAsync())  # type: ignore[arg-type]


def test_without_hooks_nothing_is_refused_for_the_mappings_sake(
    serve: Callable[..., Scim],
) -> None:
    client = serve(hooks=None).client()
    assert "no address" == client.create_user("no address")["userName"]


def test_a_user_of_whom_no_account_can_be_made_is_skipped_with_the_reason(
    scim: Scim, client: Client
) -> None:
    body = {"schemas": [USER], "userName": "ada", "emails": [{"type": "work", "value": None}]}
    detail = assert_error(client.post("/Users", body), 400, "invalidValue")
    assert "email_address" in detail
    assert '"userName" holds "ada"' in detail
    assert [("skipped", 400)] == [(row.action, row.status) for row in scim.log()]
    assert [] == scim.product.calls


def test_a_group_gives_its_members_a_role_and_takes_it_back(scim: Scim, client: Client) -> None:
    scim.set_mapping({"groups[0].displayName": "{{ value | downcase }}.organization_role"})
    ada, bob = (client.create_user(f"{name}@acme.test") for name in ("ada", "bob"))
    group = client.create_group("Admins", ada["id"])
    until(lambda: scim.product.account("ada@acme.test").organization_role == "admins")
    path = f"/Groups/{group['id']}"
    client.patch(path, {"op": "add", "path": "members", "value": [{"value": bob["id"]}]})
    until(lambda: scim.product.account("bob@acme.test").organization_role == "admins")
    client.patch(path, {"op": "replace", "value": {"displayName": "Owners"}})
    until(lambda: scim.product.account("bob@acme.test").organization_role == "owners")
    client.send("DELETE", path)
    until(lambda: scim.product.account("ada@acme.test").organization_role is None)
    assert {"create", "update"} == set(scim.product.changes)


def test_a_change_of_a_group_tells_the_host_of_those_whose_fields_change_and_no_others(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({"groups[0].displayName": "organization_role"})
    ada, bob, eve = (client.create_user(f"{name}@acme.test") for name in ("ada", "bob", "eve"))
    client.create_group("A", ada["id"], bob["id"])
    until(lambda: scim.product.account("bob@acme.test").organization_role == "A")
    until(lambda: scim.product.account("ada@acme.test").organization_role == "A")
    told = len(scim.product.calls)
    client.create_group("B", ada["id"], bob["id"], eve["id"])
    until(lambda: scim.product.account("eve@acme.test").organization_role == "B")

    def is_settled() -> bool:
        left = scim.ask(lambda app: app.reconciliation.status())
        return not left.to_map and not left.pending

    until(is_settled)
    assert ["eve@acme.test"] == [account.email_address for account, _ in scim.product.calls[told:]]


def test_a_new_mapping_reaches_every_account_of_the_organization(
    scim: Scim, client: Client
) -> None:
    department = {ENTERPRISE: {"department": "Sales"}}
    for name in ("ada", "bob"):
        client.create_user(f"{name}@acme.test", **department)
    scim.set_mapping({f"{ENTERPRISE}.department": "public_metadata.department"})
    until(
        lambda: all(
            each.public_metadata == {"department": "Sales"}
            for each in scim.product.accounts.values()
        )
    )
