"""What the commands for mappings and role rules share: saving, looking back, restoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any

import click
from msgspec import Struct

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    COUNT,
    Product,
    json_option,
    operator,
    print_json,
    product_options,
    run,
    show_time,
)
from scim_asgi.cli.remapping import print_trial
from scim_asgi.provisioning.trials import Trial
from scim_asgi.provisioning.versions import SavedVersion, Versioned
from scim_asgi.redaction import printable

_if_version_option = click.option(
    "--if-version",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Save only over this version, the newest of the history; 0: only where none was saved.",
)
_dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Change nothing; show what would become of the accounts."
)
_limit_option = click.option(
    "--limit",
    default=20,
    show_default=True,
    type=COUNT,
    help="How many of the newest versions.",
)


def _print_versions(versions: Sequence[SavedVersion], *, as_json: bool) -> None:
    """Print versions, newest first, and what each changed."""
    if as_json:
        print_json({"data": versions})
        return
    for version in versions:
        saved_by = printable(version.saved_by)
        click.echo(f"{version.version:>4}  {show_time(version.saved_at)}  {saved_by}".rstrip())
        for key, (old, new) in version.difference.items():
            if old is not None:
                click.echo(f"      - {printable(key)}: {printable(old)}")
            if new is not None:
                click.echo(f"      + {printable(key)}: {printable(new)}")
        if version.is_reordered:
            click.echo("      in another order")


class Kept(Struct, frozen=True, kw_only=True):
    """Something of which every version is kept.

    Attributes:
        name: What is in force.
        one: What one version holds.
        several: What all of them hold.
        use_case: Returns its use cases.
    """

    name: str
    one: str
    several: str
    use_case: Callable[[ScimApp], Versioned[Any, Any]]


class Saving(Struct, frozen=True, kw_only=True):
    """How a command saves something.

    Attributes:
        if_version: The version that alone may be replaced; None for whichever is in force.
        dry_run: Whether it only tries it out.
        as_json: Whether a program reads what it prints.
    """

    if_version: int | None
    dry_run: bool
    as_json: bool


def saving_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how it saves, as one :class:`Saving` called `saving`."""

    @wraps(command)
    def with_saving(*, if_version: int | None, dry_run: bool, as_json: bool, **others: Any) -> None:
        saving = Saving(if_version=if_version, dry_run=dry_run, as_json=as_json)
        command(saving=saving, **others)

    return _dry_run_option(_if_version_option(json_option(with_saving)))


class _Saved(Struct, frozen=True):
    """The version that is in force, and whether it was not before."""

    version: int
    is_new: bool


def replace(
    kept: Kept,
    product: Product,
    organization: str,
    saving: Saving,
    *,
    content: Any = None,
    earlier: int | None = None,
    said: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Save something, or only try it out, and print what comes of it.

    Args:
        kept: Of what.
        product: Of which product.
        organization: Of which organization.
        saving: How.
        content: What is to be in force; or else
        earlier: the number of the version that is to be again.
        said: What else a program is told of what was saved.
    """

    async def wanted(app: ScimApp) -> Any:
        if earlier is None:
            return content
        return await kept.use_case(app).saved(organization, earlier)

    async def try_out(app: ScimApp) -> Trial:
        return await kept.use_case(app).dry_run(organization, await wanted(app))

    async def save(app: ScimApp) -> _Saved:
        return await _save(kept.use_case(app), organization, await wanted(app), saving.if_version)

    if saving.dry_run:
        print_trial(run(product, try_out, account_type="compared"), as_json=saving.as_json)
        return
    done = run(product, save, account_type="compared")
    if saving.as_json:
        print_json({"organization_id": organization, "version": done.version, **said})
    else:
        click.echo(_sentence(kept.name, organization, done))


async def _save(
    use_case: Versioned[Any, Any], organization: str, content: Any, if_version: int | None
) -> _Saved:
    before = await use_case.current(organization)
    version = await use_case.set(organization, content, by=operator(), if_version=if_version)
    return _Saved(version, is_new=before is None or before.version != version)


def _sentence(name: str, organization: str, done: _Saved) -> str:
    said = (
        f"Saved {name} of {organization} as version {done.version}"
        if done.is_new
        else f"Nothing was saved: version {done.version} of {name} of {organization} is the same"
    )
    return f"{said}. Accounts are mapped anew, see scim-asgi mapping status {organization}."


def history_command(kept: Kept) -> click.Command:
    """Return the command that looks back at the versions of something."""

    @click.command(
        help=f"Print the {kept.several} of ORGANIZATION that were saved, newest first, and what "
        "each changed."
    )
    @product_options(typed=True)
    @json_option
    @_limit_option
    @click.argument("organization")
    def history(product: Product, organization: str, limit: int, *, as_json: bool) -> None:
        async def work(app: ScimApp) -> list[SavedVersion]:
            return await kept.use_case(app).history(organization, limit=limit)

        _print_versions(run(product, work), as_json=as_json)

    return history


def restore_command(kept: Kept) -> click.Command:
    """Return the command that puts an earlier version of something in force again."""

    @click.command(
        help=f"Put VERSION of the {kept.one} of ORGANIZATION in force again, as a new version."
    )
    @product_options(typed=True)
    @saving_options
    @click.argument("organization")
    @click.argument("version", type=click.IntRange(min=1, max=2**53))
    def restore(product: Product, organization: str, version: int, saving: Saving) -> None:
        replace(kept, product, organization, saving, earlier=version)

    return restore
