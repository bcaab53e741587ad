"""A new version of the product with another account type or other roles: all is mapped again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import Account, ScimApp
from scim_asgi.provisioning import host as host_module
from scim_asgi.provisioning import remapping
from scim_asgi.provisioning.remapping import MappingStatus
from tests.client import Client, assert_error
from tests.commands import command_here
from tests.conftest import MOUNT, ask, issue_token
from tests.product import Product
from tests.servers import serving
from tests.waiting import until

TITLE = {"op": "add", "path": "title", "value": "T"}
TO_UNIT = {"title": "unit"}


class Short(Struct, kw_only=True):
    id: str
    email_address: str
    active: bool = True
    organization_role: str | None = None


class Long(Short, kw_only=True):
    last_name: str | None = None


class Unit(Short, kw_only=True):
    unit: str | None = None


class Strict(Short, kw_only=True):
    last_name: str


class Running:
    """A version of the product that serves."""

    def __init__(self, database: Path, product: Product, client: Client) -> None:
        self.database = database
        self.product = product
        self.client = client

    def named(self, address: str) -> Any:
        """Return the product's account."""
        return self.product.account(address)

    def status(self, organization: str = "acme") -> MappingStatus | None:
        """Return how far mapping anew has come."""
        return ask(self.database, lambda app: app.mappings.status(organization))

    def log(self) -> list[Any]:
        """Return the provisioning log."""
        return ask(self.database, lambda app: app.log.entries("acme", limit=100))

    def set_mapping(self, override: dict[str, str], account: type[Struct]) -> None:
        """Save an override."""
        ask(self.database, lambda app: app.mappings.set("acme", override), account)


class Deploy:
    """Starts versions of one product on one file."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "scim.db"
        self.product = Product()

    @contextmanager
    def __call__(self, account: type[Struct] = Short, **settings: Any) -> Iterator[Running]:
        app: ScimApp[Any] = ScimApp(
            str(self.database), hooks=self.product, account=account, rate_limit=None, **settings
        )
        mounted = Starlette(routes=[Mount(MOUNT, app=app)], lifespan=app.lifespan)
        with serving(mounted) as url:
            client = Client(f"{url}{MOUNT}", issue_token(self.database))
            with closing(client):
                yield Running(self.database, self.product, client)


@pytest.fixture(autouse=True)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no older processes where there are none."""
    if "older" not in request.function.__name__:
        monkeypatch.setattr(remapping, "_NOTICED", 0)


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    return Deploy(tmp_path)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "scim_asgi.mapping"]


def family(account: Any) -> str | None:
    """Return an account's last name, which an older version of the product does not know."""
    found: str | None = getattr(account, "last_name", None)
    return found


def people(client: Client, count: int, **attributes: Any) -> list[str]:
    names = [f"u{number}@acme.test" for number in range(count)]
    family = {"name": {"familyName": "Lovelace"}, **attributes}
    return [client.create_user(name, **family)["id"] for name in names]


