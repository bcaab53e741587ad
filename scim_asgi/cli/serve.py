"""`scim-asgi serve`: the server on its own, under uvicorn."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import click
import uvicorn

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import account_option, database_option, load_attribute, roles_option
from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.fields import Account
from scim_asgi.protocol.core import read_resource_types

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
@click.option(
    "--hooks",
    metavar="MODULE:ATTRIBUTE",
    help="An object with the hooks, or a class or function that makes one.",
)
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
    *,
    group_patch_body: bool,
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
        )
    except (ScimAsgiError, ValueError, TypeError) as error:
        raise click.ClickException(str(error)) from error
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="on")
    _Server(config, base_url).run()


class _Server(uvicorn.Server):
    """uvicorn, saying where it listens once it does."""

    def __init__(self, config: uvicorn.Config, base_url: str | None) -> None:
        super().__init__(config)
        self._base_url = base_url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            raise SystemExit(3)
        port = self.servers[0].sockets[0].getsockname()[1]
        host = self.config.host if ":" not in self.config.host else f"[{self.config.host}]"
        url = self._base_url or f"http://{host}:{port}{MOUNT}"
        click.echo(f"Serving SCIM 2.0 at {url}")
        sys.stdout.flush()


def load_hooks(name: str) -> Any:
    """Import the hooks that ``module:attribute`` names; a class or function is called.

    Raises:
        click.BadParameter: There is nothing of that name.
    """
    found = load_attribute("--hooks", name)
    return found() if isinstance(found, type) or not hasattr(found, "create") else found
