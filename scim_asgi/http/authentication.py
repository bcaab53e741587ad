"""Bearer authentication as pure ASGI middleware (RFC 6750)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.http.counters import ClientKey, counter
from scim_asgi.http.responses import send_error
from scim_asgi.protocol.errors import TooManyRequests, Unauthorized
from scim_asgi.provisioning.tokens import TokenIdentity

TOKEN = "scim_asgi.token"  # noqa: S105 - the name of a scope key
"""The scope key under which the application behind finds the TokenIdentity."""

_BEARER = b"bearer"
_KNOWN = 4096

_Sender: TypeAlias = tuple[str, int]
"""The bucket of an address, and a hash of what it sent as its token."""

_MISSING = (
    "The request has no bearer token. Paste the SCIM token into the directory's field for the "
    "secret or bearer token."
)
_INVALID = (
    "The bearer token is not valid: mistyped, revoked or expired. Issue a new SCIM token and "
    "paste it into the directory."
)


class FailedAuthenticationLimit:
    """Counts by address the requests that came without a valid token, and says when it is enough.

    Whoever was let in before, with the same token from the same address, still is: somebody who
    guesses, or a directory whose token was revoked, does not lock out others behind the same
    address. Their tokens are verified as always.

    Args:
        limit: How many failures of an address are answered, in the notation of `limits`; None
            for any number.
        storage_uri: Where is counted.

    Raises:
        ValueError: `limit` is none that is understood.
    """

    def __init__(self, limit: str | None = "100/minute", *, storage_uri: str = "memory://") -> None:
        self._counter = None if limit is None else counter(limit, storage_uri)
        self._key = ClientKey()
        self._known: dict[_Sender, None] = {}

    def sender(self, scope: Scope, credentials: list[bytes]) -> _Sender:
        """Return what tells one token at one address from another; the token cannot be read.

        Of two that had the same hash, one would be a guess more that is answered, and no way in.
        """
        return self._key(scope), hash(tuple(credentials))

    def knows(self, sender: _Sender) -> bool:
        """Return whether it was let in before, or nothing is counted."""
        return sender in self._known or self._counter is None

    async def excess(self, sender: _Sender) -> TooManyRequests | None:
        """Return what a sender that is not known is told where its address is over the limit."""
        key, _ = sender
        if self._counter is None or await self._counter.allows(key):
            return None
        seconds = await self._counter.pause(key)
        msg = (
            f"More than {self._counter.limit} requests from this address had no valid token. "
            f"Check the token that the directory sends, and try again in {seconds} s."
        )
        return TooManyRequests(msg, seconds)

    def let_in(self, sender: _Sender) -> None:
        """Note that the token is valid; those are forgotten that were not sent for longest."""
        if self._counter is None:
            return
        self._known.pop(sender, None)
        if len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        self._known[sender] = None

    async def refuse(self, sender: _Sender) -> None:
        """Count a request without a valid token."""
        self._known.pop(sender, None)
        if self._counter is not None:
            await self._counter.hit(sender[0])


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
        failures: How many of them are answered; None for any number.
    """

    def __init__(
        self,
        app: ASGIApp,
        verify: Callable[[str], Awaitable[TokenIdentity | None]],
        *,
        realm: str = "scim",
        accept_bare_token: bool = False,
        on_refused: Callable[[Scope, str], None] | None = None,
        failures: FailedAuthenticationLimit | None = None,
    ) -> None:
        self._app = app
        self._verify = verify
        self._challenge = f'Bearer realm="{realm}"'
        self._accept_bare_token = accept_bare_token
        self._on_refused = on_refused
        self._failures = failures or FailedAuthenticationLimit(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        sender = self._failures.sender(scope, credentials)
        if not self._failures.knows(sender):
            excess = await self._failures.excess(sender)
            if excess is not None:
                await send_error(send, excess)
                return
        token = self._token(credentials)
        identity = None if token is None else await self._verify(token)
        if identity is not None:
            self._failures.let_in(sender)
            await self._app({**scope, TOKEN: identity}, receive, send)
            return
        # As the answer begins: who does not read it counts too.
        await self._failures.refuse(sender)
        await send_error(send, self._refusal(token, credentials))
        if token is not None and self._on_refused is not None:
            self._on_refused(scope, token)

    def _token(self, credentials: list[bytes]) -> str | None:
        """Return the token of the header, None when there are several or it has another form."""
        if len(credentials) != 1:
            return None
        header = credentials[0].strip()
        scheme, _, rest = header.partition(b" ")
        if scheme.lower() == _BEARER:
            return rest.decode("latin-1").strip() or None
        is_bare = self._accept_bare_token and scheme == header
        return header.decode("latin-1") or None if is_bare else None

    def _refusal(self, token: str | None, credentials: list[bytes]) -> Unauthorized:
        if token is None and not any(map(_is_bearer, credentials)):
            return Unauthorized(_MISSING, self._challenge)
        return Unauthorized(_INVALID, f'{self._challenge}, error="invalid_token"')


def _is_bearer(value: bytes) -> bool:
    """Return whether a header has the scheme ``Bearer``; any other is no token at all."""
    return value.strip().split(b" ")[0].lower() == _BEARER
