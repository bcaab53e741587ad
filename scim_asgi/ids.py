"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import os
import time


def uuid7() -> str:
    """Return a new UUID version 7 as canonical text (RFC 9562 section 5.7).

    The first 48 bits are Unix milliseconds, so ids made later sort later and land next to each
    other in an index.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def made_at(identifier: str) -> int:
    """Return when a UUID version 7 was made, in Unix milliseconds."""
    return int(identifier[:8] + identifier[9:13], 16)
