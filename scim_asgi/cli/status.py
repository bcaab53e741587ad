"""`scim-asgi status` and `scim-asgi release`: what is pending or held, and letting it through."""

from __future__ import annotations

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    COUNT,
    Product,
    counted,
    json_option,
    operator,
    print_json,
    product_options,
    run,
    show_time,
)
from scim_asgi.provisioning.connections import ConnectionStatus
from scim_asgi.provisioning.reconciliation import Pending
from scim_asgi.redaction import printable
from scim_asgi.store.records import HeldChange, WorkLeft


@click.command()
@product_options()
@click.argument("organization", required=False)
@click.option(
    "--limit", default=20, show_default=True, type=COUNT, help="How many pending accounts to list."
)
@json_option
def status(product: Product, organization: str | None, limit: int, *, as_json: bool) -> None:
    """Print what the product has yet to confirm of ORGANIZATION, or of all."""

    async def work(app: ScimApp) -> tuple[ConnectionStatus | None, WorkLeft, list[Pending], bool]:
        left = await app.reconciliation.status(organization)
        pending = await app.reconciliation.pending(organization, limit=limit)
        if organization is None:
            return None, left, pending, True
        connection = await app.connections.status(organization)
        return connection, left, pending, bool(await app.tokens.list(organization))

    connection, left, accounts, has_token = run(product, work)
    if as_json:
        known = {} if connection is None else msgspec.to_builtins(connection)
        print_json({**known, "left": left, "accounts": accounts})
        return
    if connection is not None:
        _print_connection(connection, has_token=has_token)
    since = "" if left.oldest is None else f", since {show_time(left.oldest)}"
    click.echo(f"pending  {left.pending}{since}; {left.waiting} to be tried again later")
    click.echo(f"to map   {left.to_map}")
    click.echo(f"held     {_held(organization, left)}")
    for each in accounts:
        line = (
            f"{each.organization_id}  {each.change}  {each.name}  "
            f"{counted(each.attempts, 'attempt')}  next {show_time(each.due_at)}  [{each.reason}]"
        )
        click.echo(printable(line))


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
    elif released:
        click.echo(
            f"{counted(released, 'account')} of {organization} released. What groups or the mapping "
            "close is closed now, and what the directory asked for when it asks again, for which "
            "it has two days."
        )
    else:
        click.echo(f"Nothing of {organization} is held; there was nothing to release.")


def _print_connection(connection: ConnectionStatus, *, has_token: bool) -> None:
    if not has_token and not connection.users and connection.first_request_at is None:
        name = connection.organization_id
        click.echo(
            printable(
                f"Nothing is known of the organization {name}: no token was ever issued for it. "
                "Where that surprises you, look for another spelling or --database."
            )
        )
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
    is_open = "is" if connection.active_users == 1 else "are"
    accounts = counted(connection.active_users, "account")
    click.echo(f"users    {connection.users}; {accounts} {is_open} open")
    click.echo(f"groups   {connection.groups}")
    click.echo(
        f"errors   {connection.errors_24h} in 24 hours, and "
        f"{counted(connection.rate_limited_24h, 'request')} over the rate limit"
    )


_HELD: dict[HeldChange, tuple[str, str]] = {
    "deactivation": ("deactivation", "deactivations"),
    "deletion": ("deletion", "deletions"),
    "mapping": ("closing by groups or the mapping", "closings by groups or the mapping"),
}


def _held(organization: str | None, left: WorkLeft) -> str:
    """Return what is held, how many, and how to let it through."""
    if not left.held:
        return "0"
    kinds = ", ".join(
        counted(left.held_changes[change], *words)
        for change, words in _HELD.items()
        if change in left.held_changes
    )
    return (
        f"{left.held} ({kinds}): unusually many at once. If they are meant, "
        f"`scim-asgi release {organization or 'ORGANIZATION'}` lets them through, as the Directory "
        "sync page does. If not, put it right in the directory."
    )
