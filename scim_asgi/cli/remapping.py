"""What comes of another mapping or other role rules: shown before, and watched behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    counted,
    json_option,
    print_json,
    product_options,
    run,
)
from scim_asgi.mapping.attempts import shown
from scim_asgi.provisioning.remapping import MappingStatus
from scim_asgi.provisioning.trials import Difference, Trial
from scim_asgi.redaction import printable

_LOOK_AGAIN = 0.2

NO_ACCOUNTS = (
    "Accounts are made when the directory sends people to a server with hooks; without hooks, users "
    "are stored and nobody is told of them."
)


def print_trial(trial: Trial, *, as_json: bool) -> None:
    """Print what replacing a mapping or role rules would do."""
    if as_json:
        print_json(trial)
        return
    if not trial.total:
        click.echo(f"There are no accounts to change. {NO_ACCOUNTS}")
        return
    click.echo(
        f"Of {counted(trial.total, 'account')} {trial.changed} would change and {trial.skipped} could "
        "not be mapped."
    )
    for example in trial.examples:
        click.echo(printable(_example(example)))
    more = trial.changed + trial.skipped - len(trial.examples)
    if more:
        click.echo(f"… and {more} more")


def _example(example: Difference) -> str:
    if example.problem:
        return f"  {example.name}: stays as it is. {example.problem}"
    changes = (f"{key}: {shown(old)} → {shown(new)}" for key, (old, new) in example.changes.items())
    return f"  {example.name}: {', '.join(changes)}"


@click.command()
@product_options()
@json_option
@click.option(
    "--follow/--no-follow",
    default=None,
    help="Go on until every account is done; by default on a terminal.",
)
@click.argument("organization")
def status(product: Product, organization: str, *, follow: bool | None, as_json: bool) -> None:
    """Show how far the accounts of ORGANIZATION are mapped anew; a bar on a terminal."""
    on_terminal = sys.stdout.isatty() and not as_json
    follows = on_terminal if follow is None else follow

    async def work(app: ScimApp) -> None:
        found = await app.mappings.status(organization)
        if found is None:
            nothing = (
                f"Nothing was ever mapped anew for {organization}: neither a mapping nor role rules "
                "were saved since it has accounts."
            )
            click.echo("null" if as_json else nothing)
        elif on_terminal and follows and not _is_over(found):
            await _bar(app, organization, found)
        else:
            await _lines(app, organization, follow=follows, as_json=as_json)

    run(product, work)


async def _seen(app: ScimApp, organization: str, *, follow: bool) -> AsyncIterator[MappingStatus]:
    """Yield each new state until all is done, or the present one alone."""
    before: Any = None
    while True:
        found = await app.mappings.status(organization)
        if found is None:
            return
        if found != before:
            yield found
        if _is_over(found) or not follow:
            return
        before = found
        await asyncio.sleep(_LOOK_AGAIN)


async def _bar(app: ScimApp, organization: str, found: MappingStatus) -> None:
    label = f"Mapping {organization} anew"
    with click.progressbar(length=found.total, label=label, show_pos=True) as bar:
        async for latest in _seen(app, organization, follow=True):
            bar.update(max(0, _done(latest) - bar.pos))
            found = latest
    click.echo(_line(found))


async def _lines(app: ScimApp, organization: str, *, follow: bool, as_json: bool) -> None:
    async for found in _seen(app, organization, follow=follow):
        print_json(_to_wire(found)) if as_json else click.echo(_line(found))


def _is_over(found: MappingStatus) -> bool:
    """Return whether there is nothing to watch: all is done, or nothing is before a repair."""
    return found.is_finished or found.is_blocked


def _done(found: MappingStatus) -> int:
    """Return how many accounts are mapped and confirmed by the product."""
    return max(0, found.mapped - found.waiting)


def _to_wire(found: MappingStatus) -> dict[str, Any]:
    names = found.__struct_fields__
    return {**{name: getattr(found, name) for name in names}, "is_finished": found.is_finished}


def _line(found: MappingStatus) -> str:
    if found.is_blocked:
        return (
            f"waits ({found.cause}): the mapping or the role rules that are saved do not fit the "
            "product, whose log says why. Save others, or start the product that they fit."
        )
    if not found.total and found.is_finished:
        return f"done ({found.cause}): there were no accounts to map. {NO_ACCOUNTS}"
    state = "done" if found.is_finished else "at work"
    return (
        f"{state} ({found.cause}): {found.mapped} of {counted(found.total, 'account')} mapped, "
        f"{found.changed} changed, {found.skipped} skipped, {found.waiting} wait for the product"
    )
