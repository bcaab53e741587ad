"""Where the SCIM mount is, for the URL that an admin pastes into the directory."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

from scim_asgi.admin.errors import AdminError
from scim_asgi.http.paths import request_base_url

MISSING = (
    "The public URL of the SCIM mount is not known. Give ScimApp its base_url, such as "
    'ScimApp(…, base_url="https://acme.example/scim/v2").'
)


def scim_url(scope: Scope, scim_app: object, admin_app: object, base_url: str | None) -> str | None:
    """Return the public URL of the SCIM mount, without a slash at its end.

    That is the `base_url` setting. Without it, the mount is looked for in the host application
    (Starlette, FastAPI) that the admin app is mounted in too; it then has the request's own
    scheme and host. None where neither leads anywhere.
    """
    if base_url is not None:
        return base_url
    host, root = scope.get("app"), scope.get("root_path", "")
    path, own = _mounted_at(host, scim_app), _mounted_at(host, admin_app)
    if path is None or own is None or not root.endswith(own):
        return None
    named = dict(scope["headers"]).get(b"host", b"")
    return request_base_url(scope, root.removesuffix(own) + path, named)


def _mounted_at(app: Any, scim_app: object, depth: int = 4) -> str | None:
    """Return the path below which an application has the ScimApp mounted, None where nowhere."""
    for route in getattr(app, "routes", None) or ():
        inner, path = getattr(route, "app", None), getattr(route, "path", "")
        if inner is None or "{" in path:
            continue
        if inner is scim_app:
            return str(path)
        found = _mounted_at(inner, scim_app, depth - 1) if depth else None
        if found is not None:
            return f"{path}{found}"
    return None


def require_scim_url(url: str | None) -> str:
    """Return the URL of the SCIM mount.

    Raises:
        AdminError: It is not known; the message says how to set it.
    """
    if url is None:
        raise AdminError(409, "base_url_missing", MISSING)
    return url
