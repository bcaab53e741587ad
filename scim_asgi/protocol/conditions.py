"""A filter bound to a resource type: every path resolved, every literal typed; and its meaning.

The evaluator is the reference of what a filter means; the store's SQL must agree with it.
Choices where RFC 7644 is silent: ``ne`` holds whenever ``eq`` does not, unassigned and
multi-valued attributes included, and ``eq null`` is the same as ``not (… pr)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from scim_asgi.protocol.comparison import comparable, exact, fold
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.values import read_literal
from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.filters import And, Comparison, Node, Not, Or, Present, Value, ValuePath
from scim_asgi.protocol.paths import Path, Target, UnknownPath, resolve
from scim_asgi.protocol.schemas import Attribute

_EQUALITY = frozenset({"eq", "ne"})
_ORDER = _EQUALITY | {"gt", "ge", "lt", "le"}
_TEXT = _ORDER | {"co", "sw", "ew"}
_OPERATORS: dict[str, frozenset[str]] = {
    "string": _TEXT,
    "reference": _TEXT,
    "boolean": _EQUALITY,
    "binary": _EQUALITY,
    "integer": _ORDER,
    "decimal": _ORDER,
    "dateTime": _ORDER,
}


class Compare(Struct, frozen=True):
    """Some value of the target stands in the relation to the (comparable) value.

    ``operator`` is one of eq, co, sw, ew, gt, ge, lt, le; ``ne`` is bound as a negated eq.
    """

    target: Target
    operator: str
    value: Any


class Slot(Struct, frozen=True):
    """Stands for a value that is said beside a condition (:mod:`scim_asgi.protocol.prepared`)."""

    number: int


class Exists(Struct, frozen=True):
    """The target has a non-empty value."""

    target: Target


class AllOf(Struct, frozen=True):
    """Every condition holds."""

    conditions: tuple[Condition, ...]


class AnyOf(Struct, frozen=True):
    """Some condition holds."""

    conditions: tuple[Condition, ...]


class Negation(Struct, frozen=True):
    """The condition does not hold."""

    condition: Condition


class Element(Struct, frozen=True):
    """One element of the target makes the condition hold; its targets are the sub-attributes."""

    target: Target
    condition: Condition


Condition: TypeAlias = "Compare | Exists | AllOf | AnyOf | Negation | Element"


def negation(condition: Condition) -> Condition:
    """Return the condition that holds where another does not."""
    return condition.condition if isinstance(condition, Negation) else Negation(condition)


class UnknownInFilter(InvalidFilter):
    """A filter on elements that names a sub-attribute which they lack."""


NEVER = AnyOf(())
"""The condition that no resource meets."""


def bind(
    definition: ResourceDefinition,
    node: Node,
    read: Callable[[Target, Comparison], Any] | None = None,
    *,
    ignore_unknown: bool = False,
) -> Condition:
    """Bind a filter to a resource type.

    Args:
        definition: The type.
        node: The parsed filter.
        read: What makes the comparable value of a comparison's literal, if not :func:`literal`.
        ignore_unknown: Treat attributes that the type lacks as having no value, as a query over
            several types does (RFC 7644 section 3.4.2.1), instead of refusing them.

    Raises:
        InvalidFilter: An unknown or hidden attribute, a complex one without sub-attribute, an
            operator or a literal that does not fit the attribute's type.
    """

    def find(path: Path) -> Target | None:
        try:
            return resolve(definition, path)
        except UnknownPath as error:
            if ignore_unknown:
                return None
            msg = f"Filter: {error}; choose another attribute to match by."
            raise InvalidFilter(msg) from None

    return _bind(node, find, _read if read is None else read)


@lru_cache(maxsize=256)
def bind_element(attribute: Attribute, node: Node) -> Condition:
    """Bind what stands between brackets to the elements of an attribute.

    Raises:
        InvalidFilter: As :func:`bind`; UnknownInFilter where a sub-attribute is unknown.
    """
    return _bind_element(attribute, node, _read)


def _bind_element(attribute: Attribute, node: Node, read: _Read) -> Condition:
    subs = element_attributes(attribute)
    if not subs:
        msg = f'Filter: "{attribute.name}" has no sub-attributes; brackets do not apply to it.'
        raise InvalidFilter(msg)

    def find(path: Path) -> Target:
        sub = subs.get(path.name.casefold())
        if sub is None or path.urn is not None or path.sub is not None:
            names = ", ".join(each.name for each in subs.values() if not each.is_hidden)
            msg = f'Filter: "{attribute.name}" has no sub-attribute "{path}"; known are {names}.'
            raise UnknownInFilter(msg)
        return Target(None, sub)

    return _bind(node, find, read)


def element_attributes(attribute: Attribute) -> dict[str, Attribute]:
    """Return the sub-attributes of an element; a simple element is its own ``value``."""
    if attribute.is_complex:
        return attribute.subs
    if attribute.multi_valued:
        return {"value": msgspec.structs.replace(attribute, name="value", multi_valued=False)}
    return {}


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the elements of an attribute's value as objects; a single value is one element."""
    for element in value if isinstance(value, list) else [value]:
        yield element if isinstance(element, dict) else {"value": element}


