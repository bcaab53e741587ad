"""`scim-asgi reconcile`: deliver again what differs, or everything, and watch."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import click
from msgspec import Struct

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    counted,
    json_option,
    operator,
    print_json,
    product_options,
    run,
)

_LOOK = 0.2
_LINE = 1.0


class Progress(Struct, frozen=True, kw_only=True):
    """How far a reconciliation is.

    Attributes:
        organization_id: The organization.
        total: How many accounts there were to deliver.
        left: How many of them were not tried yet.
        failed: How many were tried, and are tried again later.
        is_done: Whether all were tried.
    """

    organization_id: str
    total: int
    left: int
    failed: int
    is_done: bool


@click.command()
@product_options(hooks=True)
@click.argument("organization")
@click.option("--all", "everything", is_flag=True, help="Deliver what is confirmed too.")
@click.option(
    "--wait",
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to watch while nothing moves.",
)
@json_option
def reconcile(
    product: Product,
    organization: str,
    wait: float,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Deliver the accounts of ORGANIZATION again where the product has not confirmed them.

    With --all every account is delivered, as after the product has restored a backup.

    The process that serves does the work while this one watches; with --hooks this one takes
    part.
    """

    async def work(app: ScimApp) -> Progress:
        watched = _watched(app, organization, wait, everything=everything)
        steps = [step async for step in _shown(watched, as_json=as_json)]
        return steps[-1]

    takes_part = product.app is not None or product.hooks is not None
    last = run(product, work, account_type="compared" if takes_part else "unused", works=True)
    if not last.is_done:
        msg = (
            f"{last.left} of {counted(last.total, 'account')} not tried within {wait:g} s. They stay "
            "marked: start the server that has the hooks, or give this command --hooks."
        )
        raise click.ClickException(msg)
    if last.failed:
        msg = (
            f"{counted(last.failed, 'account')} not confirmed, to be tried again; "
            f"`scim-asgi status {organization}` says which."
        )
        raise click.ClickException(msg)
    if not as_json:
        was = "was" if last.total == 1 else "were"
        click.echo(f"{counted(last.total, 'account')} of {organization} {was} delivered.")


async def _watched(
    app: ScimApp, organization: str, wait: float, *, everything: bool
) -> AsyncIterator[Progress]:
    """Begin, and yield how far it is until everything was tried or nothing moves any more."""
    since = await app.reconciliation.redeliver(organization, everything=everything, by=operator())
    total, least, moved = 0, sys.maxsize, time.monotonic()
    while True:
        status = await app.reconciliation.status(organization, since=since)
        left = status.pending - status.waiting + status.to_map
        total = max(total, left)
        if left < least:
            least, moved = left, time.monotonic()
        yield Progress(
            organization_id=organization,
            total=total,
            left=left,
            failed=status.waiting,
            is_done=not left,
        )
        if not left or time.monotonic() - moved > wait:
            return
        await asyncio.sleep(_LOOK)


async def _shown(steps: AsyncIterator[Progress], *, as_json: bool) -> AsyncIterator[Progress]:
    """Yield the steps and show them: as a bar on a terminal, else as lines."""
    if sys.stdout.isatty() and not as_json:
        with click.progressbar(length=1, label="Delivering", show_pos=True) as bar:
            async for step in steps:
                bar.length = max(step.total, 1)
                bar.update(step.total - step.left - bar.pos)
                yield step
        return
    shown = 0.0
    async for step in steps:
        if step.is_done or time.monotonic() - shown >= _LINE:
            shown = time.monotonic()
            done = f"{step.total - step.left} of {step.total} delivered, {step.failed} to repeat"
            print_json(step) if as_json else click.echo(done)
        yield step
