"""What a change has changed in a resource itself, for the log: each path, with old and new value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.schemas import Attribute
from scim_asgi.redaction import shown

Differences: TypeAlias = dict[str, tuple[Any, Any]]

_PATHS = 20
_ELEMENTS = 20
_LONGEST = 400
_HIDDEN = "***"

_encode = msgspec.json.Encoder(order="sorted").encode


def differences(
    definition: ResourceDefinition, before: dict[str, Any] | None, after: dict[str, Any]
) -> Differences:
    """Return each path whose value differs, with both values; None stands for none.

    Only top-level attributes that differ are looked into, so what is equal costs a comparison.
    Elements of a list are told apart by their `type`; where that does not tell them apart, those
    that went stand for the old value and those that came for the new one. What no answer may show
    is masked, and what is long is cut.

    Args:
        definition: The type of the resource.
        before: The resource as it was; None where it is new: then nothing has changed.
        after: The resource as it is.
    """
    found: Differences = {}
    if before is None or before is after:
        return found
    for name, (old, new) in _differing(before, after):
        if name != "schemas":
            found |= _of_attribute(definition, name, old, new)
    return found


def first_of(found: Differences) -> tuple[Differences, tuple[str, ...]]:
    """Return as many differences as a row of the log takes, and what it says of the rest."""
    if len(found) <= _PATHS:
        return found, ()
    note = f"changed as well: {len(found) - _PATHS} more values"
    return dict(list(found.items())[:_PATHS]), (note,)


def _of_attribute(definition: ResourceDefinition, name: str, old: Any, new: Any) -> Differences:
    extension = definition.extension(name)
    if extension is None and not name.casefold().startswith("urn:"):
        return _of_value(definition.attributes.get(name.casefold()), name, old, new)
    if not _are(dict, old, new):
        return _of_value(None, name, old, new)
    known = {} if extension is None else extension.by_name
    found: Differences = {}
    for sub, (before, after) in _differing(old or {}, new or {}):
        found |= _of_value(known.get(sub.casefold()), f"{name}:{sub}", before, after)
    return found


def _of_value(attribute: Attribute | None, path: str, old: Any, new: Any) -> Differences:
    if attribute is not None and attribute.is_hidden:
        return {path: (_masked(old), _masked(new))}
    if _are(dict, old, new):
        return _of_object(attribute, path, old or {}, new or {})
    if _are(list, old, new):
        return _of_list(attribute, path, old or [], new or [])
    return {path: (_bounded(old), _bounded(new))}


def _of_object(
    attribute: Attribute | None, path: str, old: dict[str, Any], new: dict[str, Any]
) -> Differences:
    hidden = _hidden_subs(attribute)
    found: Differences = {}
    for sub, (before, after) in _differing(old, new):
        shown = _masked if sub in hidden else _bounded
        found[f"{path}.{sub}"] = shown(before), shown(after)
    return found


def _of_list(attribute: Attribute | None, path: str, old: list[Any], new: list[Any]) -> Differences:
    olds, news = _by_type(old), _by_type(new)
    if olds is None or news is None:
        return {path: _gone_and_come(_hidden_subs(attribute), old, new)}
    found: Differences = {}
    for kind in olds | news:
        place = f"{path}[type eq {_encode(kind).decode()}]"
        found |= _of_object(attribute, place, olds.get(kind, {}), news.get(kind, {}))
    return {path: pair for path, pair in found.items() if not path.endswith(".type")}


def _by_type(elements: list[Any]) -> dict[str, dict[str, Any]] | None:
    """Return objects by their type; None where it is missing or several have the same."""
    found = {
        each["type"]: each
        for each in elements
        if isinstance(each, dict) and isinstance(each.get("type"), str)
    }
    return found if len(found) == len(elements) else None


def _gone_and_come(hidden: frozenset[str], old: list[Any], new: list[Any]) -> tuple[Any, Any]:
    olds = {_encode(each): each for each in old}
    news = {_encode(each): each for each in new}
    gone = [each for key, each in olds.items() if key not in news]
    come = [each for key, each in news.items() if key not in olds]
    # Where only the order differs, that is what there is to see.
    some = (gone, come) if gone or come else (old, new)
    return _few(hidden, some[0]), _few(hidden, some[1])


def _few(hidden: frozenset[str], elements: list[Any]) -> Any:
    if not elements:
        return None
    few = [_bounded(_without(hidden, each)) for each in elements[:_ELEMENTS]]
    more = len(elements) - len(few)
    return [*few, f"… and {more} more"] if more else few


def _without(hidden: frozenset[str], element: Any) -> Any:
    if not hidden or not isinstance(element, dict):
        return element
    return {name: _HIDDEN if name in hidden else each for name, each in element.items()}


@lru_cache(maxsize=1024)
def _hidden_subs(attribute: Attribute | None) -> frozenset[str]:
    subs = () if attribute is None else attribute.sub_attributes
    return frozenset(sub.name for sub in subs if sub.is_hidden)


def _masked(value: Any) -> Any:
    return None if value is None else _HIDDEN


def _bounded(value: Any) -> Any:
    """Return a value, or its beginning where it holds too much, as JSON where it is no text."""
    if isinstance(value, str):
        return shown(value, _LONGEST)
    if not isinstance(value, dict | list):
        return value
    text = _encode(value)
    return value if len(text) <= _LONGEST else shown(text.decode(), _LONGEST)


def _are(kind: type, old: Any, new: Any) -> bool:
    return (old is None or isinstance(old, kind)) and (new is None or isinstance(new, kind))


def _differing(old: dict[str, Any], new: dict[str, Any]) -> Iterable[tuple[str, tuple[Any, Any]]]:
    for name in old | new:
        before, after = old.get(name), new.get(name)
        if before != after:
            yield name, (before, after)
