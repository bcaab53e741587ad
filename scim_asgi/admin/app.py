"""The ASGI application of the admin API: who asks, for what, and errors at one place."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.admin.actor import Authorize
from scim_asgi.admin.admission import admitted
from scim_asgi.admin.decoding import decode_body, decode_query
from scim_asgi.admin.errors import AdminError, ErrorList, Invalid, NotSignedIn, not_found, problem
from scim_asgi.admin.mount import scim_url
from scim_asgi.admin.openapi import openapi
from scim_asgi.admin.responding import log_failure, respond
from scim_asgi.admin.routes import Asked, Route, answer
from scim_asgi.admin.table import ROUTES
from scim_asgi.http.paths import route_path
from scim_asgi.http.requests import check_headers, read_body, read_query
from scim_asgi.protocol.errors import ScimError
from scim_asgi.protocol.limits import Limits
from scim_asgi.runtime import Runtime
from scim_asgi.store.errors import StoreError

LIMITS = Limits(body_bytes=2**20)
"""What a request to the admin API may cost."""

DOCUMENT = "/openapi.json"
"""The path of the OpenAPI document, which everybody may read."""

_decode = msgspec.json.Decoder().decode
_CODES = {408: "timeout", 413: "too_large", 414: "too_large", 415: "media_type_unsupported"}
_HOST_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not_found"}


Run: TypeAlias = Callable[
    [Scope, Receive, Send, ASGIApp, Callable[[Send, ScimError], Awaitable[None]]], Awaitable[None]
]


class AdminApp:
    """The admin API as an ASGI application.

    Args:
        scim_app: The ScimApp: it answers what is not HTTP, and is looked for among the host's
            mounts.
        run: Lets an application answer a request, with the database open.
        runtime: The parts of the ScimApp.
        authorize: Answers who asks.
        base_url: The public URL of the SCIM mount, where it is set.
        mounted: What the host mounts, where that is another application with this one in it.
        routes: The endpoints.
    """

    def __init__(
        self,
        scim_app: ASGIApp,
        run: Run,
        runtime: Runtime[Any],
        authorize: Authorize,
        *,
        base_url: str | None,
        mounted: object | None = None,
        routes: Sequence[Route] = ROUTES,
    ) -> None:
        self._scim_app = scim_app
        self._run = run
        self._runtime = runtime
        self._authorize = authorize
        self._base_url = base_url
        self._mounted = mounted or self
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope."""
        if scope["type"] != "http":
            await self._scim_app(scope, receive, send)
            return

        async def refuse(send: Send, error: ScimError) -> None:
            await error_response(error, scope)(scope, receive, send)

        await self._run(scope, receive, send, self._respond, refuse)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(scope, receive, send, self._answer, error_response)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        prefix, path = route_path(scope) or ("", "")
        matches = self._matches(path)
        methods: list[str] = [route.method for route, _ in matches]
        if path == DOCUMENT:
            methods = ["GET"]
        if not methods:
            raise not_found("There is no endpoint at this path.")
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if path == DOCUMENT and method == "GET":
            return answer(openapi(self._routes, prefix or "/"))
        for route, params in matches:
            if route.method == method:
                return await route.handler(await self._asked(route, params, scope, receive))
        msg = f"This path takes {allowed}, not {scope['method'][:16]}."
        raise AdminError(405, "method_not_allowed", msg, headers={"Allow": allowed})

    def _matches(self, path: str) -> list[tuple[Route, dict[str, str]]]:
        found = [(route, route.match(path)) for route in self._routes]
        return [(route, params) for route, params in found if params is not None]

    async def _asked(
        self, route: Route, params: dict[str, str], scope: Scope, receive: Receive
    ) -> Asked:
        """Return a request once it is known that its actor may make it and that it is whole."""
        organization_id = params.pop("organization_id")
        request = Request(scope)
        actor = await admitted(
            self._authorize, request, organization_id, route.needs, self._base_url
        )
        query = decode_query(
            route.query, read_query(scope["query_string"], LIMITS) if scope["query_string"] else {}
        )
        return Asked(
            runtime=self._runtime,
            request=request,
            organization_id=organization_id,
            actor=actor,
            params=params,
            query=query,
            body=await _body(route, scope, receive),
            scim_url=scim_url(scope, self._scim_app, self._mounted, self._base_url),
        )


async def _body(route: Route, scope: Scope, receive: Receive) -> Any:
    headers = dict(scope["headers"])
    check_headers(scope, headers)
    if route.body is None:
        return None
    content = await read_body(headers, receive, LIMITS)
    if not content and route.is_body_optional:
        return route.body()
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        msg = "Send the body as JSON, with Content-Type: application/json."
        raise AdminError(415, "media_type_unsupported", msg)
    try:
        value = _decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        said = str(error) if isinstance(error, msgspec.DecodeError) else "it cannot be read"
        raise Invalid([problem("body_invalid", f"The body is not JSON: {said}.")]) from None
    return decode_body(route.body, value)


def error_response(error: Exception, scope: Scope) -> Response:
    """Return the answer to a request that raised; what is not ours goes into the log."""
    told = _told(error, scope)
    response = answer(ErrorList(told.items), told.status)
    response.headers.update(told.headers)
    return response


def _told(error: Exception, scope: Scope) -> AdminError:
    if isinstance(error, AdminError):
        return error
    if isinstance(error, ScimError):
        code = _CODES.get(error.status, "invalid")
        return AdminError(error.status, code, error.detail, headers=error.headers)
    if isinstance(error, HTTPException):
        return _of_host(error)
    log_failure(error, scope)
    if isinstance(error, StoreError):
        msg = "The server's database cannot be reached; try again."
        return AdminError(503, "unavailable", msg, headers={"Retry-After": "5"})
    msg = "The server failed; its log says why. Try again, or tell its operator."
    return AdminError(500, "internal_error", msg)


def _of_host(error: HTTPException) -> AdminError:
    """Return what the host's `authorize` has said, in our form."""
    if error.status_code == 401 and not error.headers:
        return NotSignedIn("Sign in first.")
    code = _HOST_CODES.get(error.status_code, "refused")
    headers = dict(error.headers or {})
    return AdminError(error.status_code, code, str(error.detail), headers=headers)


def check_authorize(authorize: object) -> None:
    """Check what a host gives as `authorize`.

    Raises:
        TypeError: It is no async callable.
    """
    call = authorize if inspect.isroutine(authorize) else getattr(authorize, "__call__", None)  # noqa: B004
    if isinstance(authorize, type) or not inspect.iscoroutinefunction(call):
        msg = (
            "admin(authorize=…) needs an async callable of the request and the organization's id "
            "that returns an Actor or None, such as SecretKey(os.environ['ADMIN_KEY']); got "
            f"{type(authorize).__name__}."
        )
        raise TypeError(msg)
