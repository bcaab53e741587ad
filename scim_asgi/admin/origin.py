"""Changes come from one's own pages: no other site may make them with a browser's cookies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from scim_asgi.admin.errors import AdminError

_SAID = "This change came from another site, so nothing was done. Open the page itself, and do it there."
_PORTS = {"http": 80, "https": 443}


class _Origin(NamedTuple):
    """An origin (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int


def check_origin(headers: Mapping[str, str], scheme: str, base_url: str | None) -> None:
    """Check that a change was asked for by a page of the same origin.

    Browsers say so in ``Sec-Fetch-Site``, and, older ones and plain HTTP, in ``Origin``. What
    sends neither is no browser, and has no cookies that a page could misuse.

    A page over http is another origin than the same host over https, which whoever sits in between
    could have made. So it is refused where the request came over https, by the ASGI scheme, or
    where `base_url` says that this host is reached so. A page over https is not refused where the
    ASGI scheme is http: proxies that end TLS often do not tell.

    Args:
        headers: The request's headers, with lower-case names.
        scheme: The request's ASGI scheme.
        base_url: The public URL of SCIM, where it is set: a proxy may change Host.

    Raises:
        AdminError: Another origin asked.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return
        raise AdminError(403, "forbidden", _SAID)
    origin = headers.get("origin")
    if origin is not None and not _is_own(origin, headers.get("host", ""), scheme, base_url):
        raise AdminError(403, "forbidden", _SAID)


def _is_own(origin: str, host: str, scheme: str, base_url: str | None) -> bool:
    page, public = _origin(origin), _origin(base_url or "")
    if page is None:
        return False
    if page == public:
        return True
    # Host has no port where it is that of the scheme, which the page knows and we may not.
    if page != _origin(f"{page.scheme}://{host}"):
        return False
    is_secure = scheme == "https" or (public is not None and public == _origin(f"https://{host}"))
    return page.scheme == "https" or not is_secure


def _origin(url: str) -> _Origin | None:
    """Return the origin of a URL; None where it is none of HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return _Origin(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port)
