"""The root of the command line."""

from __future__ import annotations

import click

from scim_asgi.cli.log import log
from scim_asgi.cli.mapping import mapping
from scim_asgi.cli.roles import roles
from scim_asgi.cli.serve import serve
from scim_asgi.cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scim-asgi")
def main() -> None:
    """SCIM 2.0 provisioning for an ASGI product."""


for command in (serve, token, mapping, roles, log):
    main.add_command(command)
