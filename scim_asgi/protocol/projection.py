"""Which attributes an answer has: `attributes`, `excludedAttributes` and `returned`.

RFC 7644 sections 3.4.2.5 and 3.9, RFC 7643 section 7 (returned).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from msgspec import Struct

from scim_asgi.protocol.conditions import is_present
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.messages import read_name
from scim_asgi.protocol.errors import InvalidValue
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, find
from scim_asgi.protocol.schemas import Attribute, Schema

_WHOLE: frozenset[str] = frozenset({"*"})
_Names: TypeAlias = "dict[tuple[str | None, str], frozenset[str]]"


class Projection(Struct, frozen=True, eq=False):
    """What a client asked for, resolved against a resource type.

    Keys are extension URN (None for core) and attribute name; the values are the names of
    sub-attributes, or `_WHOLE`. A key with the empty name stands for a whole extension.
    """

    definition: ResourceDefinition
    named: _Names | None
    excluded: _Names
    written: _Names = {}

    def wants(self, attribute: Attribute) -> bool:
        """Return whether a core attribute can be in the answer, so that it has to be loaded."""
        return self._mode(None, attribute) is not None

    def apply(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Return what of a resource goes into the answer; the resource is not changed."""
        is_whole = self.named is None and not self.excluded
        if is_whole and self.definition.withheld.isdisjoint(resource):
            return resource
        answer: dict[str, Any] = {}
        for name, value in resource.items():
            shown = self._show(name, value)
            if shown is not None:
                answer[name] = shown
        return answer

    def _show(self, name: str, value: Any) -> Any:
        attribute = self.definition.attributes.get(name.casefold())
        if attribute is not None:
            return self._show_attribute(None, attribute, value)
        extension = self.definition.extension(name)
        if extension is None:
            return None if self.named is not None or (name, "") in self.excluded else value
        container = {}
        for key, element in value.items():
            shown = self._show_attribute(extension.id, extension.by_name[key.casefold()], element)
            if shown is not None:
                container[key] = shown
        return container or None

    def _show_attribute(self, urn: str | None, attribute: Attribute, value: Any) -> Any:
        subs = self._mode(urn, attribute)
        if subs is None:
            return None
        if not attribute.is_complex:
            return value
        key = (urn, attribute.name)
        excluded = self.excluded.get(key, frozenset())
        written = self.written.get(key, frozenset())
        shown = {
            sub.name for sub in attribute.sub_attributes if _is_shown(sub, subs, excluded, written)
        }
        if isinstance(value, list):
            elements = [_pick(element, shown) for element in value]
            return [element for element in elements if element] if value else value
        return _pick(value, shown) or None

    def _mode(self, urn: str | None, attribute: Attribute) -> frozenset[str] | None:
        """Return which sub-attributes are asked for, or None when the attribute is not shown."""
        key, container = (urn, attribute.name), (urn, "")
        if attribute.returned == "never":
            return None
        named = None if self.named is None else self.named.get(key)
        if named is not None:
            return named
        if self.named is not None and container in self.named and attribute.returned != "request":
            return _WHOLE
        if attribute.returned == "always":
            return _WHOLE
        if attribute.returned == "request":
            return _WHOLE if self.named is None and key in self.written else None
        whole = "*" in self.excluded.get(key, ()) or container in self.excluded
        return None if self.named is not None or whole else _WHOLE


def _is_shown(
    sub: Attribute, asked: frozenset[str], excluded: frozenset[str], written: frozenset[str]
) -> bool:
    if sub.returned in ("never", "always"):
        return sub.returned == "always"
    if sub.name in asked or "*" not in asked:
        return sub.name in asked
    return sub.name in written if sub.returned == "request" else sub.name not in excluded


def _pick(element: dict[str, Any], shown: set[str]) -> dict[str, Any]:
    return {name: value for name, value in element.items() if name in shown}


def project(
    definition: ResourceDefinition,
    attributes: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Projection:
    """Resolve what a client asked for; names in any case, unknown ones are passed over.

    Raises:
        InvalidValue: Both are given, or more names than anybody needs.
    """
    if attributes and excluded:
        msg = '"attributes" and "excludedAttributes" exclude each other; send one of them.'
        raise InvalidValue(msg)
    most = limits.projection_attributes
    for name, listed in (("attributes", attributes), ("excludedAttributes", excluded)):
        if len(listed) > most:
            msg = f'"{name}" lists {len(listed)} names; at most {most} are read.'
            raise InvalidValue(msg)
    return _project(definition, attributes, excluded)


@lru_cache(maxsize=256)
def _project(
    definition: ResourceDefinition, attributes: tuple[str, ...], excluded: tuple[str, ...]
) -> Projection:
    named = _names(definition, attributes) if attributes else None
    return Projection(definition, named, _names(definition, excluded))


def with_written(projection: Projection, targets: Callable[[], Iterable[Target]]) -> Projection:
    """Return the projection of an answer to a write.

    Attributes that are returned on request are in it when the request set them
    (RFC 7643 section 7).

    Args:
        projection: What the client asked for.
        targets: Returns what the request set.
    """
    definition = projection.definition
    if not definition.has_requested:
        return projection
    return Projection(definition, projection.named, projection.excluded, _collect(targets()))


def _names(definition: ResourceDefinition, texts: tuple[str, ...]) -> _Names:
    targets = []
    for text in texts:
        try:
            targets.append(find(definition, read_name(text)))
        except (PathSyntaxError, UnknownPath):
            continue
    return _collect(targets)


def _collect(targets: Iterable[Target]) -> _Names:
    names: _Names = {}
    for target in targets:
        urn = None if target.extension is None else target.extension.id
        key = (urn, "" if target.attribute is None else target.attribute.name)
        subs = _WHOLE if target.sub is None else frozenset({target.sub.name})
        before = names.get(key, frozenset())
        names[key] = before | subs
    return names


def written_by(definition: ResourceDefinition, body: dict[str, Any]) -> list[Target]:
    """Return what a checked resource sets, sub-attributes included."""
    targets = []
    for name, value in body.items():
        extension = definition.extension(name)
        known = definition.attributes if extension is None else extension.by_name
        values = {name: value} if extension is None else value
        for key, element in values.items():
            attribute = known.get(key.casefold())
            if attribute is not None and is_present(element):
                targets.append(Target(extension, attribute))
                targets += subs_written(extension, attribute, element)
    return targets


def subs_written(extension: Schema | None, attribute: Attribute, value: Any) -> list[Target]:
    """Return the sub-attributes that a value of an attribute sets, by canonical names."""
    elements = value if isinstance(value, list) else [value]
    names = {name for element in elements if isinstance(element, dict) for name in element}
    return [
        Target(extension, attribute, sub) for sub in attribute.sub_attributes if sub.name in names
    ]
