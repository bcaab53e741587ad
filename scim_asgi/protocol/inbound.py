"""Inbound resources read and checked: by one conversion, where they are as the schema says.

Most are: their names are spelt as the schema spells them and their values are of the right type.
msgspec tells so in a fraction of the time that looking at each value takes. All others are left to
:func:`~scim_asgi.protocol.dialects.resources.read_resource` and
:func:`~scim_asgi.protocol.resources.check_resource`, which understand more and say what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.dialects.resources import core_names, names_extension, read_resource
from scim_asgi.protocol.dialects.values import MAY_BE_WRAPPED
from scim_asgi.protocol.resources import (
    UnknownAttributes,
    check_resource,
    check_schemas,
    known_schemas,
    require_all,
    unknown_names,
    with_defaults,
)
from scim_asgi.protocol.schemas import Attribute
from scim_asgi.protocol.values import MAX_VALUES, is_plain_username, tidied

_is_nameable = re.compile(r'[^"\\\x00-\x1f]*').fullmatch
"""What msgspec takes as a name."""
_ESCAPE, _NUL = ord("\\"), b"\\u0000"

_encode = msgspec.json.Encoder().encode


class Received(Struct, frozen=True):
    """An inbound resource.

    Attributes:
        document: What is to be stored of it, and what is handed on unstored.
        rows: The values of attributes that the store keeps as rows, read but not checked.
        unknown: The attributes that are passed over, because no schema has them.
        size: How many bytes of JSON it was, where that is known.
    """

    document: dict[str, Any]
    rows: dict[str, Any] = {}
    unknown: tuple[str, ...] = ()
    size: int | None = None


_Usual: TypeAlias = "tuple[dict[str, Any], int] | None"


def receive(
    registry: Registry,
    definition: ResourceDefinition,
    body: dict[str, Any],
    unknown: UnknownAttributes = "ignore",
    *,
    new: bool,
) -> Received:
    """Read and check an inbound resource.

    Args:
        registry: The resource types.
        definition: The type of the resource.
        body: The resource; it is not changed, and shares with the result what is the same.
        unknown: What to do with attributes that the type lacks.
        new: Whether what it does not name gets its default.

    Raises:
        InvalidSyntax, InvalidValue: As `read_resource`, `check_schemas` and `check_resource`.
    """
    usual = _usual(registry, definition, body)
    if usual is None:
        return _receive(registry, definition, body, unknown, new=new)
    document, size = usual
    require_all(definition, document)
    document["schemas"] = known_schemas(definition, document)
    if new:
        document = with_defaults(definition, body, document)
    return Received(document, size=size)


def _receive(
    registry: Registry,
    definition: ResourceDefinition,
    body: dict[str, Any],
    unknown: UnknownAttributes,
    *,
    new: bool,
) -> Received:
    """Read and check an inbound resource, whatever is in it."""
    named = read_resource(definition, body)
    check_schemas(registry, definition, named)
    rows = {name: named.pop(name, None) for name in definition.row_attributes}
    document = check_resource(definition, named, unknown)
    if new:
        document = with_defaults(definition, named, document)
    return Received(document, rows, tuple(unknown_names(definition, named)))


def _usual(registry: Registry, definition: ResourceDefinition, body: dict[str, Any]) -> _Usual:
    """Return a resource read and checked, but for what is required in it, and the size of its JSON.

    Returns:
        None if it is unusual.
    """
    shape = _shape_of(registry, definition)
    try:
        msgspec.convert(body, shape.type)
    except msgspec.ValidationError:
        return None
    text = _encode(body)
    # Most JSON has no escapes, and one byte is found sooner than six.
    if definition.schema.id not in body["schemas"] or (_ESCAPE in text and _NUL in text):
        return None
    found = body.copy()
    for name in shape.passed_over:
        if name in found:
            del found[name]
    if not all(found.values()):
        found = {name: each for name, each in found.items() if each or each is False}
    for name in shape.usernames:
        if not is_plain_username(found.get(name)):
            return None
    for name in shape.lists:
        if name in found:
            elements = found[name]
            if not all(elements):
                return None
            if len(elements) > 1:
                found[name] = tidied([each.copy() for each in elements])
    return found, len(text)


class _Shape(Struct, frozen=True):
    """How the resources of a type usually are.

    Attributes:
        type: What fits is as the schema says, but for texts with a NUL, usernames, and what is
            required in the resource and its extensions.
        passed_over: The attributes that are the server's to set.
        usernames: Those whose values are usernames.
        lists: Those that have several objects.
    """

    type: type[Struct]
    passed_over: tuple[str, ...]
    usernames: tuple[str, ...]
    lists: tuple[str, ...]


@lru_cache(maxsize=64)
def _shape_of(registry: Registry, definition: ResourceDefinition) -> _Shape:
    core = core_names(definition)
    attributes = [each for name, each in core.items() if name not in definition.row_attributes]
    foreign = {each.folded_urn for each in registry.definitions if each is not definition}
    extensions = [
        each
        for urn, each in definition.extensions.items()
        if urn not in foreign and names_extension(definition, each)
    ]
    urns: Any = Literal[(definition.schema.id, *(each.id for each in extensions))]
    fields = _optional(attributes, _type_of) | {"schemas": (list[urns],)}
    for each in extensions:
        fields[each.id] = (_struct(_optional(each.attributes, _type_within)) | None, None)
    return _Shape(
        type=_struct(fields),
        passed_over=tuple(each.name for each in attributes if each.mutability == "readOnly"),
        usernames=tuple(each.name for each in attributes if each.is_username),
        lists=tuple(each.name for each in attributes if each.multi_valued and each.is_complex),
    )


_Fields: TypeAlias = dict[str, tuple[Any, ...]]
"""By name the type, and None where there may be no value."""


def _struct(fields: _Fields) -> type[Struct]:
    """Return the type of objects that have no other members."""
    names = {f"field_{index}": name for index, name in enumerate(fields)}
    typed = [(field, *fields[name]) for field, name in names.items()]
    return msgspec.defstruct(
        "Usual", typed, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False
    )


def _optional(attributes: Iterable[Attribute], type_of: Callable[[Attribute], Any]) -> _Fields:
    """Return the fields of attributes whose values can be taken as they are."""
    types = {each.name: type_of(each) for each in attributes}
    return {name: (kind, None) for name, kind in types.items() if kind is not None}


def _type_of(attribute: Attribute) -> Any:
    """Return the type of values that are taken as they are, or empty; None where there is none."""
    if attribute.mutability == "readOnly":
        return _type_passed_over(attribute)
    kind = _type_of_object(attribute) if attribute.is_complex else attribute.plain
    if attribute.is_username:
        kind = str
    if attribute.multi_valued and kind is not None:
        kind = Annotated[list[kind], Meta(max_length=MAX_VALUES)]  # type: ignore[valid-type]
    return None if kind is None else kind | None


def _type_passed_over(attribute: Attribute) -> Any:
    """Return the type of values of which nothing is read."""
    if not attribute.is_complex:
        return Any
    names = filter(_is_nameable, (each.name for each in attribute.sub_attributes))
    element = _struct(dict.fromkeys(names, (Any, None)))
    return list[element] if attribute.multi_valued else element  # type: ignore[valid-type]


def _type_of_object(attribute: Attribute) -> Any:
    """Return the type of objects that are not empty where they can have a `value`.

    One without it is unusual: it may be said in another way, or cleared.
    """
    subs = attribute.sub_attributes
    fields = _optional(subs, _type_within)
    for each in subs:
        if each.required or each.name.casefold() == "value":
            kind = _type_within(each)
            if kind is None:
                return None
            fields[each.name] = (kind,)
    value = attribute.subs.get("value")
    if attribute.name == MAY_BE_WRAPPED and value is not None and value.plain is str:
        fields[value.name] = (Annotated[str, Meta(pattern=r"\A[^{]")],)
    return _struct(fields)


def _type_within(attribute: Attribute) -> Any:
    """Return the type of values within an object that are taken as they are, and never empty."""
    is_taken = attribute.mutability != "readOnly" and not attribute.multi_valued
    if not (is_taken and _is_nameable(attribute.name)):
        return None
    if attribute.is_complex:
        return _type_of_object(attribute) if "value" in attribute.subs else None
    return Annotated[str, Meta(min_length=1)] if attribute.plain is str else attribute.plain
