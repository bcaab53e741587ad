"""The ten Liquid filters of a mapping, with work and memory bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scim_asgi.mapping.errors import ExpressionFailure

MAX_VALUE = 1024
"""The longest value that an expression is given, in characters."""
MAX_RESULT = 4096
"""The longest text that a filter makes, in characters."""
MAX_BITS = 64
"""The longest whole number that an expression is given, in bits."""
MAX_ITEMS = 64
"""How many items a list has at most."""

MAX_SEARCH = 2**18
"""How many comparisons of characters looking for a text may come to."""


def checked_value(value: Any) -> Any:
    """Return a value that an expression may be given.

    Raises:
        ExpressionFailure: It is too long, or none of text, number, boolean, null and lists of
            them.
    """
    if isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            msg = f"the value has more than {MAX_ITEMS} items"
            raise ExpressionFailure(msg)
        return [_checked_scalar(item) for item in value]
    return _checked_scalar(value)


def _checked_scalar(value: Any) -> Any:
    if value is not None and type(value) not in (str, int, float, bool):
        msg = "the value is an object; name one of its sub-attributes"
        raise ExpressionFailure(msg)
    if isinstance(value, str) and len(value) > MAX_VALUE:
        msg = f"the value has more than {MAX_VALUE} characters"
        raise ExpressionFailure(msg)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        msg = f"the value is a number of more than {MAX_BITS} bits"
        raise ExpressionFailure(msg)
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        msg = "the value is a list where a text is needed; pick an item with first or last"
        raise ExpressionFailure(msg)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounded(length: int) -> None:
    if length > MAX_RESULT:
        msg = f"the result would have more than {MAX_RESULT} characters"
        raise ExpressionFailure(msg)


def downcase(value: Any) -> str:
    """Return the text in lower case."""
    text = _text(value).lower()
    _bounded(len(text))
    return text


def upcase(value: Any) -> str:
    """Return the text in upper case."""
    text = _text(value).upper()
    _bounded(len(text))
    return text


def strip(value: Any) -> str:
    """Return the text without white space around it."""
    return _text(value).strip()


def split(value: Any, separator: Any) -> list[str]:
    """Return the parts of the text between the separators."""
    text = _text(value)
    mark = _needle(separator, text)
    parts = text.split(mark, MAX_ITEMS) if text else []
    if len(parts) > MAX_ITEMS:
        msg = f"split would make more than {MAX_ITEMS} items"
        raise ExpressionFailure(msg)
    return parts


def first(value: Any) -> Any:
    """Return the first item of a list; nothing of an empty one or of a text."""
    return value[0] if isinstance(value, list) and value else None


def last(value: Any) -> Any:
    """Return the last item of a list; nothing of an empty one or of a text."""
    return value[-1] if isinstance(value, list) and value else None


def replace(value: Any, old: Any, new: Any = "") -> str:
    """Return the text with every occurrence of one text replaced by another."""
    text, put = _text(value), _text(new)
    mark = _needle(old, text)
    growth = len(put) - len(mark)
    if growth > 0:
        _bounded(len(text) + text.count(mark) * growth)
    return text.replace(mark, put)


def prepend(value: Any, more: Any) -> str:
    """Return the text with another one in front."""
    text, front = _text(value), _text(more)
    _bounded(len(text) + len(front))
    return front + text


def append(value: Any, more: Any) -> str:
    """Return the text with another one behind it."""
    return prepend(more, value)


def default(value: Any, other: Any) -> Any:
    """Return the value, or another one when it is null, false or empty."""
    empty = value is None or value is False or value in ("", [])
    return other if empty else value


def _needle(value: Any, text: str) -> str:
    """Return what is looked for in a text; where CPython's search is slow, its work is bounded."""
    mark = _text(value)
    if not mark:
        msg = "the text to look for is empty"
        raise ExpressionFailure(msg)
    if (len(text) - len(mark) + 1) * len(mark) > MAX_SEARCH:
        msg = "the text to look for is too long for a text of this length"
        raise ExpressionFailure(msg)
    return mark


FILTERS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (downcase, upcase, strip, split, first, last, replace, prepend, append, default)
}
"""The filters by name."""

ARGUMENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("downcase", "upcase", "strip", "first", "last"), (0, 0)),
    **dict.fromkeys(("split", "prepend", "append", "default"), (1, 1)),
    "replace": (1, 2),
}
"""The least and the most arguments of each filter."""
