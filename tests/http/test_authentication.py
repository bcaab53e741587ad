"""Who may come in: bearer tokens, and what everybody else is told."""

from __future__ import annotations

import time

import httpx
import pytest

from scim_asgi import ScimApp
from scim_asgi.provisioning.tokens import IssuedToken, TokenInfo, is_well_formed, mint
from tests.client import USER, Client, assert_error
from tests.conftest import Scim, Served
from tests.waiting import until

ADA = {"schemas": [USER], "userName": "ada@acme.test"}


def get(scim: Scim, *values: str) -> httpx.Response:
    headers = [("Authorization", value) for value in values]
    return httpx.get(f"{scim.base_url}/Users", headers=headers)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((), None),
        (("Bearer",), "invalid_token"),
        (("Basic YTpi",), None),
        (("Bearer nonsense",), "invalid_token"),
        (("Bearer scim_" + "0" * 49,), "invalid_token"),
        (("Bearer a", "Bearer b"), "invalid_token"),
    ],
)
def test_without_a_valid_token_the_answer_is_401_with_a_challenge(
    shared: Scim, values: tuple[str, ...], error: str | None
) -> None:
    answer = get(shared, *values)
    assert_error(answer, 401)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="')
    assert ('error="invalid_token"' in challenge) == (error is not None)


def test_a_token_of_the_right_form_that_nobody_issued_is_401(shared: Scim) -> None:
    assert_error(get(shared, f"Bearer {mint()}"), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_any_case(shared: Scim, scheme: str) -> None:
    assert 200 == get(shared, f"{scheme} {shared.token('schemes')}").status_code


def test_a_bare_token_is_read_only_where_that_is_set(serve: Served, shared: Scim) -> None:
    assert_error(get(shared, shared.token()), 401)
    lenient = serve(accept_bare_token=True)
    assert 200 == get(lenient, lenient.token()).status_code


def test_a_token_in_the_query_is_not_read(shared: Scim) -> None:
    answer = httpx.get(f"{shared.base_url}/Users", params={"access_token": shared.token()})
    assert_error(answer, 401)


def test_an_unknown_path_tells_strangers_nothing(shared: Scim) -> None:
    assert_error(httpx.get(f"{shared.base_url}/nope"), 401)
    assert_error(httpx.post(f"{shared.base_url}/Users", content=b"{"), 401)


def test_a_token_is_prefix_secret_and_checksum() -> None:
    tokens = {mint() for _ in range(100)}
    assert 100 == len(tokens)
    for token in tokens:
        assert token.startswith("scim_")
        assert 54 == len(token)
        assert is_well_formed(token)
        assert not is_well_formed(token[:-1] + ("0" if token[-1] != "0" else "1"))
        assert not is_well_formed(token[:10] + ("0" if token[10] != "0" else "1") + token[11:])


def test_of_a_token_only_a_digest_is_on_disk(scim: Scim) -> None:
    token = scim.token()
    assert 200 == get(scim, f"Bearer {token}").status_code
    for file in scim.database.parent.iterdir():
        assert token.encode() not in file.read_bytes()


def test_a_revoked_token_is_refused_at_once_by_a_server_that_has_used_it(scim: Scim) -> None:
    issued: IssuedToken = scim.ask(lambda app: app.tokens.issue("acme", name="one"))
    other = scim.token()
    assert 200 == get(scim, f"Bearer {issued.token}").status_code
    scim.ask(lambda app: app.tokens.revoke(issued.id))
    assert_error(get(scim, f"Bearer {issued.token}"), 401)
    assert 200 == get(scim, f"Bearer {other}").status_code


def test_an_expired_token_is_refused(scim: Scim) -> None:
    async def issue(app: ScimApp, milliseconds: int) -> str:
        expires_at = round(time.time() * 1000) + milliseconds
        return (await app.tokens.issue("acme", name="x", expires_at=expires_at)).token

    lasting = scim.ask(lambda app: issue(app, 3_600_000))
    short = scim.ask(lambda app: issue(app, 300))
    assert 200 == get(scim, f"Bearer {lasting}").status_code
    until(lambda: get(scim, f"Bearer {short}").status_code != 200)
    assert_error(get(scim, f"Bearer {short}"), 401)
    assert 200 == get(scim, f"Bearer {lasting}").status_code


def test_the_list_shows_prefix_use_and_expiry_and_never_the_token(scim: Scim) -> None:
    token = scim.token()
    assert 200 == get(scim, f"Bearer {token}").status_code

    def listed() -> list[TokenInfo]:
        return scim.ask(lambda app: app.tokens.list("acme"))

    until(lambda: listed()[0].last_used_at is not None)
    (info,) = listed()
    assert token.startswith(info.prefix)
    assert len(info.prefix) < 12
    assert ("tests", "acme", None, None) == (
        info.name,
        info.organization_id,
        info.revoked_at,
        info.expires_at,
    )


def test_nothing_is_read_or_written_across_organizations(shared: Scim) -> None:
    mine, yours = shared.client("mine"), shared.client("yours")
    user = mine.create_user("ada@acme.test", externalId="e-1")
    group = mine.create_group("Staff", user["id"])
    path, groups = f"/Users/{user['id']}", f"/Groups/{group['id']}"
    for method, body in [("GET", None), ("PUT", ADA), ("PATCH", ADA), ("DELETE", None)]:
        assert_error(yours.send(method, path, body), 404)
    assert 0 == yours.get("/Users").json()["totalResults"]
    assert 0 == yours.get('/Users?filter=userName eq "ada@acme.test"').json()["totalResults"]
    assert 0 == yours.get(f'/Users?filter=id eq "{user["id"]}"').json()["totalResults"]
    assert 0 == yours.get(f'/Groups?filter=members eq "{user["id"]}"').json()["totalResults"]
    own = yours.create_user("ada@acme.test", externalId="e-1")
    foreign = yours.create_group("Staff", user["id"])
    assert [] == foreign["members"]
    assert {"value": own["id"]} != user["id"]
    assert 200 == mine.get(path).status_code
    assert user["id"] == mine.get(groups).json()["members"][0]["value"]
    add = {"op": "add", "path": "members", "value": [{"value": own["id"]}]}
    assert 204 == mine.patch(groups, add).status_code
    assert 1 == len(mine.get(groups).json()["members"])


@pytest.mark.parametrize(
    ("organization", "name"), [("", "x"), ("acme", ""), ("acme", " "), ("a" * 256, "x")]
)
def test_a_token_needs_an_organization_and_a_name(
    shared: Scim, organization: str, name: str
) -> None:
    from scim_asgi.provisioning.tokens import TokenError

    with pytest.raises(TokenError, match="characters"):
        shared.ask(lambda app: app.tokens.issue(organization, name=name))


def test_answers_are_never_cached(client: Client) -> None:
    for answer in (client.get("/Users"), client.get("/nope"), client.post("/Users", ADA)):
        assert "no-store" == answer.headers["cache-control"]
