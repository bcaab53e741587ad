"""What is measured: a ScimApp as it is shipped, mounted into a product whose hooks do nothing."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.routing import Mount

from benchmarks.hooks import Idle
from scim_asgi import ScimApp

MOUNT = "/scim/v2"


def create() -> Starlette:
    """Return the application on the database that BENCH_DATABASE names, without a rate limit."""
    scim_app = ScimApp(os.environ["BENCH_DATABASE"], hooks=Idle(), rate_limit=None)
    return Starlette(routes=[Mount(MOUNT, app=scim_app)], lifespan=scim_app.lifespan)
