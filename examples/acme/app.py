"""Acme as an ASGI application: its accounts, SCIM at /scim/v2, and the Directory sync page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route

from examples.acme.accounts import Accounts
from scim_asgi import ScimApp
from scim_asgi.admin import Actor

folder = Path(os.environ.get("ACME_DATA", "."))
accounts = Accounts(folder / "acme.db")
scim_app = ScimApp(f"sqlite:///{folder / 'scim.db'}", hooks=accounts)


async def authorize(_: Request, organization_id: str) -> Actor | None:
    """Let everybody manage the organization `acme`; a product asks its session who it is."""
    return Actor(id="demo", name="Demo", can_manage=True) if organization_id == "acme" else None


async def page(_: Request) -> HTMLResponse:
    """Show the accounts of the organization `acme`."""
    rows = "".join(
        f"<tr><td>{escape(each['email'])}<td>{escape(each['role'])}"
        f"<td>{'open' if each['is_open'] else 'closed'}"
        for each in await accounts.of("acme")
    )
    return HTMLResponse(
        "<!doctype html><title>Acme</title><h1>Accounts</h1>"
        '<p><a href="/admin/organizations/acme/directory-sync">Directory sync</a>'
        f"<table><tr><th>Address<th>Role<th>State{rows}</table>"
    )


async def accounts_as_json(request: Request) -> JSONResponse:
    """Return the accounts of an organization."""
    return JSONResponse(await accounts.of(request.query_params.get("organization", "acme")))


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Keep Acme's database and that of SCIM open."""
    await accounts.open()
    async with scim_app.lifespan():
        yield
    await accounts.close()


app = Starlette(
    routes=[
        Route("/", page),
        Route("/accounts", accounts_as_json),
        Mount("/scim/v2", app=scim_app),
        Mount("/admin", app=scim_app.admin(authorize=authorize)),
    ],
    lifespan=lifespan,
)
