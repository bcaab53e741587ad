"""Resource types made ready for use: schemas looked up, names folded, URNs matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from scim_asgi.protocol.schemas import (
    Attribute,
    Names,
    ResourceType,
    Schema,
    SchemaError,
    SchemaFile,
    by_name,
)

COMMON_ATTRIBUTES = (
    Attribute(
        name="schemas",
        type="reference",
        multi_valued=True,
        required=True,
        returned="always",
        reference_types=("uri",),
        description="The URNs of the schemas that the resource uses.",
    ),
    Attribute(
        name="id",
        case_exact=True,
        mutability="readOnly",
        returned="always",
        description="The identifier that this server gave the resource.",
    ),
    Attribute(
        name="externalId",
        case_exact=True,
        description="The identifier that the directory gave the resource.",
    ),
    Attribute(
        name="meta",
        type="complex",
        mutability="readOnly",
        description="What this server knows about the resource.",
        sub_attributes=(
            Attribute(name="resourceType", case_exact=True, mutability="readOnly"),
            Attribute(name="created", type="dateTime", mutability="readOnly"),
            Attribute(name="lastModified", type="dateTime", mutability="readOnly"),
            Attribute(
                name="location",
                type="reference",
                case_exact=True,
                mutability="readOnly",
                reference_types=("uri",),
            ),
            Attribute(name="version", case_exact=True, mutability="readOnly"),
        ),
    ),
)
"""What every resource has, listed in no schema (RFC 7643 section 3.1)."""


class ResourceDefinition:
    """A resource type with its schemas.

    Args:
        resource_type: The type.
        schema: Its own schema.
        extensions: Its extensions, each with whether it is required.
        row_attributes: Multi-valued attributes that the store keeps as rows, not in the document.
        derived_attributes: Read-only attributes that are worked out from other resources.
        defaults: What core attributes are when a create does not name them.
        computed: Read-only core attributes that the server works out whenever a resource is
            stored: a function of the resource for each name; None for no value.
        kept_attributes: Core attributes that only a removal by name unassigns: a PUT without them
            and a PUT or PATCH that empties them leave them as they were, and a create that
            empties them gives them their default.
        unstored_attributes: Write-only attributes that are handed on and never stored.
        lookups: Paths besides the unique ones that directories look resources up by.
    """

    def __init__(
        self,
        resource_type: ResourceType,
        schema: Schema,
        extensions: tuple[tuple[Schema, bool], ...] = (),
        *,
        row_attributes: frozenset[str] = frozenset(),
        derived_attributes: frozenset[str] = frozenset(),
        defaults: Mapping[str, Any] | None = None,
        computed: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
        kept_attributes: frozenset[str] = frozenset(),
        unstored_attributes: frozenset[str] = frozenset(),
        lookups: tuple[str, ...] = ("externalId",),
    ) -> None:
        self.resource_type = resource_type
        self.name = resource_type.name
        self.endpoint = "/" + resource_type.endpoint.strip("/")
        self.schema = schema
        self.extensions = {item.id.casefold(): item for item, _ in extensions}
        self.required_extensions = tuple(item for item, required in extensions if required)
        self.demanding_extensions = tuple(
            item for item, required in extensions if required or item.required
        )
        self.row_attributes = row_attributes
        self.derived_attributes = derived_attributes
        self.defaults = dict(defaults or {})
        self.computed = dict(computed or {})
        self.kept_attributes = kept_attributes
        self.unstored_attributes = unstored_attributes
        self.lookups = lookups
        self.attributes = by_name(COMMON_ATTRIBUTES) | schema.by_name | by_name(COMMON_ATTRIBUTES)
        self.named = Names(self.attributes.values())
        self.extension_ids = {item.id: item for item, _ in extensions}
        self._unqualified = self._unambiguous_extension_attributes()
        self.folded_urn = schema.id.casefold()
        self._urns = {self.folded_urn, *self.extensions}
        self.withheld = frozenset(
            attribute.name if extension is None else extension.id
            for extension, attribute in self.all_attributes()
            if not _is_shown(attribute)
        )
        self.has_requested = any(_is_requested(each) for _, each in self.all_attributes())

    def _unambiguous_extension_attributes(self) -> dict[str, tuple[Schema, Attribute]]:
        found: dict[str, list[tuple[Schema, Attribute]]] = {}
        for schema in self.extensions.values():
            for name, attribute in schema.by_name.items():
                found.setdefault(name, []).append((schema, attribute))
        return {
            name: owners[0]
            for name, owners in found.items()
            if len(owners) == 1 and name not in self.attributes
        }

    def with_server_values(
        self,
        *,
        defaults: Mapping[str, Any] | None = None,
        computed: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
    ) -> ResourceDefinition:
        """Return the same type with values that the server sets, where a schema cannot say so.

        Args:
            defaults: What core attributes are when a create does not name them.
            computed: Read-only core attributes, each as a function of the resource.

        Raises:
            SchemaError: The type has no such attribute, or a computed one is not read-only.
        """
        defaults, computed = dict(defaults or {}), dict(computed or {})
        for name in (*defaults, *computed):
            attribute = self.schema.by_name.get(name.casefold())
            read_only = attribute is not None and attribute.mutability == "readOnly"
            if attribute is None or read_only != (name in computed):
                kind = "a read-only" if name in computed else "a writable"
                msg = f'"{name}" has to be {kind} attribute of the schema {self.schema.id}.'
                raise SchemaError(msg)
        return ResourceDefinition(
            self.resource_type,
            self.schema,
            tuple((each, each in self.required_extensions) for each in self.extensions.values()),
            row_attributes=self.row_attributes,
            derived_attributes=self.derived_attributes,
            defaults={**self.defaults, **defaults},
            computed={**self.computed, **computed},
            kept_attributes=self.kept_attributes,
            unstored_attributes=self.unstored_attributes,
            lookups=self.lookups,
        )

    def is_own_schema(self, urn: str) -> bool:
        """Return whether a URN, in any case, is the type's own schema."""
        return urn.casefold() == self.folded_urn

    def extension(self, urn: str) -> Schema | None:
        """Return the extension with a URN in any case, or None."""
        return self.extension_ids.get(urn) or self.extensions.get(urn.casefold())

    def unqualified(self, name: str) -> tuple[Schema, Attribute] | None:
        """Return the one extension attribute that a name without URN can mean, or None."""
        return self._unqualified.get(name.casefold())

    def split_urn(self, text: str) -> tuple[str, str] | None:
        """Split a text into the schema of this type that it begins with and the rest.

        Returns:
            The URN as this type spells it and what follows its ``:`` or ``.`` (empty when the
            text is the URN alone), or None when it begins with no schema of this type.
        """
        folded = text.casefold()
        if not folded.startswith("urn:"):
            return None
        best = max((urn for urn in self._urns if _begins(folded, urn)), key=len, default=None)
        if best is None:
            return None
        schema = self.extensions.get(best, self.schema)
        return schema.id, text[len(best) + 1 :]

    def all_attributes(self) -> Iterator[tuple[Schema | None, Attribute]]:
        """Yield every attribute with its extension, or None for core and common ones."""
        for attribute in self.attributes.values():
            yield None, attribute
        for schema in self.extensions.values():
            for attribute in schema.attributes:
                yield schema, attribute


