"""`scim-asgi status` and `scim-asgi release`: what is pending or held, and letting it through."""

from __future__ import annotations

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import database_option, json_option, print_json, run, show_time
from scim_asgi.provisioning.reconciliation import Pending
from scim_asgi.store.records import WorkLeft


@click.command()
@database_option
@click.argument("organization", required=False)
@click.option("--limit", default=20, show_default=True, help="How many pending accounts to list.")
@json_option
def status(database: str, organization: str | None, limit: int, *, as_json: bool) -> None:
    """Print what the product has yet to confirm of ORGANIZATION, or of all."""

    async def work(app: ScimApp) -> tuple[WorkLeft, list[Pending]]:
        left = await app.reconciliation.status(organization)
        return left, await app.reconciliation.pending(organization, limit=limit)

    left, accounts = run(database, work)
    if as_json:
        print_json({**msgspec.to_builtins(left), "accounts": accounts})
        return
    since = "" if left.oldest is None else f", since {show_time(left.oldest)}"
    click.echo(f"pending  {left.pending}{since}; {left.waiting} of them were tried and wait")
    click.echo(f"to map   {left.to_map}")
    click.echo(f"held     {left.held}{_hint(organization, left)}")
    for each in accounts:
        click.echo(
            f"{each.organization_id}  {each.change}  {each.name}  {each.attempts} attempts  "
            f"next {show_time(each.due_at)}  [{each.reason}]"
        )


@click.command()
@database_option
@click.argument("organization")
@json_option
def release(database: str, organization: str, *, as_json: bool) -> None:
    """Let the deactivations and deletions of ORGANIZATION through that the guard holds."""

    async def work(app: ScimApp) -> int:
        return await app.reconciliation.release(organization)

    released = run(database, work)
    if as_json:
        print_json({"organization_id": organization, "released": released})
    else:
        click.echo(
            f"{released} accounts of {organization} are released; the directory closes them when "
            "it tries again."
        )


def _hint(organization: str | None, left: WorkLeft) -> str:
    if not left.held:
        return ""
    return f"; `scim-asgi release {organization or 'ORGANIZATION'}` lets them through"
