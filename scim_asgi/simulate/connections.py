"""The ways from a simulated directory to the server: over HTTP or in memory."""

from __future__ import annotations

from random import Random

import httpx
from starlette.types import ASGIApp

from scim_asgi.simulate.faults import FaultyTransport


class Connections:
    """Two ways to the server: the product's own, perhaps a bad one, and one to read back by."""

    def __init__(self, app: ASGIApp | None, faults: float, random: Random) -> None:
        own = _transport(app)
        own = FaultyTransport(own, faults, random) if faults else own
        self._clients = [httpx.AsyncClient(transport=each) for each in (own, _transport(app))]

    async def __aenter__(self) -> list[httpx.AsyncClient]:
        return self._clients

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()


def _transport(app: ASGIApp | None) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport() if app is None else httpx.ASGITransport(app=app)
