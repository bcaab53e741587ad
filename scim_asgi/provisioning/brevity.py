"""Which changes are brief: they touch a few rows by key, and take less time than a hop."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.patch import Edit, Patch

_FEW = 20
_MOST = 500
_LITTLE = 1_500
"""What is written in so many bytes is short whatever it is."""
_MUCH = 20_000
"""What takes more bytes is not."""

_encode = msgspec.json.Encoder().encode


def is_short(value: Any, size: int | None = None) -> bool:
    """Return whether JSON is short: no list in it is long, and not all of it.

    Args:
        value: The JSON.
        size: How many bytes it takes, where that is known.
    """
    size = len(_encode(value)) if size is None else size
    return size <= _LITTLE or (size <= _MUCH and _has_few_parts(value))


def _has_few_parts(value: Any) -> bool:
    left, parts = _MOST, [value]
    while parts:
        part = parts.pop()
        if not isinstance(part, dict | list | tuple):
            continue
        left -= len(part)
        if left < 0 or (isinstance(part, list) and len(part) > _FEW):
            return False
        parts += part.values() if isinstance(part, dict) else part
    return True


def is_brief(definition: ResourceDefinition, patch: Patch) -> bool:
    """Return whether a PATCH says little; of a group, that it adds or removes a few members."""
    said = [edit.value for edit in patch.edits if edit.value is not UNSET]
    for _, urn, name, value in patch.unknown:
        said.append((urn, name, None if value is UNSET else value))
    if not is_short(said):
        return False
    if not definition.row_attributes:
        return True
    return not patch.edits and len(patch.row_edits) <= _FEW and all(map(_is_few, patch.row_edits))


def _is_few(edit: Edit) -> bool:
    """Return whether an edit names each member that comes or goes."""
    if edit.path.condition is not None or edit.op == "replace":
        return False
    return edit.value is not UNSET and is_short(edit.value)
