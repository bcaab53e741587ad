"""Resources that were stored when an attribute of the product's own had another type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from scim_asgi import ResourceDefinition, read_resource_types
from scim_asgi.protocol.search import search_form
from tests.client import Client, created
from tests.conftest import Served

DEVICE = (Path(__file__).parent / "device.json").read_bytes()
EXTENSION = "urn:example:params:scim:schemas:test:2.0:DeviceExt"


def device(**types: str) -> ResourceDefinition:
    """Return the type Device with other types of attributes."""
    described = msgspec.json.decode(DEVICE)
    for attribute in described["schemas"][0]["attributes"]:
        attribute["type"] = types.get(attribute["name"], attribute["type"])
    (definition,) = read_resource_types(msgspec.json.encode(described))
    return definition


@pytest.mark.parametrize("name", ["serial", "note"])
def test_a_resource_with_a_number_where_texts_are_now_is_changed_and_deleted(
    serve: Served, name: str
) -> None:
    now = device()
    client = serve(hooks=None, resource_types=[device(**{name: "integer"})]).client()
    body = {"schemas": [now.schema.id, EXTENSION], "label": "One", EXTENSION: {"zone": "z"}}
    path = f"/Devices/{created(client.post('/Devices', {**body, name: 5}))['id']}"
    later = Client(serve(hooks=None, resource_types=[now]).base_url, client.token)
    renamed = {"op": "replace", "path": "label", "value": "Two"}
    assert 200 == later.patch(path, renamed).status_code
    assert 200 == later.send("PUT", path, {**body, "label": "Three"}).status_code
    assert 204 == later.send("DELETE", path).status_code
    later.close()


@pytest.mark.parametrize(
    "stored",
    [
        {"note": 5},
        {"place": "here"},
        {"ports": ["usb"]},
        {"tags": "blue"},
        {"tags": {"value": "blue"}},
        {"seenAt": 5},
        {"seenAt": "yesterday"},
        {EXTENSION: "z"},
    ],
    ids=str,
)
def test_what_is_not_of_its_attributes_type_is_found_by_nothing(stored: dict[str, Any]) -> None:
    assert {"label": "One"} == search_form(device(), {"label": "One", **stored})
