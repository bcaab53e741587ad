"""HTTP, URL: methods, media types, bodies and paths (RFC 7644 sections 3.1, 3.8, 3.13; RFC 9110)."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.client import PATCH_OP, SEARCH, USER, Client, assert_error, created
from tests.conformance.checklist.requests import create_device, found, op, query, read, user

SCIM = "application/scim+json"


def raw(client: Client, target: bytes, method: bytes = b"GET") -> tuple[int, bytes]:
    """Send a request with a target as it is, and return status and body of the answer."""
    address = urlsplit(client.base_url)
    head = b"%s %s%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head % (method, address.path.encode(), target, client.token.encode()))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), body


def test_http_01_every_body_is_scim_json(client: Client) -> None:
    made = client.post("/Users", user())
    path = f"/Users/{made.json()['id']}"
    for answer in (
        made,
        client.get(path),
        client.get("/Users"),
        client.get("/Nope"),
        client.post("/Users", b"{"),
        client.get("/Schemas"),
        client.send("PUT", "/Users", {}),
        client.get(path, headers={"Authorization": "Bearer no"}),
    ):
        assert SCIM == answer.headers["content-type"].partition(";")[0]


@pytest.mark.parametrize(
    "accept",
    [SCIM, "application/json", "*/*", "application/*", "text/html;q=0.9, application/json;q=0.1"],
)
def test_http_02_and_http_03_whatever_accepts_json_gets_it(client: Client, accept: str) -> None:
    answer = client.get("/Users", headers={"Accept": accept})
    assert 200 == answer.status_code
    assert 0 == answer.json()["totalResults"]


def test_http_04_accept_without_json_gets_json_all_the_same(client: Client) -> None:
    assert 0 == client.get("/Users", headers={"Accept": "text/html"}).json()["totalResults"]


@pytest.mark.parametrize(
    "media_type",
    [SCIM, "application/json", "APPLICATION/SCIM+JSON", f"{SCIM}; charset=utf-8", f"{SCIM};v=2"],
)
def test_http_05_bodies_may_be_scim_json_or_json(client: Client, media_type: str) -> None:
    created(client.post("/Users", user(), headers={"Content-Type": media_type}))


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
def test_http_06_other_media_types_are_415_unless_the_body_is_a_json_object(
    client: Client, media_type: str
) -> None:
    """Directories have their Content-Type typed by hand; no browser sends a token by itself."""
    for body in (b"userName=ada", b"<userName>ada</userName>", b"[]", b""):
        assert_error(client.post("/Users", body, headers={"Content-Type": media_type}), 415)
    assert 0 == read(client, "/Users")["totalResults"]
    created(client.post("/Users", user(), headers={"Content-Type": media_type}))


def test_http_07_a_body_may_come_without_a_media_type(client: Client) -> None:
    body = b'{"schemas": ["%s"], "userName": "ada"}' % USER.encode()
    created(client.post("/Users", body))


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"", b"5"])
def test_http_08_and_http_09_a_body_is_a_json_object(client: Client, body: bytes) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    for method, target in (
        ("POST", "/Users"),
        ("PUT", path),
        ("PATCH", path),
        ("POST", "/Users/.search"),
        ("POST", "/.search"),
        ("POST", "/Bulk"),
    ):
        assert_error(client.send(method, target, body), 400, "invalidSyntax")


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b'"\xff"',
        b'"\\ud800"',
        b"[" * 200 + b"]" * 200,
        b"9" * 5000,
        b"1e999",
        b"-" + b"9" * 400,
    ],
)
def test_http_10_hostile_json_is_400(client: Client, value: bytes) -> None:
    body = b'{"schemas": ["%s"], "userName": "ada", "nickName": %s}' % (USER.encode(), value)
    answer = client.post("/Users", body)
    assert 400 == answer.status_code
    assert answer.json()["scimType"] in ("invalidSyntax", "invalidValue")


def test_http_11_put_never_creates(client: Client) -> None:
    assert_error(client.send("PUT", "/Users/none", user()), 404)
    assert 0 == read(client, "/Users")["totalResults"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Users", "GET, POST, HEAD"),
        ("PATCH", "/Users", "GET, POST, HEAD"),
        ("DELETE", "/Users", "GET, POST, HEAD"),
        ("POST", "/Users/u1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("POST", "/Schemas", "GET, HEAD"),
        ("GET", "/Users/.search", "POST"),
        ("GET", "/.search", "POST"),
        ("GET", "/Bulk", "POST"),
        ("OPTIONS", "/Users", "GET, POST, HEAD"),
        ("PROPFIND", "/Users", "GET, POST, HEAD"),
    ],
)
def test_http_12_a_wrong_method_is_405_with_allow(
    client: Client, method: str, path: str, allowed: str
) -> None:
    client.create_user("ada")
    answer = client.send(method, path)
    assert_error(answer, 405)
    assert allowed == answer.headers["allow"]
    assert 1 == read(client, "/Users")["totalResults"]


def test_http_14_head_mirrors_get(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    head, get = client.send("HEAD", path), client.get(path)
    assert b"" == head.content
    for name in ("etag", "content-type", "content-length", "content-location"):
        assert get.headers[name] == head.headers[name]


@pytest.mark.parametrize(
    "path",
    ["/Nope", "/Users/u1/extra", "/Me/x", "/ServiceProviderConfig/x", "/Bulk/x", "/Schemas/a/b"],
)
def test_http_15_an_unknown_path_is_404(client: Client, path: str) -> None:
    assert_error(client.get(path), 404)


def test_http_16_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    made = created(client.post("/Users/", user()))
    assert made == read(client, f"/Users/{made['id']}/")
    assert 1 == read(client, "//Users//")["totalResults"]


def test_http_17_unknown_query_parameters_are_ignored(client: Client) -> None:
    created(client.post("/Users?aadOptscim062020", user()))
    assert 1 == read(client, "/Users?foo=1&aadOptscim062020")["totalResults"]


def test_http_18_the_status_is_the_same_in_line_and_body(client: Client) -> None:
    for answer in (client.get("/Nope"), client.post("/Users", b"{"), client.get("/Me")):
        assert str(answer.status_code) == answer.json()["status"]


def test_http_19_a_create_says_where(client: Client) -> None:
    assert client.post("/Users", user()).headers["location"].startswith(client.base_url)


def test_http_20_204_has_no_content(client: Client) -> None:
    answer = client.send("DELETE", f"/Users/{client.create_user('ada')['id']}")
    assert (204, b"") == (answer.status_code, answer.content)
    assert "content-type" not in answer.headers


def test_http_21_urls_begin_with_the_mount(client: Client) -> None:
    member = client.create_user("ada")
    group = client.create_group("g", member["id"])
    for url in (member["meta"]["location"], group["members"][0]["$ref"]):
        assert url.startswith(f"{client.base_url}/Users/")


def test_http_22_a_suffix_is_no_other_resource(client: Client) -> None:
    assert_error(client.get(f"/Users/{client.create_user('ada')['id']}.scim"), 404)


def test_http_23_projection_applies_to_every_answer(client: Client) -> None:
    answer = client.post("/Users?attributes=userName", user(title="T"))
    assert {"schemas", "id", "userName"} == created(answer).keys()
    path = f"/Users/{answer.json()['id']}?excludedAttributes=meta,title"
    put = client.send("PUT", path, user(title="T", nickName="N"))
    assert {"schemas", "id", "userName", "active", "nickName"} == put.json().keys()


def test_http_24_and_url_01_a_query_is_decoded_once(client: Client) -> None:
    client.create_user("a%40b")
    client.create_user("a@b")
    assert ["a%40b"] == found(client, "/Users", 'userName eq "a%40b"')


def test_url_02_a_plus_is_a_space_and_a_coded_one_a_plus(client: Client) -> None:
    client.create_user("ada", phoneNumbers=[{"value": "+1-555"}])
    assert 1 == read(client, "/Users?filter=userName+eq+%22ada%22")["totalResults"]
    assert 1 == read(client, "/Users?filter=phoneNumbers.value+eq+%22%2B1-555%22")["totalResults"]


@pytest.mark.parametrize("text", [b"%FF", b"%zz", b"%", b"%E0%A4"])
def test_url_03_a_malformed_query_is_400(client: Client, text: bytes) -> None:
    status, body = raw(client, b"/Users?filter=" + text)
    assert 400 == status
    assert re.search(rb"invalid(Filter|Value)", body)


def test_url_04_a_schema_is_found_by_its_urn(client: Client) -> None:
    for urn in (USER, quote(USER, safe=""), USER.lower()):
        assert USER == read(client, f"/Schemas/{urn}")["id"]


@pytest.mark.parametrize(
    "target",
    [b"/Users/../Groups", b"/Users/%2e%2e/Groups", b"/Users/%00", b"/Users/a%2Fb", b"/Users/%FF"],
)
def test_url_06_and_get_07_strange_paths_are_404(client: Client, target: bytes) -> None:
    status, body = raw(client, target)
    assert 404 == status, body
    assert b'"status":"404"' in body


def test_url_07_another_version_is_not_served(client: Client) -> None:
    for path in ("/v1/Users", "/v3/Users"):
        assert_error(client.get(path), 404)


def test_url_10_and_get_09_another_organizations_ids_are_unknown(
    client: Client, stranger: Client
) -> None:
    theirs = client.create_user("ada")["id"]
    group = client.create_group("g", theirs)["id"]
    never = stranger.get("/Users/0")
    for method, body in (("GET", None), ("PUT", user()), ("DELETE", None)):
        answer = stranger.send(method, f"/Users/{theirs}", body)
        assert_error(answer, 404)
        assert never.json()["detail"].replace("0", theirs) == answer.json()["detail"]
    assert_error(stranger.patch(f"/Groups/{group}", op("remove", "members")), 404)
    assert "members" in stranger.create_group("h", theirs)
    assert [] == read(stranger, "/Groups")["Resources"][0]["members"]
    assert 1 == len(read(client, f"/Groups/{group}")["members"])


def test_url_11_names_are_unique_in_an_organization_only(client: Client, stranger: Client) -> None:
    client.create_user("ada")
    stranger.create_user("ada")


def test_url_12_a_very_long_query_is_414(client: Client) -> None:
    answer = query(client, "/Users", filter="x" * 20_000)
    assert ".search" in assert_error(answer, 414)


def test_every_message_type_checks_its_schemas(client: Client) -> None:
    device = f"/Devices/{create_device(client)['id']}"
    for path, method, body in (
        ("/Users/.search", "POST", {"schemas": [PATCH_OP]}),
        (device, "PATCH", {"schemas": [SEARCH], "Operations": []}),
        ("/Bulk", "POST", {"schemas": [SEARCH], "Operations": []}),
    ):
        wrong: dict[str, Any] = body
        assert_error(client.send(method, path, wrong), 400, "invalidSyntax")