def _is_shown(attribute: Attribute) -> bool:
    return attribute.returned in ("always", "default") and all(
        map(_is_shown, attribute.sub_attributes)
    )


def _is_requested(attribute: Attribute) -> bool:
    return attribute.returned == "request" or any(map(_is_requested, attribute.sub_attributes))


def _begins(folded: str, urn: str) -> bool:
    return folded.startswith(urn) and folded[len(urn) : len(urn) + 1] in ("", ":", ".")


class Registry:
    """The resource types that a server has, in the order they were registered."""

    def __init__(self, definitions: Iterable[ResourceDefinition]) -> None:
        self.definitions = tuple(definitions)
        self.by_endpoint: dict[str, ResourceDefinition] = {}
        self.by_name: dict[str, ResourceDefinition] = {}
        self.schemas: dict[str, Schema] = {}
        for definition in self.definitions:
            self._add(definition)

    def _add(self, definition: ResourceDefinition) -> None:
        if definition.endpoint in self.by_endpoint or definition.name in self.by_name:
            msg = (
                f"The resource type {definition.name} at {definition.endpoint} is registered "
                "twice; give each type its own name and endpoint."
            )
            raise SchemaError(msg)
        self.by_endpoint[definition.endpoint] = definition
        self.by_name[definition.name] = definition
        for schema in (definition.schema, *definition.extensions.values()):
            self.schemas.setdefault(schema.id.casefold(), schema)


def define(file: SchemaFile, known: Iterable[Schema] = ()) -> list[ResourceDefinition]:
    """Make the resource types of a schema file ready for use.

    Args:
        file: Schemas and the resource types that are made of them.
        known: Schemas that the types may also name.

    Raises:
        SchemaError: A type names a schema that is nowhere, or an attribute breaks RFC 7643.
    """
    schemas = {schema.id.casefold(): schema for schema in (*known, *file.schemas)}
    for schema in file.schemas:
        check_schema(schema)
    return [_define(resource_type, schemas) for resource_type in file.resource_types]


def _define(resource_type: ResourceType, schemas: dict[str, Schema]) -> ResourceDefinition:
    def find(urn: str) -> Schema:
        schema = schemas.get(urn.casefold())
        if schema is None:
            msg = f"The resource type {resource_type.name} names the schema {urn}, which is missing"
            raise SchemaError(msg)
        return schema

    extensions = tuple(
        (find(extension.schema), extension.required)
        for extension in resource_type.schema_extensions
    )
    return ResourceDefinition(resource_type, find(resource_type.schema), extensions)


def check_schema(schema: Schema) -> None:
    """Check what RFC 7643 section 7 demands of a schema.

    Raises:
        SchemaError: With the schema's URN and the attribute's path.
    """
    for attribute in schema.attributes:
        _check_attribute(schema, attribute, attribute.name)
        for sub in attribute.sub_attributes:
            path = f"{attribute.name}.{sub.name}"
            _check_attribute(schema, sub, path)
            if sub.is_complex:
                _refuse(schema, path, "a sub-attribute cannot be complex")


def _check_attribute(schema: Schema, attribute: Attribute, path: str) -> None:
    if attribute.is_complex and not attribute.sub_attributes:
        _refuse(schema, path, "a complex attribute needs subAttributes")
    if attribute.sub_attributes and not attribute.is_complex:
        _refuse(schema, path, "only a complex attribute can have subAttributes")
    if len(attribute.subs) != len(attribute.sub_attributes):
        _refuse(schema, path, "two sub-attributes have the same name")
    if attribute.required and attribute.mutability == "readOnly":
        _refuse(schema, path, "a read-only attribute cannot be required of a client")


def _refuse(schema: Schema, path: str, why: str) -> None:
    msg = f"The schema {schema.id} cannot be used: {path}: {why}."
    raise SchemaError(msg)
