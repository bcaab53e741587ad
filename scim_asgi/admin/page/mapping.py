"""The attribute mapping: edited as a table, tried on a real person, then on everybody, then saved."""

from __future__ import annotations

from typing import Any

from msgspec import field
from starlette.responses import Response

from scim_asgi.admin.page.forms import number_of
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
from scim_asgi.admin.page.versions import (
    Edited,
    Kept,
    is_saved,
    version_of,
    version_screens,
)
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.mapping.errors import MappingError
from scim_asgi.protocol.errors import ScimError
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


class Edit(Edited, kw_only=True):
    """A mapping while it is edited.

    Attributes:
        rows: The override's rows, and perhaps blank ones.
        flaws: What is wrong with each row, by its number.
        problem: What is wrong with all of them together.
        trial: What saving would do, where that was asked for.
        status: The HTTP status of the answer.
    """

    rows: list[Row]
    flaws: dict[int, Flaw] = field(default_factory=dict)
    problem: str = ""
    trial: Trial | None = None
    status: int = 200


KEPT = Kept(
    section="mapping",
    title="Attributes",
    name="attribute mapping",
    empty="Nothing was ever saved: the defaults have been in force from the beginning.",
    use_case=lambda visit: visit.runtime.mappings,
    lines=lambda override: ((path, field or "switched off") for path, field in override.items()),
)


async def mapping(visit: Visit) -> Response:
    """Show the mapping in force."""
    current = await visit.runtime.mappings.current(visit.organization_id)
    edited = Edit(rows=[], version=0)
    if current is not None:
        edited = Edit(rows=rows_of(current.override), version=current.version)
    return await _page(visit, edited, visit.query.get("user"))


async def edit(visit: Visit) -> Response:
    """Do what a button of the form says; only Save changes anything."""
    rows, intent = rows_from(visit.form), visit.form.get("intent")
    changed = Edit(rows=_rearranged(rows, intent), version=version_of(visit.form))
    if intent in ("save", "try"):
        changed = await _checked(visit, rows)
        override, _ = override_of(rows)
        if changed.status == 200 and intent == "save":
            if await is_saved(KEPT, visit, changed, override):
                return see_other(visit.url("mapping", done="mapping", user=visit.form.get("user")))
            changed.status = 409
        elif changed.status == 200:
            changed.trial = await visit.runtime.mappings.dry_run(visit.organization_id, override)
    return await _page(visit, changed, visit.form.get("user"), is_edited=True)


def _rearranged(rows: list[Row], intent: str) -> list[Row]:
    """Return the rows after a button that adds or removes one."""
    action, _, argument = intent.partition(":")
    if action == "add":
        return [*rows, Row()]
    if action == "override":
        return [*(row for row in rows if not row.is_blank), *rows_of({argument: ""})]
    if action == "remove":
        return [row for number, row in enumerate(rows) if number != number_of(argument)]
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
    return Edit(
        rows=rows,
        flaws=flaws,
        problem=problem,
        status=422 if flaws or problem else 200,
        version=version_of(visit.form),
    )


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
        remapping=await runtime.mappings.status(visit.organization_id),
        versions=await runtime.mappings.history(visit.organization_id, limit=1),
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


SCREENS = (
    Screen("GET", "mapping", mapping),
    Screen("POST", "mapping", edit),
    *version_screens(KEPT),
)
