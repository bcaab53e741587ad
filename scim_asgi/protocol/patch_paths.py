"""PATCH paths (RFC 7644 section 3.5.2): ``attrPath`` or ``attrPath[filter].sub``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from msgspec import Struct

from scim_asgi.protocol.conditions import Condition, bind_element, element_test
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.errors import InvalidPath
from scim_asgi.protocol.filters import Node, parse_value_filter
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.paths import (
    NAME,
    Path,
    PathSyntaxError,
    Target,
    UnknownPath,
    parse_path,
    resolve,
)
from scim_asgi.protocol.schemas import Attribute

_KNOWN = 256
_VALUE_PATH = re.compile(rf"(?P<path>[^\[\]]+)\[(?P<filter>.*)\](?:\.(?P<sub>{NAME}))?", re.DOTALL)


class PatchPath(Struct, frozen=True, eq=False, dict=True):
    """A PATCH path resolved against a resource type.

    Attributes:
        target: The attribute, and the sub-attribute where the path names one.
        condition: Which elements are meant; None for all.
        node: The filter that the condition was made of.
    """

    target: Target
    condition: Condition | None = None
    node: Node | None = None

    def __str__(self) -> str:
        return self._text

    @cached_property
    def picks(self) -> Callable[[Any], bool]:
        """What tells whether an element, or a single value, is meant."""
        return (lambda _: True) if self.condition is None else element_test(self.condition)

    @cached_property
    def is_set_by_server(self) -> bool:
        """Whether this is read-only, in whole or in part, or the list of schemas."""
        attribute, sub = self.target.attribute, self.target.sub
        if attribute is None:
            return False
        if attribute.name == "schemas" and sub is None and self.target.extension is None:
            return True
        named = (attribute, attribute if sub is None else sub)
        return any(each.mutability == "readOnly" for each in named)

    @cached_property
    def _text(self) -> str:
        if self.node is None:
            return str(self.target)
        whole = Target(self.target.extension, self.target.attribute)
        sub = "" if self.target.sub is None else f".{self.target.sub.name}"
        return f"{whole}[{self.node}]{sub}"


def parse_patch_path(
    definition: ResourceDefinition, text: str, limits: Limits = DEFAULT_LIMITS
) -> PatchPath:
    """Parse a PATCH path; a URN in front of it may be misspelt.

    Raises:
        InvalidPath: It does not parse.
        InvalidFilter: What stands between its brackets does not parse or does not fit.
        UnknownPath: It is well-formed, and the type has no such attribute.
    """
    return (_known_path if len(text) <= _KNOWN else _parse_path)(definition, text, limits)


def _parse_path(definition: ResourceDefinition, text: str, limits: Limits) -> PatchPath:
    text = canonical_urn(definition, text)
    if "[" not in text and "]" not in text:
        return PatchPath(resolve(definition, _attribute_path(text)))
    match = _VALUE_PATH.fullmatch(text)
    if match is None:
        raise _invalid(text)
    whole = resolve(definition, _attribute_path(match["path"]))
    attribute = whole.attribute
    if attribute is None or whole.sub is not None or match["filter"].isdecimal():
        raise _invalid(text)
    node = parse_value_filter(match["filter"], limits)
    condition = bind_element(attribute, node)
    sub = _sub_attribute(definition, attribute, match["sub"])
    return PatchPath(Target(whole.extension, attribute, sub), condition, node)


_known_path = lru_cache(maxsize=1024)(_parse_path)
"""Directories send the same ones again and again."""


def _attribute_path(text: str) -> Path:
    try:
        return parse_path(text)
    except PathSyntaxError:
        raise _invalid(text) from None


def _sub_attribute(
    definition: ResourceDefinition, attribute: Attribute, name: str | None
) -> Attribute | None:
    if name is None:
        return None
    sub = attribute.subs.get(name.casefold())
    if sub is None:
        msg = f'{definition.name} has no attribute "{attribute.name}.{name}"'
        raise UnknownPath(msg)
    return sub


def _invalid(text: str) -> InvalidPath:
    return InvalidPath(
        f'"{text}" is not a PATCH path; write attribute, attribute.sub or '
        'attribute[filter].sub, such as emails[type eq "work"].value.'
    )
