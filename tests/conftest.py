"""A served ScimApp with a product behind it, and clients for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import Account, ScimApp
from scim_asgi.ids import uuid7
from tests.client import Client
from tests.product import Product
from tests.servers import serving, until_stored

T = TypeVar("T")

MOUNT = "/scim/v2"


def ask(
    database: Path,
    work: Callable[[ScimApp[Any]], Coroutine[Any, Any, T]],
    account: type[Struct] = Account,
) -> T:
    """Run a coroutine of a ScimApp on a database, with all in it that has been answered here."""
    until_stored()
    return ask_now(database, work, account)


def ask_now(
    database: Path,
    work: Callable[[ScimApp[Any]], Coroutine[Any, Any, T]],
    account: type[Struct] = Account,
) -> T:
    """Run a coroutine of a ScimApp on a database as it is, as the command line does."""

    async def opened() -> T:
        app = ScimApp(str(database), account=account)
        async with app.lifespan():
            return await work(app)

    return asyncio.run(opened())


def issue_token(database: Path, organization: str = "acme") -> str:
    """Issue a token."""
    return ask(database, lambda app: app.tokens.issue(organization, name="tests")).token


class Scim:
    """A ScimApp that is mounted into a Starlette application and served by uvicorn.

    What tests ask of it beside HTTP goes through a second ScimApp on the same file, as the
    command line does.
    """

    def __init__(self, database: Path, product: Product, url: str, stack: ExitStack) -> None:
        self.database = database
        self.product = product
        self.base_url = f"{url}{MOUNT}"
        self._stack = stack

    def ask(self, work: Callable[[ScimApp], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine of a second ScimApp on the same database."""
        return ask(self.database, work)

    def ask_as(
        self, account: type[Struct], work: Callable[[ScimApp[Any]], Coroutine[Any, Any, T]]
    ) -> T:
        """Likewise, with an account type of the host's own."""
        return ask(self.database, work, account)

    def token(self, organization: str = "acme") -> str:
        """Issue a token."""
        return issue_token(self.database, organization)

    def client(self, organization: str = "acme") -> Client:
        """Return a client with a new token of an organization."""
        client = Client(self.base_url, self.token(organization))
        self._stack.callback(client.close)
        return client

    @contextmanager
    def file(self) -> Iterator[sqlite3.Connection]:
        """Open the database itself, and commit in the end."""
        until_stored()
        with closing(sqlite3.connect(self.database)) as file, file:
            yield file

    def set_mapping(self, override: dict[str, str], organization: str = "acme") -> int:
        """Set an organization's override."""
        return self.ask(lambda app: app.mappings.set(organization, override))

    def log(self, organization: str = "acme") -> list[Any]:
        """Return the provisioning log of an organization, what admins have done aside."""
        rows = self.ask(lambda app: app.log.entries(organization, limit=1000))
        return [row for row in rows if not row.surface]


class Served:
    """Serves ScimApps until the fixture that made it ends."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, **settings: Any) -> Scim:
        """Serve a ScimApp; the arguments are its settings, `hooks` a new Product by default."""
        product = Product()
        hooks = settings.pop("hooks", product)
        database = self._folder / "scim.db"
        settings.setdefault("rate_limit", None)
        settings.setdefault("failed_auth_limit", None)
        app = ScimApp(str(database), hooks=hooks, **settings)
        host = Starlette(routes=[Mount(MOUNT, app=app)], lifespan=app.lifespan)
        return Scim(database, product, self._stack.enter_context(serving(host)), self._stack)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Served]:
    """Serve a ScimApp of its own for a test."""
    with ExitStack() as stack:
        yield Served(stack, tmp_path)


@pytest.fixture
def scim(serve: Served) -> Scim:
    """A served ScimApp with a product behind it and no rate limit, for this test alone."""
    return serve()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    """A served ScimApp for all tests that need nothing but an organization of their own."""
    with ExitStack() as stack:
        yield Served(stack, tmp_path_factory.mktemp("shared"))()


@pytest.fixture
def client(shared: Scim) -> Client:
    """A client of an organization that nobody else uses, on the shared server."""
    return shared.client(uuid7())
