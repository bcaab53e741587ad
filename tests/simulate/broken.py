"""A real server with a fault in front of it, as simulated directories see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Call(Struct):
    """A request and its answer, which faults change in place."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    status: int = 0
    answer: dict[str, Any] = {}

    @property
    def filter(self) -> str:
        return self.query.get("filter", "")

    @property
    def operations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["Operations"] if self.method == "PATCH" else []
        return found

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The resources that are answered."""
        return [self.answer, *self.answer.get("Resources", [])]

    def drop(self, unwanted: Callable[[dict[str, Any]], object]) -> None:
        """Drop operations; a PATCH that changes nothing is left of nothing."""
        if self.method == "PATCH":
            rest = [each for each in self.operations if not unwanted(each)]
            self.body["Operations"] = rest or [{"op": "replace", "value": {}}]


class Fault(Struct):
    """What is wrong with a server: what it refuses, misunderstands or answers."""

    refuses: Callable[[Call], object] = lambda call: False
    status: int = 400
    spoils: Callable[[Call], object] = lambda call: None
    garbles: Callable[[Call], object] = lambda call: None


class Broken:
    """An application in front of another one, with a fault."""

    def __init__(self, app: ASGIApp, fault: Fault) -> None:
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://scim.test"
        )
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = dict(httpx.QueryParams(scope["query_string"].decode()))
        content = (await receive())["body"]
        body = msgspec.json.decode(content) if content else {}
        call = Call(scope["method"], scope["path"], query, headers, body)
        if self._fault.refuses(call):
            call.status, call.answer = self._fault.status, {"detail": "broken on purpose"}
        else:
            await self._forward(call)
        kind = (b"content-type", b"application/scim+json")
        start = {"type": "http.response.start", "status": call.status, "headers": [kind]}
        await send(start)
        answer = msgspec.json.encode(call.answer) if call.answer else b""
        await send({"type": "http.response.body", "body": answer})

    async def _forward(self, call: Call) -> None:
        self._fault.spoils(call)
        kept = ("authorization", "content-type", "user-agent", "accept")
        answer = await self._http.request(
            call.method,
            call.path,
            params=call.query,
            headers={name: call.headers[name] for name in kept if name in call.headers},
            content=msgspec.json.encode(call.body) if call.body else None,
        )
        call.status, call.answer = answer.status_code, answer.json() if answer.content else {}
        self._fault.garbles(call)


class TakesGroupsOfUsers(Broken):
    """A server that lets the groups of a user be written."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, Fault())

    async def _forward(self, call: Call) -> None:
        wanted = call.body.get("groups")
        for each in call.operations:
            wanted = each["value"] if each.get("path") == "groups" else wanted
        if wanted is not None:
            user = call.path.removeprefix("/Users/")
            await self._join(user, {each["value"] for each in wanted}, call.headers)
        await super()._forward(call)

    async def _join(self, user: str, groups: set[str], headers: dict[str, str]) -> None:
        http, known = self._http, {"authorization": headers["authorization"]}
        found = (await http.get("/Groups", headers=known)).json()["Resources"]
        for each in found:
            operation: dict[str, Any] = {"op": "remove", "path": f'members[value eq "{user}"]'}
            if each["id"] in groups:
                operation = {"op": "add", "path": "members", "value": [{"value": user}]}
            body = {"schemas": [PATCH_OP], "Operations": [operation]}
            await http.patch(f"/Groups/{each['id']}", headers=known, json=body)
