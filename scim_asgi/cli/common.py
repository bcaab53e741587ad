"""What the commands share: which product they work on, and a ScimApp that is open meanwhile."""

from __future__ import annotations

import asyncio
import getpass
import importlib
import math
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from click.core import ParameterSource
from msgspec import Struct

from scim_asgi.app import ScimApp
from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.errors import MappingError
from scim_asgi.mapping.fields import Account
from scim_asgi.provisioning.audit import By
from scim_asgi.provisioning.host import AccountTypeUse
from scim_asgi.redaction import redacted

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

app_option = click.option(
    "--app",
    envvar="SCIM_ASGI_APP",
    show_envvar=True,
    metavar="MODULE:ATTRIBUTE",
    help="The product's own ScimApp: its database, account type, hooks and roles are used.",
)

account_option = click.option(
    "--account",
    "account_type",
    envvar="SCIM_ASGI_ACCOUNT",
    show_envvar=True,
    metavar="MODULE:ATTRIBUTE",
    help="The product's own account type, a msgspec.Struct.",
)

hooks_option = click.option(
    "--hooks",
    "hook_object",
    envvar="SCIM_ASGI_HOOKS",
    show_envvar=True,
    metavar="MODULE:ATTRIBUTE",
    help="An object with the hooks, or a class or function that makes one.",
)

roles_option = click.option(
    "--role",
    "known_roles",
    multiple=True,
    envvar="SCIM_ASGI_ROLES",
    show_envvar=True,
    metavar="ROLE",
    help="A role that the product knows; repeat it for each. None: any role goes.",
)

COUNT = click.IntRange(min=1, max=1_000_000)
"""How many of something may be asked for."""

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


class Product(Struct, frozen=True, kw_only=True):
    """The product that a command works on, as its options name it.

    Attributes:
        database: The database's URL.
        app: Module and attribute of its ScimApp, which has all the rest.
        account: Module and attribute of its account type.
        hooks: Module and attribute of its hooks.
        roles: The roles that it knows; none for any.
    """

    database: str
    app: str | None = None
    account: str | None = None
    hooks: str | None = None
    roles: tuple[str, ...] = ()

    def scim_app(self, **settings: Any) -> ScimApp[Any]:
        """Return its ScimApp, or one made of the other options and further settings.

        Raises:
            click.BadParameter: There is nothing of a name, or something else.
        """
        if self.app is not None:
            found = load_attribute("--app", self.app)
            if not isinstance(found, ScimApp):
                msg = f"{self.app} is no ScimApp; name the one that your application mounts."
                raise click.BadParameter(msg, param_hint="--app")
            return found
        return ScimApp(
            self.database,
            hooks=None if self.hooks is None else load_hooks(self.hooks),
            account=Account if self.account is None else load_attribute("--account", self.account),
            roles=self.roles or None,
            **settings,
        )


def product_options(
    *, typed: bool = False, hooks: bool = False
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Return a decorator that gives a command the options that say which product it works on.

    The command gets them as one :class:`Product` called `product`.

    Args:
        typed: Whether the account type and the roles matter.
        hooks: Whether the hooks and the account type do.
    """
    options = [database_option, app_option]
    if hooks:
        options.append(hooks_option)
    if typed or hooks:
        options.append(account_option)
    if typed:
        options.append(roles_option)

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        @wraps(command)
        def with_product(database: str, app: str | None, **others: Any) -> T:
            found = {"hooks": others.pop("hook_object", None)} if hooks else {}
            if typed or hooks:
                found["account"] = others.pop("account_type")
            if typed:
                found["roles"] = others.pop("known_roles")
            if app is not None:
                _refuse_beside_app()
            return command(product=Product(database=database, app=app, **found), **others)

        decorated: Callable[..., T] = with_product
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


_BESIDE_APP = {
    "database": "--database",
    "account_type": "--account",
    "hook_object": "--hooks",
    "known_roles": "--role",
}


def _refuse_beside_app() -> None:
    context = click.get_current_context()
    for name, option in _BESIDE_APP.items():
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            msg = f"The ScimApp of --app (or SCIM_ASGI_APP) has its own; leave out {option}."
            raise click.UsageError(msg)


def run(
    product: Product,
    work: Callable[[ScimApp[Any]], Awaitable[T]],
    *,
    account_type: AccountTypeUse = "unused",
    works: bool = False,
) -> T:
    """Run a coroutine on an open ScimApp; what goes wrong ends the command with a message.

    Args:
        product: Which one.
        work: The coroutine function.
        account_type: Whether the account type is compared with the one that the product last ran
            with, unless it is that of the product's own ScimApp.
        works: Whether hooks are called for what is pending.

    Raises:
        click.ClickException: In the place of every error of this package.
    """
    use = account_type
    if product.app is not None and account_type == "compared":
        use = "remembered" if works else "unused"

    async def opened() -> T:
        own = {} if product.app is not None else {"rate_limit": None}
        app = product.scim_app(**own)
        async with app.visit(works=works, account_type=use):
            return await work(app)

    try:
        return asyncio.run(opened())
    except MappingError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        msg = f"It cannot be used:{lines}{_hint(product)}"
        raise click.ClickException(redacted(msg)) from error
    except (ScimAsgiError, TypeError, ValueError) as error:
        raise click.ClickException(redacted(str(error))) from error


def _hint(product: Product) -> str:
    if product.app is not None or product.account is not None:
        return ""
    return (
        "\nWhere the product has its own account type or other roles, name them: --app "
        "MODULE:ATTRIBUTE for its ScimApp, or --account MODULE:ATTRIBUTE and --role ROLE."
    )


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


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def print_json(value: Any, *, is_issue: bool = False) -> None:
    """Print a value as one line of JSON, without tokens unless one is issued."""
    line = msgspec.json.encode(value).decode()
    click.echo(line if is_issue else redacted(line))
