"""A served ScimApp with a few people in it, behind a proxy that tests can break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import ScimApp
from scim_asgi.doctor import Report, diagnose
from tests.client import Client
from tests.conftest import MOUNT, issue_token
from tests.doctor.proxy import Breakage, Proxy
from tests.product import Product
from tests.servers import serving

LOCAL = {"url-https", "url-public"}
"""What is warned of because tests run on this machine."""


class Site:
    """A deployment: its URL, its tokens and the proxy in front of it."""

    def __init__(self, origin: str, token: str, empty_token: str, proxy: Proxy) -> None:
        self.origin = origin
        self.url = f"{origin}{MOUNT}"
        self.token = token
        self.empty_token = empty_token
        self.proxy = proxy
        self.user_ids: list[str] = []

    def broken(self, breakage: Breakage, *, timeout: float = 10.0) -> Report:
        """Examine the deployment behind a proxy that breaks something."""
        self.proxy.breakage = breakage
        return self.examined(self.url, self.token, timeout=timeout)

    def examined(self, url: str, token: str | None, *, timeout: float = 10.0) -> Report:
        """Examine a URL without pauses."""
        return diagnose(url, token, timeout=timeout, per_second=10_000)


@pytest.fixture(scope="module")
def served_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = tmp_path_factory.mktemp("site") / "scim.db"
    app = ScimApp(str(database), hooks=Product(), rate_limit=None, failed_auth_limit=None)
    proxy = Proxy(Starlette(routes=[Mount(MOUNT, app=app)], lifespan=app.lifespan))
    with serving(proxy, date_header=False) as origin:
        site = Site(origin, issue_token(database), issue_token(database, "empty"), proxy)
        client = Client(site.url, site.token)
        ids = [client.create_user(f"person{number}@acme.test")["id"] for number in range(7)]
        site.user_ids = ids
        client.create_group("Ops", *ids[:3])
        client.create_group("Empty")
        client.close()
        proxy.methods.clear()
        yield site


@pytest.fixture
def site(served_site: Site) -> Iterator[Site]:
    """The deployment, whole again after each test."""
    yield served_site
    served_site.proxy.breakage = Breakage()


def roots(report: Report) -> dict[str, str]:
    """Return the level of each finding that is bad by itself, what is local left out."""
    return {
        each.id: each.level.value
        for each in report.findings
        if each.level.value in ("warning", "failure") and not each.causes and each.id not in LOCAL
    }
