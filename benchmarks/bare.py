"""The smallest ASGI application that answers: what the machine and uvicorn alone allow."""

from __future__ import annotations

import msgspec
from starlette.types import Receive, Scope, Send

_USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "bare@bench.test",
    "displayName": "x" * 500,
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the request, and answer it with some 600 bytes of JSON."""
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    body = msgspec.json.encode(_USER)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
