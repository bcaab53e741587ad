"""Mounted, alone, behind proxies, with and without a lifespan: the same answers everywhere."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi import ScimApp
from tests.client import USER, Client, assert_error
from tests.conftest import Scim, issue_token
from tests.servers import serving

ADA = {"schemas": [USER], "userName": "ada@acme.test"}


def starlette_host(scim: ScimApp) -> ASGIApp:
    return Starlette(routes=[Mount("/scim/v2", app=scim)], lifespan=scim.lifespan)


def starlette_without_lifespan(scim: ScimApp) -> ASGIApp:
    return Starlette(routes=[Mount("/scim/v2", app=scim)])


def starlette_with_a_lifespan_of_its_own(scim: ScimApp) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        async with scim.lifespan():
            yield

    return Starlette(routes=[Mount("/scim/v2", app=scim)], lifespan=lifespan)


def fastapi_host(scim: ScimApp) -> ASGIApp:
    host = FastAPI(lifespan=scim.lifespan)
    host.mount("/scim/v2", scim)
    return host


def fastapi_without_lifespan(scim: ScimApp) -> ASGIApp:
    host = FastAPI()
    host.mount("/scim/v2", scim)
    return host


HOSTS = [
    starlette_host,
    starlette_without_lifespan,
    starlette_with_a_lifespan_of_its_own,
    fastapi_host,
    fastapi_without_lifespan,
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_mounted_app_serves_users_under_the_mounts_url(
    tmp_path: Path, host: Callable[[ScimApp], ASGIApp]
) -> None:
    database = tmp_path / "scim.db"
    with serving(host(ScimApp(str(database)))) as url:
        client = Client(f"{url}/scim/v2", issue_token(database))
        answer = client.post("/Users", ADA)
        location = answer.headers["location"]
        assert location.startswith(f"{url}/scim/v2/Users/")
        assert location == answer.json()["meta"]["location"]
        assert 200 == httpx.get(location, headers=client.headers).status_code
        client.close()


@pytest.mark.parametrize("settings", [{}, {"root_path": "/api"}])
def test_an_app_alone_under_uvicorn_serves_and_uses_its_root_path(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    database = tmp_path / "scim.db"
    with serving(ScimApp(str(database)), **settings) as url:
        client = Client(url, issue_token(database))
        location = client.post("/Users", ADA).json()["meta"]["location"]
        assert location.startswith(f"{url}{settings.get('root_path', '')}/Users/")
        client.close()


def test_a_fastapi_behind_a_proxy_that_strips_its_prefix_says_the_public_path(
    tmp_path: Path,
) -> None:
    database = tmp_path / "scim.db"
    scim = ScimApp(str(database))
    host = FastAPI(lifespan=scim.lifespan)
    host.root_path = "/api"
    host.mount("/scim/v2", scim)
    with serving(host) as url:
        client = Client(f"{url}/scim/v2", issue_token(database))
        location = client.post("/Users", ADA).json()["meta"]["location"]
        assert location.startswith(f"{url}/api/scim/v2/Users/")
        client.close()


def test_a_host_that_leaves_the_prefix_in_the_path_says_so_with_mount_path(tmp_path: Path) -> None:
    database = tmp_path / "scim.db"
    with serving(ScimApp(str(database), mount_path="/scim/v2")) as url:
        client = Client(f"{url}/scim/v2", issue_token(database))
        location = client.post("/Users", ADA).json()["meta"]["location"]
        assert location.startswith(f"{url}/scim/v2/Users/")
        client.close()


def test_the_base_url_of_the_settings_is_in_every_url(tmp_path: Path) -> None:
    database = tmp_path / "scim.db"
    base = "https://acme.example/scim/v2"
    with serving(starlette_host(ScimApp(str(database), base_url=f"{base}/"))) as url:
        client = Client(f"{url}/scim/v2", issue_token(database))
        answer = client.post("/Users", ADA)
        user = answer.json()
        group = client.create_group("Staff", user["id"])
        assert f"{base}/Users/{user['id']}" == answer.headers["location"]
        assert f"{base}/Groups/{group['id']}" == group["meta"]["location"]
        assert f"{base}/Users/{user['id']}" == group["members"][0]["$ref"]
        shown = client.get(f"/Users/{user['id']}").json()
        assert f"{base}/Groups/{group['id']}" == shown["groups"][0]["$ref"]
        config = client.get("/ServiceProviderConfig").json()
        assert f"{base}/ServiceProviderConfig" == config["meta"]["location"]
        client.close()


@pytest.mark.parametrize(
    "path",
    [
        "/Users",
        "/Users/",
        "//Users",
        "//Users//",
        "/Users?aadOptscim062020",
        "/Users?aadOptscim062020&count=5",
        "/Users?count=5&aadOptscim062020",
        "/?aadOptscim062020/Users",
    ],
)
def test_slashes_and_entras_flag_change_nothing(client: Client, path: str) -> None:
    client.create_user("ada@acme.test")
    answer = client.get(path)
    if path.startswith("/?"):
        # Some directories append their path behind the flag of the base URL.
        assert answer.status_code in (200, 404, 501)
        assert "application/scim+json" == answer.headers["content-type"]
        return
    assert 200 == answer.status_code
    assert 1 == answer.json()["totalResults"]


def test_posts_are_never_redirected(client: Client) -> None:
    assert 201 == client.post("/Users/?aadOptscim062020", ADA).status_code


def test_a_path_that_only_begins_like_the_mount_is_not_the_mounts(shared: Scim) -> None:
    assert 404 == httpx.get(f"{shared.base_url}x/Users").status_code


@pytest.mark.parametrize("path", ["", "/", "/nope", "/Users/1/2", "/Users/%2e%2e/x"])
def test_nothing_inside_the_mount_is_answered_by_the_host(client: Client, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    assert "application/scim+json" == answer.headers["content-type"]


def test_the_hosts_own_routes_stay_its_own(tmp_path: Path) -> None:
    async def home(request: Any) -> PlainTextResponse:
        return PlainTextResponse("Acme")

    scim = ScimApp(str(tmp_path / "scim.db"))
    host = Starlette(routes=[Route("/", home), Mount("/scim/v2", app=scim)], lifespan=scim.lifespan)
    with serving(host) as url:
        assert "Acme" == httpx.get(url).text
        assert "text/plain; charset=utf-8" == httpx.get(f"{url}/nope").headers["content-type"]


def test_the_hosts_scope_is_left_as_it_was(tmp_path: Path) -> None:
    database = tmp_path / "scim.db"
    scim = ScimApp(str(database))
    seen: list[tuple[Any, Any]] = []

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await scim(scope, receive, send)
            return
        plain = {name: value for name, value in scope.items() if name != "state"}
        before = copy.deepcopy(plain)
        await scim(scope, receive, send)
        seen.append((before, {name: scope[name] for name in scope if name != "state"}))

    with serving(host) as url:
        client = Client(url, issue_token(database))
        client.post("/Users", ADA)
        client.get("/Users?filter=userName eq")
        client.get("/nope")
        client.close()
    assert 3 == len(seen)
    for before, after in seen:
        assert before == after


def test_an_app_that_nobody_opened_says_once_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "scim.db"
    token = issue_token(database)
    with (
        caplog.at_level(logging.WARNING, "scim_asgi"),
        serving(starlette_without_lifespan(ScimApp(str(database)))) as url,
    ):
        client = Client(f"{url}/scim/v2", token)
        for _ in range(3):
            assert 200 == client.get("/Users").status_code
        client.close()
    assert 1 == sum("scim_app.lifespan" in record.message for record in caplog.records)


def test_a_database_that_cannot_be_opened_is_503_and_told_without_its_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "nowhere" / "scim.db"
    app = ScimApp(str(database))
    with serving(starlette_without_lifespan(app)) as url:
        answer = httpx.get(
            f"{url}/scim/v2/Users", headers={"Authorization": f"Bearer scim_{'0' * 49}"}
        )
        assert answer.status_code in (401, 503)
        token = issue_token(tmp_path / "other.db")
        answer = httpx.get(f"{url}/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
        assert "nowhere" not in assert_error(answer, 503)
    assert "cannot be opened" in caplog.text


@pytest.mark.parametrize("database", ["postgresql://x/y", "sqlite://scim.db", "sqlite:///", ""])
def test_a_database_url_of_another_kind_is_refused_at_once(database: str) -> None:
    with pytest.raises(ValueError, match="database"):
        ScimApp(database)


def test_a_websocket_is_closed_and_other_scopes_are_ignored(tmp_path: Path) -> None:
    import asyncio

    app = ScimApp(str(tmp_path / "scim.db"))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "websocket", "path": "/"}, receive, send))
    asyncio.run(app({"type": "something"}, receive, send))
    assert ["websocket.close"] == sent
