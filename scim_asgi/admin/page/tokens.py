"""Tokens: issue one with a lifetime, see when each was used, revoke."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.overview import is_ending, works
from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.tokens import IssuedToken, TokenError, TokenInfo, TokenUnknown

LIFETIMES = (
    ("365", "1 year"),
    ("90", "90 days"),
    ("730", "2 years"),
    ("", "No end"),
)
"""Days, and what they are called; the first one is suggested."""
_DAY = 86_400_000

State = Literal["live", "ending", "expired", "revoked"]
_ORDER: dict[State, int] = {"live": 0, "ending": 0, "expired": 1, "revoked": 1}


class Shown(Struct, frozen=True):
    """A token as the table has it."""

    token: TokenInfo
    state: State


async def tokens(visit: Visit) -> Response:
    """Show the tokens."""
    return await _page(visit)


async def issue(visit: Visit) -> Response:
    """Issue a token and show it, this once."""
    issued = await issue_from(visit)
    if isinstance(issued, str):
        return await _page(visit, problem=issued, status=422)
    return await _page(visit, issued=issued)


async def issue_from(visit: Visit) -> IssuedToken | str:
    """Issue the token that a form asks for; return it, or what is wrong with the form."""
    days = visit.form.get("days", LIFETIMES[0][0])
    if days not in dict(LIFETIMES):
        return "Choose one of the lifetimes."
    expires_at = now() + int(days) * _DAY if days else None
    try:
        return await visit.runtime.tokens.issue(
            visit.organization_id,
            name=visit.form.get("name"),
            expires_at=expires_at,
            by=visit.by,
        )
    except TokenError as error:
        return str(error)


async def _page(
    visit: Visit, *, issued: IssuedToken | None = None, problem: str = "", status: int = 200
) -> Response:
    listed = await visit.runtime.tokens.list(visit.organization_id)
    shown = sorted((_shown(token) for token in listed), key=lambda each: _ORDER[each.state])
    return render(
        visit,
        "tokens.html",
        status,
        tokens=shown,
        live=sum(_ORDER[each.state] == 0 for each in shown),
        lifetimes=LIFETIMES,
        issued=issued,
        problem=problem,
        form=visit.form,
    )


def _shown(token: TokenInfo) -> Shown:
    if token.revoked_at is not None:
        return Shown(token, "revoked")
    if not works(token):
        return Shown(token, "expired")
    return Shown(token, "ending" if is_ending(token) else "live")


async def ask_to_revoke(visit: Visit) -> Response:
    """Ask whether a token is really to be revoked."""
    listed = await visit.runtime.tokens.list(visit.organization_id)
    token = next((each for each in listed if each.id == visit.params["token_id"]), None)
    if token is None:
        raise not_found("There is no such token. It may belong to another organization.")
    return render(visit, "tokens-revoke.html", token=token)


async def revoke(visit: Visit) -> Response:
    """Revoke a token."""
    try:
        await visit.runtime.tokens.revoke(
            visit.params["token_id"], organization_id=visit.organization_id, by=visit.by
        )
    except TokenUnknown:
        msg = "There is no such token. It may belong to another organization."
        raise not_found(msg) from None
    return see_other(visit.url("tokens", done="revoked"))


SCREENS = (
    Screen("GET", "tokens", tokens),
    Screen("POST", "tokens", issue),
    Screen("GET", "tokens/{token_id}/revoke", ask_to_revoke),
    Screen("POST", "tokens/{token_id}/revoke", revoke),
)
