"""One attribute edited by one PATCH operation: the rules of RFC 7644 sections 3.5.2.1 to 3.5.2.3.

Every function takes the attribute's value before (None when unassigned) and returns the value
after; what it is given may be changed in place.
"""

from __future__ import annotations

import copy
from typing import Any

from msgspec import UNSET

from scim_asgi.protocol.conditions import element_attributes
from scim_asgi.protocol.dialects.values import read_literal
from scim_asgi.protocol.errors import Mutability, NoTarget
from scim_asgi.protocol.filters import And, Comparison, Node
from scim_asgi.protocol.patch_paths import PatchPath
from scim_asgi.protocol.schemas import Attribute
from scim_asgi.protocol.values import (
    check_element,
    check_value,
    comparison_key,
    distinct,
    is_unassigned,
    keep_one_primary,
    require_few,
    same,
)

_LABELS = frozenset({"type", "primary"})


def edit_attribute(op: str, path: PatchPath, before: Any, value: Any) -> Any:
    """Return an attribute's value after an operation.

    Args:
        op: ``add``, ``remove`` or ``replace``.
        path: The path, whose target names the attribute.
        before: The value before, None when unassigned.
        value: The operation's value in the shape that the path asks for. Of a removal it is UNSET,
            but for the values of a list that alone are to go.

    Raises:
        Mutability: The attribute or sub-attribute may not change so.
        NoTarget: No element matches the path's filter, and none can be made from it.
        InvalidValue: The value does not fit.
    """
    attribute, sub = path.target.attribute, path.target.sub
    assert attribute is not None
    original = copy.deepcopy(before) if attribute.mutability == "immutable" else None
    if attribute.mutability == "readOnly":
        return _unchanged(path, op, before, value, sub)
    if path.condition is not None:
        after = _edit_matching(op, path, attribute, before, value)
    elif sub is not None:
        after = _edit_sub(op, path, attribute, sub, before, value)
    elif op == "remove":
        after = _removed(attribute, before, value)
    else:
        after = _assigned(op, attribute, path, before, value)
    if isinstance(after, list):
        after = distinct(after)
    if original is not None and (after is None or not same(attribute, original, after)):
        msg = f'"{attribute.name}" is immutable and has another value; take it out of the attribute mapping.'
        raise Mutability(msg)
    return after


def _unchanged(path: PatchPath, op: str, before: Any, value: Any, sub: Attribute | None) -> Any:
    """Let a read-only value pass that a directory echoes as it is."""
    present = before.get(sub.name) if sub is not None and isinstance(before, dict) else before
    echoed = value is not UNSET and op != "remove" and _echoes(present, value)
    if not echoed:
        msg = f'"{path}" is read-only; take it out of the attribute mapping.'
        raise Mutability(msg)
    return before


def _echoes(present: Any, value: Any) -> bool:
    if isinstance(present, dict) and isinstance(value, dict):
        return all(_echoes(present.get(name), element) for name, element in value.items())
    return bool(present == value) or (present is None and is_unassigned(value))


def _assigned(op: str, attribute: Attribute, path: PatchPath, before: Any, value: Any) -> Any:
    new = check_value(attribute, value, path)
    if new is None:
        return before if op == "add" else None
    if attribute.multi_valued:
        return _appended(attribute, before, new) if op == "add" else new
    if attribute.is_complex and before is not None:
        return _merged(attribute, before, new, _cleared(attribute, value))
    return new


def _cleared(attribute: Attribute, value: Any) -> set[str]:
    """Return the sub-attributes that an object clears with null."""
    if not isinstance(value, dict):
        return set()
    return {sub.name for sub in attribute.sub_attributes if is_unassigned(value.get(sub.name, 0))}


def _merged(
    attribute: Attribute, before: dict[str, Any], new: dict[str, Any], cleared: set[str]
) -> dict[str, Any] | None:
    for name, value in new.items():
        sub = attribute.subs[name.casefold()]
        if sub.mutability == "immutable" and name in before and before[name] != value:
            msg = (
                f'"{attribute.name}.{name}" is immutable and has another value; take it out of the '
                "attribute mapping."
            )
            raise Mutability(msg)
    merged = {**before, **new}
    return {name: value for name, value in merged.items() if name not in cleared} or None


def _appended(attribute: Attribute, before: list[Any] | None, new: list[Any]) -> list[Any]:
    after = list(before or ())
    twins = _Twins(attribute, after)
    for element in new:
        twin = twins.find(element)
        if twin is None:
            after.append(element)
            twins.add(element)
        elif isinstance(twin, dict):
            twins.forget(twin)
            twin.update(element)
            twins.add(twin)
            element = twin
        if isinstance(element, dict) and element.get("primary") is True:
            keep_one_primary(after, element)
    require_few(after, attribute.name)
    return after


class _Twins:
    """Finds the element that is the same value: the pair of type and value is unique.

    An element without a value is the same as one that equals it as a whole.
    """

    def __init__(self, attribute: Attribute, elements: list[Any]) -> None:
        self._attribute = attribute
        self._pair = [sub for sub in attribute.sub_attributes if sub.name in ("type", "value")]
        self._known: dict[Any, Any] = {}
        for element in elements:
            self.add(element)

    def find(self, element: Any) -> Any:
        whole, pair = self._keys(element)
        return self._known.get(whole if pair is None else pair)

    def add(self, element: Any) -> None:
        for key in self._keys(element):
            self._known.setdefault(key, element)

    def forget(self, element: Any) -> None:
        for key in self._keys(element):
            if self._known.get(key) is element:
                del self._known[key]

    def _keys(self, element: Any) -> tuple[Any, Any]:
        whole = ("whole", comparison_key(self._attribute, [element]))
        if not isinstance(element, dict) or "value" not in element:
            return whole, None
        return whole, tuple(comparison_key(sub, element.get(sub.name)) for sub in self._pair)


