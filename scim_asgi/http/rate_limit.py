"""Rate limits as pure ASGI middleware, counted by the library `limits`."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scim_asgi.http.authentication import TOKEN
from scim_asgi.http.responses import send_error
from scim_asgi.protocol.errors import TooManyRequests

if TYPE_CHECKING:
    from limits.aio.storage import Storage

_BUCKETS = 4096
_KNOWN = 4096


def caller_key(scope: Scope) -> str:
    """Return whom a request is counted for: its token, else its client's address."""
    token = scope.get(TOKEN)
    return f"token:{token.id}" if token is not None else client_key(scope)


class ClientKey:
    """Counts by client address in a fixed number of buckets, so that memory is bounded.

    IPv6 addresses of one network (/64) count as one. Which addresses share a bucket differs from
    process to process, so nobody can choose an address that shares one with a victim.
    """

    def __init__(self) -> None:
        self._salt = os.urandom(16)
        self._bucket = lru_cache(maxsize=_BUCKETS)(self._new_bucket)

    def __call__(self, scope: Scope) -> str:
        """Return the bucket of the request's client."""
        return self._bucket((scope.get("client") or ("", 0))[0])

    def _new_bucket(self, host: str) -> str:
        network = _network(host).encode()
        bucket = hashlib.blake2b(network, digest_size=4, key=self._salt).digest()
        return f"client:{int.from_bytes(bucket, 'big') % _BUCKETS}"


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))


client_key = ClientKey()
"""Counts by client address."""


class Counter:
    """Counts by key, in the notation of `limits`.

    Args:
        limit: How much, such as ``100/second``.
        storage_uri: Where is counted.

    Raises:
        ValueError: `limit` is none that is understood.
    """

    def __init__(self, limit: str, storage_uri: str) -> None:
        # Only who counts needs it, and it imports a lot.
        from limits import parse
        from limits.aio.strategies import FixedWindowRateLimiter

        self.limit = parse(limit)
        self._limiter = FixedWindowRateLimiter(_storage(storage_uri))

    async def hit(self, key: str) -> bool:
        """Count one, and return whether the limit still allows it."""
        return await self._limiter.hit(self.limit, key)

    async def allows(self, key: str) -> bool:
        """Return whether the limit allows one more."""
        return await self._limiter.test(self.limit, key)

    async def pause(self, key: str) -> int:
        """Return after how many whole seconds the limit allows more."""
        stats = await self._limiter.get_window_stats(self.limit, key)
        return max(1, math.ceil(stats.reset_time - time.time()))


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
        self._counter = None if limit is None else Counter(limit, storage_uri)

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


class FailedAuthenticationLimit:
    """Answers 429 once too many requests from an address came without a valid token.

    Whoever was let in before, with the same token from the same address, still is: somebody who
    guesses, or a directory whose token was revoked, does not lock out others behind the same
    address. Their tokens are verified as always.

    Args:
        app: The application behind, which answers 401 to those who have no valid token.
        limit: How many failures of an address are answered, in the notation of `limits`; None
            for any number.
        storage_uri: Where is counted.

    Raises:
        ValueError: `limit` is none that is understood.
    """

    def __init__(
        self, app: ASGIApp, limit: str | None = "100/minute", *, storage_uri: str = "memory://"
    ) -> None:
        self._app = app
        self._counter = None if limit is None else Counter(limit, storage_uri)
        self._key = ClientKey()
        self._salt = os.urandom(16)
        self._known: dict[bytes, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http" or self._counter is None:
            await self._app(scope, receive, send)
            return
        key = self._key(scope)
        sender = self._sender(key, scope)
        if sender in self._known or await self._counter.allows(key):
            await self._app(scope, receive, self._watching(send, self._counter, key, sender))
            return
        seconds = await self._counter.pause(key)
        msg = (
            f"More than {self._counter.limit} requests from this address had no valid token. "
            f"Check the token that the directory sends, and try again in {seconds} s."
        )
        await send_error(send, TooManyRequests(msg, seconds))

    def _sender(self, key: str, scope: Scope) -> bytes:
        """Return what tells one token at one address from another; the token cannot be read."""
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        text = b"\0".join([key.encode(), *values])
        return hashlib.blake2b(text, digest_size=16, key=self._salt).digest()

    def _watching(self, send: Send, counter: Counter, key: str, sender: bytes) -> Send:
        """Return a `send` that notes an answer as it begins: who does not read it counts too."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note(counter, key, sender, message["status"])
            await send(message)

        return watched

    async def _note(self, counter: Counter, key: str, sender: bytes, status: int) -> None:
        self._known.pop(sender, None)
        if status == 401:
            await counter.hit(key)
            return
        if len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        self._known[sender] = None


def _storage(uri: str) -> Storage:
    from limits.aio.storage import Storage
    from limits.storage import storage_from_string

    storage = storage_from_string(uri if uri.startswith("async+") else f"async+{uri}")
    assert isinstance(storage, Storage)
    return storage
