"""What an endpoint of the admin API is: its path, who may use it, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from scim_asgi.admin.actor import Actor
from scim_asgi.provisioning.audit import By
from scim_asgi.redaction import TOKEN_PREFIX, redacted
from scim_asgi.runtime import Runtime

ORGANIZATION = "/organizations/{organization_id}"
SCIM = f"{ORGANIZATION}/scim"

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""The headers of every answer: none may be kept, since it may hold a token or personal data."""

_PREFIX = TOKEN_PREFIX.encode()

_encode = msgspec.json.Encoder().encode


class NoQuery(Struct, frozen=True):
    """An endpoint without query parameters."""


class Asked(Struct, frozen=True, kw_only=True):
    """A request that its actor may make.

    Attributes:
        runtime: The ScimApp's parts.
        request: The request as it came.
        organization_id: The organization of the path.
        actor: Who asks.
        params: The other parts of the path.
        query: The route's struct of query parameters.
        body: The route's struct of the body; None where it takes none.
        scim_url: The public URL of the SCIM mount, where it is known.
    """

    runtime: Runtime[Any]
    request: Request
    organization_id: str
    actor: Actor
    params: Mapping[str, str]
    query: Any
    body: Any
    scim_url: str | None

    @property
    def by(self) -> By:
        """Who asks, for the audit."""
        return By(self.actor.label, "api", self.actor.id)


Handler: TypeAlias = Callable[[Asked], Awaitable[Response]]


class Route(Struct, frozen=True, kw_only=True):
    """An endpoint.

    Attributes:
        method: The HTTP method; HEAD comes with GET.
        path: The path behind the mount, with ``{…}`` for what varies.
        name: Its operationId.
        summary: What it does.
        needs: What its actor has to be allowed.
        handler: What answers.
        status: The status of an answer that is no error.
        answer: The type of that answer's body.
        query: The query parameters.
        body: The body; None where it takes none.
        is_body_optional: Whether the body may be missing.
        media_types: Further media types of the answer.
        is_versioned: Whether what it is about has an entity tag, which a change may name.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    name: str
    summary: str
    needs: Literal["read", "manage"]
    handler: Handler
    answer: Any
    status: int = 200
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    is_body_optional: bool = False
    media_types: tuple[str, ...] = ()
    is_versioned: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the varying parts of a path of this endpoint; None for another path."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        params = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{"):
                params[name[1:-1]] = value
            elif name != value:
                return None
        return params


def answer(value: Any, status: int = 200, *, is_issue: bool = False) -> Response:
    """Return a value as JSON, in which no token is, wherever it may come from.

    Args:
        value: The value.
        status: The HTTP status.
        is_issue: Whether this is the one answer that shows a token.
    """
    content = _encode(value)
    if _PREFIX in content and not is_issue:
        content = redacted(content.decode()).encode()
    return Response(content, status, HEADERS, "application/json")
