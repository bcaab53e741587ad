"""The set-up wizard: from nothing to the first person, in the words of each directory."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.guides import GUIDES, Guide
from scim_asgi.admin.page.overview import works
from scim_asgi.admin.page.rendering import render
from scim_asgi.admin.page.tokens import LIFETIMES, issue_from
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.connections import ConnectionStatus, LastRequest
from scim_asgi.provisioning.tokens import IssuedToken, TokenInfo


class Progress(Struct, frozen=True, kw_only=True):
    """How far the set-up has come; it is told from what is there, so it can be resumed.

    Attributes:
        token: The newest token that works.
        call: The latest request, once that token was used.
        is_called: Whether that token was used.
        has_people: Whether a person has arrived.
    """

    token: TokenInfo | None
    is_called: bool
    call: LastRequest | None
    has_people: bool


async def choose(visit: Visit) -> Response:
    """Let the admin choose the directory."""
    status = await visit.runtime.connections.status(visit.organization_id)
    return render(visit, "setup.html", guides=GUIDES.values(), connection=status)


async def guide(visit: Visit) -> Response:
    """Lead through one directory's set-up."""
    return await _page(visit)


async def issue(visit: Visit) -> Response:
    """Issue a token on the way, and show it, this once."""
    issued = await issue_from(visit)
    if isinstance(issued, str):
        return await _page(visit, problem=issued, status=422)
    return await _page(visit, issued=issued)


async def _page(
    visit: Visit, *, issued: IssuedToken | None = None, problem: str = "", status: int = 200
) -> Response:
    chosen = _chosen(visit)
    connection = await visit.runtime.connections.status(visit.organization_id)
    tokens = await visit.runtime.tokens.list(visit.organization_id)
    progress = _progress(tokens, connection)
    return render(
        visit,
        "setup-guide.html",
        status,
        guide=chosen,
        endpoint=None if visit.scim_url is None else f"{visit.scim_url}/{chosen.flag}",
        connection=connection,
        progress=progress,
        lifetimes=LIFETIMES,
        issued=issued,
        problem=problem,
        form=visit.form,
    )


def _chosen(visit: Visit) -> Guide:
    found = GUIDES.get(visit.params["directory"])
    if found is None:
        raise not_found("There is no guide for this directory. Choose “Another directory”.")
    return found


def _progress(tokens: list[TokenInfo], connection: ConnectionStatus) -> Progress:
    newest = next((token for token in tokens if works(token)), None)
    called = newest is not None and newest.last_used_at is not None
    last = connection.last_request
    is_own = newest is not None and last is not None and last.at >= newest.created_at
    return Progress(
        token=newest,
        is_called=called,
        call=last if called and is_own else None,
        has_people=connection.users > 0,
    )


SCREENS = (
    Screen("GET", "setup", choose),
    Screen("GET", "setup/{directory}", guide),
    Screen("POST", "setup/{directory}", issue),
)
