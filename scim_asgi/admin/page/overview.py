"""The overview: how the connection stands, in words, and what to do about it."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.page.rendering import render
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.connections import ConnectionStatus
from scim_asgi.provisioning.tokens import TokenInfo

_RECENT = 8
SOON = 30 * 86_400_000
"""How many milliseconds before its end a token is worth a warning."""


class Advice(Struct, frozen=True):
    """What to do next.

    Attributes:
        text: In words.
        label: What the link says; empty where there is none.
        url: Where it leads.
    """

    text: str
    label: str = ""
    url: str = ""


async def overview(visit: Visit) -> Response:
    """Show how the connection stands."""
    runtime, organization_id = visit.runtime, visit.organization_id
    status = await runtime.connections.status(organization_id)
    tokens = await runtime.tokens.list(organization_id)
    recent = await runtime.log.page(organization_id, limit=_RECENT)
    return render(
        visit,
        "overview.html",
        connection=status,
        advice=_advice(visit, status),
        remapping=await runtime.mappings.status(organization_id),
        ending=[token for token in tokens if is_ending(token)],
        recent=recent.data,
    )


def works(token: TokenInfo) -> bool:
    """Return whether a token is neither revoked nor expired."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now())


def is_ending(token: TokenInfo) -> bool:
    """Return whether a token that works ends soon."""
    return works(token) and token.expires_at is not None and token.expires_at - now() < SOON


def _advice(visit: Visit, status: ConnectionStatus) -> Advice:
    if status.state == "not_connected":
        text = "Setting it up takes about ten minutes, and an admin of your directory."
        return Advice(text, "Set up", visit.url("setup"))
    if status.state == "waiting":
        text = "Enter the URL and the token in your directory, and press its test button."
        return Advice(text, "Go on with the set-up", visit.url("setup"))
    if status.state == "failing" and status.ended_token is not None:
        text = "Enter it in the directory, in the place of the old one."
        return Advice(text, "Issue a new token", visit.url("tokens"))
    if status.state == "failing":
        text = "The log says for each request what was wrong, and what to do."
        return Advice(text, "See what failed", visit.url("log", outcome="errors"))
    if status.state == "held":
        text = "Look whether they are meant. If so, release them."
        return Advice(text, "Review what is held", visit.url("held"))
    return Advice("" if status.silent_since else "There is nothing to do.")


SCREENS = (Screen("GET", "", overview),)
