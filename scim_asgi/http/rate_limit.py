"""Rate limits as pure ASGI middleware, counted by the library `limits`."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import time
from collections.abc import Callable

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scim_asgi.http.authentication import TOKEN
from scim_asgi.http.responses import send_error
from scim_asgi.protocol.errors import TooManyRequests

_BUCKETS = 4096


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

    def __call__(self, scope: Scope) -> str:
        """Return the bucket of the request's client."""
        host = (scope.get("client") or ("", 0))[0]
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
        counts: Which statuses count; None to count every request before it is handled. With it
            a request is let in while the caller is under the limit, and counted when answered.

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
        counts: Callable[[int], bool] | None = None,
    ) -> None:
        self._app = app
        self._limit: RateLimitItem | None = None if limit is None else parse(limit)
        self._key = key
        self._counts = counts
        self._limiter = FixedWindowRateLimiter(_storage(storage_uri))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http" or self._limit is None:
            await self._app(scope, receive, send)
            return
        key = self._key(scope)
        if self._counts is None:
            allowed = await self._limiter.hit(self._limit, key)
        else:
            allowed = await self._limiter.test(self._limit, key)
            send = self._counting(send, self._limit, key, self._counts)
        if allowed:
            await self._app(scope, receive, send)
        else:
            await send_error(send, await self._refusal(self._limit, key))

    def _counting(
        self, send: Send, limit: RateLimitItem, key: str, counts: Callable[[int], bool]
    ) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and counts(message["status"]):
                await self._limiter.hit(limit, key)
            await send(message)

        return counted

    async def _refusal(self, limit: RateLimitItem, key: str) -> TooManyRequests:
        stats = await self._limiter.get_window_stats(limit, key)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        msg = (
            f"More than {limit} requests were sent. Try again in {seconds} s; nothing was changed."
        )
        return TooManyRequests(msg, seconds)


def _storage(uri: str) -> Storage:
    storage = storage_from_string(uri if uri.startswith("async+") else f"async+{uri}")
    assert isinstance(storage, Storage)
    return storage
