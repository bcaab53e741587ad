"""Paths, hosts and mounts that are meant to lead where they should not, over real sockets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import ScimApp
from tests.client import USER, Client
from tests.conftest import issue_token
from tests.hostile.wire import Wire, refused, statuses
from tests.servers import serving

EVIL = {"schemas": [USER], "userName": "evil@acme.test"}
pytestmark = pytest.mark.usefixtures("unharmed")


PATHS = [
    "/Users/%00",
    "/Users/{id}%00",
    "/Users/{id}%20",
    "/Users/{id}.",
    "/Users/{id};a=b",
    "/Users/{id}%2f",
    "/Users/{id}%2F",
    "/Users%2f{id}",
    "/Users/{id}%5c",
    "/Users/{id}%252f",
    "/Users/{id}/..",
    "/Users/{id}/.",
    "/Users/{id}/%2e",
    "/Users/./{id}",
    "/Users/../Users/{id}",
    "/Users/%2e%2e/Users/{id}",
    "/Users/..%2fUsers%2f{id}",
    "/Users/x/../{id}",
    "/../v2/Users/{id}",
    "/Users/%c0%ae%c0%ae%c0%af{id}",
    "/Users/%c0%80{id}",
    "/Users/%ff{id}",
    "/Users/%ed%a0%80",
    "/Users/{id}%",
    "/Users/{id}%zz",
    "/Users/{id}%0d%0aX-Injected:%20a",
    "/Users/{id}%3Fcount=1",
    "/Users/{id}%23",
    "/Users/%EF%BC%8F{id}",
    "/Users/{ID}",
    "/Users/*",
    "/Users/%7Bid%7D",
    "/Groups/{id}",
    "/Users/{id}/Groups",
    "/Schemas/..%2fUsers",
    "/" + "a/" * 5000,
    "/Users/" + "x" * 60_000,
]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_no_trick_with_a_path_leads_to_a_resource(wire: Wire, path: str, method: str) -> None:
    path = path.replace("{id}", wire.user).replace("{ID}", wire.user.upper())
    body = json.dumps({**EVIL, "id": wire.user}).encode() if method == "PUT" else b""
    request = wire.head(method, path, f"Content-Length: {len(body)}") + body
    received = wire.send(request)
    refused(received, 400, 404, 405, 414, 431)
    assert b"x-injected" not in received.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("path", ["//Users//{id}", "/Users/{id}/", "///Users/{id}///"])
def test_doubled_slashes_are_one_because_directories_send_them(wire: Wire, path: str) -> None:
    path = path.replace("{id}", wire.user)
    assert [200] == statuses(wire.send(wire.head("GET", path)))


@pytest.mark.parametrize(
    "host", ["evil.test/..", "a b", "<script>", "evil.test:99999999", "[::1", "é", "a@b", ""]
)
def test_a_host_that_is_none_is_in_no_url(wire: Wire, host: str) -> None:
    head = wire.head("GET", f"/Users/{wire.user}")
    own = f"Host: {wire.address.netloc}".encode()
    received = wire.send(head.replace(own, f"Host: {host}".encode()))
    assert statuses(received) in ([200], [400])
    assert not host or f"//{host}/".encode() not in received


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_a_mount_whose_path_a_client_has_a_part_in_injects_no_header(
    tmp_path: Path, http: str, wire: Wire
) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), rate_limit=None)
    host = Starlette(routes=[Mount("/{tenant}/scim", app=app)], lifespan=app.lifespan)
    with serving(host, http=http, timeout_keep_alive=1) as url:
        client = Client(f"{url}/a%0d%0aX-Injected:%20b/scim", issue_token(tmp_path / "scim.db"))
        answer = client.post("/Users", EVIL)
        client.close()
    assert 201 == answer.status_code
    assert "x-injected" not in answer.headers
    assert "%0D%0AX-Injected:%20b/scim/Users/" in answer.headers["location"]
