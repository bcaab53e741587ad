"""What real directories send, turned into what the RFC says before anything else looks at it.

One tolerant way in for all of them, driven by the schema; nothing here depends on who sends.
Names become canonical, known deviations become the RFC's shape, and what is not understood is
left as it is for the checks that follow.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.errors import InvalidSyntax
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, parse_path, resolve
from scim_asgi.protocol.schemas import Attribute, Schema

_BOOLEANS = {"true": True, "false": False}


def read_resource(definition: ResourceDefinition, body: dict[str, Any]) -> dict[str, Any]:
    """Return an inbound resource with canonical names and the shapes of RFC 7643.

    Understands flat keys (``name.givenName``, ``urn:…:User:department``), single objects in the
    place of lists, text in the place of booleans and of objects with a `value`.

    Raises:
        InvalidSyntax: Two members name the same attribute.
    """
    resource: dict[str, Any] = {}
    for key, value in body.items():
        if key.casefold() == "schemas":
            _put(resource, "schemas", value)
            continue
        target = find_key(definition, key)
        if definition.is_own_schema(key) and isinstance(value, dict):
            for name, element in read_resource(definition, value).items():
                _put(resource, name, element)
        elif target is None:
            _put(resource, key, value)
        else:
            _put_target(resource, target, value)
    return resource


def find_key(definition: ResourceDefinition, key: str) -> Target | None:
    """Return what a member of a resource or of a path-less PATCH value names, or None.

    A core name, ``complex.sub``, an extension's URN, ``URN:attribute`` or ``URN:complex.sub``.
    A name of an extension without its URN is not understood: a custom attribute of a directory
    may have the same name.
    """
    try:
        target = resolve(definition, parse_path(key))
    except (PathSyntaxError, UnknownPath):
        return None
    qualified = key[:4].casefold() == "urn:"
    return target if target.extension is None or qualified else None


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
        _put(scope, attribute.name, read_value(attribute, value))
        return
    parent = scope.setdefault(attribute.name, [{}] if attribute.multi_valued else {})
    element = parent[0] if isinstance(parent, list) and parent else parent
    if isinstance(element, dict):
        _put(element, target.sub.name, read_value(target.sub, value))


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
        _put(resource, extension.id, value)
        return
    container = _container(resource, extension)
    for name, element in value.items():
        attribute = extension.by_name.get(name.casefold())
        if attribute is None:
            _put(container, name, element)
        else:
            _put(container, attribute.name, read_value(attribute, element))


def _put(scope: dict[str, Any], name: str, value: Any) -> None:
    present = scope.get(name)
    if present is None or (present == {} and isinstance(value, dict)):
        scope[name] = value
    elif isinstance(present, dict) and isinstance(value, dict):
        for key, element in value.items():
            _put(present, key, element)
    elif present != value:
        msg = f'"{name}" is there twice, with different values; send it once.'
        raise InvalidSyntax(msg)


def read_value(attribute: Attribute, value: Any) -> Any:
    """Return a value in the shape that the attribute's definition asks for, where it is known how.

    For a multi-valued attribute the value is the list; use :func:`read_element` for one element.
    """
    if value is None or not attribute.multi_valued:
        return read_element(attribute, value)
    if not isinstance(value, list):
        value = [] if value == "" else [value]
    return [read_element(attribute, element) for element in value]


def read_element(attribute: Attribute, value: Any) -> Any:
    """Return one value in the shape that the attribute's definition asks for."""
    if isinstance(value, list) and len(value) == 1 and attribute.type in ("complex", "boolean"):
        value = value[0]
    if attribute.type == "boolean" and isinstance(value, str):
        return _BOOLEANS.get(value.casefold(), value)
    if not attribute.is_complex:
        return value
    if isinstance(value, dict):
        return _read_object(attribute, value)
    if isinstance(value, str) and value != "" and "value" in attribute.subs:
        return _unwrapped({"value": value})
    return value


def _read_object(attribute: Attribute, value: dict[str, Any]) -> dict[str, Any]:
    canonical: dict[str, Any] = {}
    for name, element in value.items():
        sub = attribute.subs.get(name.casefold())
        if sub is None:
            _put(canonical, name, element)
        else:
            _put(canonical, sub.name, read_value(sub, element))
    return _unwrapped(canonical) if attribute.multi_valued else canonical


def _unwrapped(element: dict[str, Any]) -> dict[str, Any]:
    """Read a role that Entra sends as JSON inside the text of `value`."""
    text = element.get("value")
    if not isinstance(text, str) or not text.startswith("{"):
        return element
    try:
        inner = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return element
    if not isinstance(inner, dict) or not isinstance(inner.get("value"), str):
        return element
    names = {"value": inner["value"], "display": inner.get("displayName")}
    return {**element, **{name: each for name, each in names.items() if each is not None}}


def member(message: dict[str, Any], name: str) -> Any:
    """Return a member of a message by name in any case, None when it is not there."""
    if name in message:
        return message[name]
    folded = name.casefold()
    return next((value for key, value in message.items() if key.casefold() == folded), None)


def has_member(message: dict[str, Any], name: str) -> bool:
    """Return whether a message has a member of that name in any case."""
    folded = name.casefold()
    return any(key.casefold() == folded for key in message)
