"""Where a request goes and under which URL it came, under whatever mount."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.types import Scope

_HOST = re.compile(r"[A-Za-z0-9._~-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?", re.ASCII)
_SLASHES = re.compile("/{2,}")
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"


def route_path(scope: Scope, mount_path: str = "") -> tuple[str, str] | None:
    """Split a request's path into the mount's prefix and the route behind it.

    Repeated slashes count as one and a slash at the end as none, because directories append
    their paths to base URLs with and without one.

    Args:
        scope: The ASGI scope; a host may keep the mount's prefix in its path or not.
        mount_path: A prefix that a host leaves in the path, or takes off it, without saying so.

    Returns:
        The prefix and the route, which is empty or begins with ``/``; None when the path does
        not belong to the mount, or has an encoded slash, which is none that separates.
    """
    if _ENCODED_SLASH.search(scope.get("raw_path") or b""):
        return None
    path: str = scope["path"]
    prefix, rest = _without_root(scope, path)
    if mount_path and _is_below(rest, mount_path):
        prefix, rest = prefix + mount_path, rest[len(mount_path) :]
    elif not prefix.endswith(mount_path):
        prefix += mount_path
    if rest and not rest.startswith("/"):
        return None
    return prefix, _SLASHES.sub("/", rest).rstrip("/")


def _without_root(scope: Scope, path: str) -> tuple[str, str]:
    root: str = scope.get("root_path", "").rstrip("/")
    if _is_below(path, root):
        return root, path[len(root) :]
    inner = root[len(scope.get("app_root_path", "")) :]
    if inner and _is_below(path, inner):
        return root, path[len(inner) :]
    return root, path


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def request_base_url(scope: Scope, prefix: str) -> str:
    """Return the base URL as the request's own: scheme, host and the mount's prefix.

    A Host header that is none falls back to the server's address. The prefix, which a client may
    have a part in, is encoded: the URL goes into headers.
    """
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{scope.get('scheme', 'http')}://{host}{quote(_SLASHES.sub('/', prefix), _PATH_CHARACTERS)}"