def same_element(attribute: Attribute, left: Any, right: Any) -> bool:
    """Return whether two elements of an attribute compare equal."""
    return same(attribute, [left], [right])


def _removed(attribute: Attribute, before: Any, value: Any) -> Any:
    """Remove all of it, or of a list only the values that are named."""
    if value is UNSET or before is None:
        return None
    kept = [
        element
        for element in before
        if not any(_matches_named(attribute, element, named) for named in value)
    ]
    return kept or None


def _matches_named(attribute: Attribute, element: Any, named: Any) -> bool:
    if not isinstance(named, dict) or not isinstance(element, dict):
        return same_element(attribute, element, named)
    known = {
        name: value
        for name, value in named.items()
        if name.casefold() in attribute.subs and value is not None
    }
    return bool(known) and all(
        same(attribute.subs[name.casefold()], element.get(name), value)
        for name, value in known.items()
    )


def _edit_sub(
    op: str, path: PatchPath, attribute: Attribute, sub: Attribute, before: Any, value: Any
) -> Any:
    if not attribute.multi_valued:
        element = _edit_element(op, path, sub, dict(before or {}), value)
        return element or None
    if before is None and op != "remove":
        before = [{}]
    edited = [_edit_element(op, path, sub, element, value) for element in before or ()]
    return _without_bare(edited, value) or None


def _edit_element(
    op: str, path: PatchPath, sub: Attribute, element: dict[str, Any], value: Any
) -> dict[str, Any]:
    before = element.get(sub.name)
    if sub.mutability == "readOnly":
        _unchanged(path, op, before, value, None)
        return element
    new = None if op == "remove" else check_value(sub, value, path)
    if sub.mutability == "immutable" and before is not None and before != new:
        msg = f'"{path}" is immutable and has another value; take it out of the attribute mapping.'
        raise Mutability(msg)
    if new is not None:
        element[sub.name] = new
    elif op != "add":
        if sub.required and before is not None:
            msg = f'"{path}" is required and cannot be removed; map a value to it.'
            raise Mutability(msg)
        element.pop(sub.name, None)
    return element


def _without_bare(elements: list[Any], value: Any) -> list[Any]:
    """Drop elements of which a removal has left nothing but labels."""
    if value is not UNSET and not is_unassigned(value):
        return elements
    return [
        element
        for element in elements
        if not isinstance(element, dict) or not element.keys() <= _LABELS
    ]


def _edit_matching(op: str, path: PatchPath, attribute: Attribute, before: Any, value: Any) -> Any:
    if not attribute.multi_valued:
        return _edit_single(op, path, attribute, before, value)
    present = list(before or ())
    matching = [index for index, element in enumerate(present) if path.picks(element)]
    if op == "remove":
        return _remove_matching(path, present, set(matching))
    if not matching:
        if is_unassigned(value):
            return before
        present.append(_element_from_filter(path, attribute))
        matching = [len(present) - 1]
    for index in matching:
        present[index] = _changed_element(op, path, attribute, present[index], value)
    return _tidied(present, matching, value)


def _edit_single(op: str, path: PatchPath, attribute: Attribute, before: Any, value: Any) -> Any:
    """A filter on a single-valued attribute picks it or nothing: Entra removes managers so."""
    if before is None and op == "remove":
        return None
    if before is not None and not path.picks(before):
        return before
    if path.target.sub is not None:
        return _edit_sub(op, path, attribute, path.target.sub, before, value)
    return None if op == "remove" else _assigned(op, attribute, path, before, value)


def _remove_matching(path: PatchPath, present: list[Any], matching: set[int]) -> Any:
    sub = path.target.sub
    if sub is None:
        return [each for index, each in enumerate(present) if index not in matching] or None
    for index in matching:
        _edit_element("remove", path, sub, present[index], UNSET)
    return _without_bare(present, UNSET) or None


def _changed_element(
    op: str, path: PatchPath, attribute: Attribute, element: Any, value: Any
) -> Any:
    if path.target.sub is not None:
        return _edit_element(op, path, path.target.sub, element, value)
    new = check_element(attribute, value, path)
    if new is None or not isinstance(new, dict):
        return new
    return _merged(attribute, element, new, set())


def _tidied(present: list[Any], touched: list[int], value: Any) -> Any:
    for index in touched:
        element = present[index]
        if isinstance(element, dict) and element.get("primary") is True and len(present) > 1:
            keep_one_primary(present, element)
    if None in present:
        present = [each for each in present if each is not None]
    return _without_bare(present, value) or None


def _element_from_filter(path: PatchPath, attribute: Attribute) -> Any:
    """Return the element that a filter of equalities describes (RFC 7644 erratum 8097).

    Raises:
        NoTarget: The filter is more than ``eq`` terms joined by ``and``.
    """
    assert path.node is not None
    terms = path.node.terms if isinstance(path.node, And) else (path.node,)
    subs = element_attributes(attribute)
    stamped = {}
    for term in terms:
        name, value, raw = _equality(path, term)
        sub = subs[name.casefold()]
        stamped[sub.name] = check_element(sub, read_literal(sub, value, raw), path)
    return stamped if attribute.is_complex else stamped.get("value")


def _equality(path: PatchPath, term: Node) -> tuple[str, Any, str | None]:
    if not isinstance(term, Comparison) or term.operator != "eq" or term.value is None:
        msg = f'Nothing matches "{path}", and only terms with eq say what to add.'
        raise NoTarget(msg)
    return term.path.name, term.value, term.raw
