"""What the commands for mappings and role rules share: saving, looking back, restoring."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

import click
from msgspec import Struct

from scim_asgi.cli.common import COUNT, print_json, printable, show_time
from scim_asgi.provisioning.versions import SavedVersion, Versioned

if_version_option = click.option(
    "--if-version",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Save only over this version, the newest of the history; 0: only where none was saved.",
)
limit_option = click.option(
    "--limit",
    default=20,
    show_default=True,
    type=COUNT,
    help="How many of the newest versions.",
)

VERSION = click.IntRange(min=1, max=2**53)
"""The number of a version."""


def print_versions(versions: Sequence[SavedVersion], *, as_json: bool) -> None:
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


class Saved(Struct, frozen=True):
    """The version that is in force, and whether it was not before."""

    version: int
    is_new: bool


async def saved(use_case: Versioned[Any, Any], organization: str, saving: Awaitable[int]) -> Saved:
    """Save something, and return what came of it.

    Args:
        use_case: Of what.
        organization: Of which organization.
        saving: What saves it.
    """
    before = await use_case.current(organization)
    version = await saving
    return Saved(version, is_new=before is None or before.version != version)


def print_saved(
    name: str, organization: str, done: Saved, *, as_json: bool, **content: Any
) -> None:
    """Print that something was saved.

    Args:
        name: What was.
        organization: Of which organization.
        done: What came of it.
        as_json: Whether a program reads it.
        content: What else a program is told.
    """
    if as_json:
        print_json({"organization_id": organization, "version": done.version, **content})
        return
    said = (
        f"Saved {name} of {organization} as version {done.version}"
        if done.is_new
        else f"Nothing was saved: version {done.version} of {name} of {organization} is the same"
    )
    click.echo(f"{said}. Accounts are mapped anew, see scim-asgi mapping status {organization}.")
