"""PATCH operations in the shape of RFC 7644 section 3.5.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.resources import find_key, find_unqualified
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.dialects.values import read_element, read_unknown, read_value
from scim_asgi.protocol.messages import PatchOperation
from scim_asgi.protocol.patch_paths import PatchPath
from scim_asgi.protocol.paths import PathSyntaxError, parse_path


def read_operations(
    definition: ResourceDefinition, operations: list[PatchOperation]
) -> Iterator[PatchOperation]:
    """Yield operations, path-less ones as one for each attribute.

    The members of a path-less value may be paths: ``name.givenName``, ``URN:attribute``,
    ``emails[type eq "work"].value``, or the URN of the type's own schema with attributes. What is
    no path stays together in an operation without one.
    """
    for operation in operations:
        has_path = operation.path is not None
        if has_path or operation.op == "remove" or not isinstance(operation.value, dict):
            yield operation
        else:
            yield from _members(definition, operation, operation.value)


def _members(
    definition: ResourceDefinition, operation: PatchOperation, members: dict[str, Any]
) -> Iterator[PatchOperation]:
    rest = {}
    for name, value in members.items():
        key = canonical_urn(definition, name)
        if definition.is_own_schema(key) and isinstance(value, dict):
            yield from _members(definition, operation, value)
        elif _is_path(definition, key, value):
            yield replace(operation, path=key, value=value)
        else:
            rest[name] = value
    if rest or not members:
        yield replace(operation, value=rest)


def _is_path(definition: ResourceDefinition, key: str, value: Any) -> bool:
    if definition.unqualified(key) is not None and find_key(definition, key) is None:
        return find_unqualified(definition, key, value) is not None
    head, bracket, _ = key.partition("[")
    try:
        parse_path(head)
    except PathSyntaxError:
        return False
    return not bracket or find_key(definition, head) is not None


def read_operand(op: str, path: PatchPath, value: Any) -> Any:
    """Return the value of an operation in the shape that its path asks for.

    Of a removal it is UNSET, but for the values that come beside the path of a list: then it is
    the list of those that are meant, and no others.
    """
    attribute, sub = path.target.attribute, path.target.sub
    assert attribute is not None
    if op == "remove":
        named = path.condition is None and sub is None and attribute.multi_valued
        listed = named and value is not UNSET and value is not None and value != ""
        return read_value(attribute, value) if listed else UNSET
    if sub is not None:
        return read_value(sub, value)
    if path.condition is not None:
        return read_element(attribute, value)
    return read_value(attribute, value)


def read_foreign(value: Any) -> Any:
    """Return the value of an operation on an attribute of no known schema."""
    return UNSET if value is UNSET else read_unknown(value)
