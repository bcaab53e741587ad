"""`scim-asgi roles`: an organization's role rules."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    decode,
    json_option,
    print_json,
    product_options,
    run,
)
from scim_asgi.cli.versions import (
    Kept,
    Saving,
    history_command,
    replace,
    restore_command,
    saving_options,
)
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.redaction import printable

_KEPT = Kept(
    name="the role rules",
    one="role rules",
    several="role rules",
    use_case=lambda app: app.roles,
)


@click.group()
def roles() -> None:
    """The role rules of an organization: which group gives which role."""


roles.add_command(history_command(_KEPT))
roles.add_command(restore_command(_KEPT))


@roles.command("set")
@product_options(typed=True)
@saving_options
@click.argument("organization")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_roles(product: Product, organization: str, file: Path, saving: Saving) -> None:
    """Replace the role rules of ORGANIZATION with those in FILE; {} removes them.

    FILE holds {"rules": [{"group": "Acme-Admins", "role": "org:admin"}], "default": "org:member"}.
    """
    rules = decode(file, RoleRules, "a JSON object with rules and a default role")
    said = msgspec.to_builtins(rules)
    replace(_KEPT, product, organization, saving, content=rules, said=said)


@roles.command()
@product_options(typed=True)
@json_option
@click.argument("organization")
def show(product: Product, organization: str, *, as_json: bool) -> None:
    """Print the role rules of ORGANIZATION, in their order."""

    async def work(app: ScimApp) -> RoleRules:
        return await app.roles.get(organization)

    rules = run(product, work)
    if as_json:
        print_json(rules)
        return
    for rule in rules.rules:
        click.echo(printable(f"{rule.group} → {rule.role}"))
    click.echo(printable(f"everybody else → {rules.default or 'no role'}"))
