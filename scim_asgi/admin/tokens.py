"""Endpoints of bearer SCIM tokens."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from scim_asgi.admin.errors import Invalid, not_found, problem
from scim_asgi.admin.routes import SCIM, Asked, Route, answer
from scim_asgi.provisioning.clock import LAST, now
from scim_asgi.provisioning.tokens import IssuedToken, TokenError, TokenInfo, TokenUnknown

MAX_LIMIT = 500


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 100
    offset: Annotated[int, Meta(ge=0, le=2**31)] = 0


class TokenRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to issue. `expires_at` is in Unix milliseconds; without it the token never ends."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    expires_at: Annotated[int, Meta(ge=0, le=LAST)] | None = None


class TokenList(Struct, frozen=True, kw_only=True):
    """Tokens, newest first; never the tokens themselves."""

    data: list[TokenInfo]
    total_count: int


async def list_tokens(asked: Asked) -> Response:
    query: PageQuery = asked.query
    tokens = await asked.runtime.tokens.list(asked.organization_id)
    shown = tokens[query.offset : query.offset + query.limit]
    return answer(TokenList(data=shown, total_count=len(tokens)))


async def issue(asked: Asked) -> Response:
    wanted: TokenRequest = asked.body
    problems = []
    if wanted.expires_at is not None and wanted.expires_at <= now():
        text = "The token would have expired already; choose a time that is still to come."
        problems.append(problem("param_invalid", text, "expires_at"))
    if problems:
        raise Invalid(problems)
    try:
        issued = await asked.runtime.tokens.issue(
            asked.organization_id,
            name=wanted.name,
            expires_at=wanted.expires_at,
            by=asked.by,
        )
    except TokenError as error:
        raise Invalid([problem("param_invalid", str(error), "name")]) from error
    return answer(issued, 201, is_issue=True)


async def revoke(asked: Asked) -> Response:
    try:
        revoked = await asked.runtime.tokens.revoke(
            asked.params["token_id"], organization_id=asked.organization_id, by=asked.by
        )
    except TokenUnknown as error:
        msg = "This organization has no token with this id."
        raise not_found(msg, "token_id") from error
    return answer(revoked)


ROUTES = (
    Route(
        method="GET",
        path=f"{SCIM}/tokens",
        name="list_tokens",
        summary="List the tokens, revoked ones too, newest first; never the tokens themselves.",
        needs="read",
        handler=list_tokens,
        query=PageQuery,
        answer=TokenList,
    ),
    Route(
        method="POST",
        path=f"{SCIM}/tokens",
        name="issue_token",
        summary="Issue a token. This answer is the only one that ever shows it.",
        needs="manage",
        handler=issue,
        body=TokenRequest,
        answer=IssuedToken,
        status=201,
    ),
    Route(
        method="POST",
        path=f"{SCIM}/tokens/{{token_id}}/revoke",
        name="revoke_token",
        summary="Revoke a token at once; doing it again is fine.",
        needs="manage",
        handler=revoke,
        answer=TokenInfo,
    ),
)
