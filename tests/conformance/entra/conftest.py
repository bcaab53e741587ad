"""The validators run against a server with a product behind it, and against one without hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from scim_asgi.ids import uuid7
from tests.client import Client
from tests.conftest import Scim, Served


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    """A server that nobody listens to."""
    with ExitStack() as stack:
        yield Served(stack, tmp_path_factory.mktemp("validator"))(hooks=None)


@pytest.fixture(params=["with a product behind it", "without hooks"])
def client(request: pytest.FixtureRequest, shared: Scim, bare: Scim) -> Client:
    """A client of an organization of its own, of either server."""
    return (bare if request.param == "without hooks" else shared).client(uuid7())
