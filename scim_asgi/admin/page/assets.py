"""The style sheets and the script of the page: the same for everybody, kept by browsers."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.responses import Response

from scim_asgi.admin.page.theme import Theme

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NAMES = ("page.css", "page.js", "icon.svg")


class Assets:
    """Serves what the pages refer to.

    Args:
        theme: The host's own look.
    """

    def __init__(self, theme: Theme) -> None:
        folder = files("scim_asgi.admin.page") / "static"
        self._contents = {name: (folder / name).read_bytes() for name in _NAMES}
        self._contents["theme.css"] = theme.css.encode()

    def answer(self, name: str, sent_tag: str) -> Response | None:
        """Return a file; None where there is none of this name.

        Args:
            name: The name.
            sent_tag: The If-None-Match header.
        """
        content = self._contents.get(name)
        if content is None:
            return None
        tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        headers = {
            "Cache-Control": "no-cache",
            "ETag": tag,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if sent_tag == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, 200, headers, _TYPES[name.rpartition(".")[2]])
