"""`scim-asgi log`: the provisioning log of an organization."""

from __future__ import annotations

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import database_option, json_option, print_json, run, show_time
from scim_asgi.provisioning.log import to_wire
from scim_asgi.store.records import LogRecord


@click.command()
@database_option
@click.argument("organization")
@click.option("--limit", default=100, show_default=True, help="How many of the newest rows.")
@click.option("--counts", is_flag=True, help="Print how many rows there are of each action.")
@json_option
def log(database: str, organization: str, limit: int, *, counts: bool, as_json: bool) -> None:
    """Print the newest rows of the provisioning log of ORGANIZATION, oldest first."""
    if counts:
        _print_counts(database, organization, as_json=as_json)
        return

    async def work(app: ScimApp) -> list[LogRecord]:
        return await app.log.latest(organization, limit=limit)

    for row in run(database, work):
        if as_json:
            print_json(to_wire(row))
        else:
            click.echo(_line(row))


def _print_counts(database: str, organization: str, *, as_json: bool) -> None:
    async def work(app: ScimApp) -> dict[str, int]:
        return await app.log.counts(organization)

    counts = run(database, work)
    if as_json:
        print_json(counts)
        return
    for action, count in counts.items():
        click.echo(f"{action:12} {count:8}")


def _line(row: LogRecord) -> str:
    who = f"{row.resource_type} {row.resource_name}".strip() or row.path
    source = f"{row.method} {row.path}" if row.method else "background"
    changes = ", ".join(f"{name}: {old!r} → {new!r}" for name, (old, new) in row.changes.items())
    rest = "; ".join(each for each in (row.detail, changes, *row.notes) if each)
    status = row.status or ""
    return f"{show_time(row.at)}  {row.directory or '-':8}  {row.action:12} {status!s:4} {who}  [{source}]  {rest}"
