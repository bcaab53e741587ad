"""`scim-asgi mapping`: an organization's attribute mapping override."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import account_option, database_option, print_json, run


@click.group()
def mapping() -> None:
    """The attribute mapping of an organization."""


@mapping.command("set")
@database_option
@account_option
@click.argument("organization")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_mapping(database: str, account: str | None, organization: str, file: Path) -> None:
    """Replace the override of ORGANIZATION with the JSON object in FILE; {} means the defaults."""
    override = _read(file)

    async def work(app: ScimApp) -> None:
        await app.set_mapping(organization, override, saved_by="command line")

    run(database, work, account=account)
    click.echo(f"The mapping of {organization} is saved.")


@mapping.command()
@database_option
@click.argument("organization")
def show(database: str, organization: str) -> None:
    """Print the override of ORGANIZATION as JSON."""

    async def work(app: ScimApp) -> Any:
        return await app.get_mapping(organization)

    print_json(run(database, work))


def _read(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        msg = f"{file} is not a JSON object of SCIM paths and account fields: {error}"
        raise click.ClickException(msg) from error
