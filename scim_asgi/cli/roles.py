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
    printable,
    product_options,
    run,
)
from scim_asgi.cli.remapping import dry_run_option, print_trial
from scim_asgi.cli.versions import (
    VERSION,
    Saved,
    if_version_option,
    limit_option,
    print_saved,
    print_versions,
    saved,
)
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.provisioning.roles import RolesVersion
from scim_asgi.provisioning.trials import Trial

_NAME = "the role rules"


@click.group()
def roles() -> None:
    """The role rules of an organization: which group gives which role."""


@roles.command("set")
@product_options(typed=True)
@dry_run_option
@if_version_option
@json_option
@click.argument("organization")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_roles(
    product: Product,
    organization: str,
    file: Path,
    *,
    if_version: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Replace the role rules of ORGANIZATION with those in FILE; {} removes them.

    FILE holds {"rules": [{"group": "Acme-Admins", "role": "org:admin"}], "default": "org:member"}.
    """
    rules = decode(file, RoleRules, "a JSON object with rules and a default role")

    async def save(app: ScimApp) -> Saved:
        saving = app.roles.set(organization, rules, by=operator(), if_version=if_version)
        return await saved(app.roles, organization, saving)

    async def try_out(app: ScimApp) -> Trial:
        return await app.roles.dry_run(organization, rules)

    if dry_run:
        print_trial(run(product, try_out, account_type="compared"), as_json=as_json)
        return
    done = run(product, save, account_type="compared")
    content = msgspec.to_builtins(rules)
    print_saved(_NAME, organization, done, as_json=as_json, **content)


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


@roles.command()
@product_options(typed=True)
@json_option
@limit_option
@click.argument("organization")
def history(product: Product, organization: str, limit: int, *, as_json: bool) -> None:
    """Print the role rules of ORGANIZATION that were saved, newest first, and what each changed."""

    async def work(app: ScimApp) -> list[RolesVersion]:
        return await app.roles.history(organization, limit=limit)

    print_versions(run(product, work), as_json=as_json)


@roles.command()
@product_options(typed=True)
@dry_run_option
@json_option
@click.argument("organization")
@click.argument("version", type=VERSION)
def restore(
    product: Product,
    organization: str,
    version: int,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put VERSION of the role rules of ORGANIZATION in force again, as a new version."""

    async def save(app: ScimApp) -> Saved:
        restoring = app.roles.restore(organization, version, by=operator())
        return await saved(app.roles, organization, restoring)

    async def try_out(app: ScimApp) -> Trial:
        rules = await app.roles.saved(organization, version)
        return await app.roles.dry_run(organization, rules)

    if dry_run:
        print_trial(run(product, try_out, account_type="compared"), as_json=as_json)
    else:
        done = run(product, save, account_type="compared")
        print_saved(_NAME, organization, done, as_json=as_json)
