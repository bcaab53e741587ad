"""What keeps the doctor from beginning."""

from __future__ import annotations

from scim_asgi.errors import ScimAsgiError


class NothingToCheck(ScimAsgiError):
    """The URL or the token cannot be used for a request at all; the message says why."""
