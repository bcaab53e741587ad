"""A served host with the SCIM mount and the admin API, and a client of the latter."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import ScimApp
from scim_asgi.admin import Authorize, SecretKey
from tests.client import KEPT, Client
from tests.conftest import ask
from tests.product import Product
from tests.servers import serving

T = TypeVar("T")

KEY = "a secret key of the tests"


class Host:
    """A product with both mounts, served by uvicorn."""

    def __init__(self, database: Path, url: str, product: Product, stack: ExitStack) -> None:
        self.database = database
        self.url = url
        self.scim_url = f"{url}/scim/v2"
        self.product = product
        self._stack = stack

    def admin(self, organization: str = "acme", key: str = KEY) -> httpx.Client:
        """Return a client of the admin API of an organization."""
        client = httpx.Client(
            base_url=f"{self.url}/v1/organizations/{organization}/scim",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            verify=False,
            limits=KEPT,
        )
        self._stack.callback(client.close)
        return client

    def directory(self, token: str) -> Client:
        """Return a SCIM client with a token."""
        client = Client(self.scim_url, token)
        self._stack.callback(client.close)
        return client

    def connected(self, organization: str = "acme") -> Client:
        """Issue a token over the API and return a SCIM client with it."""
        issued = self.admin(organization).post("/tokens", json={"name": "tests"})
        assert issued.status_code == 201, issued.text
        return self.directory(issued.json()["token"])

    def ask(self, work: Callable[[ScimApp], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine of a second ScimApp on the same database."""
        return ask(self.database, work)


class Hosts:
    """Serves hosts until the fixture that made it ends."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, authorize: Authorize | None = None, **settings: Any) -> Host:
        """Serve a host; the arguments are the settings of its ScimApp."""
        product = Product()
        database = self._folder / "scim.db"
        settings.setdefault("rate_limit", None)
        app: ScimApp = ScimApp(str(database), hooks=product, **settings)
        admin = app.admin(authorize=authorize or SecretKey(KEY))
        routes = [Mount("/scim/v2", app=app), Mount("/v1", app=admin)]
        host = Starlette(routes=routes, lifespan=app.lifespan)
        url = self._stack.enter_context(serving(host))
        return Host(database, url, product, self._stack)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Serve hosts for a test."""
    with ExitStack() as stack:
        yield Hosts(stack, tmp_path)


@pytest.fixture
def host(hosts: Hosts) -> Host:
    """A served host with the admin API behind a secret key, for this test alone."""
    return hosts()
