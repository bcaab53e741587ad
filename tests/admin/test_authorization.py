"""Who may do what, generated over all routes: a new route is covered by being there."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from scim_asgi import ScimApp
from scim_asgi.admin import Actor, NotSignedIn, SecretKey
from scim_asgi.admin.routes import Route
from scim_asgi.admin.table import ROUTES
from tests.admin.conftest import KEY, Host, Hosts

IDS = [f"{route.method} {route.path}" for route in ROUTES]


async def by_header(request: Request, organization_id: str) -> Actor | None:
    """Answer what the header says; only the organization acme is known."""
    says = request.headers.get("x-actor", "none")
    if says == "signed-out":
        raise NotSignedIn
    if says == "redirected":
        raise HTTPException(403, "Turn on two-factor authentication first.")
    if says == "broken":
        msg = "hunter2: the session store is gone"
        raise RuntimeError(msg)
    if says == "none" or organization_id != "acme":
        return None
    return Actor(id="u1", name="Ada", can_read=says == "reads", can_manage=says == "manages")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield Hosts(stack, tmp_path_factory.mktemp("matrix"))(authorize=by_header)


def sent(host: Host, route: Route, actor: str, organization: str = "acme") -> httpx.Response:
    """Send a request to a route, with a body that is none where it takes one."""
    path = route.path.replace("{organization_id}", organization)
    path = path.replace("{token_id}", "none").replace("{user_id}", "none")
    headers = {"X-Actor": actor, "Content-Type": "application/json"}
    return httpx.request(
        route.method,
        f"{host.url}/v1{path}",
        headers=headers,
        content=b"[]" if route.body else b"",
        verify=False,
    )


def code(response: httpx.Response) -> str:
    """Return the code of the only error, whose form is the one of all errors."""
    body = response.json()
    assert ["errors"] == list(body)
    (error,) = body["errors"]
    assert error["message"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "meta"}
    assert "application/json" == response.headers["content-type"]
    return str(error["code"])


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_nobody_is_let_in(host: Host, route: Route) -> None:
    response = sent(host, route, "signed-out")
    assert (401, "unauthenticated") == (response.status_code, code(response))
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_a_stranger_learns_nothing(host: Host, route: Route) -> None:
    response = sent(host, route, "none")
    other = sent(host, route, "manages", "globex")
    unknown = sent(host, route, "manages", "nobody")
    assert (404, "not_found") == (response.status_code, code(response))
    assert response.content == other.content == unknown.content


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_a_reader_reads(host: Host, route: Route) -> None:
    response = sent(host, route, "reads")
    if route.needs == "manage":
        assert (403, "forbidden") == (response.status_code, code(response))
    else:
        assert response.status_code not in (401, 403)
        assert response.status_code < 500


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_who_may_nothing_gets_nothing(host: Host, route: Route) -> None:
    response = sent(host, route, "sees-nothing")
    assert (403, "forbidden") == (response.status_code, code(response))


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_a_manager_does_everything(host: Host, route: Route) -> None:
    response = sent(host, route, "manages")
    assert response.status_code not in (401, 403)
    assert response.status_code < 500


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_what_the_host_raises_is_told_in_our_form(host: Host, route: Route) -> None:
    refused = sent(host, route, "redirected")
    assert (403, "forbidden") == (refused.status_code, code(refused))
    assert "two-factor" in refused.text
    broken = sent(host, route, "broken")
    assert (500, "internal_error") == (broken.status_code, code(broken))
    assert "hunter2" not in broken.text


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_other_methods_are_refused_and_named(host: Host, path: str) -> None:
    methods = {route.method for route in ROUTES if route.path == path}
    allowed = {*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())}
    url = f"{host.url}/v1" + path.replace("{organization_id}", "acme").replace("{", "").replace(
        "}", ""
    )
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
        response = httpx.request(method, url, verify=False)
        assert (405, "method_not_allowed") == (response.status_code, code(response))
        assert allowed == set(response.headers["allow"].split(", "))
    options = httpx.options(url, headers={"Origin": "https://evil.test"}, verify=False)
    assert (204, allowed) == (options.status_code, set(options.headers["allow"].split(", ")))
    assert not [name for name in options.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "x"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_changes_nothing(host: Host, said: dict[str, str]) -> None:
    url = f"{host.url}/v1/organizations/acme/scim/release"
    headers = {"X-Actor": "manages", **said}
    assert 403 == httpx.post(url, headers=headers, verify=False).status_code


@pytest.mark.parametrize("said", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "own"}, {}])
def test_ones_own_page_and_a_server_change_something(host: Host, said: dict[str, str]) -> None:
    url = f"{host.url}/v1/organizations/acme/scim/release"
    own = {name: host.url if value == "own" else value for name, value in said.items()}
    headers = {"X-Actor": "manages", **own}
    assert 200 == httpx.post(url, headers=headers, verify=False).status_code


@pytest.mark.parametrize("key", ["x", KEY[:-1], KEY.upper(), "Bearer"])
def test_another_key_does_not_open(hosts: Hosts, key: str) -> None:
    assert 401 == hosts().admin(key=key).get("/status").status_code


def test_a_key_is_replaced_without_a_gap(hosts: Hosts) -> None:
    host = hosts(authorize=SecretKey("new key", "old key"))
    assert 200 == host.admin(key="new key").get("/status").status_code
    assert 200 == host.admin(key="old key").get("/status").status_code
    assert 401 == host.admin(key="new keyold key").get("/status").status_code


def test_without_authorize_there_is_no_admin_app() -> None:
    app: ScimApp = ScimApp(":memory:")
    with pytest.raises(TypeError):
        app.admin()  # type: ignore[call-arg]

    def blocks(_request: Request, _organization_id: str) -> None: ...

    for wrong in (None, blocks, SecretKey, "key"):
        with pytest.raises(TypeError, match="SecretKey"):
            app.admin(authorize=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not empty"):
        SecretKey("")
