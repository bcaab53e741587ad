"""`scim-asgi users` and `scim-asgi groups`: who is there, and how each one stands."""

from __future__ import annotations

from typing import get_args

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    COUNT,
    Product,
    json_option,
    print_json,
    product_options,
    run,
    show_time,
)
from scim_asgi.cli.tables import print_table
from scim_asgi.provisioning.people import GroupPage, UserDetail, UserPage, UserSummary
from scim_asgi.redaction import printable
from scim_asgi.store.selections import AccountFilter, MemberFilter

_search = click.option(
    "--search", default="", metavar="TEXT", help="A part of a name, address or externalId."
)
_limit = click.option(
    "--limit", default=100, show_default=True, type=COUNT, help="How many at most."
)
_cursor = click.option("--cursor", metavar="CURSOR", help="Where to go on.")


@click.group()
def users() -> None:
    """The users that the directory of an organization has provisioned."""


@users.command("list")
@product_options()
@click.argument("organization")
@_search
@click.option("--active/--inactive", default=None, help="Whether the directory has them active.")
@click.option("--account", type=click.Choice(get_args(AccountFilter)), help="How they stand.")
@_limit
@_cursor
@json_option
def list_users(
    product: Product,
    organization: str,
    search: str,
    active: bool | None,
    account: AccountFilter | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """List the users of ORGANIZATION, newest first."""

    async def work(app: ScimApp) -> UserPage:
        return await app.users.list(
            organization,
            search=search,
            active=active,
            state=account,
            cursor=cursor,
            limit=limit,
        )

    page = run(product, work)
    if as_json:
        print_json(page)
        return
    heads = ("id", "userName", "externalId", "active", "account", "role", "updated")
    print_table(heads, [_row(user) for user in page.data])
    _print_more(page.next_cursor)


@users.command()
@product_options()
@click.argument("organization")
@click.argument("user_id")
@json_option
def show(product: Product, organization: str, user_id: str, *, as_json: bool) -> None:
    """Print everything about the user USER_ID of ORGANIZATION."""

    async def work(app: ScimApp) -> UserDetail:
        return await app.users.get(organization, user_id)

    user = run(product, work)
    if as_json:
        print_json(user)
        return
    click.echo("resource")
    print_json(user.resource)
    click.echo("account")
    print_json(user.account)
    for field, (confirmed, wanted) in user.changes.items():
        click.echo(printable(f"{user.change}: {field}: {confirmed!r} → {wanted!r}"))
    for row in user.history:
        click.echo(printable(f"{show_time(row.at)}  {row.action:12} {row.status:4} {row.detail}"))


@click.group()
def groups() -> None:
    """The groups that the directory of an organization has provisioned."""


@groups.command("list")
@product_options()
@click.argument("organization")
@_search
@click.option("--members", type=click.Choice(get_args(MemberFilter)), help="Whether they have any.")
@_limit
@_cursor
@json_option
def list_groups(
    product: Product,
    organization: str,
    search: str,
    members: MemberFilter | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """List the groups of ORGANIZATION, newest first."""

    async def work(app: ScimApp) -> GroupPage:
        return await app.groups.list(
            organization, search=search, members=members, cursor=cursor, limit=limit
        )

    page = run(product, work)
    if as_json:
        print_json(page)
        return
    rows = [
        (each.id, each.display_name, each.external_id, each.members, show_time(each.updated_at))
        for each in page.data
    ]
    print_table(("id", "displayName", "externalId", "members", "updated"), rows)
    _print_more(page.next_cursor)


def _row(user: UserSummary) -> tuple[object, ...]:
    account = user.account
    return (
        user.id,
        user.user_name,
        user.external_id,
        "yes" if user.active else "no",
        "none" if account is None else f"{account.state}, {account.delivery}",
        None if account is None else account.role,
        show_time(user.updated_at),
    )


def _print_more(cursor: str | None) -> None:
    if cursor is not None:
        click.echo(f"More: --cursor {cursor}", err=True)
