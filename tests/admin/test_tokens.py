"""Tokens over the admin API."""

from __future__ import annotations

import json

import pytest

from scim_asgi.provisioning.tokens import TokenError
from tests.admin.conftest import Host

JSON = {"Content-Type": "application/json"}


def test_a_token_is_shown_once_and_works(host: Host) -> None:
    admin = host.admin()
    response = admin.post("/tokens", json={"name": "Entra ID — Production"})
    assert 201 == response.status_code
    assert "no-store" == response.headers["cache-control"]
    issued = response.json()
    assert 200 == host.directory(issued["token"]).get("/Users").status_code
    listed = admin.get("/tokens")
    assert 1 == listed.json()["total_count"]
    assert issued["token"] not in listed.text
    assert "Entra ID — Production" == listed.json()["data"][0]["name"]


def test_a_token_is_revoked_and_again_is_the_same_answer(host: Host) -> None:
    admin = host.admin()
    issued = admin.post("/tokens", json={"name": "old"}).json()
    first = admin.post(f"/tokens/{issued['id']}/revoke")
    assert 200 == first.status_code
    assert first.json() == admin.post(f"/tokens/{issued['id']}/revoke").json()
    assert 401 == host.directory(issued["token"]).get("/Users").status_code


def test_another_organizations_token_is_not_found(host: Host) -> None:
    issued = host.admin("other").post("/tokens", json={"name": "theirs"}).json()
    response = host.admin().post(f"/tokens/{issued['id']}/revoke")
    assert 404 == response.status_code
    assert "token_id" == response.json()["errors"][0]["meta"]["param"]
    unknown = host.admin().post("/tokens/scimtok_none/revoke")
    assert response.content == unknown.content
    assert 200 == host.directory(issued["token"]).get("/Users").status_code


def test_everything_that_is_wrong_with_a_body_is_said_at_once(host: Host) -> None:
    response = host.admin().post("/tokens", json={"name": "", "expires_at": "soon", "nam": 1})
    assert 422 == response.status_code
    params = {error["meta"]["param"] for error in response.json()["errors"]}
    assert {"name", "expires_at", "nam"} == params


def test_tokens_are_listed_page_by_page(host: Host) -> None:
    admin = host.admin()
    for number in range(3):
        admin.post("/tokens", json={"name": f"token {number}"})
    page = admin.get("/tokens", params={"limit": 1, "offset": 1}).json()
    assert (["token 1"], 3) == ([each["name"] for each in page["data"]], page["total_count"])
    assert 422 == admin.get("/tokens", params={"limit": 0}).status_code
    assert 422 == admin.get("/tokens", params={"lmit": 1}).status_code


def test_the_endpoint_is_found_among_the_hosts_mounts(host: Host) -> None:
    found = host.admin().get("/endpoint").json()
    assert f"{host.scim_url}/" == found["endpoint_url"]
    assert f"{host.scim_url}/?aadOptscim062020" == found["entra_endpoint_url"]


@pytest.mark.parametrize(
    "name",
    ["a\x00b", "a\r\nb", "\x1b[2Jgone", "a\tb", "a\x85b", "a\u2028b", "\u202eevil"],
)
def test_a_name_that_a_terminal_would_obey_is_refused_by_its_field(host: Host, name: str) -> None:
    response = host.admin().post("/tokens", content=json.dumps({"name": name}), headers=JSON)
    assert 422 == response.status_code
    (error,) = response.json()["errors"]
    assert {"param": "name"} == error["meta"]
    assert name not in response.text
    assert [] == host.admin().get("/tokens").json()["data"]
    with pytest.raises(TokenError, match="control character"):
        host.ask(lambda app: app.tokens.issue("acme", name=name))
    with pytest.raises(TokenError, match="control character"):
        host.ask(lambda app: app.tokens.issue("acme", name="half a pair \ud800"))


def test_a_name_in_any_script_is_fine(host: Host) -> None:
    for name in ("Größe – 生産", "فارسی", "👩\u200d💻\u00a0Entra"):
        assert 201 == host.admin().post("/tokens", json={"name": name}).status_code
