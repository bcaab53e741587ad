"""The log: what the directory asked for, what came of it, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.forms import number_of
from scim_asgi.admin.page.rendering import render
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.log_entries import (
    Action,
    CursorUnknown,
    LogEntry,
    LogFilter,
    entry_of,
)

_PAGE = 50
_DAY = 86_400_000
OUTCOMES = (
    ("", "Everything"),
    ("errors", "Errors: refused or failed"),
    ("success", "Done"),
    ("skipped", "Skipped"),
    ("refused", "Refused, held, slowed down"),
    ("failed", "Failed"),
    ("warning", "Warnings"),
    ("pending", "Under way"),
)


async def log(visit: Visit) -> Response:
    """Show a page of the log."""
    chosen, problem = _filter(visit)
    cursor = visit.query.get("cursor") or None
    reader = visit.runtime.log
    try:
        page = await reader.page(visit.organization_id, chosen, cursor=cursor, limit=_PAGE)
    except CursorUnknown:
        problem = "The link to that part of the log is damaged. This is the newest part."
        page = await reader.page(visit.organization_id, chosen, limit=_PAGE)
    return render(
        visit,
        "log.html",
        entries=page.data,
        older=page.next_cursor and visit.url("log", **_kept(visit), cursor=page.next_cursor),
        is_newest=cursor is None,
        is_filtered=bool(_kept(visit)),
        outcomes=OUTCOMES,
        actions=get_args(Action),
        problem=problem,
        exports=_exports(visit, chosen),
    )


def _filter(visit: Visit) -> tuple[LogFilter, str]:
    """Return what the form asks for, and what is wrong with it."""
    query = visit.query
    outcome, action = query.get("outcome"), query.get("action")
    problem = ""
    since, until = _day(query.get("from")), _day(query.get("to"))
    if (query.get("from") and since is None) or (query.get("to") and until is None):
        problem = "Write days as year-month-day, such as 2026-11-24."
    chosen = LogFilter(
        since=_milliseconds(since),
        until=None if until is None else (_milliseconds(until) or 0) + _DAY,
        outcome=outcome if outcome in dict(OUTCOMES) and outcome else None,  # type: ignore[arg-type]
        action=action if action in get_args(Action) else None,  # type: ignore[arg-type]
        user=query.get("user") or None,
    )
    return chosen, problem


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _kept(visit: Visit) -> dict[str, str]:
    """Return the parameters of the form that are set."""
    names = ("outcome", "action", "from", "to", "user")
    return {name: value for name in names if (value := visit.query.get(name))}


def _exports(visit: Visit, chosen: LogFilter) -> list[tuple[str, str]]:
    """Return links to the same rows as files, from the API."""
    query: dict[str, Any] = {
        "since": chosen.since,
        "until": chosen.until,
        "outcome": chosen.outcome,
        "action": chosen.action,
        "user": chosen.user,
    }
    formats = (("CSV", "csv"), ("JSON Lines", "jsonl"))
    return [(title, visit.api("log", **query, format=name)) for title, name in formats]


async def row(visit: Visit) -> Response:
    """Show everything about one row."""
    number = number_of(visit.params["number"]) or 0
    rows = await visit.runtime.log.entries(visit.organization_id, after=number - 1, limit=1)
    if not number or not rows or rows[0].number != number:
        raise not_found("There is no such row in the log. Old rows are removed after a while.")
    entry = entry_of(rows[0])
    return render(
        visit,
        "log-row.html",
        entry=entry,
        person=await _person(visit, entry),
        names=await _names(visit, entry),
    )


async def _names(visit: Visit, entry: LogEntry) -> dict[str, str]:
    """Return the names of the members whom a row names by their ids."""
    if entry.members is None:
        return {}
    ids = [*entry.members.added, *entry.members.removed]
    return await visit.runtime.groups.member_names(visit.organization_id, ids)


async def _person(visit: Visit, entry: LogEntry) -> bool:
    """Return whether the user that a row is about is still there."""
    if entry.resource_type != "User" or not entry.resource_id:
        return False
    found = await visit.runtime.users.list(visit.organization_id, search=entry.resource_id, limit=1)
    return any(each.id == entry.resource_id for each in found.data)


SCREENS = (
    Screen("GET", "log", log),
    Screen("GET", "log/{number}", row),
)
