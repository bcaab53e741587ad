"""PATCH applied to a resource: in order, and all or nothing (RFC 7644 section 3.5.2)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from scim_asgi.protocol.conditions import UnknownInFilter
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.patches import read_foreign, read_operand, read_operations
from scim_asgi.protocol.elements import edit_attribute
from scim_asgi.protocol.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
    ScimError,
)
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.messages import PatchOperation
from scim_asgi.protocol.patch_paths import PatchPath, parse_patch_path
from scim_asgi.protocol.paths import Target, UnknownPath, split_urn
from scim_asgi.protocol.projection import subs_written
from scim_asgi.protocol.resources import (
    UnknownAttributes,
    is_foreign,
    with_schemas,
    without_unassigned,
)
from scim_asgi.protocol.schemas import Attribute, Schema


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """One change of one attribute: an operation with its path resolved.

    Attributes:
        op: ``add``, ``remove`` or ``replace``.
        path: What to change.
        value: The value in the shape that the path asks for. Of a removal it is UNSET, but for the
            values of a list that alone are to go.
        place: The index of the operation, for errors.
    """

    op: str
    path: PatchPath
    value: Any
    place: int


@dataclass(slots=True)
class Patch:
    """The operations of a PATCH, ready to be applied.

    Attributes:
        edits: Changes of attributes of the document, in order.
        row_edits: Changes of attributes that the store keeps as rows, in order.
        unknown: Changes below URNs that the type does not know: operation, URN, name, value.
        ignored: Paths that were passed over because nobody knows them.
        doubtful: What cannot be done, with why: passed over where anything else can be.
    """

    edits: list[Edit] = field(default_factory=list)
    row_edits: list[Edit] = field(default_factory=list)
    unknown: list[tuple[str, str, str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    doubtful: list[tuple[str, ScimError]] = field(default_factory=list)

    @property
    def targets(self) -> list[Target]:
        """What the PATCH names, in its paths and in its values, whether it changes or not."""
        named = []
        for edit in (*self.edits, *self.row_edits):
            target = edit.path.target
            named.append(target)
            if target.attribute is not None and target.sub is None:
                named += subs_written(target.extension, target.attribute, edit.value)
        return named


def plan_patch(
    definition: ResourceDefinition,
    operations: list[PatchOperation],
    unknown: UnknownAttributes = "ignore",
    limits: Limits = DEFAULT_LIMITS,
) -> Patch:
    """Resolve the paths of a PATCH and take path-less values apart into their members.

    Args:
        definition: The resource type.
        operations: What was sent.
        unknown: What to do with paths that name no attribute: an ignored one never costs the
            rest of the request.
        limits: How long and deep a filter in a path may be.

    Raises:
        InvalidPath: A path does not parse, or is unknown and `unknown` is "reject".
        InvalidFilter: A filter in a path does not parse or does not fit.
        NoTarget: A remove without path.
        InvalidValue: A value is missing or of the wrong kind.
    """
    patch = Patch()
    for operation in read_operations(definition, operations):
        try:
            _plan_operation(definition, patch, operation, unknown, limits)
        except ScimError as error:
            raise _at(error, operation.place) from None
    _pass_over(patch, unknown)
    return patch


def _at(error: ScimError, place: int) -> ScimError:
    error.detail = f"Operations[{place}]: {error.detail}"
    error.args = (error.detail,)
    return error


def _pass_over(patch: Patch, unknown: UnknownAttributes) -> None:
    """Pass over what cannot be done, unless nothing else is asked for.

    A directory that sends one thing that makes no sense here together with a deactivation has to
    get its deactivation.
    """
    sensible = [edit for edit in patch.edits if not _is_read_only_part(edit.path.target)]
    if unknown == "reject" or not (sensible or patch.row_edits or patch.unknown):
        if patch.doubtful:
            raise patch.doubtful[0][1]
        return
    pointless = [edit for edit in patch.edits if _is_read_only_part(edit.path.target)]
    patch.ignored += [str(edit.path) for edit in pointless]
    patch.ignored += [path for path, _ in patch.doubtful]
    patch.edits = sensible


def _is_read_only_part(target: Target) -> bool:
    """Return whether this is a part that the server sets of what a directory may set."""
    attribute, sub = target.attribute, target.sub
    assert attribute is not None
    return sub is not None and sub.mutability == "readOnly" and attribute.mutability != "readOnly"


def _plan_operation(
    definition: ResourceDefinition,
    patch: Patch,
    operation: PatchOperation,
    unknown: UnknownAttributes,
    limits: Limits,
) -> None:
    if operation.value is UNSET and operation.op != "remove":
        msg = f"{operation.op} needs a value."
        raise InvalidValue(msg)
    if operation.path is None:
        _plan_members(definition, patch, operation, unknown)
        return
    try:
        path = parse_patch_path(definition, operation.path, limits)
    except UnknownPath as error:
        _plan_unknown(definition, patch, operation, str(error), unknown)
        return
    except UnknownInFilter as error:
        patch.doubtful.append((operation.path, _at(error, operation.place)))
        return
    if path.target.attribute is None:
        assert path.target.extension is not None
        _plan_extension(definition, patch, operation, path.target.extension)
    else:
        _add(definition, patch, operation, path)


def _plan_members(
    definition: ResourceDefinition,
    patch: Patch,
    operation: PatchOperation,
    unknown: UnknownAttributes,
) -> None:
    """Refuse an operation without a path, or pass over what its value names that is none."""
    if operation.op == "remove":
        msg = "remove needs a path that says what to remove."
        raise NoTarget(msg)
    if not isinstance(operation.value, dict):
        msg = f"{operation.op} without a path needs an object of attributes as its value."
        raise InvalidValue(msg)
    for key in operation.value:
        why = f'{definition.name} has no attribute "{key}"'
        _plan_unknown(definition, patch, replace(operation, path=key), why, unknown)


def _add(
    definition: ResourceDefinition, patch: Patch, operation: PatchOperation, path: PatchPath
) -> None:
    target = path.target
    assert target.attribute is not None
    value = read_operand(operation.op, path, operation.value)
    edit = Edit(operation.op, path, value, operation.place)
    name = None if target.extension is not None else target.attribute.name
    if name in definition.derived_attributes:
        patch.doubtful.append((str(path), _at(_derived(definition, path), operation.place)))
    elif name in definition.row_attributes:
        patch.row_edits.append(edit)
    else:
        patch.edits.append(edit)


def _derived(definition: ResourceDefinition, path: PatchPath) -> Mutability:
    return Mutability(
        f'"{path}" of a {definition.name} is read-only, because it follows from other resources; '
        "change the members of the group instead."
    )


def _plan_extension(
    definition: ResourceDefinition,
    patch: Patch,
    operation: PatchOperation,
    extension: Schema,
) -> None:
    """Take a change of a whole extension apart into changes of its attributes."""
    value = operation.value
    if operation.op == "remove" or value is None:
        members = dict.fromkeys(_names(extension.attributes), UNSET)
        operation = replace(operation, op="remove")
    elif isinstance(value, dict):
        members = value
    else:
        msg = f'"{extension.id}" takes an object with the attributes of the extension.'
        raise InvalidValue(msg)
    for name, element in members.items():
        attribute = extension.by_name.get(name.casefold())
        if attribute is None:
            patch.ignored.append(f"{extension.id}:{name}")
            continue
        path = PatchPath(Target(extension, attribute))
        _add(definition, patch, replace(operation, value=element), path)


def _names(attributes: tuple[Attribute, ...]) -> list[str]:
    return [each.name for each in attributes if each.mutability != "readOnly"]


def _plan_unknown(
    definition: ResourceDefinition,
    patch: Patch,
    operation: PatchOperation,
    why: str,
    unknown: UnknownAttributes,
) -> None:
    assert operation.path is not None
    if unknown == "reject":
        msg = f"{why}; remove it from what the directory sends."
        raise InvalidPath(msg)
    urn, name = split_urn(operation.path)
    known = definition.split_urn(operation.path) is not None
    if known or urn is None or "[" in operation.path or not is_foreign(urn):
        patch.ignored.append(operation.path)
        return
    value = None if operation.op == "remove" else read_foreign(operation.value)
    if isinstance(value, dict) and "." not in name:
        for key, element in value.items():
            patch.unknown.append((operation.op, operation.path, key, element))
    else:
        patch.unknown.append((operation.op, urn, name, value))


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
        current: The resource as stored, with its id, meta and whatever read-only attribute the
            patch names; it is not changed.
        patch: What :func:`plan_patch` made.
        limits: How many values may be compared.

    Returns:
        The new resource.

    Raises:
        Mutability: A read-only, immutable or required attribute would change.
        NoTarget: A filter of add or replace matches nothing, and is none that says what an
            element would be.
        InvalidValue: A value does not fit its attribute.
        PayloadTooLarge: Too many values would be compared with each other.
    """
    resource = copy.deepcopy(current)
    comparisons = Comparisons(limits)
    for edit in patch.edits:
        try:
            _apply(definition, resource, edit, comparisons)
        except ScimError as error:
            raise _at(error, edit.place) from None
    for op, urn, name, value in patch.unknown:
        _apply_unknown(resource, op, urn, name, value)
    return with_schemas(definition, resource)


def _apply(
    definition: ResourceDefinition, resource: dict[str, Any], edit: Edit, comparisons: Comparisons
) -> None:
    target = edit.path.target
    attribute = target.attribute
    assert attribute is not None
    if attribute.name == "schemas" and target.extension is None:
        _check_schemas_edit(definition, edit)
        return
    scope = resource
    if target.extension is not None:
        scope = resource.setdefault(target.extension.id, {})
    before = scope.get(attribute.name)
    comparisons.add(_comparisons(edit, before))
    after = edit_attribute(edit.op, edit.path, before, edit.value)
    required = attribute.required and before is not None and after is None
    if required:
        _refuse_removal(edit, str(Target(target.extension, attribute)))
    if after is None:
        scope.pop(attribute.name, None)
    else:
        scope[attribute.name] = after
    if target.extension is not None and not scope:
        del resource[target.extension.id]


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
    container = resource.setdefault(key, {})
    kept = None if op == "remove" else without_unassigned(value)
    if not isinstance(container, dict):
        return
    if kept is None:
        container.pop(name, None)
    else:
        container[name] = kept
    if not container:
        del resource[key]
