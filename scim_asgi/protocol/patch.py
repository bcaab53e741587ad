"""PATCH read: operations taken apart into changes of attributes (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from scim_asgi.protocol.conditions import UnknownInFilter
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.patches import read_foreign, read_operand, read_operations
from scim_asgi.protocol.dialects.resources import find_key
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.errors import (
    InvalidPath,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
)
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.messages import PatchOperation
from scim_asgi.protocol.patch_paths import PatchPath, parse_patch_path
from scim_asgi.protocol.paths import Target, UnknownPath, split_urn
from scim_asgi.protocol.projection import subs_written
from scim_asgi.protocol.resources import UnknownAttributes, is_foreign
from scim_asgi.protocol.schemas import Attribute, Schema


class Edit(Struct, frozen=True, eq=False):
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


class Patch(Struct):
    """The operations of a PATCH, ready to be applied.

    Attributes:
        edits: Changes of attributes of the document, in order.
        row_edits: Changes of attributes that the store keeps as rows, in order.
        unknown: Changes below URNs that the type does not know: operation, URN, name, value.
        ignored: Paths that were passed over: nobody knows them, or they are the server's to set.
        doubtful: What cannot be done, with why: passed over where anything else can be.
        tolerant: Whether changes of what the server sets are passed over, because something else
            is asked for.
    """

    edits: list[Edit] = []
    row_edits: list[Edit] = []
    unknown: list[tuple[str, str, str, Any]] = []
    ignored: list[str] = []
    doubtful: list[tuple[str, ScimError]] = []
    tolerant: bool = False

    def may_pass_over(self, edit: Edit) -> bool:
        """Return whether an edit that cannot be made is passed over: of what the server sets."""
        return self.tolerant and edit.path.is_set_by_server

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
        InvalidPath: A path does not parse and nothing else is asked for, or is about an attribute
            that is known; or a path is unknown and `unknown` is "reject".
        InvalidFilter: A filter in a path does not parse or does not fit.
        NoTarget: A remove without path.
        InvalidValue: A value is missing or of the wrong kind.
    """
    patch = Patch()
    for operation in read_operations(definition, operations):
        try:
            _plan_operation(definition, patch, operation, unknown, limits)
        except ScimError as error:
            raise at_operation(error, operation.place) from None
    _pass_over(patch, unknown)
    return patch


def at_operation(error: ScimError, place: int) -> ScimError:
    """Return an error with the operation that it is about in its detail."""
    error.detail = f"Operations[{place}]: {error.detail}"
    error.args = (error.detail,)
    return error


def _pass_over(patch: Patch, unknown: UnknownAttributes) -> None:
    """Pass over what cannot be done, unless nothing else is asked for.

    A directory that sends one thing that makes no sense here together with a deactivation has to
    get its deactivation.
    """
    more = patch.row_edits or patch.unknown or not all(map(_is_set_by_server, patch.edits))
    patch.tolerant = unknown != "reject" and bool(more)
    if patch.doubtful:
        if not patch.tolerant:
            raise patch.doubtful[0][1]
        patch.ignored += [path for path, _ in patch.doubtful]


def _is_set_by_server(edit: Edit) -> bool:
    return edit.path.is_set_by_server


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
        canonical = replace(operation, path=canonical_urn(definition, operation.path))
        _plan_unknown(definition, patch, canonical, str(error), unknown)
        return
    except (UnknownInFilter, InvalidPath) as error:
        text = canonical_urn(definition, operation.path)
        if isinstance(error, InvalidPath) and _names_known(definition, text):
            raise
        patch.doubtful.append((text, at_operation(error, operation.place)))
        return
    if path.target.attribute is None:
        assert path.target.extension is not None
        _plan_extension(definition, patch, operation, path.target.extension)
    else:
        _add(definition, patch, operation, path)


def _names_known(definition: ResourceDefinition, path: str) -> bool:
    """Return whether a path that does not parse has an attribute in front of its brackets."""
    return "[" in path and find_key(definition, path.partition("[")[0]) is not None


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
        patch.doubtful.append(
            (str(path), at_operation(_derived(definition, path), operation.place))
        )
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
    if operation.op == "remove" or value in (None, "", []):
        names = () if operation.op == "add" else _names(extension.attributes)
        members = dict.fromkeys(names, UNSET)
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
