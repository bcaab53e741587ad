"""A server with every kind of attribute, and nobody behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scim_asgi import ResourceDefinition, read_resource_types
from scim_asgi.ids import uuid7
from tests.client import Client
from tests.conftest import Scim, Served

DEVICE = Path(__file__).parents[1] / "device.json"
PLAIN = {
    "schemas": [{"id": "urn:example:plain", "attributes": [{"name": "thing"}]}],
    "resourceTypes": [{"name": "Plain", "endpoint": "/Plainly", "schema": "urn:example:plain"}],
}


def resource_types() -> list[ResourceDefinition]:
    """Return Device, with what a schema cannot say, and Plain."""
    (device,) = read_resource_types(DEVICE.read_bytes())
    (plain,) = read_resource_types(msgspec.json.encode(PLAIN))

    def computed(resource: dict[str, Any]) -> str:
        return f"c:{resource['label']}"

    server_values = device.with_server_values(
        defaults={"online": True}, computed={"computed": computed}
    )
    return [server_values, plain]


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    """A served ScimApp without hooks, for all tests of this folder."""
    with ExitStack() as stack:
        serve = Served(stack, tmp_path_factory.mktemp("rules"))
        yield serve(hooks=None, resource_types=resource_types())


@pytest.fixture
def client(rules: Scim) -> Client:
    """A client of an organization that nobody else uses."""
    return rules.client(uuid7())


@pytest.fixture
def stranger(rules: Scim) -> Client:
    """A client of yet another organization."""
    return rules.client(uuid7())
