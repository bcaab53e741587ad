"""The root of the command line."""

from __future__ import annotations

import click

from scim_asgi.cli.check import check
from scim_asgi.cli.drift import drift
from scim_asgi.cli.log import log
from scim_asgi.cli.mapping import mapping
from scim_asgi.cli.people import groups, users
from scim_asgi.cli.reconcile import reconcile
from scim_asgi.cli.roles import roles
from scim_asgi.cli.serve import serve
from scim_asgi.cli.simulate import simulate
from scim_asgi.cli.status import release, status
from scim_asgi.cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scim-asgi")
def main() -> None:
    """SCIM 2.0 provisioning for an ASGI product."""


for command in (
    serve,
    token,
    mapping,
    roles,
    log,
    users,
    groups,
    status,
    reconcile,
    drift,
    release,
    check,
    simulate,
):
    main.add_command(command)
