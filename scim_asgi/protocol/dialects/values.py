"""Values in the shapes of RFC 7643, where it is known how."""

from __future__ import annotations

from typing import Any

import msgspec

from scim_asgi.protocol.errors import InvalidSyntax
from scim_asgi.protocol.schemas import Attribute, Names

_BOOLEANS = {"true": True, "false": False}
_LABELS = frozenset({"type", "primary", "display"})

MAY_BE_WRAPPED = "roles"
"""The attribute whose elements may come as JSON inside the text of `value`."""


def read_value(attribute: Attribute, value: Any) -> Any:
    """Return a value in the shape that the attribute's definition asks for.

    Understands ``""`` for null, single values in the place of lists and lists of one in the place
    of single values, text in the place of booleans and of objects with a `value`, a `$ref` in the
    place of the `value`, roles as JSON inside a text. Members get their canonical names.

    For a multi-valued attribute the value is the list; use :func:`read_element` for one element.

    Raises:
        InvalidSyntax: Two members of an object name the same sub-attribute.
    """
    if value is None or value == "":
        return None
    if type(value) is attribute.plain:
        return value
    if not attribute.multi_valued:
        return read_element(attribute, value)
    values = value if isinstance(value, list) else [value]
    read = [(each, read_element(attribute, each)) for each in values if each != ""]
    return [element for each, element in read if element is not None or each is None]


def read_element(attribute: Attribute, value: Any) -> Any:
    """Return one value in the shape that the attribute's definition asks for.

    An element whose `value` is empty, and that only says what the value would be for, is none.
    """
    if isinstance(value, list) and len(value) == 1 and attribute.type in ("complex", "boolean"):
        value = value[0]
    if value == "":
        return None
    if attribute.type == "boolean" and isinstance(value, str):
        return _BOOLEANS.get(value.casefold(), value)
    if not attribute.is_complex:
        return value
    if isinstance(value, str) and "value" in attribute.subs:
        value = {"value": value}
    if not isinstance(value, dict):
        return value
    element = _with_referenced_value(attribute, read_members(attribute.named, value, {}))
    if not attribute.multi_valued:
        return element
    return None if _is_empty(element) else _unwrapped(attribute, element)


def read_members(named: Names, value: dict[str, Any], canonical: dict[str, Any]) -> dict[str, Any]:
    """Put the members of an object into another one, known ones by their names and read.

    Args:
        named: The attributes that the object can have.
        value: The object.
        canonical: Where its members go; it is returned.

    Raises:
        InvalidSyntax: Two members name the same attribute.
    """
    for name, element in value.items():
        attribute = named[name]
        if attribute is not None:
            name = attribute.name
            element = read_value(attribute, element)
        if name in canonical:
            put(canonical, name, element)
        else:
            canonical[name] = element
    return canonical


def _with_referenced_value(attribute: Attribute, element: dict[str, Any]) -> dict[str, Any]:
    reference = element.get("$ref")
    if isinstance(reference, str) and "value" in attribute.subs and "value" not in element:
        return {**element, "value": reference.rstrip("/").rpartition("/")[2]}
    return element


def _is_empty(element: dict[str, Any]) -> bool:
    cleared = "value" in element and element["value"] is None
    return cleared and len(element) > 1 and element.keys() <= _LABELS | {"value"}


def _unwrapped(attribute: Attribute, element: dict[str, Any]) -> dict[str, Any]:
    """Read a role that Entra sends as JSON inside the text of `value`."""
    text = element.get("value")
    if attribute.name != MAY_BE_WRAPPED or not isinstance(text, str) or not text.startswith("{"):
        return element
    try:
        inner = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return element
    if not isinstance(inner, dict) or not isinstance(inner.get("value"), str):
        return element
    names = {"value": inner["value"], "display": inner.get("displayName")}
    return {**element, **{name: each for name, each in names.items() if each is not None}}


def read_unknown(value: Any) -> Any:
    """Return JSON of no known schema with null for every empty text."""
    if isinstance(value, dict):
        return {name: read_unknown(element) for name, element in value.items()}
    if isinstance(value, list):
        return [read_unknown(element) for element in value]
    return None if value == "" else value


def read_literal(attribute: Attribute, value: Any, raw: str | None) -> Any:
    """Return what a filter compares a simple attribute with.

    Args:
        attribute: The attribute.
        value: The literal.
        raw: The literal as written, where it is no text in quotes.

    Returns:
        The value in the attribute's type, None where it does not fit.
    """
    match attribute.type:
        case "boolean":
            folded = _BOOLEANS.get(value.casefold()) if isinstance(value, str) else value
            return folded if isinstance(folded, bool) else None
        case "integer" | "decimal":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return value if is_number else None
        case _:
            return value if isinstance(value, str) else raw


def put(scope: dict[str, Any], name: str, value: Any) -> None:
    """Set a member of an object, united with what is there under the same name.

    Raises:
        InvalidSyntax: Something else is there.
    """
    present = scope.get(name)
    if present is None or (present == {} and isinstance(value, dict)):
        scope[name] = value
    elif isinstance(present, dict) and isinstance(value, dict):
        for key, element in value.items():
            put(present, key, element)
    elif present != value:
        msg = f'"{name}" is there twice, with different values; send it once.'
        raise InvalidSyntax(msg)
