"""Tokens: issue one with a lifetime, see when each was used, revoke."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import not_found
from scim_asgi.admin.page.overview import is_ending, works
from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.tokens import (
    IssuedToken,
    TokenError,
    TokenInfo,
    TokenIssuedBefore,
    TokenUnknown,
)

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


class Asked(Struct, frozen=True, kw_only=True):
    """What came of a form that asks for a token.

    Attributes:
        issued: The token, which is shown in this answer alone.
        before: The token that the same form got before, where it was sent again.
        problem: What is wrong with the form.
    """

    issued: IssuedToken | None = None
    before: TokenInfo | None = None
    problem: str = ""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 422 if self.problem else 409 if self.before else 200


NOT_ASKED = Asked()


async def tokens(visit: Visit) -> Response:
    """Show the tokens."""
    return await _page(visit, NOT_ASKED)


async def issue(visit: Visit) -> Response:
    """Issue a token and show it, this once."""
    return await _page(visit, await issue_from(visit))


async def issue_from(visit: Visit) -> Asked:
    """Issue the token that a form asks for, unless the same form has got one before."""
    days, nonce = visit.form.get("days", LIFETIMES[0][0]), visit.form.get("nonce")
    if days not in dict(LIFETIMES):
        return Asked(problem="Choose one of the lifetimes.")
    if not nonce:
        return Asked(problem="This form was not whole. Send the one that is here now.")
    try:
        issued = await visit.runtime.tokens.issue(
            visit.organization_id,
            name=visit.form.get("name"),
            expires_at=now() + int(days) * _DAY if days else None,
            nonce=nonce,
            by=visit.by,
        )
    except TokenIssuedBefore as error:
        return Asked(before=error.token)
    except TokenError as error:
        return Asked(problem=str(error))
    return Asked(issued=issued)


def form_values(visit: Visit, asked: Asked) -> dict[str, Any]:
    """Return what the templates of the form for a token need."""
    return {
        "asked": asked,
        "form": visit.form,
        "lifetimes": LIFETIMES,
        "nonce": secrets.token_urlsafe(16),
    }


async def _page(visit: Visit, asked: Asked) -> Response:
    listed = await visit.runtime.tokens.list(visit.organization_id)
    shown = sorted((_shown(token) for token in listed), key=lambda each: _ORDER[each.state])
    return render(
        visit,
        "tokens.html",
        asked.status,
        tokens=shown,
        live=sum(_ORDER[each.state] == 0 for each in shown),
        **form_values(visit, asked),
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
