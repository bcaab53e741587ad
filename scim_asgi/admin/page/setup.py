"""The set-up wizard: from nothing to the first person, in the words of each directory."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.guides import GUIDES, Guide
from scim_asgi.admin.page.overview import works
from scim_asgi.admin.page.rendering import render
from scim_asgi.admin.page.tokens import NOT_ASKED, Asked, form_values, issue_from
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.connections import ConnectionStatus, LastRequest
from scim_asgi.provisioning.tokens import TokenInfo


class Progress(Struct, frozen=True, kw_only=True):
    """How far the set-up has come; it is told from what is there, so it can be resumed.

    Attributes:
        token: The newest token that works.
        is_called: Whether a token that works was used.
        is_unused: Whether the newest one was not, where another one was.
        call: The latest request, once there is one of a token that works.
        has_people: Whether a person has arrived.
    """

    token: TokenInfo | None
    is_called: bool
    is_unused: bool
    call: LastRequest | None
    has_people: bool


async def choose(visit: Visit) -> Response:
    """Let the admin choose the directory."""
    status = await visit.runtime.connections.status(visit.organization_id)
    return render(visit, "setup.html", guides=GUIDES.values(), connection=status)


async def guide(visit: Visit) -> Response:
    """Lead through one directory's set-up."""
    return await _page(visit, NOT_ASKED)


async def issue(visit: Visit) -> Response:
    """Issue a token on the way, and show it, this once."""
    return await _page(visit, await issue_from(visit))


async def _page(visit: Visit, asked: Asked) -> Response:
    chosen = _chosen(visit)
    connection = await visit.runtime.connections.status(visit.organization_id)
    tokens = await visit.runtime.tokens.list(visit.organization_id)
    return render(
        visit,
        "setup-guide.html",
        asked.status,
        guide=chosen,
        endpoint=None if visit.scim_url is None else f"{visit.scim_url}/{chosen.flag}",
        connection=connection,
        progress=_progress(tokens, connection),
        **form_values(visit, asked),
    )


def _chosen(visit: Visit) -> Guide:
    found = GUIDES.get(visit.params["directory"])
    if found is None:
        raise not_found("There is no guide for this directory. Choose “Another directory”.")
    return found


def _progress(tokens: list[TokenInfo], connection: ConnectionStatus) -> Progress:
    """Return how far it has come: any token that works and was used will do."""
    live = [token for token in tokens if works(token)]
    used = [token for token in live if token.last_used_at is not None]
    last = connection.last_request
    is_own = last is not None and any(last.at >= token.created_at for token in used)
    return Progress(
        token=live[0] if live else None,
        is_called=bool(used),
        is_unused=bool(used) and live[0].last_used_at is None,
        call=last if is_own else None,
        has_people=connection.users > 0,
    )


SCREENS = (
    Screen("GET", "setup", choose),
    Screen("GET", "setup/{directory}", guide),
    Screen("POST", "setup/{directory}", issue),
)
