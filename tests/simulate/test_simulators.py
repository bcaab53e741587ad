"""Every simulated directory, in each of its modes, ends with a server that holds what it does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import ScimApp
from scim_asgi.simulate import SIMULATORS, Entra, Okta, Report, Simulator
from tests.conftest import Scim
from tests.product import Product
from tests.simulate.chaos import cutting
from tests.waiting import settled

USERS, GROUPS, CYCLES = (500, 20, 5) if "SIMULATE_IN_FULL" in os.environ else (40, 6, 3)
MODES = [
    pytest.param(simulator, mode, id=f"{name}-{mode}")
    for name, simulator in SIMULATORS.items()
    for mode in simulator.modes
]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[ScimApp, Product, str]]:
    """Yield an open ScimApp, the product behind it and a token."""
    product = Product()
    app = ScimApp(str(folder / "scim.db"), hooks=product, rate_limit=None, guard=None)
    async with app.lifespan():
        issued = await app.tokens.issue("acme", name="tests")
        yield app, product, issued.token


def assert_in_step(simulator: Simulator, product: Product) -> None:
    """Check that the product's open accounts are those of the people who may use it.

    Their names are those that the directory last sent: not each of them sends all changes.
    """
    people = [
        tuple(simulator.users[each.key].sent[f"name.{part}Name"] for part in ("given", "family"))
        for each in simulator.company.people.values()
        if simulator.standing(each) == "active" and each.key in simulator.users
    ]
    accounts = [
        (each.first_name, each.last_name) for each in product.accounts.values() if each.active
    ]
    assert people
    assert sorted(people) == sorted(accounts)


def assert_equal(report: Report) -> None:
    """Check that nothing differs, and that nothing failed on a good network."""
    assert [] == report.differences
    assert [] == report.failures
    assert all(each.expected for each in report.refused), report.refused


@pytest.mark.parametrize(("simulator", "mode"), MODES)
async def test_nothing_differs_twice_in_a_row_on_the_same_server(
    simulator: type[Simulator], mode: str, tmp_path: Path
) -> None:
    size: dict[str, Any] = {"users": USERS, "groups": GROUPS, "cycles": CYCLES}
    async with opened(tmp_path) as (app, product, token):
        first = simulator(app=app, token=token, mode=mode, seed=7, **size)
        assert_equal(await first.run())
        assert_in_step(first, product)
        second = simulator(app=app, token=token, mode=mode, seed=8, **size)
        assert_equal(await second.run())


@pytest.mark.parametrize(("simulator", "mode"), MODES)
async def test_nothing_differs_on_a_bad_network(
    simulator: type[Simulator], mode: str, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (app, product, token):
        run = simulator(
            app=app, token=token, mode=mode, users=USERS, groups=GROUPS, seed=3, faults=0.05
        )
        report = await run.run()
        assert [] == report.differences
        assert report.refused
        await settled(app)
        assert_in_step(run, product)


@pytest.mark.parametrize("simulator", [Entra, Okta])
def test_nothing_differs_when_connections_are_cut_in_the_middle(
    simulator: type[Simulator], scim: Scim
) -> None:
    async def run(token: str) -> Simulator:
        async with cutting(scim.base_url, share=0.02, random=Random(5)) as url:
            directory = simulator(url, token, users=40, groups=6, seed=5)
            await directory.run()
        return directory

    directory = asyncio.run(run(scim.token()))
    assert [] == directory.report.differences
    assert any(each.status == 0 for each in directory.report.refused)
    scim.ask(settled)
    assert_in_step(directory, scim.product)


async def test_a_host_application_is_reached_in_memory_behind_its_mount(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _, token):
        host = Starlette(routes=[Mount("/scim/v2", app=app)])
        run = Entra("http://acme.test/scim/v2", token, app=host, users=10, groups=2)
        assert_equal(await run.run())


async def test_the_same_run_again_finds_what_it_left(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _, token):
        for _ in range(3):
            assert_equal(await Entra(app=app, token=token, users=30, groups=6, seed=1).run())


async def test_what_was_there_before_stays_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _, token):
        await Okta(app=app, token=token, users=10, domain="other.example").run()
        run = Entra(app=app, token=token, users=10, seed=2)
        assert_equal(await run.run())
        assert len(run.before.users) >= 10


async def test_a_wrong_token_pushes_nothing_and_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, product, _):
        report = await Entra(app=app, token="scim_wrong").run()
    assert "401" in report.differences[0]
    assert not report.ok
    assert not product.calls


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="legacy-patch, compliant-patch"):
        Entra(mode="put")
