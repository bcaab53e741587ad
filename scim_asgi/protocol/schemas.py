"""Attributes, schemas and resource types: what drives every other part of the protocol.

RFC 7643 sections 2 (characteristics), 6 (resource types) and 7 (schemas).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from scim_asgi.errors import ScimAsgiError

SCHEMA_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"

type_names = Literal[
    "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"
]


PlainType: TypeAlias = type[str] | type[bool] | None


class SchemaError(ScimAsgiError):
    """A schema or resource type that cannot be served; the message says which and why."""


class Attribute(Struct, frozen=True, kw_only=True, rename="camel", dict=True):
    """An attribute definition; what is not given has the default of RFC 7643 section 2.2.

    `is_username` is ours and never published: values are usernames as RFC 8265 section 3 has
    them, without characters that cannot be seen or typed, and never blank.
    """

    name: str
    type: type_names = "string"
    multi_valued: bool = False
    description: str = ""
    required: bool = False
    canonical_values: tuple[str, ...] = ()
    case_exact: bool = False
    mutability: Literal["readOnly", "readWrite", "immutable", "writeOnly"] = "readWrite"
    returned: Literal["always", "never", "default", "request"] = "default"
    uniqueness: Literal["none", "server", "global"] = "none"
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    is_username: bool = False

    @cached_property
    def subs(self) -> dict[str, Attribute]:
        """The sub-attributes by case-folded name."""
        return by_name(self.sub_attributes)

    @cached_property
    def named(self) -> Names:
        """The sub-attributes by name in any case."""
        return Names(self.sub_attributes)

    @cached_property
    def required_subs(self) -> tuple[Attribute, ...]:
        """The sub-attributes that have to be there."""
        return tuple(sub for sub in self.sub_attributes if sub.required)

    @cached_property
    def hidden_subs(self) -> frozenset[str]:
        """The names of the sub-attributes that are hidden."""
        return frozenset(sub.name for sub in self.sub_attributes if sub.is_hidden)

    @cached_property
    def is_complex(self) -> bool:
        """Whether a value is an object with sub-attributes."""
        return self.type == "complex"

    @cached_property
    def plain(self) -> PlainType:
        """Of which type any value is right, but for a text with a NUL in it; None for none."""
        if self.multi_valued or self.is_username:
            return None
        return {"string": str, "reference": str, "boolean": bool}.get(self.type)

    @cached_property
    def is_hidden(self) -> bool:
        """Whether no answer, filter or sort order may reveal anything about a value."""
        return self.returned == "never" or self.mutability == "writeOnly"

    def to_wire(self) -> dict[str, Any]:
        """Return the definition as `/Schemas` publishes it (RFC 7643 section 7)."""
        wire: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
        }
        if self.canonical_values:
            wire["canonicalValues"] = list(self.canonical_values)
        if self.type in ("string", "reference", "binary"):
            wire["caseExact"] = self.case_exact
        wire["mutability"] = self.mutability
        wire["returned"] = self.returned
        if not self.is_complex:
            wire["uniqueness"] = self.uniqueness
        if self.type == "reference":
            wire["referenceTypes"] = list(self.reference_types)
        if self.is_complex:
            wire["subAttributes"] = [sub.to_wire() for sub in self.sub_attributes]
        return wire


def by_name(attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    """Return attributes by case-folded name (names are case-insensitive, RFC 7643 section 2.1)."""
    return {attribute.name.casefold(): attribute for attribute in attributes}


class Names(dict[str, "Attribute | None"]):
    """Attributes by name in any case; None for a name that none has.

    Directories mostly send names as the schema spells them: only others are case-folded.

    Args:
        attributes: The attributes.
    """

    def __init__(self, attributes: Iterable[Attribute]) -> None:
        self._folded = by_name(attributes)
        super().__init__({each.name: each for each in self._folded.values()})

    def __missing__(self, name: str) -> Attribute | None:
        return self._folded.get(name.casefold())


class Schema(Struct, frozen=True, kw_only=True, dict=True):
    """A schema: a URN and the attributes that it defines (RFC 7643 section 7)."""

    id: str
    name: str = ""
    description: str = ""
    attributes: tuple[Attribute, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """The attributes by case-folded name."""
        return by_name(self.attributes)

    @cached_property
    def named(self) -> Names:
        """The attributes by name in any case."""
        return Names(self.attributes)

    @cached_property
    def required(self) -> tuple[Attribute, ...]:
        """The attributes that have to be there."""
        return tuple(each for each in self.attributes if each.required)

    def to_wire(self) -> dict[str, Any]:
        """Return the Schema resource without its meta."""
        return {
            "schemas": [SCHEMA_SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.to_wire() for attribute in self.attributes],
        }


class SchemaExtension(Struct, frozen=True):
    """A schema that a resource type is extended with."""

    schema: str
    required: bool = False


class ResourceType(Struct, frozen=True, kw_only=True, rename="camel"):
    """A resource type: an endpoint and the schemas of what lives there (RFC 7643 section 6)."""

    name: str
    endpoint: str
    schema: str
    description: str = ""
    schema_extensions: tuple[SchemaExtension, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Return the ResourceType resource without its meta; its id is its name."""
        return {
            "schemas": [RESOURCE_TYPE_SCHEMA],
            "id": self.name,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": self.schema,
            "schemaExtensions": [msgspec.to_builtins(item) for item in self.schema_extensions],
        }


class SchemaFile(Struct, frozen=True, rename="camel"):
    """A JSON file of Schema and ResourceType resources, as `serve --schemas FILE` takes it."""

    schemas: tuple[Schema, ...]
    resource_types: tuple[ResourceType, ...]


def load_schema_file(content: bytes) -> SchemaFile:
    """Decode a JSON file with the members `schemas` and `resourceTypes`.

    Raises:
        SchemaError: It is not such a file; the message names the place.
    """
    try:
        return msgspec.json.decode(content, type=SchemaFile)
    except msgspec.DecodeError as error:
        msg = f"The schema file cannot be used: {error}"
        raise SchemaError(msg) from error
