"""Versions: looked back at and restored, and a form that was made from an older one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.forms import Form, number_of
from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.mapping.errors import MappingError
from scim_asgi.provisioning.versions import (
    SavedVersion,
    VersionConflict,
    Versioned,
    VersionUnknown,
)

_SHOWN = 20


class Kept(Struct, frozen=True, kw_only=True):
    """Something of which every version is kept.

    Attributes:
        section: Where its screen is.
        title: What that is called.
        name: What it is called itself.
        empty: What is said where nothing was ever saved.
        use_case: Returns its use cases.
        lines: Returns what it has, as pairs.
    """

    section: str
    title: str
    name: str
    empty: str
    use_case: Callable[[Visit], Versioned[Any, Any]]
    lines: Callable[[Any], Iterable[tuple[str, str]]]


class Conflict(Struct, frozen=True, kw_only=True):
    """A form that was made from another version than the one in force.

    Attributes:
        made_from: The version that the form was made from; 0 for none.
        version: The one in force.
        newer: What was saved since, newest first.
        difference: What saving the form all the same would change.
    """

    made_from: int
    version: int
    newer: list[SavedVersion]
    difference: dict[str, tuple[str | None, str | None]]


class Edited(Struct, kw_only=True):
    """A form while it is edited.

    Attributes:
        version: The version that it was made from.
        conflict: What was saved meanwhile, where that keeps it from being saved.
    """

    version: int
    conflict: Conflict | None = None


def version_of(form: Form) -> int:
    """Return the version that a form was made from; 0 where nothing had been saved."""
    return number_of(form.get("version")) or 0


async def is_saved(kept: Kept, visit: Visit, edited: Edited, content: Any) -> bool:
    """Save what was edited; or note why not, and what it would be saved over the next time.

    Args:
        kept: What it is.
        visit: Who has edited it.
        edited: The form.
        content: What it holds.
    """
    try:
        await kept.use_case(visit).set(
            visit.organization_id, content, by=visit.by, if_version=edited.version
        )
    except VersionConflict:
        edited.conflict = await _conflict_of(kept, visit, edited.version, content)
        edited.version = edited.conflict.version
        return False
    return True


async def _conflict_of(kept: Kept, visit: Visit, made_from: int, content: Any) -> Conflict:
    """Return what whoever filled in a form has to know before it can be saved."""
    use_case = kept.use_case(visit)
    saved = await use_case.history(visit.organization_id, limit=_SHOWN)
    in_force = await use_case.get(visit.organization_id)
    return Conflict(
        made_from=made_from,
        version=saved[0].version if saved else 0,
        newer=[each for each in saved if each.version > made_from],
        difference=use_case.difference(in_force, content),
    )


async def _history(kept: Kept, visit: Visit) -> Response:
    """Show the versions that were saved."""
    versions = await kept.use_case(visit).history(visit.organization_id)
    return render(visit, "history.html", section=kept.section, kept=kept, versions=versions)


async def _version(kept: Kept, visit: Visit) -> tuple[int, Any]:
    """Return the number of the version in the path, and what it has."""
    number = number_of(visit.params["version"]) or 0
    try:
        return number, await kept.use_case(visit).saved(visit.organization_id, number)
    except VersionUnknown as error:
        raise not_found(str(error)) from error


async def _question(kept: Kept, visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    number, content = await _version(kept, visit)
    current = await kept.use_case(visit).current(visit.organization_id)
    return render(
        visit,
        "restore.html",
        status,
        section=kept.section,
        kept=kept,
        number=number,
        version=0 if current is None else current.version,
        lines=list(kept.lines(content)),
        problem=problem,
    )


async def _restore(kept: Kept, visit: Visit) -> Response:
    """Put an earlier version in force again."""
    number, _ = await _version(kept, visit)
    try:
        await kept.use_case(visit).restore(
            visit.organization_id, number, by=visit.by, if_version=version_of(visit.form)
        )
    except MappingError as error:
        return await _question(kept, visit, problem=str(error), status=422)
    except VersionConflict as error:
        return await _question(kept, visit, problem=str(error), status=409)
    return see_other(visit.url(kept.section, done="restored"))


def version_screens(kept: Kept) -> tuple[Screen, ...]:
    """Return the screens of something with versions."""
    one = f"{kept.section}/history/{{version}}"
    return (
        Screen("GET", f"{kept.section}/history", partial(_history, kept)),
        Screen("GET", one, partial(_question, kept)),
        Screen("POST", one, partial(_restore, kept)),
    )
