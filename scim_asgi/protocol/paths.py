"""Attribute paths: written as text, and resolved to attribute definitions.

RFC 7644 sections 3.4.2.2 (attrPath) and 3.10 (attribute notation).
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from scim_asgi.errors import ScimAsgiError
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.dialects.urns import canonical_urn
from scim_asgi.protocol.schemas import Attribute, Schema

NAME = r"\$?[A-Za-z][A-Za-z0-9_$-]*"
MAX_LENGTH = 512
"""The longest attribute path, in characters; bounded because parsed ones are remembered."""

_PATH = re.compile(rf"(?P<name>{NAME})(?:\.(?P<sub>{NAME}(?:\.{NAME})?))?")


class PathSyntaxError(ScimAsgiError):
    """A text that is no attribute path."""


class UnknownPath(ScimAsgiError):
    """A path that names no attribute of the resource type."""


class Path(Struct, frozen=True):
    """An attribute path as it was written; names keep their case."""

    urn: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        text = self.name if self.sub is None else f"{self.name}.{self.sub}"
        return text if self.urn is None else f"{self.urn}:{text}"


class Target(Struct, frozen=True, eq=False):
    """What a path leads to.

    Attributes:
        extension: The extension that the attribute belongs to; None for core and common ones.
        attribute: The attribute; None when the path is an extension's URN alone.
        sub: The sub-attribute, where the path names one.
    """

    extension: Schema | None
    attribute: Attribute | None
    sub: Attribute | None = None

    @property
    def leaf(self) -> Attribute | None:
        """The definition of what the path ends at; None for a whole extension."""
        return self.sub or self.attribute

    def __str__(self) -> str:
        text = "" if self.attribute is None else self.attribute.name
        if self.sub is not None:
            text = f"{text}.{self.sub.name}"
        if self.extension is None:
            return text
        return f"{self.extension.id}:{text}" if text else self.extension.id


def split_urn(text: str) -> tuple[str | None, str]:
    """Split a path into its URN and the rest, at the last colon.

    A text that does not begin with ``urn:`` (in any case) has no URN.
    """
    if text[:4].casefold() != "urn:":
        return None, text
    urn, _, rest = text.rpartition(":")
    return urn, rest


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Parse an attribute path.

    Raises:
        PathSyntaxError: It is none; the message quotes it.
    """
    urn, rest = split_urn(text)
    match = _PATH.fullmatch(rest) if len(text) <= MAX_LENGTH else None
    if match is None or urn == "":
        msg = f'"{text}" is not an attribute path'
        raise PathSyntaxError(msg)
    return Path(urn, match["name"], match["sub"])


@lru_cache(maxsize=8192)
def resolve(definition: ResourceDefinition, path: Path) -> Target:
    """Find what a path names on a resource type; names and URNs match in any case.

    URNs that are misspelt, and those of SCIM 1.1, are understood as :func:`canonical_urn` does.
    A name without URN that the core schema lacks may mean the one extension attribute of that
    name.

    Raises:
        UnknownPath: The type has no such attribute.
    """
    if path.urn is not None:
        return _resolve_qualified(definition, path)
    attribute = definition.attributes.get(path.name.casefold())
    if attribute is not None:
        return _with_sub(definition, None, attribute, path.sub)
    found = definition.unqualified(path.name)
    if found is None:
        raise _unknown(definition, str(path))
    return _with_sub(definition, found[0], found[1], path.sub)


def find(definition: ResourceDefinition, text: str) -> Target:
    """Find what an attribute path, or the URN of an extension alone, names on a resource type.

    Raises:
        PathSyntaxError: It is no path.
        UnknownPath: The type has no such attribute.
    """
    return resolve(definition, parse_path(canonical_urn(definition, text)))


def _resolve_qualified(definition: ResourceDefinition, path: Path) -> Target:
    split = definition.split_urn(canonical_urn(definition, str(path)))
    if split is None:
        raise _unknown(definition, str(path))
    urn, rest = split
    extension = definition.extension(urn)
    if not rest:
        if extension is None:
            raise _unknown(definition, str(path))
        return Target(extension, None)
    name, _, sub = rest.partition(".")
    known = definition.attributes if extension is None else extension.by_name
    attribute = known.get(name.casefold())
    if attribute is None:
        raise _unknown(definition, str(path))
    return _with_sub(definition, extension, attribute, sub or None)


def _with_sub(
    definition: ResourceDefinition, extension: Schema | None, attribute: Attribute, sub: str | None
) -> Target:
    if sub is None:
        return Target(extension, attribute)
    found = attribute.subs.get(sub.casefold())
    if found is None:
        raise _unknown(definition, f"{attribute.name}.{sub}")
    return Target(extension, attribute, found)


def _unknown(definition: ResourceDefinition, path: str) -> UnknownPath:
    return UnknownPath(f'{definition.name} has no attribute "{path}"')
