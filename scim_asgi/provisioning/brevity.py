"""Which changes are brief: they touch a few rows by key, and take less time than a hop."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.patch import Edit, Patch

_FEW = 20


def is_short(body: dict[str, Any]) -> bool:
    """Return whether no list in a resource is long."""
    return not any(isinstance(value, list) and len(value) > _FEW for value in body.values())


def is_brief(definition: ResourceDefinition, patch: Patch) -> bool:
    """Return whether a PATCH says little; of a group, that it adds or removes a few members."""
    if len(patch.edits) > _FEW or any(map(_is_long, patch.edits)):
        return False
    if not definition.row_attributes:
        return True
    return not patch.edits and len(patch.row_edits) <= _FEW and all(map(_is_few, patch.row_edits))


def _is_long(edit: Edit) -> bool:
    return isinstance(edit.value, list) and len(edit.value) > _FEW


def _is_few(edit: Edit) -> bool:
    """Return whether an edit names each member that comes or goes."""
    if edit.path.condition is not None or edit.op == "replace":
        return False
    return edit.value is not UNSET and not _is_long(edit)
