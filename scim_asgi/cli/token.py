"""`scim-asgi token`: issue, list and revoke bearer SCIM tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    duration,
    json_option,
    operator,
    print_json,
    product_options,
    run,
)
from scim_asgi.cli.tables import print_table
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.tokens import TokenInfo


@click.group()
def token() -> None:
    """Bearer SCIM tokens of an organization."""


@token.command()
@product_options()
@click.argument("organization")
@click.option("--name", required=True, help="What it is for, such as “Entra, production”.")
@click.option("--expires", metavar="DURATION", help="When it ends, such as 12h, 90d or 1y.")
@json_option
def issue(
    product: Product, organization: str, name: str, expires: str | None, *, as_json: bool
) -> None:
    """Issue a token for ORGANIZATION; it is shown this once."""
    expires_at = None if expires is None else now() + duration("--expires", expires)

    async def work(app: ScimApp) -> Any:
        return await app.tokens.issue(organization, name=name, expires_at=expires_at, by=operator())

    issued = run(product, work)
    if as_json:
        print_json(issued, is_issue=True)
        return
    click.echo(f"Token {issued.id} of {organization}. Keep it: it is not shown again.", err=True)
    click.echo(issued.token)


@token.command("list")
@product_options()
@click.argument("organization")
@json_option
def list_tokens(product: Product, organization: str, *, as_json: bool) -> None:
    """List the tokens of ORGANIZATION, newest first; never the tokens themselves."""

    async def work(app: ScimApp) -> Any:
        return await app.tokens.list(organization)

    tokens = run(product, work)
    if as_json:
        print_json({"data": tokens, "total_count": len(tokens)})
        return
    heads = ("id", "prefix", "state", "issued", "last used", "expires", "name")
    print_table(heads, [_row(each) for each in tokens])


@token.command()
@product_options()
@click.argument("token_id")
@json_option
def revoke(product: Product, token_id: str, *, as_json: bool) -> None:
    """Revoke the token TOKEN_ID at once, in every process."""

    async def work(app: ScimApp) -> TokenInfo:
        return await app.tokens.revoke(token_id, by=operator())

    revoked = run(product, work)
    if as_json:
        print_json(revoked)
    else:
        click.echo(f"{token_id} is revoked.")


def _row(each: TokenInfo) -> tuple[str, ...]:
    times = (_when(each.created_at), _when(each.last_used_at), _when(each.expires_at))
    return each.id, f"{each.prefix}…", _state(each), *times, each.name


def _state(each: Any) -> str:
    if each.revoked_at is not None:
        return "revoked"
    return "expired" if each.expires_at is not None and each.expires_at <= now() else "live"


def _when(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "never"
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=UTC):%Y-%m-%d %H:%M}"
