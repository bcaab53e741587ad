"""docs/admin-api.md and the OpenAPI document are true."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import httpx

from scim_asgi.admin.__main__ import document
from scim_asgi.admin.table import ROUTES
from tests.admin.conftest import KEY, Host

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "admin-api.md").read_text()


def test_the_document_beside_the_docs_is_the_one_that_is_served(host: Host) -> None:
    kept = (DOCS / "admin-api.openapi.json").read_bytes()
    assert kept == document(), "run: python -m scim_asgi.admin > docs/admin-api.openapi.json"
    served = httpx.get(f"{host.url}/v1/openapi.json", verify=False).json()
    assert {**json.loads(kept), "servers": [{"url": "/v1"}]} == served


def test_every_endpoint_is_in_the_table() -> None:
    told = set(re.findall(r"`(GET|POST|PUT) (/[^`?]*)`", TEXT))
    below = "/organizations/{organization_id}/scim"
    assert {(route.method, route.path.removeprefix(below)) for route in ROUTES} <= told


def test_the_examples_work(host: Host) -> None:
    host.connected().create_user("ada@acme.test")
    admin = f"{host.url}/v1/organizations/acme/scim"
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    commands = [
        line
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("curl")
    ]
    assert len(commands) >= 7
    for command in commands:
        response = sent(command.replace("$ADMIN_KEY", KEY).replace("$ADMIN", admin))
        assert response.is_success, (command, response.text)


def sent(command: str) -> httpx.Response:
    """Do what a curl command does."""
    words = shlex.split(command)[1:]
    method, headers, body, url = "GET", {}, None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
            method = "POST" if method == "GET" else method
        else:
            url = word
    return httpx.request(method, url, headers=headers, content=body, verify=False)
