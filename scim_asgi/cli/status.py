"""`scim-asgi status` and `scim-asgi release`: what is pending or held, and letting it through."""

from __future__ import annotations

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    json_option,
    operator,
    print_json,
    printable,
    product_options,
    run,
    show_time,
)
from scim_asgi.provisioning.connections import ConnectionStatus
from scim_asgi.provisioning.reconciliation import Pending
from scim_asgi.store.records import WorkLeft


@click.command()
@product_options()
@click.argument("organization", required=False)
@click.option("--limit", default=20, show_default=True, help="How many pending accounts to list.")
@json_option
def status(product: Product, organization: str | None, limit: int, *, as_json: bool) -> None:
    """Print what the product has yet to confirm of ORGANIZATION, or of all."""

    async def work(app: ScimApp) -> tuple[ConnectionStatus | None, WorkLeft, list[Pending]]:
        connection = None if organization is None else await app.connections.status(organization)
        left = await app.reconciliation.status(organization)
        return connection, left, await app.reconciliation.pending(organization, limit=limit)

    connection, left, accounts = run(product, work)
    if as_json:
        known = {} if connection is None else {"connection": connection}
        print_json({**known, **msgspec.to_builtins(left), "accounts": accounts})
        return
    if connection is not None:
        _print_connection(connection)
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
@product_options()
@click.argument("organization")
@json_option
def release(product: Product, organization: str, *, as_json: bool) -> None:
    """Let the deactivations and deletions of ORGANIZATION through that the guard holds."""

    async def work(app: ScimApp) -> int:
        return await app.reconciliation.release(organization, by=operator())

    released = run(product, work)
    if as_json:
        print_json({"organization_id": organization, "released": released})
    else:
        click.echo(
            f"{released} accounts of {organization} are released; the directory closes them when "
            "it tries again."
        )


def _print_connection(connection: ConnectionStatus) -> None:
    last = connection.last_request
    shown = (
        "never"
        if last is None
        else f"{show_time(last.at)}  {last.method} {last.path}, answered {last.status}"
    )
    click.echo(
        f"state    {connection.state.replace('_', ' ')} ({connection.directory or 'unseen'})"
    )
    if connection.hint:
        click.echo(printable(f"hint     {connection.hint}"))
    click.echo(printable(f"request  {shown}"))
    click.echo(f"users    {connection.users}, {connection.active_users} accounts are open")
    click.echo(f"groups   {connection.groups}")
    click.echo(
        f"errors   {connection.errors_24h} in 24 hours, and {connection.rate_limited_24h} requests "
        "over the rate limit"
    )


def _hint(organization: str | None, left: WorkLeft) -> str:
    if not left.held:
        return ""
    return f"; `scim-asgi release {organization or 'ORGANIZATION'}` lets them through"
