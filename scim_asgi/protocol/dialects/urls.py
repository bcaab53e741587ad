"""URLs that directories put together from text."""

from __future__ import annotations

import re
from urllib.parse import unquote

_FLAGGED = re.compile(
    rb"(?:aadOptscim062020|AzureAdScimPatch2017)(?:=[^/?&]*)?(?P<path>/[^?&]*)[?&]?(?P<query>.*)",
    re.IGNORECASE | re.DOTALL,
)


def read_url(route: str, query: bytes) -> tuple[str, bytes]:
    """Return route and query of a request.

    A base URL that ends in Entra's flag, with a path appended as text, has the path in its query
    (``?aadOptscim062020/Users?filter=…``).
    """
    match = _FLAGGED.fullmatch(query) if query else None
    if match is None:
        return route, query
    return route + unquote(match["path"].decode("latin-1")).rstrip("/"), match["query"]
