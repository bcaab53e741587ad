"""Endpoints of users and groups."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from scim_asgi.admin.errors import Invalid, not_found, problem
from scim_asgi.admin.routes import SCIM, Asked, Route, answer
from scim_asgi.protocol.errors import NotFound
from scim_asgi.provisioning.browse import BrowseCursorUnknown
from scim_asgi.provisioning.people import GroupPage, UserDetail, UserPage
from scim_asgi.store.selections import AccountFilter, MemberFilter

_Search = Annotated[str, Meta(max_length=200)]
_Cursor = Annotated[str, Meta(pattern="^[0-9a-f]{1,14}$")]
_Limit = Annotated[int, Meta(ge=1, le=200)]


class GroupsQuery(Struct, frozen=True, kw_only=True):
    """Which groups. `search` is a part of a displayName or externalId, or an id."""

    search: _Search = ""
    members: MemberFilter | None = None
    cursor: _Cursor | None = None
    limit: _Limit = 100


class UsersQuery(Struct, frozen=True, kw_only=True):
    """Which users. `search` is a part of a name, address or externalId, or an id."""

    search: _Search = ""
    active: bool | None = None
    account: AccountFilter | None = None
    cursor: _Cursor | None = None
    limit: _Limit = 100


async def list_users(asked: Asked) -> Response:
    query: UsersQuery = asked.query
    try:
        page = await asked.runtime.users.list(
            asked.organization_id,
            search=query.search,
            active=query.active,
            state=query.account,
            cursor=query.cursor,
            limit=query.limit,
        )
    except BrowseCursorUnknown as error:
        raise cursor_invalid(error) from error
    return answer(page)


async def get_user(asked: Asked) -> Response:
    try:
        user = await asked.runtime.users.get(
            asked.organization_id, asked.params["user_id"], base_url=asked.scim_url or ""
        )
    except NotFound as error:
        msg = "This organization has no user with this id."
        raise not_found(msg, "user_id") from error
    return answer(user)


async def list_groups(asked: Asked) -> Response:
    query: GroupsQuery = asked.query
    try:
        page = await asked.runtime.groups.list(
            asked.organization_id,
            search=query.search,
            members=query.members,
            cursor=query.cursor,
            limit=query.limit,
        )
    except BrowseCursorUnknown as error:
        raise cursor_invalid(error) from error
    return answer(page)


def cursor_invalid(error: Exception) -> Invalid:
    """Return the answer about a cursor that is none."""
    return Invalid([problem("param_invalid", str(error), "cursor")])


ROUTES = (
    Route(
        method="GET",
        path=f"{SCIM}/users",
        name="list_users",
        summary="List users, newest first, with search and filters.",
        needs="read",
        handler=list_users,
        query=UsersQuery,
        answer=UserPage,
    ),
    Route(
        method="GET",
        path=f"{SCIM}/users/{{user_id}}",
        name="get_user",
        summary="Get a user's resource, account, pending changes and history.",
        needs="read",
        handler=get_user,
        answer=UserDetail,
    ),
    Route(
        method="GET",
        path=f"{SCIM}/groups",
        name="list_groups",
        summary="List groups, newest first, with search and a filter.",
        needs="read",
        handler=list_groups,
        query=GroupsQuery,
        answer=GroupPage,
    ),
)
