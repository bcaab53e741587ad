"""PATCH applied to a resource: in order, and all or nothing (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.elements import edit_attribute
from scim_asgi.protocol.errors import (
    InvalidSyntax,
    InvalidValue,
    Mutability,
    PayloadTooLarge,
    ScimError,
)
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.patch import Edit, Patch, at_operation
from scim_asgi.protocol.paths import Target
from scim_asgi.protocol.resources import with_schemas, without_unassigned


class Comparisons:
    """Counts how many values a PATCH compares with each other, so that its cost is bounded.

    Args:
        limits: How many it may compare.
    """

    def __init__(self, limits: Limits) -> None:
        self._most = limits.patch_comparisons
        self._made = 0

    def add(self, number: int) -> None:
        """Count comparisons that are about to be made.

        Raises:
            PayloadTooLarge: They would be too many.
        """
        self._made += number
        if self._made > self._most:
            msg = (
                f"The PATCH compares more than {self._most} values with each other; send several "
                "with fewer operations and values."
            )
            raise PayloadTooLarge(msg)


def apply_patch(
    definition: ResourceDefinition,
    current: dict[str, Any],
    patch: Patch,
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, Any]:
    """Apply the changes of the document, one after the other, each on the result of the last.

    Args:
        definition: The resource type.
        current: The resource as stored, with its id and meta where the patch names
            them; it is not changed, and shares with the result what the patch leaves alone.
        patch: What :func:`plan_patch` made.
        limits: How many values may be compared.

    Returns:
        The new resource.

    Raises:
        Mutability: A read-only, immutable or required attribute would change. Where the patch is
            tolerant, the path of what is read-only is added to those that it has ignored instead.
        NoTarget: A filter of add or replace matches nothing, and is none that says what an
            element would be.
        InvalidValue: A value does not fit its attribute.
        PayloadTooLarge: Too many values would be compared with each other.
    """
    resource = dict(current)
    comparisons = Comparisons(limits)
    for edit in patch.edits:
        try:
            _apply(definition, resource, edit, comparisons)
        except (Mutability, InvalidSyntax) as error:
            if not patch.may_pass_over(edit):
                raise at_operation(error, edit.place) from None
            patch.ignored.append(str(edit.path))
        except ScimError as error:
            raise at_operation(error, edit.place) from None
    for op, urn, name, value in patch.unknown:
        _apply_unknown(resource, op, urn, name, value)
    if patch.unknown:
        return with_schemas(definition, resource)
    for urn in definition.extension_ids:
        if (urn in current) is not (urn in resource):
            return with_schemas(definition, resource)
    return resource


def _copied(value: Any) -> Any:
    """Return a copy of an attribute's value, as deep as edits change it in place."""
    if isinstance(value, list):
        return [each.copy() if isinstance(each, dict) else each for each in value]
    return value.copy() if isinstance(value, dict) else value


def _apply(
    definition: ResourceDefinition, resource: dict[str, Any], edit: Edit, comparisons: Comparisons
) -> None:
    target = edit.path.target
    attribute = target.attribute
    assert attribute is not None
    if attribute.name == "schemas" and target.extension is None:
        _check_schemas_edit(definition, edit)
        return
    extension = target.extension
    scope = resource if extension is None else dict(resource.get(extension.id, {}))
    before = scope.get(attribute.name)
    comparisons.add(_comparisons(edit, before))
    after = edit_attribute(edit.op, edit.path, _copied(before), edit.value)
    if after is None and before is not None:
        if attribute.required:
            _refuse_removal(edit, str(Target(extension, attribute)))
        if _is_kept(definition, edit):
            return
    if after is None:
        scope.pop(attribute.name, None)
    else:
        scope[attribute.name] = after
    if extension is not None:
        resource[extension.id] = scope
        if not scope:
            del resource[extension.id]


def _is_kept(definition: ResourceDefinition, edit: Edit) -> bool:
    """Return whether only a removal unassigns the attribute, and this empties it."""
    attribute, extension = edit.path.target.attribute, edit.path.target.extension
    assert attribute is not None
    named = extension is None and attribute.name in definition.kept_attributes
    return named and edit.op != "remove"


def _comparisons(edit: Edit, before: Any) -> int:
    """Return how many values an edit compares; those to remove are compared with each."""
    present = len(before) if isinstance(before, list) else 1
    sent = len(edit.value) if isinstance(edit.value, list) else 1
    return present * sent if edit.op == "remove" else present + sent


def _refuse_removal(edit: Edit, path: str) -> None:
    msg = f'"{path}" is required and cannot be removed; map a value to it.'
    raise Mutability(msg) if edit.op == "remove" else InvalidValue(msg)


def _check_schemas_edit(definition: ResourceDefinition, edit: Edit) -> None:
    """Allow a directory to send `schemas` along; the server says itself which ones are true."""
    sent = edit.value if isinstance(edit.value, list) else [edit.value]
    named = {urn.casefold() for urn in sent if isinstance(urn, str)}
    base_stays = edit.op == "add" or definition.schema.id.casefold() in named
    if edit.op == "remove" and edit.value is not UNSET:
        base_stays = definition.schema.id.casefold() not in named
    if not base_stays:
        msg = f'"schemas" has to keep "{definition.schema.id}".'
        raise Mutability(msg)
    if not all(isinstance(urn, str) for urn in sent if urn is not UNSET):
        msg = '"schemas" takes a list of URNs.'
        raise InvalidSyntax(msg)


def _apply_unknown(resource: dict[str, Any], op: str, urn: str, name: str, value: Any) -> None:
    key = next((each for each in resource if each.casefold() == urn.casefold()), urn)
    container = resource.get(key, {})
    kept = None if op == "remove" else without_unassigned(value)
    if not isinstance(container, dict):
        return
    container = resource[key] = dict(container)
    if kept is None:
        container.pop(name, None)
    else:
        container[name] = kept
    if not container:
        del resource[key]
