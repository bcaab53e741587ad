"""Bad input is answered with the right status and a detail that names the place; never 500."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from scim_asgi import ScimApp
from tests.client import GROUP, PATCH_OP, SEARCH, USER, Client, assert_error
from tests.conftest import Scim

JSON = {"Content-Type": "application/scim+json"}


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (b"{", "invalidSyntax"),
        (b"", "invalidSyntax"),
        (b"[]", "invalidSyntax"),
        (b'"text"', "invalidSyntax"),
        (b"null", "invalidSyntax"),
        (b'{"userName": NaN}', "invalidSyntax"),
        (b'{"userName": "\xff"}', "invalidSyntax"),
        (b'{"schemas": "x", "userName": "\\ud800"}', "invalidSyntax"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "invalidSyntax"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalidSyntax"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "SEARCH"])
def test_a_body_that_is_no_json_object_is_invalid_syntax(
    client: Client, method: str, body: bytes, scim_type: str
) -> None:
    path = {"POST": "/Users", "SEARCH": "/Users/.search"}.get(method)
    if path is None:
        path = f"/Users/{client.create_user('ada@acme.test')['id']}"
    verb = "POST" if method == "SEARCH" else method
    assert_error(client.send(verb, path, body, headers=JSON), 400, scim_type)


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({"userName": 5}, "userName"),
        ({"userName": None}, "userName"),
        ({"userName": ""}, "userName"),
        ({"userName": "a\x00b"}, "userName"),
        ({"name": "Ada"}, "name"),
        ({"name": {"givenName": ["A"]}}, "name.givenName"),
        ({"active": "yes"}, "active"),
        ({"active": 1}, "active"),
        ({"emails": [5]}, "emails[0]"),
        ({"emails": [{"value": "a@x"}, None]}, "emails[1]"),
        ({"emails": [{"value": {"a": 1}}]}, "emails[0].value"),
        ({"emails": [{"primary": "perhaps"}]}, "emails[0].primary"),
        ({"x509Certificates": [{"value": "@@"}]}, "x509Certificates[0].value"),
        ({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": 5}, "enterprise"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(
    client: Client, attributes: dict[str, Any], place: str
) -> None:
    body = {"schemas": [USER], "userName": "ada@acme.test", **attributes}
    assert place in assert_error(client.post("/Users", body), 400, "invalidValue")
    assert 0 == client.get("/Users").json()["totalResults"]


def test_a_missing_user_name_is_named(client: Client) -> None:
    assert "userName" in assert_error(
        client.post("/Users", {"schemas": [USER]}), 400, "invalidValue"
    )


@pytest.mark.parametrize("schemas", [None, "text", [], [5], ["urn:nobody:knows"]])
def test_schemas_have_to_name_the_type(client: Client, schemas: Any) -> None:
    body = {"schemas": schemas, "userName": "ada@acme.test"}
    assert_error(client.post("/Users", body), 400, "invalidSyntax")


def test_another_types_schema_is_refused(client: Client) -> None:
    body = {"schemas": [USER, GROUP], "userName": "ada@acme.test"}
    assert_error(client.post("/Users", body), 400, "invalidValue")


def test_one_attribute_named_twice_in_different_case_is_refused(client: Client) -> None:
    body = {"schemas": [USER], "userName": "ada@acme.test", "username": "eve@acme.test"}
    assert_error(client.post("/Users", body), 400, "invalidSyntax")


@pytest.mark.parametrize(
    "resource_id", ["nope", "%00", "a%2Fb", "...", "ü", "x" * 5000, "-1", "%ff"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_unknown_id_of_any_form_is_404(client: Client, method: str, resource_id: str) -> None:
    body = None if method in ("GET", "DELETE") else {"schemas": ["x"]}
    assert_error(client.send(method, f"/Users/{resource_id}", body), 404)


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("filter=", "invalidFilter"),
        ("filter=userName", "invalidFilter"),
        ('filter=foo eq "x"', "invalidFilter"),
        ('filter=emails.foo eq "x"', "invalidFilter"),
        ('filter=name eq "x"', "invalidFilter"),
        ("filter=active gt true", "invalidFilter"),
        ('filter=password eq "x"', "invalidFilter"),
        ('filter=meta.created gt "yesterday"', "invalidFilter"),
        ("filter=" + "(" * 3000, "invalidFilter"),
        ("filter=%FF", "invalidFilter"),
        ("count=abc", "invalidValue"),
        ("startIndex=1.5", "invalidValue"),
        ("sortBy=nope", "invalidValue"),
        ("sortBy=password", "invalidValue"),
        ("sortBy=userName&sortOrder=sideways", "invalidValue"),
        ("attributes=userName&excludedAttributes=name", "invalidValue"),
    ],
)
def test_a_query_that_cannot_be_understood_is_refused_and_never_unfiltered(
    client: Client, query: str, scim_type: str
) -> None:
    assert_error(client.get(f"/Users?{query}"), 400, scim_type)


@pytest.mark.parametrize(
    ("operations", "scim_type"),
    [
        (None, "invalidSyntax"),
        ([], "invalidSyntax"),
        ({}, "invalidSyntax"),
        (["add"], "invalidSyntax"),
        ([{"path": "title", "value": "x"}], "invalidSyntax"),
        ([{"op": "move", "path": "title", "value": "x"}], "invalidSyntax"),
        ([{"op": "replace", "path": 5, "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": "emails[0].value", "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": 'emails[type eq "work"]x', "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": "emails[type eq", "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": 'emails[type is "a"]', "value": "x"}], "invalidFilter"),
        ([{"op": "remove"}], "noTarget"),
        ([{"op": "replace", "path": 'emails[type co "z"].value', "value": "x"}], "noTarget"),
        ([{"op": "replace", "path": "title"}], "invalidValue"),
        ([{"op": "replace", "value": "text"}], "invalidValue"),
        ([{"op": "replace", "path": "active", "value": "yes"}], "invalidValue"),
        ([{"op": "add", "path": "name", "value": "text"}], "invalidValue"),
        ([{"op": "remove", "path": "userName"}], "mutability"),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(
    client: Client, operations: Any, scim_type: str
) -> None:
    user = client.create_user("ada@acme.test", emails=[{"type": "work", "value": "a@x.test"}])
    path = f"/Users/{user['id']}"
    before = client.get(path)
    first = {"op": "replace", "path": "title", "value": "changed"}
    if isinstance(operations, list) and operations:
        operations = [first, *operations]
    body = {"schemas": [PATCH_OP], "Operations": operations}
    assert_error(client.send("PATCH", path, body), 400, scim_type)
    after = client.get(path)
    assert (before.json(), before.headers["etag"]) == (after.json(), after.headers["etag"])


@pytest.mark.parametrize(
    ("path", "scim_type"),
    [("name..x", "invalidPath"), ("id", "mutability"), ("meta.created", "mutability")],
)
def test_a_patch_of_nothing_that_a_directory_can_change_is_refused(
    client: Client, path: str, scim_type: str
) -> None:
    user = f"/Users/{client.create_user('ada@acme.test')['id']}"
    alone = {"op": "replace", "path": path, "value": "x"}
    title = {"op": "replace", "path": "title", "value": "changed"}
    assert_error(client.patch(user, alone), 400, scim_type)
    assert_error(client.patch(user, alone, alone), 400, scim_type)
    answer = client.patch(user, alone, title)
    assert (200, "changed") == (answer.status_code, answer.json()["title"])


def test_the_log_names_the_first_of_much_that_is_passed_over(scim: Scim) -> None:
    body = {"schemas": [USER], "userName": "ada@acme.test"}
    body |= {f"unknown{number}": "x" for number in range(5000)}
    assert 201 == scim.client().post("/Users", body).status_code
    notes = scim.log()[-1].notes
    assert "unknown0" in notes[0]
    assert (21, "passed over as well: 4980 more") == (len(notes), notes[-1])


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "path": 'emails[nope eq "a"]', "value": "x"}, "invalidFilter"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
    ],
)
def test_what_makes_no_sense_is_passed_over_only_beside_what_does(
    client: Client, operation: Any, scim_type: str
) -> None:
    path = f"/Users/{client.create_user('ada@acme.test')['id']}"
    assert_error(client.patch(path, operation), 400, scim_type)
    off = {"op": "replace", "path": "active", "value": False}
    assert client.patch(path, operation, off).json()["active"] is False


def test_a_patch_without_its_schema_is_invalid_syntax(client: Client) -> None:
    user = client.create_user("ada@acme.test")
    body = {"Operations": [{"op": "remove", "path": "title"}]}
    assert_error(client.send("PATCH", f"/Users/{user['id']}", body), 400, "invalidSyntax")


def test_a_patch_error_names_the_operation(client: Client) -> None:
    user = client.create_user("ada@acme.test")
    operations = [
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "active", "value": "yes"},
    ]
    detail = assert_error(client.patch(f"/Users/{user['id']}", *operations), 400, "invalidValue")
    assert "Operations[1]" in detail


def test_a_body_over_the_limit_is_413_by_its_length_and_by_its_chunks(client: Client) -> None:
    big = b'{"userName": "' + b"x" * (9 * 2**20) + b'"}'
    assert "8388608" in assert_error(client.send("POST", "/Users", big, headers=JSON), 413)
    chunks = (big[start : start + 2**20] for start in range(0, len(big), 2**20))
    answer = client.send("POST", "/Users", None, content=chunks, headers=JSON)
    assert "8388608" in assert_error(answer, 413)


def test_a_declared_length_over_the_limit_is_refused_before_the_body_is_read(
    client: Client,
) -> None:
    address = urlsplit(client.base_url)
    token = f"Bearer {client.token}"
    head = (
        f"POST {address.path}/Users HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {token}\r\n"
        "Content-Type: application/scim+json\r\nContent-Length: 33554432\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413"), answer


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
def test_a_body_of_another_kind_is_415(client: Client, content_type: str) -> None:
    body = b"schemas=%s&userName=ada" % USER.encode()
    answer = client.send("POST", "/Users", body, headers={"Content-Type": content_type})
    assert "Content-Type" in assert_error(answer, 415)
    assert 0 == client.get("/Users").json()["totalResults"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/octet-stream", "*/*", "application/x-www-form-urlencoded", "x"],
)
def test_a_json_object_is_read_whatever_its_content_type_says(
    client: Client, content_type: str
) -> None:
    body = b'{"schemas": ["%s"], "userName": "ada@acme.test"}' % USER.encode()
    answer = client.send("POST", "/Users", body, headers={"Content-Type": content_type})
    assert 201 == answer.status_code, answer.text


def test_a_byte_order_mark_in_front_of_a_body_is_passed_over(client: Client) -> None:
    body = b'\xef\xbb\xbf{"schemas": ["%s"], "userName": "ada@acme.test"}' % USER.encode()
    assert 201 == client.post("/Users", body).status_code
    assert_error(client.post("/Users", b"\xef\xbb\xbf"), 400, "invalidSyntax")


@pytest.mark.parametrize(("sent", "read"), [("9" * 23, 2**53 - 1), ("-" + "9" * 5000, 1)])
def test_a_start_index_beyond_all_resources_is_bounded(
    client: Client, sent: str, read: int
) -> None:
    client.create_user("ada@acme.test")
    for answer in (
        client.get(f"/Users?startIndex={sent}"),
        client.post("/Users/.search", {"schemas": [SEARCH], "startIndex": sent}),
    ):
        page = answer.json()
        assert (read, 1) == (page["startIndex"], page["totalResults"]), answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "Application/SCIM+JSON; charset=utf-8"},
        {"Content-Type": "application/json;charset=UTF-8", "Accept": "text/html"},
        {"User-Agent": "", "Accept": ""},
    ],
)
def test_json_is_read_whatever_the_headers_say_of_it(
    client: Client, headers: dict[str, str]
) -> None:
    body = b'{"schemas": ["%s"], "userName": "ada@acme.test"}' % USER.encode()
    assert 201 == client.send("POST", "/Users", body, headers=headers).status_code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Nope", 404),
        ("GET", "/user", 404),
        ("GET", "/Users/a/b", 404),
        ("GET", "/Me", 501),
        ("POST", "/Me", 501),
        ("GET", "/Bulk", 405),
        ("DELETE", "/Users", 405),
        ("PUT", "/Users", 405),
        ("POST", "/Users/x", 405),
        ("GET", "/Users/.search", 405),
        ("POST", "/Schemas", 405),
        ("DELETE", "/ServiceProviderConfig", 405),
        ("GET", "/Schemas?filter=id pr", 403),
        ("GET", "/Schemas/urn:nope", 404),
        ("GET", "/ResourceTypes/Nope", 404),
    ],
)
def test_what_the_server_does_not_have_is_a_scim_error(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = client.send(method, path)
    assert_error(answer, status)
    assert ("allow" in answer.headers) == (status == 405)


def test_numbers_as_text_are_read_in_queries_and_in_searches(client: Client) -> None:
    client.create_user("ada@acme.test")
    assert 1 == client.get("/Users?count=1&startIndex=1").json()["itemsPerPage"]
    body = {"schemas": [SEARCH], "count": "1"}
    assert 1 == client.post("/Users/.search", body).json()["itemsPerPage"]


def test_random_bytes_never_make_the_server_fail(client: Client) -> None:
    user = client.create_user("ada@acme.test")
    rows = [b"\x00", b"\xff\xfe", b'{"schemas":', b'{"schemas":[[[[]]]]}', b"9" * 5000, b'{"":""}']
    rows += [b'{"Operations":[{"op":"add","value":' + b"1" * 400 + b"}]}", b'{"filter":"\\u0000"}']
    for method, path in (
        ("POST", "/Users"),
        ("PUT", f"/Users/{user['id']}"),
        ("PATCH", f"/Users/{user['id']}"),
        ("POST", "/Users/.search"),
    ):
        for body in rows:
            answer: httpx.Response = client.send(method, path, body, headers=JSON)
            assert answer.status_code < 500, (method, body[:40])


async def test_who_goes_away_in_the_middle_of_a_body_has_sent_nothing(tmp_path: Path) -> None:
    """Even where what came looks whole: nobody knows that it was meant to end there."""
    app = ScimApp(str(tmp_path / "scim.db"))
    whole = b'{"schemas": ["%s"], "userName": "ada@acme.test"}' % USER.encode()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        messages = iter(
            [
                {"type": "http.request", "body": whole, "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive() -> Any:
            return next(messages)

        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/Users", "scheme": "http"}
        await app({**scope, "query_string": b"", "headers": headers}, receive, send)
        assert [] == sent
        assert ["token-issued"] == [row.action for row in await app.log.entries("acme")]
