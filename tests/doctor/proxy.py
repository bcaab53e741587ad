"""A proxy in front of an ASGI application that breaks exactly one thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Reply(Struct):
    """An answer on its way back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @json.setter
    def json(self, value: Any) -> None:
        self.body = json.dumps(value).encode()


def header(scope: Scope, name: str) -> str | None:
    """Return a request header, None when it is missing."""
    found = dict(scope["headers"]).get(name.encode())
    return None if found is None else found.decode()


def page(status: int, title: str, **headers: str) -> Reply:
    """Return a web page."""
    body = f"<!doctype html><html><head><title>{title}</title></head></html>".encode()
    return Reply(status, {"content-type": "text/html; charset=utf-8", **headers}, body)


def _nothing(scope: Scope) -> Reply | None:
    return None


def _unchanged(scope: Scope) -> Scope:
    return scope


def _kept(scope: Scope, reply: Reply) -> None:
    pass


class Breakage(Struct, frozen=True, kw_only=True):
    """What the proxy does.

    Attributes:
        instead: Returns an answer to give in the server's place.
        before: Returns the request that the server gets.
        after: Changes the answer.
    """

    instead: Callable[[Scope], Reply | None] = _nothing
    before: Callable[[Scope], Scope] = _unchanged
    after: Callable[[Scope, Reply], None] = _kept


class Proxy:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.breakage: Breakage = Breakage()
        self.methods: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.methods.add(scope["method"])
        reply = self.breakage.instead(scope)
        if reply is None:
            reply = await self._forwarded(self.breakage.before(scope), receive)
            self.breakage.after(scope, reply)
        headers = {**reply.headers, "content-length": str(len(reply.body))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": reply.body})

    async def _forwarded(self, scope: Scope, receive: Receive) -> Reply:
        reply = Reply(500, {}, b"")

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {
                    name.decode(): value.decode("latin-1") for name, value in message["headers"]
                }
            else:
                reply.body += message.get("body", b"")

        await self.app(scope, receive, collect)
        return reply
