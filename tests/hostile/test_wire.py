"""Broken and lying HTTP over real sockets, under both of uvicorn's parsers.

Whatever comes is answered with a SCIM error or the connection is closed; nothing is half done,
nothing fails, and the server goes on.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from scim_asgi import Limits
from tests.client import USER
from tests.conftest import MOUNT
from tests.hostile.wire import Wire, refused, statuses, wired

BODY = json.dumps({"schemas": [USER], "userName": "smuggled@acme.test"}).encode()
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
pytestmark = pytest.mark.usefixtures("unharmed")


@pytest.mark.parametrize(
    "headers",
    [
        (LENGTH, "Content-Length: 5"),
        ("Content-Length: 5", LENGTH),
        (LENGTH, CHUNKED),
        (CHUNKED, LENGTH),
        ("Content-Length: 0", CHUNKED),
        (CHUNKED, CHUNKED),
        ("Content-Length: +61",),
        ("Content-Length: -1",),
        ("Content-Length: 0x3d",),
        ("Content-Length: 6e1",),
        ("Content-Length: ",),
        ("Content-Length: ٦١".encode().decode("latin-1"),),
        ("Content-Length: 99999999999999999999999999",),
        ("Content-Length: 10",),
        ("Content-Length: 0",),
        (),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: chunked, gzip",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: \x0bchunked",),
        ("Content-Length : 61",),
        ("Content_Length: 61",),
    ],
)
@pytest.mark.parametrize("body", [BODY, CHUNKS, b""])
def test_a_length_that_is_a_lie_or_is_told_twice_is_refused(
    wire: Wire, headers: tuple[str, ...], body: bytes
) -> None:
    refused(wire.send(wire.post(body, *headers)))


@pytest.mark.parametrize("headers", [(LENGTH, LENGTH), (f"{LENGTH}, {len(BODY)}",)])
def test_a_length_that_is_there_twice_is_refused_or_read_as_one(
    wire: Wire, headers: tuple[str, ...]
) -> None:
    """RFC 9112 section 6.3 allows both where it is the same length."""
    received = wire.send(wire.post(BODY, *headers))
    assert statuses(received) in ([400], [201], [])
    if received.startswith(b"HTTP/1.1 201"):
        made = json.loads(received.partition(b"\r\n\r\n")[2])["id"]
        assert 204 == wire.client.send("DELETE", f"/Users/{made}").status_code


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\n" + BODY,
        b"-1\r\n" + BODY,
        b"ffffffffffffffffffff\r\n" + BODY,
        b"5\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcdef\r\n0\r\n\r\n",
        b"%x\r\n%s\r\n" % (len(BODY), BODY),
        b"%x\r\n%s" % (len(BODY) + 10, BODY),
        b"%x\n%s\n0\n\n" % (len(BODY), BODY),
        b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        b"1;" + b"a" * 100_000 + b"\r\n{\r\n0\r\n\r\n",
        b"1\r\n{\r\n" * 2000 + b"0\r\n\r\n",
        b"0\r\n\r\n",
    ],
)
def test_chunks_that_are_none_are_refused(wire: Wire, chunks: bytes) -> None:
    refused(wire.send(wire.post(chunks, CHUNKED)))


def test_a_body_that_never_comes_is_408_and_the_end_of_the_connection(wire: Wire) -> None:
    received = wire.send(wire.post(b"", LENGTH))
    assert [408] == statuses(received)
    assert b"0.4 seconds" in received


def test_a_body_that_trickles_is_408_however_long_it_goes_on(wire: Wire) -> None:
    pieces = [BODY[number : number + 1] for number in range(20)]
    assert [408] == statuses(wire.send(wire.post(b"", LENGTH), *pieces, pause=0.1))


def test_chunks_that_trickle_are_408_too(wire: Wire) -> None:
    assert [408] == statuses(wire.send(wire.post(b"1\r\n{\r\n", CHUNKED), b"1\r\n ", pause=0.8))


@pytest.mark.parametrize("cut", [0, 1, 30, len(BODY) - 1])
def test_who_leaves_in_the_middle_of_a_body_has_changed_nothing(wire: Wire, cut: int) -> None:
    refused(wire.send(wire.post(BODY[:cut], LENGTH), leave=True))


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", (LENGTH,), 408),
        (b"{", ("Content-Length: 8388609",), 413),
        (BODY, (LENGTH, "Content-Type: text/html"), 400),
    ],
)
def test_a_connection_is_closed_when_nobody_knows_what_would_follow_on_it(
    wire: Wire, body: bytes, headers: tuple[str, ...], status: int
) -> None:
    request = wire.post(body, *headers).replace(b"Connection: close\r\n", b"")
    received = wire.send(request)
    assert [status] == statuses(received)
    assert b"connection: close" in received.lower()


@pytest.mark.parametrize(
    "header", ["Host: other.test", "Content-Type: text/html", "content-type: application/scim+json"]
)
def test_a_header_that_may_be_there_once_is_refused_when_it_is_there_twice(
    wire: Wire, header: str
) -> None:
    received = wire.send(wire.post(BODY, LENGTH, header))
    assert [400] == statuses(received)


def test_a_stranger_who_sends_a_slow_body_is_answered_before_it_comes(wire: Wire) -> None:
    head = f"POST {MOUNT}/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"
    assert [401] == statuses(wire.send(head.encode() + b"{"))


def test_bodies_over_the_limit_are_413_in_whatever_form(wire: Wire) -> None:
    declared = wire.send(wire.post(b"{", "Content-Length: 8388609"))
    assert [413] == statuses(declared)
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    received = wire.send(wire.post(b"", CHUNKED), *[chunk] * 9)
    assert statuses(received) in ([413], [])


@pytest.mark.parametrize(
    "header",
    [
        "X-Bad: a\nX-Injected: b",
        "X-Bad: a\rX-Injected: b",
        "X-Bad: a\x00b",
        "X-Folded: a\r\n b",
        "X Bad: a",
        "X-Bad : a",
        ": nameless",
        "no colon at all",
        "X-\x00: a",
        "X-\xe9: a",
        "Host: other.test",
        "Content-Type: text/html",
        "X-Long: " + "a" * 200_000,
        "\r\nX-Behind: the end",
    ],
)
def test_a_header_that_is_none_or_is_there_twice_never_creates_anything(
    wire: Wire, header: str
) -> None:
    allowed = (400, 404, 405, 413, 415, 431, 408)
    refused(wire.send(wire.post(b"[]", "Content-Length: 2", header)), *allowed)


def test_ten_thousand_headers_are_survived(wire: Wire) -> None:
    headers = [f"X-{number}: a" for number in range(10_000)]
    found = statuses(wire.send(wire.head("GET", "/Users", *headers)))
    assert found in ([], [200], [400], [431])


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer {token}\r\nAuthorization: Bearer {token}",
        "Bearer {token}, Bearer {token}",
        "Bearer {token} {token}",
        "Bearer\x0b{token}",
        "Bearer \x0b",
        "Bearer " + "a" * 60_000,
        "Bearer \xe9\xe9",
        "Basic {token}",
        "{token}",
        "Bearer scim_",
        "Bearer {token}x",
        "Bearer",
        "",
    ],
)
def test_only_one_whole_token_in_one_header_lets_anybody_in(wire: Wire, authorization: str) -> None:
    value = authorization.replace("{token}", wire.token)
    head = f"GET {MOUNT}/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {value}\r\n\r\n"
    received = wire.send(head.encode("latin-1"))
    assert statuses(received) in ([401], [400], [431], [])
    assert wire.token.encode() not in received


@pytest.mark.parametrize(
    "line",
    [
        "GET {mount}/Users",
        "GET {mount}/Users HTTP/0.9",
        "GET {mount}/Users HTTP/3.7",
        "GET  {mount}/Users  HTTP/1.1",
        "GET {mount}/Users HTTP/1.1 HTTP/1.1",
        "GET {mount}/Us ers HTTP/1.1",
        "GET {mount}/Us\x00ers HTTP/1.1",
        "GET {mount}/Us\xe9rs HTTP/1.1",
        "get {mount}/Users HTTP/1.1",
        "BREW {mount}/Users HTTP/1.1",
        "TRACE {mount}/Users HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "OPTIONS {mount}/Users HTTP/1.1",
        "CONNECT {mount}/Users HTTP/1.1",
        "CONNECT acme.test:443 HTTP/1.1",
        "GET ?count=1 HTTP/1.1",
        "PRI * HTTP/2.0",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "",
    ],
)
def test_a_request_line_that_is_none_is_refused(wire: Wire, line: str) -> None:
    text = line.replace("{mount}", MOUNT)
    head = f"{text}\r\nHost: x\r\nAuthorization: Bearer {wire.token}\r\nConnection: close\r\n\r\n"
    received = wire.send(head.encode("latin-1"))
    assert set(statuses(received)) <= {200, 400, 401, 404, 405}
    assert wire.token.encode() not in received
    assert b"ada@acme.test" not in received or "GET" in line


def test_random_bytes_are_survived(wire: Wire) -> None:
    seed = random.randrange(2**32)
    generator = random.Random(seed)
    for _ in range(100):
        received = wire.send(generator.randbytes(generator.randrange(1, 300)), leave=True)
        assert set(statuses(received)) <= {400, 401, 404, 405}, f"seed {seed}"


def test_flipped_bytes_of_a_good_request_are_survived(wire: Wire) -> None:
    seed = random.randrange(2**32)
    generator = random.Random(seed)
    good = wire.head("GET", f"/Users/{wire.user}", "Accept: application/scim+json")
    for _ in range(100):
        broken = bytearray(good)
        for _ in range(generator.randrange(1, 4)):
            broken[generator.randrange(len(broken))] = generator.randrange(256)
        statuses(wire.send(bytes(broken), leave=True))


def test_requests_in_one_connection_do_not_share_a_token(wire: Wire) -> None:
    first = wire.head("GET", f"/Users/{wire.user}").replace(b"Connection: close\r\n", b"")
    second = f"GET {MOUNT}/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    assert [200, 401] == statuses(wire.send(first + second))


def test_what_follows_a_refused_body_is_no_request(wire: Wire) -> None:
    """The body of a request that is refused early must not be read as another request."""
    inner = wire.head("DELETE", f"/Users/{wire.user}")
    for head in (
        wire.post(b"", f"Content-Length: {len(inner)}", path="/Nope"),
        wire.post(b"", f"Content-Length: {len(inner)}", "Expect: 100-continue", path="/Nope"),
        wire.post(b"", f"Content-Length: {len(inner)}"),
    ):
        refused(wire.send(head.replace(b"Connection: close\r\n", b"") + inner))


@pytest.mark.parametrize("expect", ["100-continue", "nonsense"])
def test_a_client_that_waits_to_be_told_to_go_on_is_served(wire: Wire, expect: str) -> None:
    request = wire.post(b"", "Content-Length: 2", f"Expect: {expect}")
    assert [400] == statuses(wire.send(request, b"[]", pause=0.02))


def test_odd_bytes_in_headers_that_are_kept_are_no_harm(wire: Wire) -> None:
    for value in ("\xff\xfe", "a" * 10_000, "'; DROP TABLE tokens; --", "\x7f"):
        request = wire.post(
            b"[]", "Content-Length: 2", f"X-Request-Id: {value}", f"User-Agent: {value}"
        )
        assert statuses(wire.send(request)) in ([400], [])


def test_the_time_that_a_body_may_take_is_a_setting(tmp_path: Path, wire: Wire) -> None:
    limits: Any = Limits(body_seconds=0.2)
    with wired(tmp_path, "httptools", limits=limits) as quick:
        received = quick.send(quick.post(b"{", LENGTH))
        assert [408] == statuses(received)
        assert b"0.2 seconds" in received
