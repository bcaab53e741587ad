"""ME, RL, ERR, AUT, SEC: errors, authentication and security (RFC 7644 sections 2, 3.11, 3.12, 7)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.client import ERROR, Client, assert_error, created
from tests.conformance.checklist.requests import (
    create_device,
    found,
    listed,
    op,
    query,
    read,
    search,
    user,
)
from tests.conftest import Served

SCIM_TYPES = {
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
def test_me_01_and_me_04_me_is_not_offered(client: Client, method: str) -> None:
    assert_error(client.send(method, "/Me", {}), 501)
    assert_error(client.send(method, "/Me", {}, headers={"Authorization": ""}), 401)


def test_asy_01_a_wish_for_an_asynchronous_answer_is_ignored(client: Client) -> None:
    headers = {"Prefer": "respond-async"}
    created(client.post("/Users", user(), headers=headers))


def test_rl_01_over_the_limit_is_429_with_whole_seconds(serve: Served) -> None:
    client = serve(hooks=None, rate_limit="2/minute").client()
    answers = [client.get("/Users") for _ in range(3)]
    assert [200, 200, 429] == [each.status_code for each in answers]
    assert_error(answers[2], 429)
    assert re.fullmatch(r"[1-9]\d*", answers[2].headers["retry-after"])


def test_rl_03_and_sec_07_guessing_tokens_is_limited(serve: Served) -> None:
    client = serve(hooks=None, failed_auth_limit="5/minute").client()
    wrong = {"Authorization": "Bearer wrong"}
    answers = [client.get("/Users", headers=wrong).status_code for _ in range(7)]
    assert [401] * 5 + [429] * 2 == answers


def refusals(client: Client) -> list[Any]:
    """Return one answer of every kind of refusal."""
    path = f"/Users/{client.create_user('ada')['id']}"
    return [
        client.get("/Nope"),
        client.get("/Users/none"),
        client.post("/Users", b"{"),
        client.post("/Users", user()),
        client.post("/Users", user(userName=5)),
        client.send("PUT", "/Users", {}),
        client.get("/Me"),
        client.get("/Users?filter=x"),
        client.get("/Users?count=x"),
        client.get("/Schemas?filter=x"),
        client.get("/Users?cursor=x"),
        client.post("/Users", user(), headers={"Content-Type": "text/plain"}),
        client.send("PUT", path, user(), headers={"If-Match": "x"}),
        client.get("/Users", headers={"Authorization": "Bearer no"}),
        client.patch(path, op("remove")),
        client.patch(path, op("remove", "id")),
        client.patch(path, op("add", "a b", value=1)),
        query(client, "/Users", filter="x" * 20_000),
    ]


def test_err_01_and_err_02_and_err_03_and_err_04_and_err_05_a_refusal_is_a_scim_error(
    client: Client,
) -> None:
    for answer in refusals(client):
        body = answer.json()
        assert answer.status_code >= 400
        assert [ERROR] == body["schemas"]
        assert str(answer.status_code) == body["status"]
        assert isinstance(body["detail"], str)
        assert body["detail"]
        assert body.keys() <= {"schemas", "status", "scimType", "detail"}
        assert body.get("scimType", "tooMany") in SCIM_TYPES
        expected = {400: True, 409: True}.get(answer.status_code, False)
        assert ("scimType" in body) == expected


def test_err_07_no_error_repeats_a_secret(client: Client) -> None:
    for attributes in (
        {"password": {"hush": "hush-hush"}},
        {"password": "hush-hush", "userName": 5},
        {"password": "hush-hush", "emails": "x"},
    ):
        answer = client.post("/Users", user(**attributes))
        assert answer.status_code in (201, 400)
        assert "hush-hush" not in answer.text
    assert client.token not in client.get("/Nope").text


def test_err_08_the_headers_that_belong_to_a_refusal_are_there(client: Client) -> None:
    assert "allow" in client.send("PUT", "/Users", {}).headers
    answer = client.get("/Users", headers={"Authorization": ""})
    assert "www-authenticate" in answer.headers


def test_err_09_a_detail_names_the_place(client: Client) -> None:
    answer = client.post("/Users", user(emails=[{"value": "a"}, {"value": 5}]))
    assert "emails[1].value" in assert_error(answer, 400, "invalidValue")


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token x", "Bearer", "Bearer a b"])
def test_aut_01_and_aut_02_and_aut_03_without_a_token_there_is_a_challenge(
    client: Client, header: str
) -> None:
    answer = client.get("/Users", headers={"Authorization": header})
    assert_error(answer, 401)
    challenge = answer.headers["www-authenticate"]
    assert re.fullmatch(r'Bearer realm="[^"]+"(, \w+="[^"]*")*', challenge)
    if header in ("", "Basic YTpi", "Token x"):
        assert "error=" not in challenge


def test_aut_04_and_aut_15_a_wrong_token_is_invalid_whatever_is_wrong_with_it(
    client: Client,
) -> None:
    almost = client.token[:-1] + ("a" if client.token[-1] != "a" else "b")
    answers = [
        client.get("/Users", headers={"Authorization": f"Bearer {each}"})
        for each in ("x", almost, "scim_" + "A" * 49)
    ]
    assert 1 == len({each.text for each in answers})
    for answer in answers:
        assert 401 == answer.status_code
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_aut_06_malformed_credentials_are_refused(client: Client) -> None:
    for header in ("Bearer", "Bearer a b", "Bearer \x01"):
        assert client.get("/Users", headers={"Authorization": header}).status_code in (400, 401)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_aut_07_the_scheme_matches_in_any_case(client: Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {client.token}"}
    assert 200 == client.get("/Users", headers=headers).status_code


def test_aut_08_a_token_in_the_query_is_no_token(client: Client) -> None:
    path = f"/Users?access_token={client.token}"
    assert_error(client.get(path, headers={"Authorization": ""}), 401)


def test_aut_09_a_challenge_names_nothing_twice(client: Client) -> None:
    answer = client.get("/Users", headers={"Authorization": "Bearer x"})
    names = re.findall(r'(\w+)="', answer.headers["www-authenticate"])
    assert len(names) == len(set(names))


def test_aut_11_and_sec_08_an_organization_sees_itself_only(
    client: Client, stranger: Client
) -> None:
    member = client.create_user("ada", externalId="e")["id"]
    client.create_group("g", member)
    stranger.create_user("eve")
    for path in ("/Users", "/"):
        assert ["eve"] == listed(stranger, path)
        assert [] == found(stranger, path, f'id eq "{member}"')
        assert [] == found(stranger, path, 'externalId eq "e"')
        assert 1 == read(stranger, path)["totalResults"]
    assert [] == found(stranger, "/Groups", f'members.value eq "{member}"')
    assert 0 == search(stranger, "/Groups").json()["totalResults"]


@pytest.mark.parametrize(
    "text", ["x' OR 1=1--", 'x" or 1 eq 1', "'; DROP TABLE resources; --", "%", "\\"]
)
def test_sec_06_a_value_is_never_sql(client: Client, text: str) -> None:
    client.create_user("ada")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert [] == found(client, "/Users", f'userName eq "{escaped}"')
    assert [] == found(client, "/Users", f'title co "{escaped}"')
    answer = query(client, "/Users", sortBy=f"userName{text}")
    assert_error(answer, 400, "invalidValue")
    assert ["ada"] == listed(client, "/Users")


def test_sec_09_what_is_unknown_or_read_only_never_reaches_the_store(client: Client) -> None:
    made = created(client.post("/Users", user(isAdmin=True, meta={"version": "x"}, groups=[{}])))
    assert {"schemas", "id", "userName", "active", "meta"} == made.keys()


def test_sec_10_everything_has_a_limit(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    many = [op("add", "title", value="T")] * 1001
    assert "1000" in assert_error(client.patch(path, *many), 413)
    names = ",".join(["a"] * 1000)
    assert_error(client.get(f"/Users?attributes={names}"), 400, "invalidValue")
    values = [{"value": str(number)} for number in range(1001)]
    assert "1000" in assert_error(client.post("/Users", user(emails=values)), 400, "invalidValue")
    half = op("add", "emails", value=values[:600])
    other = op("add", "emails", value=[{"value": f"x{number}"} for number in range(600)])
    assert_error(client.patch(path, half, other), 400, "invalidValue")
    deep: Any = "x"
    for _ in range(100):
        deep = {"a": deep}
    assert_error(client.post("/Users", user(name=deep)), 400, "invalidSyntax")


def test_sec_12_answers_are_not_stored_on_the_way(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    for answer in (client.get(path), client.get("/Users"), client.get("/Nope")):
        assert "no-store" in answer.headers["cache-control"]
        assert "access-control-allow-origin" not in answer.headers


def test_sec_05_and_srch_10_sensitive_queries_can_go_in_a_body(client: Client) -> None:
    client.create_user("ada")
    assert 1 == search(client, "/Users", filter='userName eq "ada"').json()["totalResults"]


@pytest.mark.parametrize("path", ['ports[pin eq "1"]', 'ports[pin eq "1"].number'])
def test_sec_16_a_hidden_value_selects_nothing(client: Client, path: str) -> None:
    made = create_device(client, ports=[{"name": "p", "pin": "1"}], place={"badge": "b"})
    target = f"/Devices/{made['id']}"
    for kind in ("remove", "replace"):
        answer = client.patch(target, op(kind, path, value=1))
        assert_error(answer, 400, "invalidFilter")
    assert_error(query(client, "/Devices", sortBy="secret"), 400, "invalidValue")
