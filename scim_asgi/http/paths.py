"""Where a request goes and under which URL it came, under whatever mount."""

from __future__ import annotations

import re
from functools import lru_cache
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
    raw_path = scope.get("raw_path")
    if raw_path and b"%" in raw_path and _ENCODED_SLASH.search(raw_path):
        return None
    prefix, rest = _without_root(scope, scope["path"])
    if mount_path:
        prefix, rest = _without_mount(prefix, rest, mount_path)
    if rest and rest[0] != "/":
        return None
    return prefix, _single(rest).rstrip("/")


def _single(path: str) -> str:
    return _SLASHES.sub("/", path) if "//" in path else path


def _without_mount(prefix: str, rest: str, mount_path: str) -> tuple[str, str]:
    if _is_below(rest, mount_path):
        return prefix + mount_path, rest[len(mount_path) :]
    return (prefix if prefix.endswith(mount_path) else prefix + mount_path), rest


def _without_root(scope: Scope, path: str) -> tuple[str, str]:
    root: str = scope.get("root_path", "").rstrip("/")
    if not root:
        return root, path
    if _is_below(path, root):
        return root, path[len(root) :]
    inner = root[len(scope.get("app_root_path", "")) :]
    if inner and _is_below(path, inner):
        return root, path[len(inner) :]
    return root, path


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def request_base_url(scope: Scope, prefix: str, host: bytes) -> str:
    """Return the base URL as the request's own: scheme, host and the mount's prefix.

    A Host header that is none falls back to the server's address. The prefix, which a client may
    have a part in, is encoded: the URL goes into headers.

    Args:
        scope: The ASGI scope.
        prefix: The mount's prefix.
        host: The Host header; empty where there is none.
    """
    server = scope.get("server") or ("localhost", None)
    return _base_url(scope.get("scheme", "http"), host, tuple(server), prefix)


@lru_cache(maxsize=64)
def _base_url(scheme: str, header: bytes, server: tuple[str, int | None], prefix: str) -> str:
    host = header.decode("latin-1")
    if not _HOST.fullmatch(host):
        name, port = server
        host = name if port is None else f"{name}:{port}"
    return f"{scheme}://{host}{quote(_single(prefix), _PATH_CHARACTERS)}"
