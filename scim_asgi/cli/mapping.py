"""`scim-asgi mapping`: an organization's attribute mapping override."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    decode,
    json_option,
    print_json,
    product_options,
    run,
)
from scim_asgi.cli.preview import print_preview
from scim_asgi.cli.remapping import status
from scim_asgi.cli.versions import (
    Kept,
    Saving,
    history_command,
    replace,
    restore_command,
    saving_options,
)
from scim_asgi.provisioning.previews import Preview

_KEPT = Kept(
    name="the mapping",
    one="override",
    several="overrides",
    use_case=lambda app: app.mappings,
)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def mapping() -> None:
    """The attribute mapping of an organization."""


mapping.add_command(status)
mapping.add_command(history_command(_KEPT))
mapping.add_command(restore_command(_KEPT))


@mapping.command("set")
@product_options(typed=True)
@saving_options
@click.argument("organization")
@click.argument("file", type=_file)
def set_mapping(product: Product, organization: str, file: Path, saving: Saving) -> None:
    """Replace the override of ORGANIZATION with the JSON object in FILE; {} means the defaults."""
    replace(_KEPT, product, organization, saving, content=_read(file))


@mapping.command()
@product_options(typed=True)
@json_option
@click.argument("organization")
def show(product: Product, organization: str, *, as_json: bool) -> None:
    """Print the override of ORGANIZATION as JSON, as `set` reads it.

    With --json the defaults and how far mapping anew has come are beside it.
    """

    async def work(app: ScimApp) -> dict[str, Any]:
        return {
            "mapping": await app.mappings.get(organization),
            "defaults": app.mappings.defaults(),
            "status": await app.mappings.status(organization),
        }

    shown = run(product, work)
    print_json(shown if as_json else shown["mapping"])


@mapping.command()
@product_options(typed=True)
@json_option
@click.option("--user", "user_id", metavar="ID", help="The id of a stored User.")
@click.option("--resource", type=_file, metavar="FILE", help="A User as JSON, with its groups.")
@click.option("--mapping", "other", type=_file, metavar="FILE", help="Another override to try.")
@click.argument("organization")
def preview(
    product: Product,
    user_id: str | None,
    resource: Path | None,
    other: Path | None,
    organization: str,
    *,
    as_json: bool,
) -> None:
    """Show the account of one User of ORGANIZATION, and why each field is as it is."""
    if (user_id is None) == (resource is None):
        msg = "Give either --user ID or --resource FILE."
        raise click.UsageError(msg)
    override = None if other is None else _read(other)
    pasted = None if resource is None else decode(resource, dict[str, Any], "a User as JSON")

    async def work(app: ScimApp) -> Preview[Any]:
        return await app.mappings.preview(
            organization, user_id=user_id, resource=pasted, override=override
        )

    print_preview(run(product, work, account_type="compared"), as_json=as_json)


def _read(file: Path) -> dict[str, str]:
    return decode(file, dict[str, str], "a JSON object of SCIM paths and account fields")
