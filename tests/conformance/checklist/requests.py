"""What the tests of the checklist send again and again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from tests.client import SEARCH, USER, Client, created

DEVICE = "urn:example:params:scim:schemas:test:2.0:Device"
DEVICE_EXT = "urn:example:params:scim:schemas:test:2.0:DeviceExt"
DEVICE_OPT = "urn:example:params:scim:schemas:test:2.0:DeviceOpt"


def user(**attributes: Any) -> dict[str, Any]:
    """Return the body of a user."""
    return {"schemas": [USER], "userName": "ada", **attributes}


def device(label: str = "one", **attributes: Any) -> dict[str, Any]:
    """Return the body of a device."""
    return {"schemas": [DEVICE], "label": label, DEVICE_EXT: {"zone": "z"}, **attributes}


def create_device(client: Client, label: str = "one", **attributes: Any) -> dict[str, Any]:
    """Create a device and return it."""
    return created(client.post("/Devices", device(label, **attributes)))


def read(client: Client, path: str) -> dict[str, Any]:
    """Return what a GET answers."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    resource: dict[str, Any] = answer.json()
    return resource


def query(client: Client, path: str, **parameters: Any) -> httpx.Response:
    """Send a query, its parameters percent-encoded."""
    text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
    return client.get(f"{path}?{text}")


def found(client: Client, path: str, text: str, **parameters: Any) -> list[str]:
    """Return the names of the resources that a filter finds, in the order of the list."""
    answer = query(client, path, filter=text, **parameters)
    assert answer.status_code == 200, answer.text
    return [name_of(each) for each in answer.json()["Resources"]]


def listed(client: Client, path: str, **parameters: Any) -> list[str]:
    """Return the names of a list."""
    answer = query(client, path, **parameters)
    assert answer.status_code == 200, answer.text
    return [name_of(each) for each in answer.json()["Resources"]]


def name_of(resource: dict[str, Any]) -> str:
    """Return userName, displayName or label."""
    names = (resource.get(each) for each in ("userName", "displayName", "label", "thing"))
    return next(str(each) for each in names if each is not None)


def search(client: Client, path: str, **members: Any) -> httpx.Response:
    """Send a SearchRequest."""
    return client.post(f"{path}/.search", {"schemas": [SEARCH], **members})


def patched(client: Client, path: str, *operations: dict[str, Any]) -> dict[str, Any]:
    """Send a PATCH that has to succeed, and return the resource as it is then."""
    answer = client.patch(path, *operations)
    assert answer.status_code in (200, 204), answer.text
    return read(client, path)


def op(kind: str, path: str | None = None, **rest: Any) -> dict[str, Any]:
    """Return an operation of a PATCH."""
    return {"op": kind, **({} if path is None else {"path": path}), **rest}
