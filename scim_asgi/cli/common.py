"""What the commands share: the database option, and a ScimApp that is open while they run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.errors import ScimAsgiError

T = TypeVar("T")

database_option = click.option(
    "--database",
    envvar="SCIM_ASGI_DATABASE",
    default="sqlite:///scim.db",
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="The database: sqlite:///FILE or a path.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def run(database: str, work: Callable[[ScimApp], Awaitable[T]]) -> T:
    """Run a coroutine on an open ScimApp; what goes wrong ends the command with a message.

    Raises:
        click.ClickException: In the place of every error of this package.
    """

    async def opened() -> T:
        app = ScimApp(database, rate_limit=None)
        async with app.lifespan():
            return await work(app)

    try:
        return asyncio.run(opened())
    except (ScimAsgiError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(msgspec.json.encode(value).decode())
