"""What resources are found by: their values in comparable form, worked out by compiled readers.

Names in stored resources are canonical, so that a reader is found by one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, TypeAlias

from msgspec import Struct

from scim_asgi.protocol.comparison import comparable, exact, fold
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target, find
from scim_asgi.protocol.schemas import Attribute

_Reader: TypeAlias = Callable[[Any], Any]
_ObjectReader: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class _Key(Struct, frozen=True):
    """Where a value stands that has an index, or several values."""

    path: str
    urn: str | None
    name: str
    read: _Reader
    sub: str | None = None
    multi_valued: bool = False


class _Search(Struct, frozen=True):
    """The readers of a resource type."""

    form: _ObjectReader
    unique: tuple[_Key, ...]
    lookups: tuple[_Key, ...]


def search_form(definition: ResourceDefinition, resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with every value in the form in which filters compare it.

    Hidden attributes and those that no schema has are left out, and so is what was stored when
    its attribute was of another type.
    """
    return _search(definition).form(resource)


def unique_values(
    definition: ResourceDefinition, resource: dict[str, Any]
) -> tuple[tuple[str, Any], ...]:
    """Return path and comparable value of every attribute that has to be unique."""
    return _read_keys(_search(definition).unique, resource)


def lookup_values(
    definition: ResourceDefinition, resource: dict[str, Any]
) -> tuple[tuple[str, Any], ...]:
    """Return path and comparable value of what directories look resources up by."""
    return _read_keys(_search(definition).lookups, resource)


def _read_keys(keys: tuple[_Key, ...], resource: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return what a resource is found by, without what was stored as a value of another type."""
    found = []
    for key in keys:
        scope = resource if key.urn is None else resource.get(key.urn, {})
        value = scope.get(key.name)
        for element in value if key.multi_valued and isinstance(value, list) else (value,):
            part = element.get(key.sub) if isinstance(element, dict) else element
            try:
                form = None if part is None else key.read(part)
            except (AttributeError, TypeError, ValueError):
                continue
            if form is not None:
                found.append((key.path, form))
    return tuple(found)


@lru_cache(maxsize=64)
def _search(definition: ResourceDefinition) -> _Search:
    return _Search(
        form=_object_reader(
            _readers(definition.attributes.values())
            | {
                each.id: _object_reader(_readers(each.attributes))
                for each in definition.extensions.values()
            }
        ),
        unique=tuple(
            _Key(
                str(Target(extension, attribute)),
                None if extension is None else extension.id,
                attribute.name,
                _simple_reader(attribute),
            )
            for extension, attribute in definition.all_attributes()
            if attribute.uniqueness != "none"
            and not attribute.is_complex
            and not attribute.multi_valued
        ),
        lookups=tuple(_lookup(definition, path) for path in definition.lookups),
    )


def _lookup(definition: ResourceDefinition, path: str) -> _Key:
    target = find(definition, path)
    assert target.attribute is not None
    assert target.leaf is not None
    return _Key(
        path,
        None,
        target.attribute.name,
        _simple_reader(target.leaf),
        target.leaf.name,
        target.attribute.multi_valued,
    )


def _readers(attributes: Iterable[Attribute]) -> dict[str, _Reader]:
    return {each.name: _reader(each) for each in attributes if not each.is_hidden}


def _reader(attribute: Attribute) -> _Reader:
    read = _simple_reader(attribute)
    if attribute.is_complex:
        read = _object_reader(_readers(attribute.sub_attributes))
    return _list_reader(read) if attribute.multi_valued else read


def _simple_reader(attribute: Attribute) -> _Reader:
    """Return what makes a value of an attribute comparable."""
    if attribute.type in ("string", "reference"):
        return exact if attribute.case_exact else fold
    return partial(comparable, attribute)


def _object_reader(readers: dict[str, _Reader]) -> _ObjectReader:
    find_reader = readers.get

    def read_object(values: dict[str, Any]) -> dict[str, Any]:
        form = {}
        for name, value in values.items():
            read = find_reader(name)
            if read is None:
                continue
            try:
                element = read(value)
            except (AttributeError, TypeError, ValueError):
                continue
            if element or not isinstance(element, dict | list):
                form[name] = element
        return form

    return read_object


def _list_reader(read: _Reader) -> _Reader:
    def read_list(values: list[Any]) -> list[Any]:
        if not isinstance(values, list):
            return []
        return [form for each in values if (form := read(each)) != {}]

    return read_list
