"""What the commands share: the database option, and a ScimApp that is open while they run."""

from __future__ import annotations

import asyncio
import getpass
import importlib
import math
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.errors import MappingError
from scim_asgi.mapping.fields import Account
from scim_asgi.provisioning.audit import By

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

account_option = click.option(
    "--account",
    metavar="MODULE:ATTRIBUTE",
    help="The product's own account type, a msgspec.Struct.",
)

hooks_option = click.option(
    "--hooks",
    metavar="MODULE:ATTRIBUTE",
    help="An object with the hooks, or a class or function that makes one.",
)

roles_option = click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="A role that the product knows; repeat it for each. None: any role goes.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class FiniteRange(click.FloatRange):
    """A range of numbers, and ``nan`` is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as Click does."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def load_attribute(option: str, name: str) -> Any:
    """Import what ``module:attribute`` names, looking in the working directory first.

    Args:
        option: The option that named it, for the error.
        name: Module and attribute.

    Raises:
        click.BadParameter: There is nothing of that name.
    """
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        msg = f"{name}: {error}; write module:attribute, such as product.accounts:hooks."
        raise click.BadParameter(msg, param_hint=option) from error


def load_hooks(name: str) -> Any:
    """Import the hooks that ``module:attribute`` names; a class or function is called.

    Raises:
        click.BadParameter: There is nothing of that name.
    """
    found = load_attribute("--hooks", name)
    return found() if isinstance(found, type) or not hasattr(found, "create") else found


def run(
    database: str,
    work: Callable[[ScimApp], Awaitable[T]],
    *,
    account: str | None = None,
    roles: Iterable[str] = (),
    hooks: str | None = None,
) -> T:
    """Run a coroutine on an open ScimApp; what goes wrong ends the command with a message.

    Args:
        database: The database's URL.
        work: The coroutine function.
        account: Module and attribute of the product's own account type.
        roles: The roles that the product knows; none for any.
        hooks: Module and attribute of the hooks; with them this process works off what differs.

    Raises:
        click.ClickException: In the place of every error of this package.
    """
    account_type = Account if account is None else load_attribute("--account", account)

    async def opened() -> T:
        host = None if hooks is None else load_hooks(hooks)
        known = frozenset(roles) or None
        app = ScimApp(database, hooks=host, account=account_type, roles=known, rate_limit=None)
        async with app.lifespan():
            return await work(app)

    try:
        return asyncio.run(opened())
    except MappingError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        msg = f"It cannot be used:{lines}"
        raise click.ClickException(msg) from error
    except (ScimAsgiError, TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def operator() -> By:
    """Return who runs the command, for the audit."""
    try:
        return By(getpass.getuser(), "cli")
    except (KeyError, OSError):
        return By("", "cli")


def show_time(milliseconds: int | None) -> str:
    """Return a time as people read it, in UTC; ``never`` for None."""
    if milliseconds is None:
        return "never"
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=UTC):%Y-%m-%d %H:%M:%S}"


_DURATION = re.compile(r"(\d{1,6})([mhdwy])")
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10_080, "y": 525_600}


def duration(option: str, text: str) -> int:
    """Return a duration such as ``90d`` in milliseconds.

    Raises:
        click.BadParameter: It is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f'"{text}" is no duration; write a number and m, h, d, w or y, such as 90d.'
        raise click.BadParameter(msg, param_hint=option)
    return int(match[1]) * _MINUTES[match[2]] * 60_000


def printable(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def decode(file: Path, kind: type[T], wanted: str) -> T:
    """Read a JSON file.

    Args:
        file: The file.
        kind: What it has to be.
        wanted: Likewise, in words.

    Raises:
        click.ClickException: It is something else.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        msg = f"{file} is not {wanted}: {error}"
        raise click.ClickException(msg) from error


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(msgspec.json.encode(value).decode())
