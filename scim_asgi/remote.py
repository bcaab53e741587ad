"""A SCIM server somewhere else: the URL and token that it is given, and what its answers may show.

The simulated directories and the doctor both talk to servers that they know nothing of.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Struct, UnsetType

from scim_asgi.errors import ScimAsgiError

_PORTS = {"http": 80, "https": 443}
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\u200a\u2010-\u2027\u2030-\u205e\u2070-\uffff]+")
_SHORTEST_PART = 6


class UnusableTarget(ScimAsgiError, ValueError):
    """The URL or the token cannot be used for a request at all; the message says why."""


class BaseUrl(Struct, frozen=True, kw_only=True):
    """A base URL.

    Attributes:
        text: The URL without a query and without slashes at its end.
        scheme: ``http`` or ``https``.
        host: The host, in lower case.
        port: The port, the scheme's own where the URL names none.
        path: The path, without slashes at its end.
        query: What stood behind the question mark.
        slash: Whether the URL was given with a slash at its end.
    """

    text: str
    scheme: str
    host: str
    port: int
    path: str
    query: str
    slash: bool


def read_base_url(text: str) -> BaseUrl:
    """Take a base URL apart.

    Raises:
        UnusableTarget: It is no http or https URL, or holds a name and password or a fragment.
    """
    text = text.strip()
    if " " in text or not text.isprintable():
        msg = "The URL holds spaces, line breaks or other characters that no URL has."
        raise UnusableTarget(msg)
    try:
        parts = urlsplit(text)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        msg = "The URL cannot be read: its host has a part that is empty or longer than 63."
        raise UnusableTarget(msg) from None
    except ValueError as error:
        msg = f"The URL cannot be read: {error}."
        raise UnusableTarget(msg) from None
    scheme, host = parts.scheme.casefold(), parts.hostname
    if scheme not in _PORTS or not host:
        msg = "The URL has to be whole, such as https://product.example/scim/v2."
        raise UnusableTarget(msg)
    if parts.username is not None or parts.fragment:
        msg = "The URL may hold no user name, password or fragment; the token is given by itself."
        raise UnusableTarget(msg)
    path = parts.path.rstrip("/")
    return BaseUrl(
        text=f"{scheme}://{parts.netloc.casefold()}{path}",
        scheme=scheme,
        host=host,
        port=port or _PORTS[scheme],
        path=path,
        query=parts.query,
        slash=parts.path.endswith("/"),
    )


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL; ports that go without saying are the same."""
    parts = urlsplit(url)
    scheme = parts.scheme.casefold()
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, parts.hostname or "", port or _PORTS.get(scheme, 0)


def sendable(token: str | None) -> str | None:
    """Return a token that fits into a header.

    Raises:
        UnusableTarget: It does not.
    """
    fits = token is None or (token.isascii() and token.isprintable() and " " not in token)
    if fits and token != "":
        return token
    msg = (
        "The token cannot be sent as it is: it is empty, or holds spaces, line breaks or other"
        " characters that no token has. Give it alone, without “Bearer”."
    )
    raise UnusableTarget(msg)


def authorization(token: str | None) -> dict[str, str]:
    """Return the header with a token, none where there is no token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def decode(body: bytes) -> Any | UnsetType:
    """Return a body as JSON, UNSET when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return UNSET


def whole_seconds(retry_after: str | None) -> int | None:
    """Return Retry-After where it is whole seconds, which every directory understands."""
    value = (retry_after or "").strip()
    return int(value[:9]) if value.isascii() and value.isdecimal() else None


def shown(text: str, limit: int = 160) -> str:
    """Return text of a server so that it can be printed: short, in one line, harmless."""
    line = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return line if len(line) <= limit else f"{line[:limit]}…"


def without_token(text: str, token: str | None) -> str:
    """Return text in which a token that a server sent back cannot be read, cut off or whole."""
    if not token:
        return text
    text = text.replace(token, "[the token]")
    for size in range(len(token) - 1, _SHORTEST_PART - 1, -1):
        text = text.replace(f"{token[:size]}…", "[the token]")
    return text
