"""Values of attributes: checked against their definitions (RFC 7643 sections 2.3 and 2.4)."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec

from scim_asgi.protocol.comparison import comparable, parse_date_time
from scim_asgi.protocol.errors import InvalidValue
from scim_asgi.protocol.schemas import Attribute

MAX_VALUES = 1000
"""How many values an attribute may have; members of groups are kept otherwise and may be more."""

_LIMIT = 2**63
_encode = msgspec.json.Encoder(order="deterministic").encode
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"


def is_unassigned(value: Any) -> bool:
    """Return whether a value counts as none: null, ``[]`` or an object of such.

    RFC 7643 section 2.5.
    """
    if isinstance(value, dict):
        return all(map(is_unassigned, value.values()))
    return value is None or value == []


def check_value(attribute: Attribute, value: Any, path: object) -> Any:
    """Check a value of an attribute, all elements of a multi-valued one.

    Args:
        attribute: The definition.
        value: The value with canonical names; it is not changed.
        path: Where the value stands, for the error, which its text is in.

    Returns:
        The value without what is unassigned, unknown or read-only in it; None when nothing is
        left.

    Raises:
        InvalidValue: The type or the syntax is wrong, or a required sub-attribute is missing.
    """
    if type(value) is attribute.plain and (value is True or value is False or "\x00" not in value):
        return value
    if not attribute.multi_valued:
        return check_element(attribute, value, path)
    if is_unassigned(value):
        return None
    if not isinstance(value, list):
        msg = f'"{path}" takes a list of values; {_kind(value)} was sent.'
        raise InvalidValue(msg)
    require_few(value, path)
    checked = []
    for index, element in enumerate(value):
        if element is None:
            msg = f'"{path}[{index}]" is null; a list holds values only.'
            raise InvalidValue(msg)
        element = check_element(attribute, element, f"{path}[{index}]")
        if element is not None:
            checked.append(element)
    return tidied(checked) or None


def tidied(elements: list[Any]) -> list[Any]:
    """Return elements without repetitions, at most one of them primary; they may be changed."""
    if len(elements) < 2:
        return elements
    elements = distinct(elements)
    keep_one_primary(elements)
    return distinct(elements)


def distinct(values: list[Any]) -> list[Any]:
    """Return values without those that are exactly like an earlier one."""
    if len(values) < 2:
        return values
    kept: dict[bytes, Any] = {}
    for value in values:
        kept.setdefault(_encode(value), value)
    return list(kept.values())


def require_few(values: list[Any], path: object) -> None:
    """Check that an attribute does not get more values than can be compared with each other.

    Raises:
        InvalidValue: There are too many.
    """
    if len(values) > MAX_VALUES:
        msg = f'"{path}" takes at most {MAX_VALUES} values; {len(values)} would be there.'
        raise InvalidValue(msg)


def check_element(attribute: Attribute, value: Any, path: object) -> Any:
    """Check a single value, or one element of a multi-valued attribute, as :func:`check_value`."""
    if attribute.is_complex and isinstance(value, dict):
        return _check_complex(attribute, value, path)
    if is_unassigned(value):
        return None
    if attribute.is_complex:
        msg = f'"{path}" takes an object; {_kind(value)} was sent. Map its parts one by one.'
        raise InvalidValue(msg)
    _CHECKS[attribute.type](value, path)
    if attribute.is_username:
        _check_username(value, path)
    return value


def _check_complex(
    attribute: Attribute, value: dict[str, Any], path: object
) -> dict[str, Any] | None:
    checked = {}
    named = attribute.named
    for name, element in value.items():
        sub = named[name]
        if sub is None or sub.mutability == "readOnly":
            continue
        # As check_value begins, without a path that only errors have.
        if type(element) is not str or sub.plain is not str or "\x00" in element:
            element = check_value(sub, element, f"{path}.{sub.name}")
        if element is not None:
            checked[sub.name] = element
    if checked:
        require(attribute.required_subs, checked, path)
    return checked or None


def require(required: tuple[Attribute, ...], value: dict[str, Any], path: object = "") -> None:
    """Check that required attributes are there.

    Raises:
        InvalidValue: One is not; the detail gives its path.
    """
    for attribute in required:
        if attribute.name not in value:
            place = f"{path}.{attribute.name}" if path else attribute.name
            msg = f'"{place}" is required and was not sent, or was empty; map a value to it.'
            raise InvalidValue(msg)


def keep_one_primary(elements: list[Any], chosen: Any = None) -> None:
    """Leave at most one element of a list primary (RFC 7643 section 2.4).

    Args:
        elements: The elements; changed in place.
        chosen: The element that is to win; the first primary one when it is None.
    """
    for element in elements:
        if not isinstance(element, dict) or element.get("primary") is not True:
            continue
        if chosen is None:
            chosen = element
        elif element is not chosen:
            element["primary"] = False


def same(attribute: Attribute, left: Any, right: Any) -> bool:
    """Return whether two checked values of an attribute compare equal."""
    return bool(_comparable(attribute, left) == _comparable(attribute, right))


def comparison_key(attribute: Attribute, value: Any) -> Any:
    """Return what is equal, and hashable, for values that compare equal by :func:`same`."""
    return _frozen(_comparable(attribute, value))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((name, _frozen(element)) for name, element in value.items())
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return value


def _comparable(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(attribute, element) for element in value]
    if isinstance(value, dict):
        return {
            name: _comparable(sub, element)
            for name, element in value.items()
            if (sub := attribute.named[name]) is not None
        }
    return None if value is None else comparable(attribute, value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "text", int: "a number", float: "a number", dict: "an object", list: "a list"}
    return names.get(type(value), "null")


def _check_type(kinds: type | tuple[type, ...], name: str) -> Callable[[Any, object], None]:
    def check(value: Any, path: object) -> None:
        right = isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool))
        if not right:
            msg = f'"{path}" takes {name}; {_kind(value)} was sent. Map a value of that kind to it.'
            raise InvalidValue(msg)

    return check


_check_text = _check_type(str, "text")
_check_number = _check_type((int, float), "a number")
_check_whole = _check_type(int, "a whole number")


def _check_decimal(value: Any, path: object) -> None:
    _check_number(value, path)
    _check_size(value, path)


def _check_integer(value: Any, path: object) -> None:
    _check_whole(value, path)
    _check_size(value, path)


def _check_size(value: float, path: object) -> None:
    if isinstance(value, int) and not -_LIMIT <= value < _LIMIT:
        msg = f'"{path}" is a number of more than 64 bits; send a smaller one.'
        raise InvalidValue(msg)


def _check_string(value: Any, path: object) -> None:
    _check_text(value, path)
    if "\x00" in value:
        msg = f'"{path}" contains a NUL character; remove it.'
        raise InvalidValue(msg)


def is_plain_username(value: Any) -> bool:
    """Return whether a value is a name of characters that everybody can see and type."""
    if type(value) is not str or not value.isascii():
        return False
    return value.isprintable() and not value.isspace() and value != ""


def _check_username(value: str, path: object) -> None:
    if is_plain_username(value):
        return
    if not value.strip():
        msg = f'"{path}" is blank; send a name.'
        raise InvalidValue(msg)
    for character in value:
        hidden = unicodedata.category(character) in _HIDDEN and character not in _JOINERS
        if hidden:
            msg = f'"{path}" contains U+{ord(character):04X}, which nobody can see; remove it.'
            raise InvalidValue(msg)


def _check_date_time(value: Any, path: object) -> None:
    _check_text(value, path)
    try:
        parse_date_time(value)
    except ValueError:
        msg = f'"{path}" takes a date and time such as 2026-01-31T10:00:00Z.'
        raise InvalidValue(msg) from None


def _check_binary(value: Any, path: object) -> None:
    _check_text(value, path)
    try:
        base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        msg = f'"{path}" takes base64 without line breaks or headers.'
        raise InvalidValue(msg) from None


_CHECKS: dict[str, Callable[[Any, object], None]] = {
    "string": _check_string,
    "reference": _check_string,
    "boolean": _check_type(bool, "true or false"),
    "integer": _check_integer,
    "decimal": _check_decimal,
    "dateTime": _check_date_time,
    "binary": _check_binary,
}