_Find: TypeAlias = Callable[[Path], "Target | None"]
_Read: TypeAlias = Callable[[Target, Comparison], Any]


def _bind(node: Node, find: _Find, read: _Read) -> Condition:
    match node:
        case And(terms):
            return AllOf(tuple(_bind(term, find, read) for term in terms))
        case Or(terms):
            return AnyOf(tuple(_bind(term, find, read) for term in terms))
        case Not(term):
            return negation(_bind(term, find, read))
        case Present(path):
            target = find(path)
            return NEVER if target is None else Exists(_visible(target))
        case ValuePath(path, term):
            target = find(path)
            return NEVER if target is None else _bind_value_path(target, term, read)
        case Comparison():
            target = find(node.path)
            return _absent(node) if target is None else _bind_comparison(target, node, read)


def _absent(node: Comparison) -> Condition:
    unassigned_matches = (node.operator == "ne") != (node.value is None)
    return AllOf(()) if unassigned_matches else NEVER


def _bind_value_path(target: Target, term: Node, read: _Read) -> Condition:
    leaf = _visible(target).leaf
    if leaf is None or target.sub is not None:
        msg = f'Filter: brackets do not apply to "{target}".'
        raise InvalidFilter(msg)
    return Element(target, _bind_element(leaf, term, read))


def _visible(target: Target) -> Target:
    for attribute in (target.attribute, target.sub):
        if attribute is not None and attribute.is_hidden:
            msg = f'Filter: "{target}" cannot be used in a filter.'
            raise InvalidFilter(msg)
    return target


def _bind_comparison(target: Target, node: Comparison, read: _Read) -> Condition:
    target = _comparable_target(_visible(target))
    leaf = target.leaf
    assert leaf is not None
    if node.value is None and node.operator in _EQUALITY:
        return Exists(target) if node.operator == "ne" else Negation(Exists(target))
    if node.operator not in _OPERATORS[leaf.type]:
        msg = f'Filter: the operator "{node.operator}" does not apply to "{target}" ({leaf.type}).'
        raise InvalidFilter(msg)
    value = read(target, node)
    if node.operator == "ne":
        return Negation(Compare(target, "eq", value))
    return Compare(target, node.operator, value)


def _comparable_target(target: Target) -> Target:
    leaf = target.leaf
    if leaf is None:
        msg = f'Filter: "{target}" is a schema; name one of its attributes.'
        raise InvalidFilter(msg)
    if not leaf.is_complex:
        return target
    value = leaf.subs.get("value")
    if value is None:
        subs = ", ".join(sub.name for sub in leaf.sub_attributes if not sub.is_hidden)
        msg = f'Filter: "{target}" is complex; name one of its sub-attributes: {subs}.'
        raise InvalidFilter(msg)
    return Target(target.extension, target.attribute, value)


def _read(target: Target, node: Comparison) -> Any:
    return literal(target, node.value, node.raw)


