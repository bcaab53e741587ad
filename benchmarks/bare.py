"""The smallest ASGI application that answers: what the machine, uvicorn and the load alone allow."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

_BODY = b"x" * 900
_HEADERS = [(b"content-length", str(len(_BODY)).encode())]


def create() -> object:
    """Return the application."""
    return _app


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the request, and answer it with some bytes."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
