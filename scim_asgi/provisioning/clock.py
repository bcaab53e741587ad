"""The time, and how far ahead of it what was noted can be."""

from __future__ import annotations

import time

from scim_asgi.store.records import Present

LONGEST_HOOK = 300.0
"""Seconds that a hook may take at most, in any process."""

GRACE = 2_000
"""Milliseconds by which a claim outlasts the hook."""

LONGEST_PAUSE = 3_600_000
"""Milliseconds after which a delivery is repeated at the latest, jitter aside."""

JITTER = 0.25

LAST = 253_402_300_799_999
"""The last time that can be written as a date, in Unix milliseconds: the end of the year 9999."""

YEAR = 365 * 86_400
"""Seconds that settings of times may have at most; more is no time that anything can reckon with."""

_LONGEST_CLAIM = round(LONGEST_HOOK * 1000) + GRACE
_LATEST_DUE = round(LONGEST_PAUSE * (1 + JITTER))
SLACK = 5_000
"""Milliseconds by which what was noted by now may seem to be ahead, without a clock that was set back."""


def now() -> int:
    """Return the present time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def present() -> Present:
    """Return the present time, and until when claims and pauses that were begun by now can last."""
    at = now()
    return Present(at, at + _LONGEST_CLAIM + SLACK, at + _LATEST_DUE + SLACK)
