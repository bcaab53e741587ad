"""`scim-asgi roles`: an organization's role rules."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    account_option,
    database_option,
    decode,
    json_option,
    operator,
    print_json,
    roles_option,
    run,
)
from scim_asgi.cli.remapping import dry_run_option, print_trial
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.provisioning.trials import Trial


@click.group()
def roles() -> None:
    """The role rules of an organization: which group gives which role."""


@roles.command("set")
@database_option
@account_option
@roles_option
@dry_run_option
@json_option
@click.argument("organization")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_roles(
    database: str,
    account: str | None,
    roles: tuple[str, ...],
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
        print_trial(run(database, try_out, account=account, roles=roles), as_json=as_json)
        return
    run(database, save, account=account, roles=roles)
    if as_json:
        print_json({"organization_id": organization, **msgspec.to_builtins(rules)})
    else:
        click.echo(
            f"The role rules of {organization} are saved; accounts are mapped anew, see "
            f"scim-asgi mapping status {organization}."
        )


@roles.command()
@database_option
@json_option
@click.argument("organization")
def show(database: str, organization: str, *, as_json: bool) -> None:
    """Print the role rules of ORGANIZATION, in their order."""

    async def work(app: ScimApp) -> RoleRules:
        return await app.roles.get(organization)

    rules = run(database, work)
    if as_json:
        print_json(rules)
        return
    for rule in rules.rules:
        click.echo(f"{rule.group} → {rule.role}")
    click.echo(f"everybody else → {rules.default or 'no role'}")
