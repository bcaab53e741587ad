"""Answers: `application/scim+json`, entity tags, locations and errors (RFC 7644 section 3.12)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.types import Message, Send

from scim_asgi.protocol.errors import ScimError

MEDIA_TYPE = b"application/scim+json"

_CONTENT_TYPE = (b"content-type", MEDIA_TYPE)
_NO_STORE = (b"cache-control", b"no-store")

_encode = msgspec.json.Encoder().encode


class Response(Struct, frozen=True):
    """An answer that is ready to be sent.

    Attributes:
        status: The HTTP status code.
        headers: All of its headers; names are in lower case.
        content: Its body; empty where it has none.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes = b""

    async def send(self, send: Send) -> None:
        """Send it by the ASGI callable."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.content})


class Reply:
    """An ASGI `send` that says what has been sent: for those in front of whoever answers."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message, and note the status of the answer that it begins."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        return self._send(message)


def json_response(status: int, body: Any, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Return an answer with a JSON body and the SCIM media type.

    Args:
        status: The HTTP status code.
        body: A JSON-able value, or JSON.
        headers: Further headers.
    """
    content = body if isinstance(body, bytes) else _encode(body)
    length = (b"content-length", b"%d" % len(content))
    return Response(status, [_CONTENT_TYPE, _NO_STORE, length, *headers], content)


def empty_response(status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Return an answer that has no body, such as 204 or 304."""
    return Response(status, [_NO_STORE, *headers])


async def send_error(send: Send, error: ScimError) -> None:
    """Send a SCIM Error message with the status and the headers of the error."""
    headers = [
        (name.lower().encode(), value.encode("latin-1")) for name, value in error.headers.items()
    ]
    await json_response(error.status, error.body(), headers).send(send)
