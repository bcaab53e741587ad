"""Which origins may change something: the page's own, behind a proxy too, over https where it is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.admin.conftest import Host, Hosts

PUBLIC = "https://acme.example"
SECURE = {"X-Forwarded-Proto": "https"}
"""What a proxy says that ends TLS; uvicorn makes it the ASGI scheme."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("origins")


@pytest.fixture(scope="module")
def host(folder: Path) -> object:
    with ExitStack() as stack:
        yield Hosts(stack, folder)()


@pytest.fixture(scope="module")
def public(folder: Path) -> object:
    with ExitStack() as stack:
        yield Hosts(stack, folder)(base_url=f"{PUBLIC}/scim/v2")


def status(host: Host, origin: str, **headers: str) -> int:
    """Return what a change is answered that a page of an origin asks for."""
    sent = {"Origin": origin, **{name.replace("_", "-"): each for name, each in headers.items()}}
    response = host.admin().post("/release", headers=sent)
    if response.status_code == 403:
        assert "came from another site" in response.text
    return response.status_code


@pytest.mark.parametrize(
    ("origin", "at", "proto", "expected"),
    [
        # Nobody says that TLS is used: the page alone knows.
        ("http://acme.example", "acme.example", "", 200),
        ("https://acme.example", "acme.example", "", 200),
        ("https://acme.example", "acme.example:443", "", 200),
        ("http://acme.example", "acme.example:80", "", 200),
        ("http://acme.example:8000", "acme.example:8000", "", 200),
        ("http://ACME.example", "acme.example", "", 200),
        ("http://[::1]:8000", "[::1]:8000", "", 200),
        # The proxy says that TLS is used.
        ("https://acme.example", "acme.example", "https", 200),
        ("http://acme.example", "acme.example", "https", 403),
        ("http://acme.example:443", "acme.example:443", "https", 403),
        # Others.
        ("http://acme.example", "acme.example:8000", "", 403),
        ("http://acme.example:8000", "acme.example", "", 403),
        ("https://evil.example", "acme.example", "", 403),
        ("https://acme.example.evil.example", "acme.example", "", 403),
        ("https://acme.example@evil.example", "acme.example", "", 403),
        ("null", "acme.example", "", 403),
        ("", "acme.example", "", 403),
        ("ftp://acme.example", "acme.example", "", 403),
        ("https://acme.example:x", "acme.example", "", 403),
        ("acme.example", "acme.example", "", 403),
    ],
)
def test_a_change_comes_from_a_page_of_the_same_scheme_host_and_port(
    host: Host, origin: str, at: str, proto: str, expected: int
) -> None:
    said = {"X_Forwarded_Proto": proto} if proto else {}
    assert expected == status(host, origin, Host=at, **said)


def test_a_public_url_says_how_its_host_is_reached(public: Host) -> None:
    for at in ("acme.example", "acme.example:443", "backend:8000"):
        assert 200 == status(public, PUBLIC, Host=at), at
    # Whatever the proxy tells or does not tell, it is reached over https alone.
    for proto in ({}, {"X_Forwarded_Proto": "http"}, {"X_Forwarded_Proto": "https"}):
        assert 403 == status(public, "http://acme.example", Host="acme.example", **proto)
    assert 403 == status(public, "https://acme.example:8443", Host="acme.example")
    # Another host than the public one is its own page's alone.
    assert 200 == status(public, "http://backend:8000", Host="backend:8000")
    assert 403 == status(public, "http://backend:8000", Host="acme.example")


def test_what_a_browser_says_of_the_site_counts_before_the_origin(host: Host) -> None:
    origin = "http://acme.example"
    own = {"Host": "acme.example", "Sec_Fetch_Site": "same-origin"}
    assert 200 == status(host, "https://evil.example", **own)
    assert 403 == status(host, origin, Host="acme.example", Sec_Fetch_Site="cross-site")
    assert 403 == status(host, origin, Host="acme.example", Sec_Fetch_Site="same-site")


def test_the_page_is_as_strict(host: Host) -> None:
    page = f"{host.url}/v1/organizations/acme/directory-sync/held/release"
    key = {"Authorization": dict(host.admin().headers)["authorization"]}
    for origin, expected in ((host.url, 403), (host.url.replace("http", "https"), 303)):
        headers = {**key, **SECURE, "Origin": origin}
        assert expected == httpx.post(page, headers=headers, verify=False).status_code
