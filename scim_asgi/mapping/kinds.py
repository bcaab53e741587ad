"""Kinds of JSON values: what a path may yield, and what a field of the account may hold."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import inspect

from scim_asgi.protocol.schemas import Attribute

Kind: TypeAlias = Literal["text", "number", "boolean", "list"]
Kinds: TypeAlias = frozenset[Kind]

TEXT: Kinds = frozenset({"text"})
LIST: Kinds = frozenset({"list"})
SCALARS: Kinds = frozenset({"text", "number", "boolean"})
ANY: Kinds = SCALARS | LIST

_OF_ATTRIBUTE: dict[str, Kinds] = {
    "boolean": frozenset({"boolean"}),
    "integer": frozenset({"number"}),
    "decimal": frozenset({"number"}),
}

_OF_TYPE: dict[type[inspect.Type], Kinds] = {
    inspect.AnyType: ANY,
    inspect.RawType: ANY,
    inspect.CustomType: ANY,
    inspect.BoolType: SCALARS,
    inspect.IntType: frozenset({"number", "text"}),
    inspect.FloatType: frozenset({"number", "text"}),
    inspect.DecimalType: frozenset({"number", "text"}),
    inspect.DateTimeType: frozenset({"number", "text"}),
    inspect.TimeDeltaType: frozenset({"number", "text"}),
    inspect.EnumType: frozenset({"number", "text"}),
    inspect.LiteralType: frozenset({"number", "text"}),
    **dict.fromkeys((inspect.ListType, inspect.SetType, inspect.FrozenSetType), LIST),
    **dict.fromkeys((inspect.VarTupleType, inspect.TupleType), LIST),
    **dict.fromkeys((inspect.StrType, inspect.BytesType, inspect.UUIDType), TEXT),
    **dict.fromkeys((inspect.DateType, inspect.TimeType), TEXT),
}


def kind_of(value: Any) -> Kind | None:
    """Return the kind of a value; None for null and objects."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else None


def kinds_of_attribute(attribute: Attribute) -> Kinds:
    """Return what one value of a simple attribute may be."""
    return _OF_ATTRIBUTE.get(attribute.type, TEXT)


def kinds_of_type(described: inspect.Type) -> Kinds:
    """Return what may be converted to a type without strictness; nothing for objects."""
    if isinstance(described, inspect.Metadata):
        return kinds_of_type(described.type)
    if isinstance(described, inspect.UnionType):
        return frozenset().union(*map(kinds_of_type, described.types))
    return _OF_TYPE.get(type(described), frozenset())


def said(kinds: Kinds) -> str:
    """Return kinds in words."""
    names = {"text": "text", "number": "a number", "boolean": "a boolean", "list": "a list"}
    return " or ".join(name for kind, name in names.items() if kind in kinds) or "nothing"
