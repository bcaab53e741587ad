"""`python -m scim_asgi.admin`: the OpenAPI document of the admin API."""

from __future__ import annotations

import sys

import msgspec

from scim_asgi.admin.openapi import openapi
from scim_asgi.admin.table import ROUTES


def document() -> bytes:
    """Return the document as it is kept beside the docs."""
    return msgspec.json.format(msgspec.json.encode(openapi(ROUTES)), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
