"""The base URL that directories are given, taken apart."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from scim_asgi.doctor.errors import NothingToCheck

_PORTS = {"http": 80, "https": 443}


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
        NothingToCheck: It is no http or https URL, or holds a name and password or a fragment.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        msg = f"The URL cannot be read: {error}."
        raise NothingToCheck(msg) from None
    scheme, host = parts.scheme.casefold(), parts.hostname
    if scheme not in _PORTS or not host:
        msg = "The URL has to be whole, such as https://product.example/scim/v2."
        raise NothingToCheck(msg)
    if parts.username is not None or parts.fragment:
        msg = "The URL may hold no user name, password or fragment; the token is given by itself."
        raise NothingToCheck(msg)
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
