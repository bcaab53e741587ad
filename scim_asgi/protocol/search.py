"""What resources are found by: their values in comparable form, worked out by compiled readers.

Names in stored resources are canonical, so that a reader is found by one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeAlias

from msgspec import Struct

from scim_asgi.protocol.comparison import comparable, exact, fold
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target, find
from scim_asgi.protocol.schemas import Attribute

_Reader: TypeAlias = Callable[[Any], Any]
_EMPTY: tuple[Any, ...] = ({}, [])


class _Key(Struct, frozen=True):
    """Where a value stands that has an index."""

    path: str
    urn: str | None
    name: str
    sub: str | None
    read: _Reader


class _Search(Struct, frozen=True):
    """The readers of a resource type."""

    form: dict[str, _Reader]
    unique: tuple[_Key, ...]
    lookups: tuple[_Key, ...]


def search_form(definition: ResourceDefinition, resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with every value in the form in which filters compare it.

    Hidden attributes and those that no schema has are left out, and so is what was stored when
    its attribute was of another type.
    """
    return _read_object(_search(definition).form, resource)


def unique_values(
    definition: ResourceDefinition, resource: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield path and comparable value of every attribute that has to be unique."""
    for key in _search(definition).unique:
        scope = resource if key.urn is None else resource.get(key.urn, {})
        value = scope.get(key.name)
        if (form := _read_key(key, value)) is not None:
            yield key.path, form


def lookup_values(
    definition: ResourceDefinition, resource: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield path and comparable value of what directories look resources up by."""
    for key in _search(definition).lookups:
        value = resource.get(key.name)
        for element in value if isinstance(value, list) else (value,):
            found = element.get(key.sub) if isinstance(element, dict) else element
            if (form := _read_key(key, found)) is not None:
                yield key.path, form


def _read_key(key: _Key, value: Any) -> Any:
    """Return what a value is found by; None where it was stored as one of another type."""
    try:
        return None if value is None else key.read(value)
    except (AttributeError, TypeError, ValueError):
        return None


@lru_cache(maxsize=64)
def _search(definition: ResourceDefinition) -> _Search:
    return _Search(
        form=_readers(definition.attributes.values())
        | {
            each.id: partial(_read_object, _readers(each.attributes))
            for each in definition.extensions.values()
        },
        unique=tuple(
            _Key(
                str(Target(extension, attribute)),
                None if extension is None else extension.id,
                attribute.name,
                None,
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
    return _Key(path, None, target.attribute.name, target.leaf.name, _simple_reader(target.leaf))


def _readers(attributes: Iterable[Attribute]) -> dict[str, _Reader]:
    return {each.name: _reader(each) for each in attributes if not each.is_hidden}


def _reader(attribute: Attribute) -> _Reader:
    read = _simple_reader(attribute)
    if attribute.is_complex:
        read = partial(_read_object, _readers(attribute.sub_attributes))
    return partial(_read_list, read) if attribute.multi_valued else read


def _simple_reader(attribute: Attribute) -> _Reader:
    """Return what makes a value of an attribute comparable."""
    if attribute.type in ("string", "reference"):
        return exact if attribute.case_exact else fold
    return partial(comparable, attribute)


def _read_object(readers: dict[str, _Reader], values: dict[str, Any]) -> dict[str, Any]:
    form = {}
    for name, value in values.items():
        read = readers.get(name)
        if read is not None:
            try:
                element = read(value)
            except (AttributeError, TypeError, ValueError):
                continue
            if element not in _EMPTY:
                form[name] = element
    return form


def _read_list(read: _Reader, values: list[Any]) -> list[Any]:
    if not isinstance(values, list):
        return []
    return [form for each in values if (form := read(each)) != {}]
