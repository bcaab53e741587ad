"""Who is let in: asked of the host, held against what is needed, from no other site."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

from scim_asgi.admin.actor import Actor, Authorize
from scim_asgi.admin.errors import AdminError, not_found
from scim_asgi.admin.origin import check_origin


async def admitted(
    authorize: Authorize,
    request: Request,
    organization_id: str,
    needs: Literal["read", "manage"],
    base_url: str | None,
) -> Actor:
    """Return who asks.

    Args:
        authorize: Answers who that is.
        request: The request.
        organization_id: The organization that it is about.
        needs: What it needs to be allowed.
        base_url: The public URL of the SCIM mount, where it is set.

    Raises:
        AdminError: Nobody who may do this, or another site's page.
    """
    actor = await authorize(request, organization_id)
    if actor is None or len(organization_id) > 255 or "\x00" in organization_id:
        msg = "There is no organization with this id, or it is not yours."
        raise not_found(msg, "organization_id")
    if not actor.can_manage and not (needs == "read" and actor.can_read):
        what = "see" if needs == "read" else "change"
        msg = f"Your account may not {what} the directory connection of this organization."
        raise AdminError(403, "forbidden", msg)
    if needs == "manage":
        check_origin(request.headers, request.url.scheme, base_url)
    return actor
