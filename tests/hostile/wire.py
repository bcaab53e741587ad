"""A server seen from a raw socket: bytes there, bytes back."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import Limits, ScimApp
from tests.client import ERROR, Client
from tests.conftest import MOUNT, issue_token
from tests.servers import serving

PATIENCE = 30.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire:
    """A served ScimApp, with one user in it."""

    def __init__(self, url: str, token: str, http: str) -> None:
        self.http = http
        self.address = urlsplit(url)
        self.token = token
        self.client = Client(f"{url}{MOUNT}", token)
        self.user = self.client.create_user("ada@acme.test")["id"]

    def state(self) -> str:
        """Return all that the organization has."""
        return self.client.get("/").text

    def head(self, method: str, path: str, *headers: str, mount: str = MOUNT) -> bytes:
        """Return the head of an authenticated request, the mount in front of its path."""
        lines = [f"{method} {mount}{path} HTTP/1.1", f"Host: {self.address.netloc}"]
        lines += [f"Authorization: Bearer {self.token}", "Connection: close", *headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def post(self, body: bytes, *headers: str, path: str = "/Users") -> bytes:
        """Return a POST whose headers say of its body what they like."""
        return self.head("POST", path, "Content-Type: application/scim+json", *headers) + body

    def send(self, *pieces: bytes, pause: float = 0.0, leave: bool = False) -> bytes:
        """Send pieces and return all that comes back until the server closes.

        Args:
            pieces: What is sent.
            pause: Seconds between them.
            leave: Whether our side is closed for writing behind the last one.
        """
        address = (self.address.hostname, self.address.port)
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            try:
                for number, piece in enumerate(pieces):
                    if number:
                        time.sleep(pause)
                    connection.sendall(piece)
                if leave:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before all was sent; the answer may still be there
            return _received(connection)


def _received(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    except TimeoutError:
        pytest.fail(f"the server neither answered nor closed: {received!r}")
    return received


def statuses(received: bytes) -> list[int]:
    """Return the statuses of the answers in what came back, after checking each of them.

    Every answer is a SCIM message, or what the HTTP server itself says to what is no HTTP.
    """
    found = []
    rest = received.replace(_CONTINUE, b"")
    while rest:
        match = _STATUS.match(rest)
        assert match is not None, rest
        head, _, body = rest.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else len(body)
        status, content, rest = int(match[1]), body[:size], body[size:]
        found.append(status)
        _check(status, head.lower(), content)
    return found


def refused(received: bytes, *allowed: int) -> None:
    """Check that every answer is a refusal, or that there is none and the connection is closed."""
    found = statuses(received)
    assert set(found) <= set(allowed or (400, 404, 405, 408, 413, 414, 415, 431, 501)), found


def _check(status: int, head: bytes, content: bytes) -> None:
    assert status < 500 or status == 501, (head, content)
    if b"application/scim+json" not in head:
        assert status in (204, 400, 403, 404, 405, 431), (head, content)
        assert len(content) < 100, content
    elif status >= 400 and content:
        body: dict[str, Any] = json.loads(content)
        assert ([ERROR], str(status)) == (body["schemas"], body["status"])
        assert body["detail"]


class Complaints(logging.Handler):
    """Keeps what servers log as errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record.getMessage() + str(record.exc_info or ""))


@contextmanager
def complaints(names: Iterable[str] = ("uvicorn.error", "scim_asgi")) -> Iterator[list[str]]:
    """Yield what is logged as an error while the context lasts."""
    handler = Complaints()
    for name in names:
        logging.getLogger(name).addHandler(handler)
    try:
        yield handler.records
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)


@contextmanager
def wired(folder: Path, http: str, **settings: Any) -> Iterator[Wire]:
    """Serve a ScimApp under one of uvicorn's HTTP parsers."""
    database = folder / "scim.db"
    settings = {"limits": Limits(body_seconds=0.4), "failed_auth_limit": None} | settings
    app = ScimApp(str(database), rate_limit=None, **settings)
    host = Starlette(routes=[Mount(MOUNT, app=app)], lifespan=app.lifespan)
    with serving(host, http=http, timeout_keep_alive=1) as url:
        wire = Wire(url, issue_token(database), http)
        yield wire
        wire.client.close()
