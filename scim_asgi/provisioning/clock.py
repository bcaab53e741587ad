"""The time."""

from __future__ import annotations

import time


def now() -> int:
    """Return the present time in Unix milliseconds."""
    return time.time_ns() // 1_000_000
