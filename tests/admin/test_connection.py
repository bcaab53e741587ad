"""How a connection stands, and where the directory is sent."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import Guard, ScimApp, TryAgainLater
from scim_asgi.admin import SecretKey
from tests.admin.conftest import KEY, Host, Hosts
from tests.client import USER
from tests.product import raising
from tests.servers import serving
from tests.waiting import until

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}


def status(host: Host) -> dict[str, Any]:
    """Return the status."""
    found: dict[str, Any] = host.admin().get("/status").json()
    return found


def test_a_connection_goes_from_nothing_to_green(host: Host) -> None:
    assert ("not_connected", None) == (status(host)["state"], status(host)["last_request"])
    client = host.connected()
    assert "waiting" == status(host)["state"]
    client.get("/ServiceProviderConfig", headers={"User-Agent": "Okta SCIM Client 1.0.0"})
    until(lambda: status(host)["state"] == "connected")
    until(lambda: status(host)["last_request"] is not None)
    found = status(host)
    assert "okta" == found["directory"]
    last = found["last_request"]
    assert ("GET", "/ServiceProviderConfig", 200) == (last["method"], last["path"], last["status"])
    user = client.create_user("ada@acme.test")
    client.create_group("Engineering", user["id"])
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    found = status(host)
    assert (1, 0, 1) == (found["users"], found["active_users"], found["groups"])
    assert (0, 0, 0) == (found["pending_changes"], found["held_changes"], found["errors_24h"])


def test_a_connection_that_fails_says_so_and_recovers(host: Host) -> None:
    client = host.connected()
    for _ in range(3):
        client.post("/Users", b"{")
    until(lambda: status(host)["state"] == "failing")
    assert 3 == status(host)["errors_24h"]
    for number in range(4):
        client.create_user(f"u{number}@acme.test")
    assert "connected" == status(host)["state"]


def test_people_who_are_skipped_make_no_connection_fail(host: Host) -> None:
    client = host.connected()
    for _ in range(3):
        client.post("/Users", {"schemas": [USER], "userName": "nobody"})
    until(lambda: status(host)["state"] == "connected")


def test_what_the_guard_holds_is_released(hosts: Hosts) -> None:
    host = hosts(guard=Guard(share=0.1, minimum=1))
    client = host.connected()
    users = [client.create_user(f"u{number}@acme.test")["id"] for number in range(3)]
    off = {"op": "replace", "path": "active", "value": False}
    assert [200, 503, 503] == [client.patch(f"/Users/{each}", off).status_code for each in users]
    found = status(host)
    assert ("held", 2) == (found["state"], found["held_changes"])
    held = host.admin().get("/users", params={"account": "held"}).json()
    assert {users[1], users[2]} == {user["id"] for user in held["data"]}
    released = host.admin().post("/release")
    assert (200, 2) == (released.status_code, released.json()["released"])
    assert "held" != status(host)["state"]


def test_what_the_product_has_not_confirmed_is_pending_and_reconciled(host: Host) -> None:
    client = host.connected()
    user = client.create_user("ada@acme.test")["id"]
    host.product.behaviour = raising(RuntimeError("down"))
    name = {"op": "replace", "path": "name.givenName", "value": "Ada"}
    assert 500 == client.patch(f"/Users/{user}", name).status_code
    assert 1 == status(host)["pending_changes"]
    detail = host.admin().get(f"/users/{user}").json()
    assert ("update", {"first_name": [None, "Ada"]}) == (detail["change"], detail["changes"])
    host.product.behaviour = None
    begun = host.admin().post("/reconcile")
    assert 202 == begun.status_code
    until(lambda: status(host)["pending_changes"] == 0)
    assert 422 == host.admin().post("/reconcile", json={"all": True}).status_code


def test_a_token_that_is_replaced_waits_anew(host: Host) -> None:
    client = host.connected()
    client.get("/Users")
    until(lambda: status(host)["state"] == "connected")
    (token,) = host.admin().get("/tokens").json()["data"]
    host.admin().post(f"/tokens/{token['id']}/revoke")
    assert "not_connected" == status(host)["state"]
    host.connected()
    assert "waiting" == status(host)["state"]


def served(stack: ExitStack, app: Any, path: str, **headers: str) -> httpx.Response:
    """Serve an application and return what its admin API says of the endpoint."""
    url = stack.enter_context(serving(app))
    return httpx.get(
        f"{url}{path}/organizations/acme/scim/endpoint",
        headers={**AUTHORIZATION, **headers},
        verify=False,
    )


def test_the_endpoint_is_the_public_url_of_the_scim_mount(tmp_path: Path) -> None:
    def made(**settings: Any) -> tuple[ScimApp, Any]:
        app: ScimApp = ScimApp(str(tmp_path / "scim.db"), **settings)
        return app, app.admin(authorize=SecretKey(KEY))

    with ExitStack() as stack:
        app, admin = made(base_url="https://acme.example/scim/v2/")
        alone = served(stack, admin, "")
        assert "https://acme.example/scim/v2/" == alone.json()["endpoint_url"]
        app, admin = made()
        host = FastAPI(lifespan=app.lifespan)
        host.mount("/api/scim", app)
        host.mount("/internal", admin)
        outer = Starlette(routes=[Mount("/outer", app=host)])
        found = served(stack, host, "/internal", Host="acme.example")
        assert "http://acme.example/api/scim/" == found.json()["endpoint_url"]
        _, admin = made()
        unknown = served(stack, Starlette(routes=[Mount("/v1", app=admin)]), "/v1")
        (error,) = unknown.json()["errors"]
        assert (409, "base_url_missing") == (unknown.status_code, error["code"])
        assert "base_url=" in error["message"]
        below = served(stack, outer, "/outer/internal", Host="acme.example")
        assert "http://acme.example/outer/api/scim/" == below.json()["endpoint_url"]


@pytest.mark.parametrize("prefix", ["", "/v1", "/a/b"])
def test_it_works_under_any_mount(tmp_path: Path, prefix: str) -> None:
    app: ScimApp = ScimApp(str(tmp_path / "scim.db"))
    admin = app.admin(authorize=SecretKey(KEY))
    host = admin if not prefix else Starlette(routes=[Mount(prefix, app=admin)])
    with serving(host) as url:
        path = f"{url}{prefix}/organizations/acme/scim/status"
        assert 200 == httpx.get(path, headers=AUTHORIZATION, verify=False).status_code
        document = httpx.get(f"{url}{prefix}/openapi.json", verify=False).json()
        assert [{"url": prefix or "/"}] == document["servers"]
        assert 404 == httpx.get(f"{url}{prefix}/nothing", verify=False).status_code


def test_what_waits_for_later_is_no_error_of_the_request(host: Host) -> None:
    client = host.connected()
    host.product.behaviour = raising(TryAgainLater(1))
    assert 503 == client.post("/Users", {"schemas": [USER], "userName": "a@acme.test"}).status_code
    assert 1 == status(host)["errors_24h"]
