"""The door of the admin app: the JSON API behind one, the Directory sync page behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.admin.actor import Authorize
from scim_asgi.admin.app import AdminApp, Run, error_response
from scim_asgi.admin.errors import AdminError
from scim_asgi.errors import MissingExtra
from scim_asgi.http.paths import route_path
from scim_asgi.runtime import Runtime


class Entrance:
    """Sends requests to the page to the page, and all others to the API.

    Args:
        scim_app: The ScimApp: it answers what is not HTTP, and is looked for among the host's
            mounts.
        run: Lets an application answer a request, with the database open.
        runtime: Its parts.
        authorize: Answers who asks.
        base_url: The public URL of the SCIM mount, where it is set.
        theme: How the page looks: CSS custom properties.

    Raises:
        MissingExtra: There is a theme, and the extra of the page is not installed.
        ValueError: The theme cannot be used.
    """

    def __init__(
        self,
        scim_app: ASGIApp,
        run: Run,
        runtime: Runtime[Any],
        authorize: Authorize,
        *,
        base_url: str | None,
        theme: Mapping[str, str] | None,
    ) -> None:
        self._api = AdminApp(scim_app, run, runtime, authorize, base_url=base_url, mounted=self)
        self._page: ASGIApp
        try:
            from scim_asgi.admin.page import PageEndpoints, Theme
        except MissingExtra as error:
            if theme is not None:
                raise
            self._page = _Missing(error)
        else:
            self._page = PageEndpoints(
                scim_app,
                run,
                runtime,
                authorize,
                base_url=base_url,
                mounted=self,
                theme=Theme(theme or {}),
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope."""
        is_page = scope["type"] == "http" and page_path(scope) is not None
        app = self._page if is_page else self._api
        await app(scope, receive, send)


class _Missing:
    """Says what has to be installed where the page would be."""

    def __init__(self, error: MissingExtra) -> None:
        self._error = AdminError(501, "page_missing", f"There is no page here yet. {error}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await error_response(self._error, scope)(scope, receive, send)


def page_path(scope: Scope) -> tuple[str, str] | None:
    """Return the organization and the path behind ``directory-sync``; None for other paths."""
    split = route_path(scope)
    parts = [] if split is None else split[1].split("/", 4)
    if len(parts) < 4 or parts[1] != "organizations" or parts[3] != "directory-sync":
        return None
    return parts[2], parts[4] if len(parts) > 4 else ""
