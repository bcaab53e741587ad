"""Host products with both mounts, whose admins sign in with a cookie."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import defaultdict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from scim_asgi import Account, HookContext, ScimApp
from scim_asgi.admin import Actor
from scim_asgi.simulate import Entra, Report
from tests.client import KEPT, Client
from tests.product import Product
from tests.servers import serving

T = TypeVar("T")

ROLES = {"org:admin", "org:member", "org:guest"}
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
ELSEWHERE = ("beta", "directory-sync", "new & <b>")
"""Organizations whose admins the tests are too."""


async def authorize(request: Request, organization_id: str) -> Actor | None:
    """Let in whom the cookie names: nobody else's organization, and readers only to look."""
    who = request.cookies.get("who", "ada")
    if not organization_id.startswith("acme") and organization_id not in ELSEWHERE:
        return None
    return Actor(
        id=who,
        name=who.title(),
        can_manage=who in ("ada", "grace"),
        can_read=who in ("ada", "grace", "reader"),
    )


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of a page's forms."""
    return dict(_HIDDEN.findall(text))


class Gate:
    """Something that hooks of another thread's event loop wait for."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def open(self) -> None:
        """Let all through."""
        self._opened.set()

    async def wait(self, _account: Account, _context: HookContext) -> None:
        """Behave as a hook that takes until the gate is open."""
        await asyncio.to_thread(self._opened.wait, 30)


class Products:
    """The hooks of a server: each organization has a product of its own."""

    def __init__(self) -> None:
        self._of: defaultdict[str, Product] = defaultdict(Product)

    def of(self, organization: str) -> Product:
        """Return the product of an organization."""
        return self._of[organization]

    async def create(self, account: Account, context: HookContext) -> str | None:
        """Let the organization's own do it, as all others."""
        return await self.of(account.organization_id).create(account, context)

    async def update(self, account: Account, context: HookContext) -> None:
        await self.of(account.organization_id).update(account, context)

    async def deactivate(self, account: Account, context: HookContext) -> None:
        await self.of(account.organization_id).deactivate(account, context)

    async def reactivate(self, account: Account, context: HookContext) -> None:
        await self.of(account.organization_id).reactivate(account, context)


class Host:
    """An organization of a product with the SCIM mount and the admin mount, served by uvicorn."""

    def __init__(
        self, url: str, products: Products, stack: ExitStack, organization: str = "acme"
    ) -> None:
        self.url = url
        self.scim_url = f"{url}/scim/v2"
        self.page_url = f"{url}/admin/v1/organizations/{organization}/directory-sync"
        self.product = products.of(organization)
        self._products = products
        self._stack = stack
        self._numbers = count(1)

    def anew(self, stack: ExitStack) -> Host:
        """Return a new organization of the same server: nothing of the others is in it."""
        return Host(self.url, self._products, stack, f"acme-{next(self._numbers)}")

    def gate(self) -> Gate:
        """Let the product's hooks wait from now on, until the gate is opened."""
        gate = Gate()
        self.product.behaviour = gate.wait
        return gate

    def http(self, **options: Any) -> httpx.Client:
        """Return a plain client of the page."""
        client = httpx.Client(
            base_url=self.page_url, timeout=60, verify=False, limits=KEPT, **options
        )
        self._stack.callback(client.close)
        return client

    def submit(
        self, http: httpx.Client, path: str, data: dict[str, str], headers: Any = None
    ) -> httpx.Response:
        """Send the form at a path, with the hidden fields that it has now."""
        form = {**hidden(http.get(path).text), **data}
        return http.post(path, data=form, headers=headers)

    def directory(self, token: str) -> Client:
        """Return a SCIM client with a token."""
        client = Client(self.scim_url, token)
        self._stack.callback(client.close)
        return client

    def connected(self) -> Client:
        """Issue a token over the API and return a SCIM client with it."""
        issued = self.http().post("../scim/tokens", json={"name": "Entra ID"})
        assert issued.status_code == 201, issued.text
        return self.directory(issued.json()["token"])

    def entra(self, token: str, **options: Any) -> tuple[Entra, Report]:
        """Let a simulated Entra provision, and return it with its report."""
        entra = Entra(self.scim_url, token, mode="compliant-patch", seed=3, **options)
        return entra, aside(entra.run())


def aside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread: this one's event loop is that of the browser."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Hosts:
    """Serves hosts until the fixture that made it ends."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, *, theme: dict[str, str] | None = None, **settings: Any) -> Host:
        """Serve a host; the arguments are the settings of its ScimApp."""
        products = Products()
        settings.setdefault("rate_limit", None)
        settings.setdefault("roles", ROLES)
        app: ScimApp = ScimApp(str(self._folder / "scim.db"), hooks=products, **settings)
        routes = [
            Mount("/scim/v2", app=app),
            Mount("/admin/v1", app=app.admin(authorize=authorize, theme=theme)),
        ]
        host = Starlette(routes=routes, lifespan=app.lifespan)
        url = self._stack.enter_context(serving(host))
        return Host(url, products, self._stack)
