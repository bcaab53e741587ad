"""What resources are found by: their values in comparable form, worked out by compiled readers.

Names in stored resources are canonical, so that a reader is found by one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache, partial
from typing import Any, TypeAlias

from msgspec import Struct

from scim_asgi.protocol.comparison import comparable, exact, fold
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target, find
from scim_asgi.protocol.schemas import Attribute

_Reader: TypeAlias = Callable[[Any], Any]


class _Key(Struct, frozen=True):
    """Where a value stands that has an index, or several values."""

    path: str
    urn: str | None
    name: str
    read: _Reader
    sub: str | None = None
    multi_valued: bool = False


class _Search(Struct, frozen=True, dict=True):
    """The readers of a resource type."""

    form: _Reader
    unique: tuple[_Key, ...]
    lookups: tuple[_Key, ...]

    @cached_property
    def keyed(self) -> tuple[str, ...]:
        """The members of a resource that these values are in."""
        keys = self.unique + self.lookups
        return tuple({key.urn or key.name: None for key in keys})


def search_form(definition: ResourceDefinition, resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with every value in the form in which filters compare it.

    Hidden attributes and those that no schema has are left out, and so is what was stored when
    its attribute was of another type.
    """
    return _search(definition).form(resource) or {}


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


def is_found_alike(
    definition: ResourceDefinition, resource: dict[str, Any], other: dict[str, Any]
) -> bool:
    """Return whether the values that two versions of a resource are found by are the same."""
    for name in _search(definition).keyed:
        value = resource.get(name)
        if value is not other.get(name) and value != other.get(name):
            return False
    return True


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
    return _read_boolean if attribute.type == "boolean" else partial(comparable, attribute)


def _read_boolean(value: Any) -> Any:
    """Return a boolean as it is; what was stored as a value of another type is left out."""
    if value is True or value is False:
        return value
    raise TypeError


def _object_reader(readers: dict[str, _Reader]) -> _Reader:
    """Return what makes the values of an object comparable, and None where there are none."""
    folded = frozenset(name for name, read in readers.items() if read is fold)

    def read_object(values: dict[str, Any]) -> dict[str, Any] | None:
        form = {}
        for name, value in values.items():
            try:
                # As fold begins: most texts need no more of it.
                if name in folded and value.isascii():
                    form[name] = value.lower()
                    continue
                read = readers.get(name)
                element = None if read is None else read(value)
            except (AttributeError, TypeError, ValueError):
                continue
            if element is not None:
                form[name] = element
        return form or None

    return read_object


def _list_reader(read: _Reader) -> _Reader:
    def read_list(values: list[Any]) -> list[Any] | None:
        if not isinstance(values, list):
            return None
        forms = map(read, values)
        return [form for form in forms if form is not None] or None

    return read_list
