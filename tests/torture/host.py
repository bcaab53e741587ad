"""A host product as a process of its own: ``python -m tests.torture.host FOLDER [OPTIONS]``.

It prints its port once it listens. Its files are scim.db and host.db in the folder.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from scim_asgi import Guard, ScimApp
from tests.torture.accounts import HostAccounts
from tests.torture.kills import Kills, watch_statements


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def build(folder: Path, options: dict[str, Any]) -> Starlette:
    """Return the host's application.

    Args:
        folder: Where its files are.
        options: `trouble` and `pause` of the hooks; `die_at_statement`; settings of the ScimApp.
    """
    kills = Kills()
    watch_statements(kills)
    if "die_at_statement" in options:
        kills.arm("statement", options.pop("die_at_statement"))
    accounts = HostAccounts(
        folder / "host.db",
        kills.reached,
        trouble=options.pop("trouble", 0),
        pause=options.pop("pause", 0),
    )
    if options.get("guard"):
        options["guard"] = Guard(**options["guard"])
    scim_app = ScimApp(str(folder / "scim.db"), hooks=accounts, rate_limit=None, **options)

    async def arm(request: Request) -> JSONResponse:
        kills.arm(**await request.json())
        return JSONResponse({})

    async def status(_: Request) -> JSONResponse:
        return JSONResponse(msgspec.to_builtins(await scim_app.reconciliation.status()))

    async def mapping(request: Request) -> JSONResponse:
        await scim_app.mappings.set("acme", await request.json())
        return JSONResponse({})

    async def pause(request: Request) -> JSONResponse:
        accounts.pause = (await request.json())["seconds"]
        return JSONResponse({})

    async def refuse(request: Request) -> JSONResponse:
        accounts.refused.add((await request.json())["family"])
        return JSONResponse({})

    async def revoke(request: Request) -> JSONResponse:
        await scim_app.tokens.revoke((await request.json())["id"])
        return JSONResponse({})

    routes = [
        Route("/arm", arm, methods=["POST"]),
        Route("/status", status),
        Route("/mapping", mapping, methods=["POST"]),
        Route("/refuse", refuse, methods=["POST"]),
        Route("/pause", pause, methods=["POST"]),
        Route("/revoke", revoke, methods=["POST"]),
        Mount("/scim/v2", app=scim_app),
    ]
    return Starlette(routes=routes, lifespan=scim_app.lifespan)


def main() -> None:
    """Serve until somebody says to stop."""
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    app = build(Path(sys.argv[1]), options)
    _Server(uvicorn.Config(app, port=0, log_level="critical", ws="none")).run()


if __name__ == "__main__":
    main()
