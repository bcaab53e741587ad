"""A bad network between a directory and its server."""

from __future__ import annotations

from random import Random

import httpx


class FaultyTransport(httpx.AsyncBaseTransport):
    """Loses requests and answers, and turns some away before the server sees them.

    Args:
        transport: The network as it would be.
        share: How many of all requests go wrong, from 0 to 1.
        random: Where chance comes from.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, share: float, random: Random) -> None:
        self._transport = transport
        self._share = share
        self._random = random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand a request on, or let it go wrong in one of five ways."""
        if self._random.random() >= self._share:
            return await self._transport.handle_async_request(request)
        fault = self._random.choice(("refused", "cut", "slow", 429, 503))
        if fault == "refused":
            raise httpx.ConnectError("the simulated network refused it", request=request)
        if fault == 429:
            return httpx.Response(429, headers={"Retry-After": "0"}, request=request)
        if fault == 503:
            return httpx.Response(503, headers={"Retry-After": "1"}, request=request)
        answer = await self._transport.handle_async_request(request)
        await answer.aread()
        await answer.aclose()
        if fault == "slow":
            raise httpx.ReadTimeout("the simulated network was too slow", request=request)
        raise httpx.ReadError("the simulated network cut it", request=request)

    async def aclose(self) -> None:
        """Close the real connections."""
        await self._transport.aclose()
