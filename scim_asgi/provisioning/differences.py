"""What a change has changed in a resource itself, for the log: each path, with old and new value."""

from __future__ import annotations

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
    for name, old, new in _differing(before, after):
        if name != "schemas":
            _add_attribute(found, definition, name, old, new)
    return found


def first_of(found: Differences) -> tuple[Differences, tuple[str, ...]]:
    """Return as many differences as a row of the log takes, and what it says of the rest."""
    if len(found) <= _PATHS:
        return found, ()
    note = f"changed as well: {len(found) - _PATHS} more values"
    return dict(list(found.items())[:_PATHS]), (note,)


def _add_attribute(
    found: Differences, definition: ResourceDefinition, name: str, old: Any, new: Any
) -> None:
    attribute = definition.named[name]
    extension = None if attribute is not None else definition.extension(name)
    if attribute is not None or (extension is None and not name.casefold().startswith("urn:")):
        _add_value(found, attribute, name, old, new)
        return
    if not _are(dict, old, new):
        _add_value(found, None, name, old, new)
        return
    for sub, before, after in _differing(old or {}, new or {}):
        known = None if extension is None else extension.named[sub]
        _add_value(found, known, f"{name}:{sub}", before, after)


def _add_value(
    found: Differences, attribute: Attribute | None, path: str, old: Any, new: Any
) -> None:
    if attribute is not None and attribute.is_hidden:
        found[path] = _masked(old), _masked(new)
    elif isinstance(old, str) or isinstance(new, str):
        found[path] = _bounded(old), _bounded(new)
    elif _are(dict, old, new):
        _add_object(found, attribute, path, old or {}, new or {})
    elif _are(list, old, new):
        _add_list(found, attribute, path, old or [], new or [])
    else:
        found[path] = _bounded(old), _bounded(new)


def _add_object(
    found: Differences,
    attribute: Attribute | None,
    path: str,
    old: dict[str, Any],
    new: dict[str, Any],
    told_apart_by: str = "",
) -> None:
    """Add what differs between two objects, but for what tells them apart: it is in the path."""
    hidden = _hidden_subs(attribute)
    for sub, before, after in _differing(old, new):
        if sub != told_apart_by:
            shown = _masked if sub in hidden else _bounded
            found[f"{path}.{sub}"] = shown(before), shown(after)


def _add_list(
    found: Differences, attribute: Attribute | None, path: str, old: list[Any], new: list[Any]
) -> None:
    olds, news = _by_type(old), _by_type(new)
    if olds is None or news is None:
        found[path] = _gone_and_come(_hidden_subs(attribute), old, new)
        return
    for kind in olds | news:
        before, after = olds.get(kind, {}), news.get(kind, {})
        if before != after:
            place = f"{path}[type eq {_encode(kind).decode()}]"
            _add_object(found, attribute, place, before, after, told_apart_by="type")


def _by_type(elements: list[Any]) -> dict[str, dict[str, Any]] | None:
    """Return objects by their type; None where it is missing or several have the same."""
    found = {}
    for each in elements:
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, str) or kind in found:
            return None
        found[kind] = each
    return found


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


def _hidden_subs(attribute: Attribute | None) -> frozenset[str]:
    return frozenset() if attribute is None else attribute.hidden_subs


def _masked(value: Any) -> Any:
    return None if value is None else _HIDDEN


def _bounded(value: Any) -> Any:
    """Return a value, or its beginning where it holds too much, as JSON where it is no text.

    Tokens in what is not cut are taken out where the log's row is written.
    """
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else shown(value, _LONGEST)
    if not isinstance(value, (dict, list)):
        return value
    text = _encode(value)
    return value if len(text) <= _LONGEST else shown(text.decode(), _LONGEST)


def _are(kind: type, old: Any, new: Any) -> bool:
    return (old is None or isinstance(old, kind)) and (new is None or isinstance(new, kind))


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return name, value before and value after of what differs: first what was there."""
    found: list[tuple[str, Any, Any]] = []
    kept = 0
    for name, before in old.items():
        after = new.get(name)
        kept += after is not None
        # What a change leaves alone is mostly the very same value.
        if before is not after and before != after:
            found.append((name, before, after))
    if kept < len(new):
        come = [name for name in new if name not in old]
        found += [(name, None, new[name]) for name in come if new[name] is not None]
    return found
