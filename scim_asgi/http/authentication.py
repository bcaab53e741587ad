"""Bearer authentication as pure ASGI middleware (RFC 6750)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.http.responses import send_error
from scim_asgi.protocol.errors import Unauthorized
from scim_asgi.provisioning.tokens import TokenIdentity

TOKEN = "scim_asgi.token"  # noqa: S105 - the name of a scope key
"""The scope key under which the application behind finds the TokenIdentity."""

_MISSING = (
    "The request has no bearer token. Paste the SCIM token into the directory's field for the "
    "secret or bearer token."
)
_INVALID = (
    "The bearer token is not valid: mistyped, revoked or expired. Issue a new SCIM token and "
    "paste it into the directory."
)


class BearerTokenMiddleware:
    """Lets requests with a valid bearer token pass and answers all others 401.

    The application behind gets a copy of the scope with a
    :class:`~scim_asgi.provisioning.tokens.TokenIdentity` under ``scope["scim_asgi.token"]``::

        app = BearerTokenMiddleware(app, scim_app.tokens.verify)

    Args:
        app: The application behind.
        verify: Returns whom a token stands for, or None.
        realm: The realm of the challenge; no quotes in it.
        accept_bare_token: Whether the header may be the token alone, without ``Bearer``.
        on_refused: Is told of each request whose token is not valid, once it is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        verify: Callable[[str], Awaitable[TokenIdentity | None]],
        *,
        realm: str = "scim",
        accept_bare_token: bool = False,
        on_refused: Callable[[Scope, str], None] | None = None,
    ) -> None:
        self._app = app
        self._verify = verify
        self._challenge = f'Bearer realm="{realm}"'
        self._accept_bare_token = accept_bare_token
        self._on_refused = on_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        token = self._token(values)
        if token is None and not any(map(_is_bearer, values)):
            await send_error(send, Unauthorized(_MISSING, self._challenge))
            return
        identity = None if token is None else await self._verify(token)
        if identity is None:
            challenge = f'{self._challenge}, error="invalid_token"'
            await send_error(send, Unauthorized(_INVALID, challenge))
            if token is not None and self._on_refused is not None:
                self._on_refused(scope, token)
            return
        await self._app({**scope, TOKEN: identity}, receive, send)

    def _token(self, values: list[bytes]) -> str | None:
        """Return the token of the header, None when there are several or it has another form."""
        if len(values) != 1:
            return None
        if _is_bearer(values[0]):
            rest = values[0].strip().partition(b" ")[2]
            return rest.decode("latin-1").strip() or None
        text = values[0].decode("latin-1").strip()
        return text if self._accept_bare_token and text and " " not in text else None


def _is_bearer(value: bytes) -> bool:
    """Return whether a header has the scheme ``Bearer``; any other is no token at all."""
    return value.strip().split(b" ")[0].lower() == b"bearer"
