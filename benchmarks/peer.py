"""The peer: scim2-server, an ASGI application that keeps resources in memory."""

from __future__ import annotations

import os

from scim2_models import UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.utils import load_default_provider

MOUNT = "/v2"


class _Peer(ASGIApplication):
    """The application with the one check that its own command makes."""

    def check_auth(self, request: ScimRequest) -> None:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or token != os.environ["BENCH_TOKEN"]:
            raise UnauthorizedException


def create() -> ASGIApplication:
    """Return the application; BENCH_TOKEN is the token that it takes."""
    return _Peer(AsyncInMemoryStorage(), load_default_provider())
