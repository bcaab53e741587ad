"""The ASGI application of the page: who looks, at what, and errors as pages of their own."""

from __future__ import annotations

import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from scim_asgi.admin.actor import Authorize
from scim_asgi.admin.admission import admitted
from scim_asgi.admin.app import Run
from scim_asgi.admin.entrance import page_path
from scim_asgi.admin.errors import AdminError, not_found
from scim_asgi.admin.mount import scim_url
from scim_asgi.admin.page.assets import Assets
from scim_asgi.admin.page.forms import Form, form_of, query_of
from scim_asgi.admin.page.rendering import render_problem
from scim_asgi.admin.page.screens import SCREENS
from scim_asgi.admin.page.theme import Theme
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.admin.responding import log_failure, respond
from scim_asgi.protocol.errors import ScimError
from scim_asgi.runtime import Runtime
from scim_asgi.store.errors import StoreError

_TITLES = {
    401: "Sign in first",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    503: "Back in a moment",
}
_STATIC = "static/"


class PageEndpoints:
    """Answers HTTP requests to the page.

    Args:
        scim_app: The ScimApp, to be looked for among the host's mounts.
        run: Lets an application answer a request, with the database open.
        runtime: Its parts.
        authorize: Answers who asks.
        base_url: The public URL of the SCIM mount, where it is set.
        mounted: What the host mounts.
        theme: The host's own look.
    """

    def __init__(
        self,
        scim_app: object,
        run: Run,
        runtime: Runtime[Any],
        authorize: Authorize,
        *,
        base_url: str | None,
        mounted: object,
        theme: Theme,
    ) -> None:
        self._scim_app = scim_app
        self._run = run
        self._runtime = runtime
        self._authorize = authorize
        self._base_url = base_url
        self._mounted = mounted
        self._assets = Assets(theme)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request whose path is one of the page."""

        async def refuse(send: Send, error: ScimError) -> None:
            await _problem(error, scope)(scope, receive, send)

        await self._run(scope, receive, send, self._respond, refuse)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(scope, receive, send, self._answer, _problem)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        found = page_path(scope)
        assert found is not None
        organization_id, path = found
        if path.startswith(_STATIC):
            return self._asset(path[len(_STATIC) :], Request(scope))
        screen, params = _screen(path, scope["method"])
        request = Request(scope)
        actor = await admitted(
            self._authorize, request, organization_id, screen.needs, self._base_url
        )
        visit = Visit(
            runtime=self._runtime,
            organization_id=organization_id,
            actor=actor,
            params=params,
            query=query_of(scope),
            form=await form_of(scope, receive) if screen.method == "POST" else Form([]),
            up=_up(scope),
            scim_url=scim_url(scope, self._scim_app, self._mounted, self._base_url),
        )
        return await screen.view(visit)

    def _asset(self, name: str, request: Request) -> Response:
        answer = self._assets.answer(name, request.headers.get("if-none-match", ""))
        if answer is None:
            raise not_found("There is no such file.")
        return answer


def _screen(path: str, method: str) -> tuple[Screen, dict[str, str]]:
    """Return the screen at a path, and what varies in it.

    Raises:
        AdminError: There is none, or not for this method.
    """
    found = [(each, match) for each in SCREENS if (match := each.match(path)) is not None]
    if not found:
        raise not_found("This page does not exist. The link may be old, or mistyped.")
    wanted = "GET" if method == "HEAD" else method
    for screen, match in found:
        if screen.method == wanted:
            return screen, match
    allowed = ", ".join(dict.fromkeys(screen.method for screen, _ in found))
    msg = "This address only takes a form of the page. Open the page, and use its button."
    raise AdminError(405, "method_not_allowed", msg, headers={"Allow": allowed})


def _up(scope: Scope) -> str:
    """Return what leads from the requested URL to that of the organization."""
    found = page_path(scope)
    if found is None:
        return ""
    segments = 1 + len(found[1].split("/")) if found[1] else 1
    # Repeated slashes count, and one at the end: browsers resolve links by them.
    tail = re.search(rf"(?:/+[^/]+){{{segments}}}/*\Z", scope["path"])
    assert tail is not None
    return "../" * tail.group().lstrip("/").count("/")


def _problem(error: Exception, scope: Scope) -> Response:
    """Return the page that says what went wrong; what is not ours goes into the log."""
    status, text, headers = _told(error, scope)
    title = _TITLES.get(status, "This did not work")
    response = render_problem(_up(scope), status, title, text)
    response.headers.update(headers)
    return response


def _told(error: Exception, scope: Scope) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, AdminError):
        return error.status, str(error) or error.items[0].message, error.headers
    if isinstance(error, ScimError):
        return error.status, error.detail, error.headers
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), dict(error.headers or {})
    log_failure(error, scope)
    if isinstance(error, StoreError):
        text = "The database cannot be reached just now. Nothing was changed. Try again shortly."
        return 503, text, {"Retry-After": "5"}
    text = "Something failed on our side, and the operator's log says what. Try again, or ask them."
    return 500, text, {}
