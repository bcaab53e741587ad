"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import os
import time
from functools import lru_cache

_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def uuid7() -> str:
    """Return a new UUID version 7 as canonical text (RFC 9562 section 5.7).

    The first 48 bits are Unix milliseconds, so ids made later sort later and land next to each
    other in an index.
    """
    random = os.urandom(10).hex()
    beginning = _beginning(time.time_ns() // 1_000_000)
    return f"{beginning}{random[:3]}-{_VARIANTS[random[3]]}{random[4:7]}-{random[7:19]}"


@lru_cache(maxsize=1)
def _beginning(milliseconds: int) -> str:
    """Return how every identifier of a millisecond begins."""
    text = f"{milliseconds & 0xFFFF_FFFF_FFFF:012x}"
    return f"{text[:8]}-{text[8:]}-7"


def made_at(identifier: str) -> int:
    """Return when a UUID version 7 was made, in Unix milliseconds."""
    return int(identifier[:8] + identifier[9:13], 16)
