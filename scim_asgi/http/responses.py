"""Answers: `application/scim+json`, entity tags, locations and errors (RFC 7644 section 3.12)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.types import Send

from scim_asgi.protocol.errors import ScimError

MEDIA_TYPE = b"application/scim+json"

_encode = msgspec.json.Encoder().encode


async def send_json(
    send: Send, status: int, body: Any, headers: dict[str, str] | None = None
) -> None:
    """Send a JSON body with the SCIM media type.

    Args:
        send: The ASGI callable.
        status: The HTTP status code.
        body: A JSON-able value.
        headers: Further headers; their values are Latin-1 text.
    """
    content = _encode(body)
    await _send(send, status, content, [(b"content-type", MEDIA_TYPE)], headers or {})


async def send_empty(send: Send, status: int, headers: dict[str, str] | None = None) -> None:
    """Send an answer that has no body, such as 204 or 304."""
    await _send(send, status, b"", [], headers or {}, sized=False)


async def send_error(send: Send, error: ScimError) -> None:
    """Send a SCIM Error message with the status and the headers of the error."""
    await send_json(send, error.status, error.body(), error.headers)


async def _send(
    send: Send,
    status: int,
    content: bytes,
    fixed: list[tuple[bytes, bytes]],
    headers: dict[str, str],
    *,
    sized: bool = True,
) -> None:
    raw = [*fixed, (b"cache-control", b"no-store")]
    if sized:
        raw.append((b"content-length", str(len(content)).encode()))
    raw += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
