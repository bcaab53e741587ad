"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import os
import time
from functools import lru_cache

_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_BLOCK = 256
"""For how many identifiers the kernel is asked at once."""

_endings: list[str] = []
"""How the next identifiers end: each is popped by one thread, and none by a forked process."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_endings.clear)


def uuid7() -> str:
    """Return a new UUID version 7 as canonical text (RFC 9562 section 5.7).

    The first 48 bits are Unix milliseconds, so ids made later sort later and land next to each
    other in an index.
    """
    try:
        ending = _endings.pop()
    except IndexError:
        ending, *more = _random_endings(_BLOCK)
        _endings.extend(more)
    return _beginning(time.time_ns() // 1_000_000) + ending


def _random_endings(count: int) -> list[str]:
    """Return how identifiers end: with 74 random bits each, and the variant among them."""
    size = 20
    random = os.urandom(count * size // 2).hex()
    parts = [random[start : start + size] for start in range(0, len(random), size)]
    return [f"{part[:3]}-{_VARIANTS[part[3]]}{part[4:7]}-{part[7:19]}" for part in parts]


@lru_cache(maxsize=1)
def _beginning(milliseconds: int) -> str:
    """Return how every identifier of a millisecond begins."""
    text = f"{milliseconds & 0xFFFF_FFFF_FFFF:012x}"
    return f"{text[:8]}-{text[8:]}-7"


def made_at(identifier: str) -> int:
    """Return when a UUID version 7 was made, in Unix milliseconds."""
    return int(identifier[:8] + identifier[9:13], 16)
