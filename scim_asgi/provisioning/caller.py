"""Who asks, and for what."""

from __future__ import annotations

from msgspec import Struct

UNKNOWN = "unknown"
"""The directory of a request that does not tell which one it comes from."""


class Caller(Struct, frozen=True, kw_only=True):
    """The request behind a use case.

    Attributes:
        organization_id: The organization that the token belongs to; nothing beyond it is seen.
        base_url: The public URL in front of the endpoints, without a slash at its end.
        token_prefix: How the token begins, for the log.
        directory: Which directory it seems to be.
        request_id: The id that the client gave the request, for the log; empty where it gave none.
        method: The HTTP method.
        path: The path behind the base URL.
    """

    organization_id: str
    base_url: str
    token_prefix: str = ""
    directory: str = UNKNOWN
    request_id: str = ""
    method: str = ""
    path: str = ""
