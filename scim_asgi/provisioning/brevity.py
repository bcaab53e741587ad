"""Which changes are brief: they touch a few rows by key, and take less time than a hop."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.patch import Edit, Patch

_FEW = 20
_MOST = 500
_LONGEST = 10_000
_LITTLE = 1_500
"""What is written in so many bytes is short whatever it is."""

_encode = msgspec.json.Encoder().encode


def is_short(value: Any) -> bool:
    """Return whether JSON is short: no list in it is long, no text, and not all of it."""
    if len(_encode(value)) <= _LITTLE:
        return True
    left, parts = _MOST, [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str) and len(part) > _LONGEST:
            return False
        if not isinstance(part, dict | list):
            continue
        left -= len(part)
        if left < 0 or (isinstance(part, list) and len(part) > _FEW):
            return False
        parts += part.values() if isinstance(part, dict) else part
    return True


def is_brief(definition: ResourceDefinition, patch: Patch) -> bool:
    """Return whether a PATCH says little; of a group, that it adds or removes a few members."""
    values = [edit.value for edit in patch.edits if edit.value is not UNSET]
    values += [value for *_, value in patch.unknown if value is not UNSET]
    if len(values) > _FEW or not (is_short(values) or all(map(is_short, values))):
        return False
    if not definition.row_attributes:
        return True
    return not patch.edits and len(patch.row_edits) <= _FEW and all(map(_is_few, patch.row_edits))


def _is_few(edit: Edit) -> bool:
    """Return whether an edit names each member that comes or goes."""
    if edit.path.condition is not None or edit.op == "replace":
        return False
    return edit.value is not UNSET and is_short(edit.value)