def test_a_new_field_is_filled_for_everybody_and_the_log_warns_once(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    with deploy(Short) as first:
        people(first.client, 12)
        calls = len(first.product.calls)
        assert first.status() is None
    with deploy(Long) as second:
        until(lambda: {*map(family, second.product.accounts.values())} == {"Lovelace"})
        until(lambda: (found := second.status()) is not None and found.is_finished)
        assert calls + 12 == len(second.product.calls)
    (warning,) = warnings(caplog)
    assert 'the field "last_name" is new' in warning
    with deploy(Long) as third:
        third.client.create_user("late@acme.test")
        assert calls + 13 == len(third.product.calls)
    assert 1 == len(warnings(caplog))


def test_a_field_of_another_kind_is_filled_again(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    with deploy(Long) as first:
        people(first.client, 1)
    with deploy(Strict) as second:
        until(lambda: (found := second.status()) is not None and found.is_finished)
        assert (1, 0) == (second.status().mapped, second.status().changed)  # type: ignore[union-attr]
    (warning,) = warnings(caplog)
    assert 'the field "last_name" was text and is text, required' in warning


def test_other_roles_are_given_to_everybody(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    with deploy(roles={"org:admin"}) as first:
        first.set_mapping({"title": "organization_role"}, Short)
        people(first.client, 2, title="org:boss")
        assert {None} == {each.organization_role for each in first.product.accounts.values()}
    with deploy(roles={"org:admin", "org:boss"}) as second:
        accounts = second.product.accounts
        until(lambda: {each.organization_role for each in accounts.values()} == {"org:boss"})
    assert "the roles were org:admin and are org:admin, org:boss" in warnings(caplog)[-1]


def test_every_organization_is_mapped_again_and_by_one_process_alone(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    with deploy(Short) as first:
        people(first.client, 2)
        with closing(Client(first.client.base_url, issue_token(deploy.database, "zeta"))) as zeta:
            people(zeta, 2)

    async def start_both() -> None:
        apps = [ScimApp(str(deploy.database), hooks=deploy.product, account=Long) for _ in range(2)]
        async with apps[0].visit(account_type="unused"), apps[1].visit(account_type="unused"):
            await asyncio.gather(*(app._runtime.host.remember() for app in apps))

    asyncio.run(start_both())
    assert 1 == len(warnings(caplog))
    with closing(sqlite3.connect(deploy.database)) as file:
        assert [("acme", 1), ("zeta", 2)] == file.execute(
            "SELECT organization_id, number FROM remappings ORDER BY number"
        ).fetchall()
    with deploy(Long) as second:
        until(
            lambda: all(
                (found := second.status(each)) is not None and found.is_finished
                for each in ("acme", "zeta")
            )
        )
    assert 4 == deploy.product.changes.count("update")


def test_what_an_older_process_still_writes_is_mapped_again(deploy: Deploy) -> None:
    with ExitStack() as stack:
        older = stack.enter_context(deploy(Short))
        (user,) = people(older.client, 1)
        newer = stack.enter_context(deploy(Long))
        name = {"op": "replace", "path": "name.familyName", "value": "King"}
        assert 200 == older.client.patch(f"/Users/{user}", name).status_code
        until(lambda: family(newer.named("u0@acme.test")) == "King")
        until(lambda: (found := newer.status()) is not None and found.is_finished)
        older.client.create_user("new@acme.test", name={"familyName": "New"})
        until(lambda: family(newer.named("new@acme.test")) == "New")


def test_older_processes_are_waited_for_though_a_mapping_is_saved_meanwhile(
    deploy: Deploy,
) -> None:
    with ExitStack() as stack:
        older = stack.enter_context(deploy(Short))
        people(older.client, 1)
        newer = stack.enter_context(deploy(Long))
        begun = newer.status()
        newer.set_mapping({"title": "last_name"}, Long)
        until(lambda: (found := newer.status()) is not None and found.is_finished)
        found = newer.status()
    assert begun is not None
    assert found is not None
    assert (found.finished_at or 0) - begun.started_at >= 3_000


def test_a_process_that_stays_though_another_has_taken_over_goes_on_in_the_end(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(host_module, "_HANDOVER", 0.2)
    with deploy(Long) as older:
        older.set_mapping({"groups[0].displayName": "last_name"}, Long)
        (user,) = people(older.client, 1)
        with deploy(Short):
            pass
        older.client.create_group("Engineers", user)
        until(lambda: family(older.named("u0@acme.test")) == "Engineers")
    assert any("started later" in each for each in warnings(caplog))


def test_who_stays_maps_again_what_the_one_who_took_over_has_mapped(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(host_module, "_HANDOVER", 1.5)
    with deploy(Long) as stays:
        people(stays.client, 2)
        accounts, calls = stays.product.accounts, stays.product.calls
        with deploy(Short):
            until(
                lambda: (
                    {account.id for account, _ in calls if family(account) is None} == {*accounts}
                )
            )
        until(lambda: {*map(family, accounts.values())} == {"Lovelace"})
    assert 2 == sum("have changed since it last ran" in each for each in warnings(caplog))


def test_two_that_both_stay_map_everybody_anew_once_each_and_then_no_more(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(host_module, "_HANDOVER", 0.2)

    def count(text: str) -> int:
        return sum(text in each for each in warnings(caplog))

    with deploy(Long) as older:
        older.set_mapping({"groups[0].displayName": "last_name"}, Long)
        (user,) = people(older.client, 1)
        with deploy(Short):
            until(lambda: count("started later") == 3)
        # It goes on once it has waited again, and is the host no more.
        older.client.create_group("Engineers", user)
        until(lambda: family(older.named("u0@acme.test")) == "Engineers")
    assert 3 == count("have changed since it last ran") == count("started later")


def blocked(running: Running) -> bool:
    found = running.status()
    return found is not None and found.is_blocked


def test_what_could_not_be_mapped_while_the_mapping_was_unusable_is_caught_up(
    deploy: Deploy, caplog: pytest.LogCaptureFixture
) -> None:
    with deploy(Unit) as first:
        first.set_mapping(TO_UNIT, Unit)
        users = people(first.client, 12, title="R&D")
        with closing(Client(first.client.base_url, issue_token(deploy.database, "zeta"))) as zeta:
            zeta.create_user("zoe@zeta.test", name={"familyName": "Z"})
    with deploy(Long) as second:
        until(lambda: blocked(second))
        until(lambda: family(second.named("zoe@zeta.test")) == "Z")
        second.client.create_group("Engineers", *users)
        assert_error(second.client.patch(f"/Users/{users[0]}", TITLE), 503)
        until(lambda: ask(deploy.database, lambda app: app.reconciliation.status()).to_map == 0)
        assert blocked(second)
        shown = command_here(deploy.database.parent, "mapping", "status", "acme", "--follow").stdout
        assert "waits (" in shown
        assert "do not fit the product" in shown
        assert 1 == sum(
            row.action == "failed" and "mapped anew" in row.detail for row in second.log()
        )
        assert {"R&D"} == {each.unit for each in accounts_of(second, "acme")}
        second.set_mapping({}, Long)
        until(lambda: {*map(family, accounts_of(second))} == {"Lovelace"})
        assert not blocked(second)
    assert any("once that is repaired" in each for each in warnings(caplog))


def test_it_is_caught_up_too_when_the_product_is_repaired(deploy: Deploy) -> None:
    with deploy(Unit) as first:
        first.set_mapping(TO_UNIT, Unit)
        people(first.client, 1, title="R&D")
    with deploy(Long) as second:
        until(lambda: blocked(second))
    with closing(sqlite3.connect(deploy.database)) as file, file:
        file.execute("UPDATE resources SET document = replace(document, 'R&D', 'Sales')")
    with deploy(Long) as third:
        until(lambda: blocked(third))
    with deploy(Unit) as fourth:
        until(lambda: fourth.named("u0@acme.test").unit == "Sales")
        until(lambda: (found := fourth.status()) is not None and found.is_finished)


def test_a_start_tries_again_what_could_not_be_used_though_the_account_type_is_the_same(
    deploy: Deploy,
) -> None:
    """Here the override is understood by the next release of the server and not by this one."""

    def save(override: str) -> None:
        with closing(sqlite3.connect(deploy.database)) as file, file:
            file.execute("UPDATE mappings SET content = ?", (override,))

    with deploy(Long) as first:
        first.set_mapping(TO_UNIT | {"title": "last_name"}, Long)
        users = people(first.client, 2, title="T")
    save('{"title": "{{ value | from_the_future }}.last_name"}')
    with deploy(Long) as second:
        second.client.create_group("Engineers", *users)
        until(lambda: blocked(second))
    save('{"groups[0].displayName": "last_name"}')
    with deploy(Long) as third:
        until(lambda: {*map(family, accounts_of(third))} == {"Engineers"})
        assert not blocked(third)


def accounts_of(running: Running, organization: str = "acme") -> list[Any]:
    return [
        account
        for account, context in running.product.calls
        if context.organization_id == organization
        and running.product.accounts[account.id] is account
    ]


def test_the_built_in_account_type_is_remembered_too(deploy: Deploy) -> None:
    with deploy(Account) as first:
        people(first.client, 1)
    with deploy(Account) as second:
        assert second.status() is None
