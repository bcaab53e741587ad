"""Counting: whom a request is counted for where nobody is known, and how many there were."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import math
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from starlette.types import Scope

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.storage import Storage

_BUCKETS = 4096
_MEMORY = "memory://"


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


class Counter(Protocol):
    """Counts by key, in windows that begin with the first that is counted in them.

    Attributes:
        limit: How much is allowed in a window, in words.
    """

    limit: str

    async def hit(self, key: str) -> bool:
        """Count one, and return whether the limit still allows it."""

    async def allows(self, key: str) -> bool:
        """Return whether the limit allows one more."""

    async def pause(self, key: str) -> int:
        """Return after how many whole seconds the limit allows more."""


def counter(limit: str, storage_uri: str) -> Counter:
    """Return what counts, in the notation of `limits`.

    Args:
        limit: How much, such as ``100/second``.
        storage_uri: Where is counted.

    Raises:
        ValueError: `limit` is none that is understood.
    """
    # Only who counts needs it, and it imports a lot.
    from limits import parse

    item = parse(limit)
    return InProcess(item) if storage_uri == _MEMORY else InStorage(item, storage_uri)


class _Window(Struct):
    """How many were counted since it began, and when it ends by the monotonic clock."""

    ends: float
    count: int = 0


class InProcess:
    """Counts in this process: one look-up for each request, whoever else is counted."""

    def __init__(self, item: RateLimitItem) -> None:
        self.limit = str(item)
        self._most = item.amount
        self._seconds = item.get_expiry()
        # All last as long, and so end in the order in which they began.
        self._windows: dict[str, _Window] = {}

    async def hit(self, key: str) -> bool:
        """Count one, and return whether the limit still allows it."""
        at = time.monotonic()
        window = self._windows.get(key)
        if window is None or window.ends <= at:
            window = self._begin(key, at)
        window.count += 1
        return window.count <= self._most

    async def allows(self, key: str) -> bool:
        """Return whether the limit allows one more."""
        window = self._windows.get(key)
        return window is None or window.count < self._most or window.ends <= time.monotonic()

    async def pause(self, key: str) -> int:
        """Return after how many whole seconds the limit allows more."""
        window = self._windows.get(key)
        return 1 if window is None else max(1, math.ceil(window.ends - time.monotonic()))

    def _begin(self, key: str, at: float) -> _Window:
        """Begin a window, and forget those that have ended."""
        ended = itertools.takewhile(lambda each: each[1].ends <= at, self._windows.items())
        for each, _ in list(ended):
            del self._windows[each]
        window = self._windows[key] = _Window(at + self._seconds)
        return window


class InStorage:
    """Counts in a storage of `limits`, which several processes may share."""

    def __init__(self, item: RateLimitItem, storage_uri: str) -> None:
        from limits.aio.strategies import FixedWindowRateLimiter

        self.limit = str(item)
        self._item = item
        self._limiter = FixedWindowRateLimiter(_storage(storage_uri))

    async def hit(self, key: str) -> bool:
        """Count one, and return whether the limit still allows it."""
        return await self._limiter.hit(self._item, key)

    async def allows(self, key: str) -> bool:
        """Return whether the limit allows one more."""
        return await self._limiter.test(self._item, key)

    async def pause(self, key: str) -> int:
        """Return after how many whole seconds the limit allows more."""
        stats = await self._limiter.get_window_stats(self._item, key)
        return max(1, math.ceil(stats.reset_time - time.time()))


def _storage(uri: str) -> Storage:
    from limits.aio.storage import Storage
    from limits.storage import storage_from_string

    storage = storage_from_string(uri if uri.startswith("async+") else f"async+{uri}")
    assert isinstance(storage, Storage)
    return storage
