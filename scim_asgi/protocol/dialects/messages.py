"""Members of messages in any case, and names of attributes as directories list them."""

from __future__ import annotations

from typing import Any


def member(message: dict[str, Any], name: str) -> Any:
    """Return a member of a message by name in any case, None when it is not there."""
    if name in message:
        return message[name]
    folded = name.casefold()
    return next((value for key, value in message.items() if key.casefold() == folded), None)


def has_member(message: dict[str, Any], name: str) -> bool:
    """Return whether a message has a member of that name in any case."""
    folded = name.casefold()
    return any(key.casefold() == folded for key in message)


def read_name(text: str) -> str:
    """Return the attribute that an entry of `attributes` names.

    A filter may stand behind it (``emails[type eq "work"]``): the whole attribute is meant.
    """
    return text.partition("[")[0]
