"""Members of messages in any case, and names of attributes as directories list them."""

from __future__ import annotations

from typing import Any


def member(message: dict[str, Any], name: str, default: Any = None) -> Any:
    """Return a member of a message by name in any case, the default when it is not there."""
    if name in message:
        return message[name]
    folded = name.casefold()
    for key, value in message.items():
        if key.casefold() == folded:
            return value
    return default


def read_name(text: str) -> str:
    """Return the attribute that an entry of `attributes` names.

    A filter may stand behind it (``emails[type eq "work"]``): the whole attribute is meant.
    """
    return text.partition("[")[0]
