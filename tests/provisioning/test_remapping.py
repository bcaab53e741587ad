"""Mapping anew in the background: who is told, how it is watched, and that it goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from benchmarks.remapping import measure_remapping
from scim_asgi import Account, HookContext, RoleRule, RoleRules, ScimApp
from scim_asgi.provisioning.remapping import MappingStatus
from scim_asgi.provisioning.trials import SHOWN
from tests.client import Client
from tests.commands import command, served
from tests.conftest import Scim, Served, ask
from tests.product import Product
from tests.waiting import until

RULES = RoleRules((RoleRule("Admins", "org:admin"),), default="org:member")

WRITING = """
class Hooks:
    async def create(self, account, context): ...
    async def update(self, account, context):
        with open("updates.txt", "a") as file:
            print(account.email_address, account.last_name, file=file)
    async def deactivate(self, account, context): ...

hooks = Hooks()
"""


def status(scim: Scim, organization: str = "acme") -> MappingStatus | None:
    return scim.ask(lambda app: app.mappings.status(organization))


def finished(scim: Scim) -> MappingStatus:
    """Wait until mapping anew has ended and return how."""
    found: list[MappingStatus] = []

    def is_finished() -> bool:
        now = status(scim)
        found[:] = [] if now is None else [now]
        return now is not None and now.is_finished

    until(is_finished)
    return found[0]


def people(client: Client, count: int, **attributes: Any) -> list[dict[str, Any]]:
    return [client.create_user(f"user{n:03}@acme.test", **attributes) for n in range(count)]


def test_a_new_mapping_tells_the_host_of_those_whose_fields_change_and_no_others(
    scim: Scim, client: Client
) -> None:
    people(client, 3)
    client.create_user("boss@acme.test", title="Boss")
    told = len(scim.product.calls)
    scim.set_mapping({"title": "public_metadata.title"})
    found = finished(scim)
    assert ["boss@acme.test"] == [each.email_address for each, _ in scim.product.calls[told:]]
    assert (4, 4, 1, 0, 0) == (
        found.total,
        found.mapped,
        found.changed,
        found.skipped,
        found.waiting,
    )
    assert "attribute mapping" == found.cause


def test_new_role_rules_reach_every_account(scim: Scim, client: Client) -> None:
    ada, _ = people(client, 2)
    client.create_group("admins", ada["id"])
    scim.ask(lambda app: app.roles.set("acme", RULES))
    assert 2 == finished(scim).changed
    roles = {each.email_address: each.organization_role for each in scim.product.accounts.values()}
    assert {"user000@acme.test": "org:admin", "user001@acme.test": "org:member"} == roles
    scim.ask(lambda app: app.roles.set("acme", RoleRules()))
    until(lambda: scim.product.account("user000@acme.test").organization_role is None)
    assert "role rules" == finished(scim).cause


def test_no_other_organization_is_mapped_anew(scim: Scim, client: Client) -> None:
    other = scim.client("other")
    people(client, 2, title="T")
    people(other, 2, title="T")
    scim.set_mapping({"title": "public_metadata.title"})
    assert 2 == finished(scim).changed
    assert status(scim, "other") is None
    assert {"acme"} == {
        each.organization_id for each in scim.product.accounts.values() if each.public_metadata
    }


def test_of_whom_the_new_mapping_makes_no_account_stays_as_it_was_and_the_log_says_so(
    scim: Scim, client: Client
) -> None:
    client.create_user("nobody", emails=[{"value": "ada@acme.test", "primary": True}])
    scim.set_mapping({"emails[primary eq true].value": ""})
    assert (1, 0) == (finished(scim).skipped, finished(scim).changed)
    row = scim.log()[-1]
    assert ("skipped", "nobody", 0) == (row.action, row.resource_name, row.status)
    assert '"userName" holds "nobody"' in row.detail
    assert ["create"] == scim.product.changes
    assert 1 == scim.ask(lambda app: app.log.counts("acme"))["skipped"]


def test_who_is_created_meanwhile_has_the_new_mapping_from_the_beginning(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping({"title": "public_metadata.title"})
    client.create_user("ada@acme.test", title="T")
    assert {"title": "T"} == scim.product.account("ada@acme.test").public_metadata


def test_a_dry_run_changes_nothing_and_shows_the_first_twenty(scim: Scim, client: Client) -> None:
    people(client, 23, title="T")
    client.create_user("plain@acme.test")
    told = len(scim.product.calls)
    trial = scim.ask(lambda app: app.mappings.dry_run("acme", {"title": "public_metadata.title"}))
    assert (24, 23, 0, SHOWN) == (
        trial.total,
        trial.changed,
        trial.skipped,
        len(trial.examples),
    )
    assert ("user000@acme.test", {"public_metadata": (None, {"title": "T"})}) == (
        trial.examples[0].name,
        trial.examples[0].changes,
    )
    assert {} == scim.ask(lambda app: app.mappings.get("acme"))
    assert told == len(scim.product.calls)
    assert status(scim) is None


def test_a_dry_run_of_role_rules_shows_old_and_new(scim: Scim, client: Client) -> None:
    ada, _ = people(client, 2)
    client.create_group("Admins", ada["id"])
    trial = scim.ask(lambda app: app.roles.dry_run("acme", RULES))
    assert [(None, "org:admin"), (None, "org:member")] == [
        each.changes["organization_role"] for each in trial.examples
    ]


def test_a_dry_run_names_those_who_could_not_be_mapped(scim: Scim, client: Client) -> None:
    client.create_user("nobody", emails=[{"value": "ada@acme.test", "primary": True}])
    trial = scim.ask(
        lambda app: app.mappings.dry_run("acme", {"emails[primary eq true].value": ""})
    )
    assert (0, 1) == (trial.changed, trial.skipped)
    assert "email_address" in trial.examples[0].problem


def test_mapping_anew_goes_on_after_the_process_was_killed(tmp_path: Path) -> None:
    (tmp_path / "product.py").write_text(WRITING)
    updates = tmp_path / "updates.txt"
    names = {f"user{n:03}@acme.test" for n in range(150)}
    with served(tmp_path, "--hooks", "product:hooks", "--rate-limit", "none") as (url, process):
        token = command(tmp_path, "token", "issue", "acme", "--name", "x").stdout.split()[-1]
        client = Client(url, token)
        people(client, 150, title="T")
        client.close()
        ask(tmp_path / "scim.db", lambda app: app.mappings.set("acme", {"title": "last_name"}))
        until(lambda: updates.exists() and len(updates.read_text().splitlines()) > 10)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    before = len(updates.read_text().splitlines())
    assert before < 150
    unfinished = ask(tmp_path / "scim.db", lambda app: app.mappings.status("acme"))
    assert unfinished is not None
    assert not unfinished.is_finished
    with served(tmp_path, "--hooks", "product:hooks", "--rate-limit", "none"):
        follow = command(tmp_path, "mapping", "status", "acme", "--follow", "--json")
    lines = [json.loads(line) for line in follow.stdout.splitlines()]
    assert (150, 150, True) == (
        lines[-1]["mapped"],
        lines[-1]["changed"],
        lines[-1]["is_finished"],
    )
    told = {line.split()[0] for line in updates.read_text().splitlines()}
    assert names == told
    # Those that were on their way when the process died are told once more, and no others.
    assert len(updates.read_text().splitlines()) <= 150 + 16


async def test_closing_right_after_a_new_mapping_ends(tmp_path: Path) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product())
    for number in range(30):
        async with asyncio.timeout(10), app.lifespan():
            await app.mappings.set("acme", {"title": f"public_metadata.t{number}"})


def test_a_few_hundred_are_mapped_anew_while_requests_are_served(tmp_path: Path) -> None:
    found = measure_remapping(tmp_path, 300)
    # Of the 20 that are changed meanwhile some have the new mapping from their own request.
    assert 300 <= found.changed <= 320
    assert found.seconds < 15
    assert found.p99 < 2000


def test_mapping_anew_does_not_stop_for_a_host_that_refuses(serve: Served) -> None:
    scim = serve()
    client = scim.client()
    people(client, 5, title="T")

    async def refusing(account: Account, context: HookContext) -> None:
        if account.email_address == "user001@acme.test":
            raise RuntimeError

    scim.product.behaviour = refusing
    scim.set_mapping({"title": "last_name"})
    until(lambda: sum(each.last_name == "T" for each in scim.product.accounts.values()) == 4)
    found = status(scim)
    assert found is not None
    assert (5, 5, 1, False) == (found.mapped, found.changed, found.waiting, found.is_finished)
    scim.product.behaviour = None
    until(lambda: scim.product.account("user001@acme.test").last_name == "T")
    assert 0 == finished(scim).waiting


@pytest.mark.parametrize("count", [0, 1, 10, 11, 20])
def test_the_count_comes_out_even_for_any_number_of_accounts(
    scim: Scim, client: Client, count: int
) -> None:
    people(client, count)
    began = round(time.time() * 1000)
    scim.set_mapping({"title": "last_name"})
    found = finished(scim)
    assert (count, count, 0) == (found.total, found.mapped, found.changed)
    assert found.finished_at is not None
    assert began <= found.started_at <= found.finished_at


class Listed(Struct, kw_only=True):
    id: str
    email_address: str
    organization_role: list[str] = []


def test_roles_of_a_list_are_each_known_or_none_is_passed_on(serve: Served) -> None:
    scim = serve(account=Listed, roles={"org:admin", "org:member"})

    async def save() -> None:
        app = ScimApp(str(scim.database), account=Listed)
        async with app.lifespan():
            await app.mappings.set("acme", {"roles.value": "organization_role"})

    asyncio.run(save())
    client = scim.client()
    for name, roles in (("good", ["org:admin", "org:member"]), ("bad", ["org:admin", "boss"])):
        values = [{"value": each} for each in roles]
        client.create_user(f"{name}@acme.test", roles=values)
    accounts: dict[str, Any] = {each.email_address: each for each in scim.product.accounts.values()}
    assert ["org:admin", "org:member"] == accounts["good@acme.test"].organization_role
    assert [] == accounts["bad@acme.test"].organization_role


def test_an_account_that_cannot_be_mapped_stops_no_other_of_any_organization(
    scim: Scim, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    people(client, 3, title="T")
    scim.client("zeta").create_user("zoe@zeta.test", title="T")
    with scim.file() as file:
        file.execute("UPDATE resources SET document = '[]' WHERE document LIKE '%user001%'")
    scim.set_mapping({"title": "public_metadata.title"})
    scim.set_mapping({"title": "public_metadata.title"}, "zeta")
    until(lambda: scim.product.account("zoe@zeta.test").public_metadata == {"title": "T"})
    assert (3, 2, 1) == (finished(scim).mapped, finished(scim).changed, finished(scim).skipped)
    (row,) = [row for row in scim.log() if row.action == "failed"]
    assert "user001@acme.test" == row.resource_name
    assert "The product's own log says more" in row.detail
    assert any("cannot be mapped anew" in record.message for record in caplog.records)
