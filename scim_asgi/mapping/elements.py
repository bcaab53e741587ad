"""Value filters on elements of any schema, known or not: the types in the data decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from scim_asgi.protocol.comparison import fold
from scim_asgi.protocol.filters import And, Comparison, Node, Not, Or, Present, ValuePath

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "co": lambda found, wanted: wanted in found,
    "sw": lambda found, wanted: found.startswith(wanted),
    "ew": lambda found, wanted: found.endswith(wanted),
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}


def matches(node: Node, element: Any) -> bool:
    """Return whether a value filter holds for an element.

    Names and texts compare without case; ``true`` and ``"True"`` are the same. A comparison of
    values that do not go together does not hold.

    Args:
        node: What :func:`scim_asgi.protocol.filters.parse_value_filter` made.
        element: An object, or a simple value, which is its own `value`.
    """
    match node:
        case And(terms):
            return all(matches(term, element) for term in terms)
        case Or(terms):
            return any(matches(term, element) for term in terms)
        case Not(term):
            return not matches(term, element)
        case Present(path):
            return _sub(element, path.name) not in (None, "", [], {})
        case Comparison(path, operator, value):
            return _compare(operator, _sub(element, path.name), value)
        case ValuePath():
            return False


def names_in(node: Node) -> Iterator[str]:
    """Yield the sub-attributes that a value filter names."""
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from names_in(term)
        case Not(term):
            yield from names_in(term)
        case Present(path) | Comparison(path):
            yield path.name
        case ValuePath(path):
            yield path.name


def _sub(element: Any, name: str) -> Any:
    if not isinstance(element, dict):
        return element if name.casefold() == "value" else None
    folded = name.casefold()
    return next((value for key, value in element.items() if key.casefold() == folded), None)


def _compare(operator: str, found: Any, wanted: Any) -> bool:
    if operator in ("eq", "ne"):
        return bool(_comparable(found) == _comparable(wanted)) is (operator == "eq")
    left, right = _comparable(found), _comparable(wanted)
    ordered = isinstance(left, str) == isinstance(right, str)
    if left is None or right is None or not ordered:
        return False
    if operator in ("co", "sw", "ew") and not isinstance(left, str):
        return False
    return bool(_RELATIONS[operator](left, right))


def _comparable(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return fold(value) if isinstance(value, str) else value
