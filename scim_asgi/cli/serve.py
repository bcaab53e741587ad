"""`scim-asgi serve`: the server on its own, under uvicorn."""

from __future__ import annotations

import re
import socket
import sys
import time
from pathlib import Path

import click
import uvicorn

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    account_option,
    database_option,
    hooks_option,
    load_attribute,
    load_hooks,
    roles_option,
)
from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.fields import Account
from scim_asgi.protocol.core import read_resource_types
from scim_asgi.provisioning.guard import Guard

MOUNT = "/scim/v2"


@click.command()
@database_option
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
@hooks_option
@account_option
@roles_option
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
def serve(
    database: str,
    host: str,
    port: int,
    base_url: str | None,
    rate_limit: str,
    hooks: str | None,
    account: str | None,
    roles: tuple[str, ...],
    schemas: Path | None,
    guard: str,
    grace: float,
    *,
    group_patch_body: bool,
    log_personal_data: bool,
) -> None:
    """Serve SCIM at /scim/v2; one line on standard output says when it is ready."""
    try:
        app = ScimApp(
            database,
            hooks=None if hooks is None else load_hooks(hooks),
            account=Account if account is None else load_attribute("--account", account),
            roles=roles or None,
            base_url=base_url,
            rate_limit=None if rate_limit.casefold() == "none" else rate_limit,
            resource_types=() if schemas is None else read_resource_types(schemas.read_bytes()),
            mount_path=MOUNT,
            group_patch_body=group_patch_body,
            log_personal_data=log_personal_data,
            guard=_read_guard(guard),
            shutdown_timeout=grace,
        )
    except (ScimAsgiError, ValueError, TypeError) as error:
        raise click.ClickException(str(error)) from error
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    _Server(config, app, base_url, grace).run()


class _Server(uvicorn.Server):
    """uvicorn, saying where it listens, and answering 503 while it ends what is under way."""

    def __init__(
        self, config: uvicorn.Config, app: ScimApp, base_url: str | None, grace: float
    ) -> None:
        super().__init__(config)
        self._app = app
        self._base_url = base_url
        self._grace = grace
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