def literal(target: Target, value: Value, raw: str | None = None) -> Any:
    """Return a literal of a filter in the form in which it is compared.

    Args:
        target: The simple attribute that it is compared with.
        value: The literal.
        raw: The literal as written, where it is no text in quotes.

    Raises:
        InvalidFilter: It does not fit the attribute's type.
    """
    leaf = target.leaf
    assert leaf is not None
    read = read_literal(leaf, value, raw)
    if read is None:
        msg = f'Filter: "{target}" is of type {leaf.type}; {_shown(value)} does not fit.'
        raise InvalidFilter(msg)
    try:
        return comparable(leaf, read)
    except ValueError as error:
        msg = f'Filter: "{target}": {_shown(value)} is {error}.'
        raise InvalidFilter(msg) from None


def _shown(value: Value) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + '…"'


def holds(condition: Condition, resource: dict[str, Any]) -> bool:
    """Return whether a condition holds for a resource with canonical names.

    Args:
        condition: What :func:`bind` (or, for an element, :func:`bind_element`) made.
        resource: The resource as JSON object, or the element.
    """
    match condition:
        case Compare(target, operator, value):
            return any(
                _RELATIONS[operator](found, value) for found in _comparables(target, resource)
            )
        case Exists(target):
            return any(_is_seen(target, value) for value in _values(target, resource))
        case AllOf(conditions):
            return all(holds(each, resource) for each in conditions)
        case AnyOf(conditions):
            return any(holds(each, resource) for each in conditions)
        case Negation(negated):
            return not holds(negated, resource)
        case Element(target, inner):
            return any(
                holds(inner, element)
                for value in _values(target, resource)
                for element in elements(value)
            )


def element_test(condition: Condition) -> Callable[[Any], bool]:
    """Return what tells whether a condition on elements holds for one; an object or a value.

    It says what :func:`holds` says, and sooner where a text is to be equal to another.
    """
    match condition:
        case Compare(Target(None, Attribute(plain=plain) as leaf, None), "eq", wanted) if (
            plain is str
        ):
            read, name = exact if leaf.case_exact else fold, leaf.name
        case _:
            return lambda element: holds(condition, next(elements(element)))

    def equals(element: Any) -> bool:
        found = (element if isinstance(element, dict) else {"value": element}).get(name)
        return isinstance(found, str) and read(found) == wanted

    return equals


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, value: bool(found == value),
    "co": lambda found, value: value in found,
    "sw": lambda found, value: bool(found.startswith(value)),
    "ew": lambda found, value: bool(found.endswith(value)),
    "gt": lambda found, value: bool(found > value),
    "ge": lambda found, value: bool(found >= value),
    "lt": lambda found, value: bool(found < value),
    "le": lambda found, value: bool(found <= value),
}


def is_present(value: Any) -> bool:
    """Return whether a value is assigned and not empty; a complex one needs one such node."""
    if isinstance(value, dict):
        return any(map(is_present, value.values()))
    if isinstance(value, list):
        return any(map(is_present, value))
    return value is not None and value != ""


def _is_seen(target: Target, value: Any) -> bool:
    """Return whether a value is present to somebody who may not see its hidden parts."""
    leaf = target.leaf
    if leaf is not None and leaf.is_complex and isinstance(value, dict):
        hidden = {sub.name for sub in leaf.sub_attributes if sub.is_hidden}
        value = {name: each for name, each in value.items() if name not in hidden}
    return is_present(value)


def _values(target: Target, resource: dict[str, Any]) -> Iterator[Any]:
    scope = resource if target.extension is None else resource.get(target.extension.id, {})
    value = scope if target.attribute is None else scope.get(target.attribute.name)
    for element in value if isinstance(value, list) else [value]:
        if target.sub is not None and isinstance(element, dict):
            element = element.get(target.sub.name)
        if element is not None:
            yield element


def _comparables(target: Target, resource: dict[str, Any]) -> Iterator[Any]:
    leaf = target.leaf
    assert leaf is not None
    for value in _values(target, resource):
        yield comparable(leaf, value)
