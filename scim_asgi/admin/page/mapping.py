"""The attribute mapping: edited as a table, tried on a real person, then on everybody, then saved."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.mapping_form import (
    Flaw,
    Row,
    defaults_left,
    flaws_of,
    override_of,
    rows_from,
    rows_of,
)
from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.mapping.errors import MappingError
from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.mappings import VersionUnknown
from scim_asgi.provisioning.people import UserSummary
from scim_asgi.provisioning.previews import Preview
from scim_asgi.provisioning.trials import Trial

_SUGGESTED = 20
_PATHS = (
    "title",
    "displayName",
    "userType",
    "preferredLanguage",
    "groups.displayName",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.costCenter",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division",
    'phoneNumbers[type eq "work"].value',
)
"""Paths that are suggested while one types."""


class Edit(Struct, kw_only=True):
    """A mapping while it is edited.

    Attributes:
        rows: The override's rows, and perhaps blank ones.
        flaws: What is wrong with each row, by its number.
        problem: What is wrong with all of them together.
        trial: What saving would do, where that was asked for.
        status: The HTTP status of the answer.
    """

    rows: list[Row]
    flaws: dict[int, Flaw] = {}
    problem: str = ""
    trial: Trial | None = None
    status: int = 200


async def mapping(visit: Visit) -> Response:
    """Show the mapping in force."""
    override = await visit.runtime.mappings.get(visit.organization_id)
    return await _page(visit, Edit(rows=rows_of(override)), visit.query.get("user"))


async def edit(visit: Visit) -> Response:
    """Do what a button of the form says; only Save changes anything."""
    rows, intent = rows_from(visit.form), visit.form.get("intent")
    changed = Edit(rows=_rearranged(rows, intent))
    if intent in ("save", "try"):
        changed = await _checked(visit, rows)
        if changed.status == 200 and intent == "save":
            override, _ = override_of(rows)
            await visit.runtime.mappings.set(visit.organization_id, override, by=visit.by)
            return see_other(visit.url("mapping", done="mapping", user=visit.form.get("user")))
        if changed.status == 200:
            override, _ = override_of(rows)
            changed.trial = await visit.runtime.mappings.dry_run(visit.organization_id, override)
    return await _page(visit, changed, visit.form.get("user"), is_edited=True)


def _rearranged(rows: list[Row], intent: str) -> list[Row]:
    """Return the rows after a button that adds or removes one."""
    action, _, argument = intent.partition(":")
    if action == "add":
        return [*rows, Row()]
    if action == "override":
        return [*(row for row in rows if not row.is_blank), *rows_of({argument: ""})]
    if action == "remove" and argument.isdecimal():
        return [row for number, row in enumerate(rows) if number != int(argument)]
    return rows


async def _checked(visit: Visit, rows: list[Row]) -> Edit:
    """Return the rows with what would keep them from being saved."""
    override, flaws = override_of(rows)
    problem = ""
    try:
        await visit.runtime.mappings.check(visit.organization_id, override)
    except MappingError as error:
        found, problem = flaws_of(rows, error.problems)
        flaws = {**found, **flaws}
    return Edit(rows=rows, flaws=flaws, problem=problem, status=422 if flaws or problem else 200)


async def _page(visit: Visit, edited: Edit, wanted: str, *, is_edited: bool = False) -> Response:
    if edited.status == 200 and is_edited:
        checked = await _checked(visit, edited.rows)
        edited.flaws, edited.problem = checked.flaws, checked.problem
    people = await visit.runtime.users.list(visit.organization_id, limit=_SUGGESTED)
    person = await _person(visit, wanted, people.data)
    shown: dict[str, Any] = await _previewed(visit, edited, person)
    runtime = visit.runtime
    return render(
        visit,
        "mapping.html",
        edited.status,
        edit=edited,
        rows=edited.rows if any(row.is_blank for row in edited.rows) else [*edited.rows, Row()],
        defaults=[
            each for each in defaults_left(edited.rows) if runtime.mappings.fields.has(each[1])
        ],
        fields=_fields(visit),
        paths=_PATHS,
        people=people.data,
        person=person,
        wanted=wanted,
        is_edited=is_edited,
        remapping=await runtime.mappings.status(visit.organization_id),
        versions=await runtime.mappings.history(visit.organization_id, limit=1),
        has_rules=bool(await runtime.roles.get(visit.organization_id)),
        **shown,
    )


def _fields(visit: Visit) -> list[str]:
    fields = visit.runtime.mappings.fields
    named = [name for name in fields.names if name != "public_metadata"]
    return [*named, "public_metadata.department"] if fields.has_metadata else named


async def _person(visit: Visit, wanted: str, newest: list[UserSummary]) -> UserSummary | None:
    """Return whom a mapping is tried on: whoever is named, else the newest."""
    if not wanted:
        return newest[0] if newest else None
    found = await visit.runtime.users.list(visit.organization_id, search=wanted, limit=1)
    return found.data[0] if found.data else None


async def _previewed(visit: Visit, edited: Edit, person: UserSummary | None) -> dict[str, Any]:
    """Return what the rows make of a person, or why that cannot be said."""
    preview: Preview | None = None
    problem = ""
    override, _ = override_of(edited.rows)
    if person is not None and not edited.flaws and not edited.problem:
        try:
            preview = await visit.runtime.mappings.preview(
                visit.organization_id, user_id=person.id, override=override
            )
        except MappingError as error:
            problem = str(error)
        except ScimError as error:
            problem = error.detail
    return {"preview": preview, "preview_problem": problem}


async def history(visit: Visit) -> Response:
    """Show the versions that were saved."""
    versions = await visit.runtime.mappings.history(visit.organization_id)
    return render(visit, "mapping-history.html", versions=versions)


async def _version(visit: Visit) -> tuple[int, dict[str, str]]:
    """Return the number of the version in the path, and its override."""
    text = visit.params["version"]
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    try:
        return number, await visit.runtime.mappings.saved(visit.organization_id, number)
    except VersionUnknown:
        raise not_found("There is no such version of the mapping.") from None


async def ask_to_restore(visit: Visit) -> Response:
    """Ask whether an earlier version is really to be in force again."""
    number, override = await _version(visit)
    return render(visit, "mapping-restore.html", number=number, override=override, problem="")


async def restore(visit: Visit) -> Response:
    """Put an earlier version in force again."""
    number, override = await _version(visit)
    try:
        await visit.runtime.mappings.restore(visit.organization_id, number, by=visit.by)
    except MappingError as error:
        shown = {"number": number, "override": override, "problem": str(error)}
        return render(visit, "mapping-restore.html", 422, **shown)
    return see_other(visit.url("mapping", done="restored"))


SCREENS = (
    Screen("GET", "mapping", mapping),
    Screen("POST", "mapping", edit),
    Screen("GET", "mapping/history", history),
    Screen("GET", "mapping/history/{version}", ask_to_restore),
    Screen("POST", "mapping/history/{version}", restore),
)
