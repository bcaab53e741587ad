"""Rate limits as pure ASGI middleware."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.http.authentication import TOKEN
from scim_asgi.http.counters import client_key, counter
from scim_asgi.http.responses import send_error
from scim_asgi.protocol.errors import TooManyRequests


def caller_key(scope: Scope) -> str:
    """Return whom a request is counted for: its token, else its client's address."""
    token = scope.get(TOKEN)
    return f"token:{token.id}" if token is not None else client_key(scope)


class RateLimitMiddleware:
    """Answers 429 with `Retry-After` once a caller is over its limit (RFC 6585 section 4).

    Behind :class:`~scim_asgi.http.authentication.BearerTokenMiddleware` each token has a limit
    of its own; elsewhere each client address has::

        app = RateLimitMiddleware(app, "100/second")

    Args:
        app: The application behind.
        limit: How much, in the notation of `limits`, such as ``100/second``; None for no limit.
        key: Whom a request is counted for.
        storage_uri: Where is counted: ``memory://`` for this process, or another storage URI of
            `limits` to share the count.
        on_refused: Is told of each request that is over the limit.

    Raises:
        ValueError: `limit` is none that is understood.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: str | None = "100/second",
        *,
        key: Callable[[Scope], str] = caller_key,
        storage_uri: str = "memory://",
        on_refused: Callable[[Scope, TooManyRequests], None] | None = None,
    ) -> None:
        self._app = app
        self._key = key
        self._on_refused = on_refused
        self._counter = None if limit is None else counter(limit, storage_uri)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http" or self._counter is None:
            await self._app(scope, receive, send)
            return
        key = self._key(scope)
        if await self._counter.hit(key):
            await self._app(scope, receive, send)
            return
        seconds = await self._counter.pause(key)
        msg = (
            f"More than {self._counter.limit} requests were sent. Try again in {seconds} s; "
            "nothing was changed."
        )
        error = TooManyRequests(msg, seconds)
        if self._on_refused is not None:
            self._on_refused(scope, error)
        await send_error(send, error)
