"""`scim-asgi serve`: the server on its own, under uvicorn."""

from __future__ import annotations

import re
import socket
import sys
import time
from pathlib import Path
from typing import Any, get_args

import click
import uvicorn
from click.core import ParameterSource
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import Product, product_options, run
from scim_asgi.errors import ScimAsgiError
from scim_asgi.protocol.core import read_resource_types
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.provisioning.guard import Guard
from scim_asgi.provisioning.members import UnknownMembers
from scim_asgi.redaction import redacted

MOUNT = "/scim/v2"


class Options(Struct, frozen=True, kw_only=True):
    """What the command was given beside the product; its help says what each is."""

    host: str
    port: int
    base_url: str | None
    rate_limit: str
    schemas: Path | None
    group_patch_body: bool
    accept_bare_token: bool
    unknown_members: UnknownMembers
    unknown_attributes: UnknownAttributes
    log_personal_data: bool
    guard: str
    grace: float


_OWN_SETTINGS = {
    "base_url": "--base-url",
    "rate_limit": "--rate-limit",
    "schemas": "--schemas",
    "group_patch_body": "--group-patch-body",
    "accept_bare_token": "--accept-bare-token",
    "unknown_members": "--unknown-members",
    "unknown_attributes": "--unknown-attributes",
    "log_personal_data": "--log-personal-data",
    "guard": "--guard",
}


@click.command()
@product_options(typed=True, hooks=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port; 0 for any free one.")
@click.option(
    "--base-url", metavar="URL", help="The public URL, such as https://acme.example/scim/v2."
)
@click.option(
    "--rate-limit",
    default="100/second",
    show_default=True,
    metavar="LIMIT",
    help="Operations for each token; none for no limit.",
)
@click.option(
    "--schemas",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A JSON file with further schemas and resource types.",
)
@click.option(
    "--group-patch-body",
    is_flag=True,
    help="Answer a PATCH of a group 200 with the group, not 204.",
)
@click.option(
    "--accept-bare-token",
    is_flag=True,
    help="Accept an Authorization header that is the token alone, as Okta's Header sends it.",
)
@click.option(
    "--unknown-members",
    type=click.Choice(get_args(UnknownMembers)),
    default="skip",
    show_default=True,
    help="What becomes of group members that nobody knows.",
)
@click.option(
    "--unknown-attributes",
    type=click.Choice(get_args(UnknownAttributes)),
    default="ignore",
    show_default=True,
    help="What becomes of attributes that no schema knows.",
)
@click.option(
    "--log-personal-data/--no-log-personal-data",
    default=True,
    show_default=True,
    help="Whether names and values are in the provisioning log, or ids alone.",
)
@click.option(
    "--guard",
    default="30%/20/10m",
    show_default=True,
    metavar="SHARE/MINIMUM/TIME",
    help="How many accounts of an organization may be closed in a time; none for all.",
)
@click.option(
    "--grace",
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long hooks under way may take when the server is told to stop.",
)
def serve(product: Product, **given: Any) -> None:
    """Serve SCIM at /scim/v2; one line on standard output says when it is ready.

    With --app the product's own ScimApp is served, with its own settings. Without --app and
    --hooks, users and groups are stored and nobody is told of them.
    """
    options = Options(**given)
    if product.app is not None:
        _refuse_own_settings()
    try:
        app = _scim_app(product, options)
    except (ScimAsgiError, ValueError, TypeError) as error:
        raise click.ClickException(str(error)) from error
    if product.app is not None or product.hooks is not None:
        is_guess = product.app is None and product.account is None
        run(product, _require_usable, account_type="compared" if is_guess else "remembered")
    config = uvicorn.Config(
        app if product.app is None else _mounted(app),
        host=options.host,
        port=options.port,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    _Server(config, app, options).run()


def _scim_app(product: Product, options: Options) -> ScimApp[Any]:
    if product.app is not None:
        return product.scim_app()
    schemas, limit = options.schemas, options.rate_limit
    return product.scim_app(
        base_url=options.base_url,
        rate_limit=None if limit.casefold() == "none" else limit,
        resource_types=() if schemas is None else read_resource_types(schemas.read_bytes()),
        mount_path=MOUNT,
        guard=_read_guard(options.guard),
        shutdown_timeout=options.grace,
        group_patch_body=options.group_patch_body,
        accept_bare_token=options.accept_bare_token,
        unknown_members=options.unknown_members,
        unknown_attributes=options.unknown_attributes,
        log_personal_data=options.log_personal_data,
    )


def _refuse_own_settings() -> None:
    context = click.get_current_context()
    for name, option in _OWN_SETTINGS.items():
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            msg = f"The ScimApp of --app has its own settings; leave out {option}."
            raise click.UsageError(msg)


async def _require_usable(app: ScimApp[Any]) -> None:
    """Refuse to serve what would refuse the people of an organization."""
    problems = await app.unusable_mappings()
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems.values())
        msg = (
            f"What is saved cannot be used with this account type and these roles:{lines}\n"
            "Name the product's own with --app, or with --account and --role; where they have "
            "changed, save what fits with scim-asgi mapping set or scim-asgi roles set."
        )
        raise click.ClickException(redacted(msg))


def _mounted(app: ScimApp[Any]) -> Starlette:
    """Return the application that a product would mount its ScimApp in."""
    return Starlette(routes=[Mount(MOUNT, app)], lifespan=app.lifespan)


class _Server(uvicorn.Server):
    """uvicorn, saying where it listens, and answering 503 while it ends what is under way."""

    def __init__(self, config: uvicorn.Config, app: ScimApp[Any], options: Options) -> None:
        super().__init__(config)
        self._app = app
        self._base_url = options.base_url
        self._grace = options.grace
        self._deadline: float | None = None

    async def on_tick(self, counter: int) -> bool:
        if not await super().on_tick(counter):
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            self._app.drain()
            return False
        return self._app.is_idle or self.force_exit or time.monotonic() > self._deadline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            raise SystemExit(3)
        port = self.servers[0].sockets[0].getsockname()[1]
        host = self.config.host if ":" not in self.config.host else f"[{self.config.host}]"
        url = self._base_url or f"http://{host}:{port}{MOUNT}"
        click.echo(f"Serving SCIM 2.0 at {url}")
        sys.stdout.flush()


def _read_guard(text: str) -> Guard | None:
    if text.casefold() == "none":
        return None
    match = re.fullmatch(r"(\d{1,3})%/(\d{1,9})/(\d{1,5})m", text)
    if match is None:
        msg = f'"{text}" is no guard; write a share, a number and minutes, such as 30%/20/10m.'
        raise click.BadParameter(msg, param_hint="--guard")
    share, minimum, minutes = map(int, match.groups())
    return Guard(share=share / 100, minimum=minimum, seconds=minutes * 60)
