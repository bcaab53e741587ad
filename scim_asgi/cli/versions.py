"""What the commands for mappings and role rules share: saving, looking back, restoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from scim_asgi.cli.common import print_json, printable, show_time
from scim_asgi.provisioning.versions import SavedVersion

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
    type=click.IntRange(min=1),
    help="How many of the newest versions.",
)


def print_versions(versions: Sequence[SavedVersion], *, as_json: bool) -> None:
    """Print versions, newest first, and what each changed."""
    for version in versions:
        if as_json:
            print_json(version)
            continue
        saved_by = printable(version.saved_by)
        click.echo(f"{version.version:>4}  {show_time(version.saved_at)}  {saved_by}".rstrip())
        for key, (old, new) in version.difference.items():
            if old is not None:
                click.echo(f"      - {printable(key)}: {printable(old)}")
            if new is not None:
                click.echo(f"      + {printable(key)}: {printable(new)}")
        if version.is_reordered:
            click.echo("      in another order")


def print_saved(
    name: str, organization: str, version: int, *, as_json: bool, **content: Any
) -> None:
    """Print that something was saved.

    Args:
        name: What was.
        organization: Of which organization.
        version: As which version.
        as_json: Whether a program reads it.
        content: What else a program is told.
    """
    if as_json:
        print_json({"organization_id": organization, "version": version, **content})
        return
    click.echo(
        f"Saved {name} of {organization} as version {version}; accounts are mapped anew, see "
        f"scim-asgi mapping status {organization}."
    )
