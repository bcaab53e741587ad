"""`scim-asgi log`: the provisioning log of an organization."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    COUNT,
    Product,
    duration,
    json_option,
    print_json,
    product_options,
    run,
    show_time,
)
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.log_entries import (
    Action,
    LogEntry,
    LogFilter,
    MembersChange,
    WantedOutcome,
)
from scim_asgi.provisioning.log_export import csv_chunks
from scim_asgi.redaction import printable

_RELATIVE = re.compile(r"\d{1,6}[mhdwy]")


@click.command()
@product_options()
@click.argument("organization")
@click.option(
    "--limit", default=100, show_default=True, type=COUNT, help="How many of the newest rows."
)
@click.option("--since", metavar="TIME", help="Not before: 2026-11-24T12:00, or 24h ago as 24h.")
@click.option("--until", metavar="TIME", help="Before this time, likewise.")
@click.option(
    "--outcome", type=click.Choice(get_args(WantedOutcome)), help="Only with this outcome."
)
@click.option("--action", type=click.Choice(get_args(Action)), help="Only with this action.")
@click.option("--user", metavar="NAME", help="Only about the user or group of this name or id.")
@click.option("--follow", "-f", is_flag=True, help="Go on with each new row until interrupted.")
@click.option("--counts", is_flag=True, help="Print how many rows there are of each action.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all rows as CSV, newest first.")
@json_option
def log(
    product: Product,
    organization: str,
    limit: int,
    since: str | None,
    until: str | None,
    outcome: WantedOutcome | None,
    action: Action | None,
    user: str | None,
    *,
    follow: bool,
    counts: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print the newest rows of the provisioning log of ORGANIZATION, oldest first.

    What admins have done to tokens and mappings is in it too.
    """
    wanted = LogFilter(
        since=_time("--since", since),
        until=_time("--until", until),
        outcome=outcome,
        action=action,
        user=user,
    )
    if counts:
        _print_counts(product, organization, wanted.since or 0, as_json=as_json)
    elif as_csv:
        run(product, lambda app: _print_csv(app.log.rows(organization, wanted)))
    elif follow:
        _follow(product, organization, wanted, limit, as_json=as_json)
    else:
        page = run(product, lambda app: app.log.page(organization, wanted, limit=limit))
        for entry in reversed(page.data):
            _print(entry, as_json=as_json)


def _follow(
    product: Product, organization: str, wanted: LogFilter, limit: int, *, as_json: bool
) -> None:
    async def work(app: ScimApp) -> None:
        async for entry in app.log.follow(organization, wanted, last=limit):
            _print(entry, as_json=as_json)
            sys.stdout.flush()

    run(product, work)


async def _print_csv(entries: AsyncIterator[LogEntry]) -> None:
    async for chunk in csv_chunks(entries):
        click.echo(chunk, nl=False)


def _print_counts(product: Product, organization: str, since: int, *, as_json: bool) -> None:
    async def work(app: ScimApp) -> dict[str, int]:
        return await app.log.counts(organization, since=since)

    counts = run(product, work)
    if as_json:
        print_json(counts)
        return
    for action, count in counts.items():
        click.echo(f"{action:15} {count:8}")


def _time(option: str, text: str | None) -> int | None:
    """Return a time in Unix milliseconds: a point in time, in UTC where it says nothing, or ago."""
    if text is None:
        return None
    if _RELATIVE.fullmatch(text):
        return now() - duration(option, text)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f'"{text}" is no time; write 2026-11-24T12:00 (UTC), or a duration ago such as 24h.'
        raise click.BadParameter(msg, param_hint=option) from error
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _print(entry: LogEntry, *, as_json: bool) -> None:
    if as_json:
        print_json(entry)
    else:
        click.echo(printable(_line(entry)))


def _line(entry: LogEntry) -> str:
    who = f"{entry.resource_type} {entry.resource_name}".strip() or entry.path or entry.actor
    source = f"{entry.method} {entry.path}" if entry.method else entry.surface or "background"
    changes = _changes(entry.changes)
    resource = f"in the directory: {_changes(entry.attributes)}" if entry.attributes else ""
    times = f"{entry.count} requests" if entry.count > 1 else ""
    rest = "; ".join(
        each
        for each in (times, entry.detail, changes, resource, _members(entry.members), *entry.notes)
        if each
    )
    status = entry.status or ""
    return f"{show_time(entry.at)}  {entry.directory or '-':8}  {entry.action:12} {status!s:4} {who}  [{source}]  {rest}"


def _changes(changes: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name}: {old!r} → {new!r}" for name, (old, new) in changes.items())


def _members(change: MembersChange | None) -> str:
    if change is None:
        return ""
    came = _some("came", change.added, change.added_count)
    went = _some("went", change.removed, change.removed_count)
    return "; ".join(each for each in (came, went) if each)


def _some(what: str, ids: list[str], count: int) -> str:
    more = f" and {count - len(ids)} more" if count > len(ids) else ""
    members = "member" if count == 1 else "members"
    return f"{count} {members} {what}: {', '.join(ids)}{more}" if count else ""
