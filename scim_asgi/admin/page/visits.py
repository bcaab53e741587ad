"""What a view of the page is given: who looks, at what, and where its links lead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.actor import Actor
from scim_asgi.admin.page.forms import Form
from scim_asgi.provisioning.audit import By
from scim_asgi.runtime import Runtime


class Visit(Struct, frozen=True, kw_only=True):
    """A request to the page by somebody who may make it.

    Attributes:
        runtime: The ScimApp's parts.
        organization_id: The organization.
        actor: Who looks.
        params: What varies in the path.
        query: The query's parameters.
        form: The form; empty for a GET.
        up: What leads from the requested URL to the organization's own, such as ``../``.
        scim_url: The public URL of the SCIM mount, where it is known.
    """

    runtime: Runtime[Any]
    organization_id: str
    actor: Actor
    params: Mapping[str, str]
    query: Form
    form: Form
    up: str
    scim_url: str | None

    @property
    def by(self) -> By:
        """Who it is, for the audit."""
        return By(self.actor.label, "page", self.actor.id)

    def url(self, *path: str, **query: Any) -> str:
        """Return a link to a part of the page.

        Links are relative: they are right under any mount, and behind any proxy.
        """
        tail = "/".join(quote(str(each), safe="") for each in ("directory-sync", *path))
        chosen = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.up}{tail}{'?' + urlencode(chosen) if chosen else ''}"

    def api(self, *path: str, **query: Any) -> str:
        """Return a link to the JSON API of the organization."""
        tail = "/".join(quote(str(each), safe="") for each in ("scim", *path))
        chosen = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.up}{tail}{'?' + urlencode(chosen) if chosen else ''}"


View: TypeAlias = Callable[[Visit], Awaitable[Response]]


class Screen(Struct, frozen=True):
    """A path of the page and what answers there.

    Attributes:
        method: GET or POST.
        path: The path behind ``directory-sync``, with ``{…}`` for what varies.
        view: What answers.
    """

    method: Literal["GET", "POST"]
    path: str
    view: View

    @property
    def needs(self) -> Literal["read", "manage"]:
        """What somebody has to be allowed."""
        return "read" if self.method == "GET" else "manage"

    def match(self, path: str) -> dict[str, str] | None:
        """Return the varying parts of a path of this screen; None for another path."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        params = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{") and value:
                params[name[1:-1]] = value
            elif name != value:
                return None
        return params
