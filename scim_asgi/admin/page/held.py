"""Deactivations and deletions that the guard holds: look, then release."""

from __future__ import annotations

from starlette.responses import Response

from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.visits import Screen, Visit

_SHOWN = 100


async def held(visit: Visit) -> Response:
    """Show who is held."""
    left = await visit.runtime.reconciliation.status(visit.organization_id)
    page = await visit.runtime.users.list(visit.organization_id, state="held", limit=_SHOWN)
    return render(visit, "held.html", count=left.held, changes=left.held_changes, people=page.data)


async def ask_to_release(visit: Visit) -> Response:
    """Ask whether they are really to be released."""
    left = await visit.runtime.reconciliation.status(visit.organization_id)
    return render(visit, "held-release.html", count=left.held)


async def release(visit: Visit) -> Response:
    """Let the held changes through."""
    await visit.runtime.reconciliation.release(visit.organization_id, by=visit.by)
    return see_other(visit.url("held", done="released"))


SCREENS = (
    Screen("GET", "held", held),
    Screen("GET", "held/release", ask_to_release),
    Screen("POST", "held/release", release),
)
