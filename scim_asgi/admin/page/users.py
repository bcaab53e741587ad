"""Users: who is here, how each account stands, and why."""

from __future__ import annotations

from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.rendering import render
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.mapping.errors import MappingError
from scim_asgi.protocol.errors import NotFound, ScimError
from scim_asgi.provisioning.browse import BrowseCursorUnknown
from scim_asgi.provisioning.people import UserPage
from scim_asgi.provisioning.previews import Preview

_PAGE = 50
STATES = (
    ("", "All"),
    ("active", "Active in the directory"),
    ("inactive", "Not active in the directory"),
    ("pending", "Waiting for the product"),
    ("held", "Held"),
    ("none", "Without an account"),
)


async def users(visit: Visit) -> Response:
    """Show a page of users."""
    search, state = visit.query.get("search"), visit.query.get("state")
    cursor = visit.query.get("cursor") or None
    try:
        page = await _listed(visit, search, state, cursor)
    except BrowseCursorUnknown:
        cursor = None
        page = await _listed(visit, search, state, None)
    more = page.next_cursor and visit.url(
        "users", search=search, state=state, cursor=page.next_cursor
    )
    return render(
        visit,
        "users.html",
        page=page,
        more=more,
        is_first=cursor is None,
        states=STATES,
        search=search,
        state=state,
    )


async def _listed(visit: Visit, search: str, state: str, cursor: str | None) -> UserPage:
    return await visit.runtime.users.list(
        visit.organization_id,
        search=search,
        active={"active": True, "inactive": False}.get(state),
        state=state if state in ("pending", "held", "none") else None,  # type: ignore[arg-type]
        cursor=cursor,
        limit=_PAGE,
    )


async def user(visit: Visit) -> Response:
    """Show everything about a user."""
    user_id = visit.params["user_id"]
    try:
        detail = await visit.runtime.users.get(
            visit.organization_id, user_id, base_url=visit.scim_url or ""
        )
    except NotFound:
        msg = "There is no such user. The directory may have deleted the person."
        raise not_found(msg) from None
    preview, problem = await _preview(visit, user_id)
    return render(
        visit, "users-detail.html", user=detail, user_id=user_id, preview=preview, problem=problem
    )


async def _preview(visit: Visit, user_id: str) -> tuple[Preview | None, str]:
    """Return what the mapping in force makes of a user, or why it makes nothing."""
    try:
        preview = await visit.runtime.mappings.preview(visit.organization_id, user_id=user_id)
    except MappingError as error:
        return None, f"The saved attribute mapping cannot be used any more: {error}"
    except ScimError as error:
        return None, error.detail
    return preview, preview.problem


SCREENS = (
    Screen("GET", "users", users),
    Screen("GET", "users/{user_id}", user),
)
