"""Whole resources in the shape of RFC 7643."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.dialects.values import put, read_members, read_unknown, read_value
from scim_asgi.protocol.errors import InvalidSyntax, InvalidValue
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, find
from scim_asgi.protocol.schemas import Attribute, Schema
from scim_asgi.protocol.values import check_value

_NAME = 128
_UNQUALIFIED = frozenset({"department", "manager"})


def read_resource(definition: ResourceDefinition, body: dict[str, Any]) -> dict[str, Any]:
    """Return an inbound resource with canonical names and the shapes of RFC 7643.

    Understands flat keys (``name.givenName``, ``urn:…:User:department``), attributes of an
    extension beside the core ones, misspelt URNs, and what
    :func:`~scim_asgi.protocol.dialects.values.read_value` understands.

    Raises:
        InvalidSyntax: Two members name the same attribute.
    """
    resource: dict[str, Any] = {}
    unqualified: list[tuple[str, Any]] = []
    core = core_names(definition)
    for name, value in body.items():
        attribute = core.get(name)
        if attribute is not None:
            put(resource, name, read_value(attribute, value))
            continue
        key, target = _key(definition, name)
        if key.casefold() == "schemas":
            put(resource, "schemas", _read_schemas(definition, value))
        elif definition.is_own_schema(key) and isinstance(value, dict):
            for each, element in read_resource(definition, value).items():
                put(resource, each, element)
        elif target is not None:
            _put_target(resource, target, value)
        elif find_unqualified(definition, key, value) is not None:
            unqualified.append((key, value))
        else:
            put(resource, key, read_unknown(value))
    for key, value in unqualified:
        _put_unqualified(definition, resource, key, value)
    return resource


@lru_cache(maxsize=64)
def core_names(definition: ResourceDefinition) -> dict[str, Attribute]:
    """Return the core attributes by the names that, spelt just so, mean them and nothing else."""
    return {
        each.name: each
        for each in definition.attributes.values()
        if each.name != "schemas" and _means(definition, each)
    }


def _means(definition: ResourceDefinition, attribute: Attribute) -> bool:
    key, target = _read_key(definition, attribute.name)
    is_own = key == attribute.name and not definition.is_own_schema(key)
    return is_own and target is not None and target.leaf is attribute


def names_extension(definition: ResourceDefinition, extension: Schema) -> bool:
    """Return whether an extension's URN, spelt just so, means it and nothing else."""
    key, target = _read_key(definition, extension.id)
    is_whole = target is not None and target.extension is extension and target.attribute is None
    return is_whole and key == extension.id and not definition.is_own_schema(key)


def _read_schemas(definition: ResourceDefinition, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [canonical_urn(definition, each) if isinstance(each, str) else each for each in value]


def _key(definition: ResourceDefinition, name: str) -> tuple[str, Target | None]:
    """Return a member's name with its URN as the schema spells it, and what it names."""
    return (_known_key if len(name) <= _NAME else _read_key)(definition, name)


def _read_key(definition: ResourceDefinition, name: str) -> tuple[str, Target | None]:
    key = canonical_urn(definition, name)
    return key, find_key(definition, key)


_known_key = lru_cache(maxsize=1024)(_read_key)
"""Directories send the same names again and again."""


def find_key(definition: ResourceDefinition, key: str) -> Target | None:
    """Return what a member of a resource or of a path-less PATCH value names, or None.

    A core name, ``complex.sub``, an extension's URN, ``URN:attribute`` or ``URN:complex.sub``.
    A name of an extension without its URN depends on its value, see :func:`find_unqualified`.
    """
    try:
        target = find(definition, key)
    except (PathSyntaxError, UnknownPath):
        return None
    qualified = key[:4].casefold() == "urn:"
    return target if target.extension is None or qualified else None


def find_unqualified(definition: ResourceDefinition, key: str, value: Any) -> Target | None:
    """Return the attribute of an extension that a name without its URN means, or None.

    Only names that directories are known to send so are understood. A directory's own attribute
    may have the same name: what does not fit is not meant.
    """
    found = definition.unqualified(key)
    if found is None or key.casefold() not in _UNQUALIFIED:
        return None
    extension, attribute = found
    if isinstance(value, dict | list) and not attribute.is_complex:
        return None
    try:
        check_value(attribute, read_value(attribute, value), key)
    except (InvalidSyntax, InvalidValue):
        return None
    return Target(extension, attribute)


def _put_unqualified(
    definition: ResourceDefinition, resource: dict[str, Any], key: str, value: Any
) -> None:
    target = find_unqualified(definition, key, value)
    assert target is not None
    assert target.extension is not None
    assert target.attribute is not None
    container = _container(resource, target.extension)
    if container.get(target.attribute.name) is None:
        container[target.attribute.name] = read_value(target.attribute, value)


def _put_target(resource: dict[str, Any], target: Target, value: Any) -> None:
    scope = resource
    if target.extension is not None:
        if target.attribute is None:
            _put_extension(resource, target.extension, value)
            return
        scope = _container(resource, target.extension)
    attribute = target.attribute
    assert attribute is not None
    if target.sub is None:
        put(scope, attribute.name, read_value(attribute, value))
        return
    parent = scope.setdefault(attribute.name, [{}] if attribute.multi_valued else {})
    element = parent[0] if isinstance(parent, list) and parent else parent
    if isinstance(element, dict):
        put(element, target.sub.name, read_value(target.sub, value))


def _container(resource: dict[str, Any], extension: Schema) -> dict[str, Any]:
    """Return the object of an extension, an empty one where there is none yet.

    Raises:
        InvalidSyntax: Something else has its name.
    """
    if resource.get(extension.id) is None:
        resource[extension.id] = {}
    container = resource[extension.id]
    if not isinstance(container, dict):
        msg = f'"{extension.id}" is there twice, with different values; send it once.'
        raise InvalidSyntax(msg)
    return container


def _put_extension(resource: dict[str, Any], extension: Schema, value: Any) -> None:
    if not isinstance(value, dict):
        put(resource, extension.id, read_unknown(value))
        return
    container = _container(resource, extension)
    read_members(extension.named, value, container)
