"""Every example of docs/mounting.md serves SCIM in the framework that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.client import Client
from tests.commands import uvicorn
from tests.conftest import ask, issue_token

PAGE = Path(__file__).parents[2] / "docs" / "mounting.md"
BLOCKS: dict[str, str] = dict(
    re.findall(r"^```python (\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
)
HOSTS = [name for name in BLOCKS if name != "product"]
HELLO = {
    "django": """
from django.http import HttpResponse
from django.urls import path

def hello(request):
    return HttpResponse("hello from the product")

ALLOWED_HOSTS = ["*"]
SECRET_KEY = "for tests"
ROOT_URLCONF = "django_settings"
urlpatterns = [path("hello", hello)]
""",
    "quart": """
@quart_app.get("/hello")
async def hello():
    return "hello from the product"
""",
}


@contextmanager
def running(folder: Path, name: str) -> Iterator[str]:
    """Run the product and the host of the page, and yield the URL."""
    product = BLOCKS["product"]
    if name == "litestar":
        assert '"sqlite:///scim.db"' in product
        product = product.replace('scim.db"', 'scim.db", mount_path="/scim/v2"')
    (folder / "django_settings.py").write_text(HELLO["django"])
    further = HELLO["quart"] if name == "quart" else ""
    (folder / "product.py").write_text(f"{product}\n{BLOCKS[name]}\n{further}")
    target = "product:application" if name == "django" else "product:app"
    with uvicorn(folder, target, DJANGO_SETTINGS_MODULE="django_settings") as url:
        yield url


def test_the_page_has_every_host() -> None:
    assert {"fastapi", "fastapi-lifespan", "starlette", "litestar", "django", "quart"} == {*HOSTS}


@pytest.mark.parametrize("name", HOSTS)
def test_an_example_serves_scim_with_the_database_open_before_the_first_request(
    tmp_path: Path, name: str
) -> None:
    database = tmp_path / "scim.db"
    with running(tmp_path, name) as url:
        assert database.exists()
        client = Client(f"{url}/scim/v2", issue_token(database))
        user = client.create_user("ada@acme.test", title="T")
        assert f"{url}/scim/v2/Users/{user['id']}" == user["meta"]["location"]
        for path in ("/Users?filter=title+eq+%22T%22", "/Users/", "//Users"):
            assert 1 == client.get(path).json()["totalResults"], path
        off = {"op": "replace", "path": "active", "value": False}
        assert 200 == client.patch(f"/Users/{user['id']}", off).status_code
        assert 404 == httpx.get(f"{url}/scim/v2x/Users", headers=client.headers).status_code
        client.close()
    rows = ask(database, lambda app: app.log.entries("acme"))
    assert ["create", "deactivate"] == [row.hook["change"] for row in rows if row.hook]
    assert "first request" not in (tmp_path / "uvicorn.log").read_text()


@pytest.mark.parametrize("name", HELLO)
def test_what_is_not_below_the_mount_is_still_the_frameworks(tmp_path: Path, name: str) -> None:
    with running(tmp_path, name) as url:
        assert "hello from the product" == httpx.get(f"{url}/hello").text
        assert 404 == httpx.get(f"{url}/nothing").status_code
