"""Value filters on elements of any schema, known or not: the types in the data decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from scim_asgi.protocol.comparison import fold
from scim_asgi.protocol.filters import And, Comparison, Node, Not, Or, Present, ValuePath

Test: TypeAlias = "Callable[[Any], bool]"
"""Whether a filter holds for an element: an object, or a simple value, which is its own `value`."""

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "co": lambda found, wanted: wanted in found,
    "sw": lambda found, wanted: found.startswith(wanted),
    "ew": lambda found, wanted: found.endswith(wanted),
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}


def compile_filter(node: Node) -> Test:
    """Return a function that says whether a value filter holds for an element.

    Names and texts compare without case; ``true`` and ``"True"`` are the same. A comparison of
    values that do not go together does not hold.

    Args:
        node: What :func:`scim_asgi.protocol.filters.parse_value_filter` made.
    """
    match node:
        case And(terms):
            each_of = [compile_filter(term) for term in terms]
            return lambda element: all(holds(element) for holds in each_of)
        case Or(terms):
            any_of = [compile_filter(term) for term in terms]
            return lambda element: any(holds(element) for holds in any_of)
        case Not(term):
            negated = compile_filter(term)
            return lambda element: not negated(element)
        case Present(path):
            return lambda element: _sub(element, path.name) not in (None, "", [], {})
        case Comparison(path, operator, value):
            return _comparison(path.name, operator, value)
        case ValuePath():
            return lambda _: False


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


def member(found: dict[str, Any], name: str) -> Any:
    """Return the member of an object by name, in any case; None when there is none."""
    value = found.get(name)
    if value is not None or name in found:
        return value
    folded = name.casefold()
    return next((value for key, value in found.items() if key.casefold() == folded), None)


def _sub(element: Any, name: str) -> Any:
    if isinstance(element, dict):
        return member(element, name)
    return element if name.casefold() == "value" else None


def _comparison(name: str, operator: str, value: Any) -> Test:
    wanted = _comparable(value)
    if operator == "eq":
        return _equals(name, value, wanted)
    if operator == "ne":
        return lambda element: bool(_comparable(_sub(element, name)) != wanted)
    return lambda element: _relates(operator, _comparable(_sub(element, name)), wanted)


def _equals(name: str, value: Any, wanted: Any) -> Test:
    kind = type(value)

    def holds(element: Any) -> bool:
        # Most are written alike.
        found = element.get(name) if isinstance(element, dict) else None
        if type(found) is kind and found == value:
            return True
        return bool(_comparable(_sub(element, name)) == wanted)

    return holds


def _relates(operator: str, left: Any, right: Any) -> bool:
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
