"""The options of `scim-asgi serve` that say how lenient the server is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.client import Client, assert_error
from tests.commands import attempt, served
from tests.conftest import issue_token

NOBODY = [{"value": "01a00000-0000-7000-8000-000000000000"}]


def bare(url: str, token: str) -> httpx.Response:
    """Send the token alone, without the word Bearer."""
    return httpx.get(f"{url}/Users", headers={"Authorization": token})


def test_by_default_it_asks_for_bearer_and_passes_over_what_nobody_knows(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        client = Client(url, issue_token(tmp_path / "scim.db"))
        assert_error(bare(url, client.token), 401)
        assert "shoeSize" not in client.create_user("ada@acme.test", shoeSize=42)
        assert [] == client.create_group("Engineers", members=NOBODY)["members"]
        client.close()


def test_each_option_makes_it_more_or_less_lenient(tmp_path: Path) -> None:
    options = (
        "--accept-bare-token",
        "--unknown-members",
        "reject",
        "--unknown-attributes",
        "reject",
    )
    with served(tmp_path, *options) as (url, _):
        client = Client(url, issue_token(tmp_path / "scim.db"))
        assert 200 == bare(url, client.token).status_code
        assert_error(bare(url, client.token[:-1]), 401)
        user = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "x@acme.test",
        }
        assert 201 == client.post("/Users", user).status_code
        answer = client.post("/Users", {**user, "userName": "y@acme.test", "shoeSize": 42})
        assert "shoeSize" in assert_error(answer, 400, "invalidSyntax")
        group = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Engineers",
            "members": NOBODY,
        }
        assert NOBODY[0]["value"] in assert_error(
            client.post("/Groups", group), 400, "invalidValue"
        )
        client.close()


@pytest.mark.parametrize("option", ["--unknown-members", "--unknown-attributes"])
def test_another_choice_is_refused_with_those_that_there_are(tmp_path: Path, option: str) -> None:
    done = attempt(tmp_path, "serve", "--port", "0", option, "sometimes")
    assert 2 == done.returncode
    assert option in done.stderr
    assert "reject" in done.stderr
