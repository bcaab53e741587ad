"""What must never be shown or logged, taken out of texts."""

from __future__ import annotations

import re

TOKEN_PREFIX = "scim_"  # noqa: S105 - how every token begins
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[0-9A-Za-z]{{20,}}")


def redacted(text: str) -> str:
    """Return a text without tokens: of each only how all begin is left."""
    return _TOKEN.sub(f"{TOKEN_PREFIX}…", text) if TOKEN_PREFIX in text else text


def shown(text: str, longest: int) -> str:
    """Return a text that may have come from a client, without tokens and not too long.

    Args:
        text: The text.
        longest: How many characters are kept.
    """
    text = redacted(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(text: str) -> str:
    """Return a text on one line, without tokens and what a terminal would obey."""
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return redacted(line)
