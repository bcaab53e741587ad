"""Changes come from one's own pages: no other site may make them with a browser's cookies."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from scim_asgi.admin.errors import AdminError

_SAID = "This change came from another site, so nothing was done. Open the page itself, and do it there."


def check_origin(headers: Mapping[str, str], base_url: str | None) -> None:
    """Check that a change was asked for by a page of the same origin.

    Browsers say so in ``Sec-Fetch-Site``, and, older ones and plain HTTP, in ``Origin``. What
    sends neither is no browser, and has no cookies that a page could misuse.

    Args:
        headers: The request's headers, with lower-case names.
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
    if origin is None:
        return
    hosts = {headers.get("host", ""), urlsplit(base_url or "").netloc} - {""}
    if urlsplit(origin).netloc not in hosts:
        raise AdminError(403, "forbidden", _SAID)
