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
    operator,
    print_json,
    product_options,
    run,
)
from scim_asgi.cli.remapping import dry_run_option, print_trial
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.provisioning.trials import Trial


@click.group()
def roles() -> None:
    """The role rules of an organization: which group gives which role."""


@roles.command("set")
@product_options(typed=True)
@dry_run_option
@json_option
@click.argument("organization")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_roles(
    product: Product,
    organization: str,
    file: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Replace the role rules of ORGANIZATION with those in FILE; {} removes them.

    FILE holds {"rules": [{"group": "Acme-Admins", "role": "org:admin"}], "default": "org:member"}.
    """
    rules = decode(file, RoleRules, "a JSON object with rules and a default role")

    async def save(app: ScimApp) -> None:
        await app.roles.set(organization, rules, by=operator())

    async def try_out(app: ScimApp) -> Trial:
        return await app.roles.dry_run(organization, rules)

    if dry_run:
        print_trial(run(product, try_out, account_type="compared"), as_json=as_json)
        return
    run(product, save, account_type="compared")
    if as_json:
        print_json({"organization_id": organization, **msgspec.to_builtins(rules)})
    else:
        click.echo(
            f"The role rules of {organization} are saved; accounts are mapped anew, see "
            f"scim-asgi mapping status {organization}."
        )


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
        click.echo(f"{rule.group} → {rule.role}")
    click.echo(f"everybody else → {rules.default or 'no role'}")
