"""Whole resources: an inbound one checked and normalised, a stored one replaced.

RFC 7643 section 2 and RFC 7644 sections 3.3 and 3.5.1. Resources are plain JSON objects; what
these functions return has canonical names and nothing unassigned in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import InvalidSyntax, InvalidValue, Mutability
from scim_asgi.protocol.schemas import Attribute, Schema
from scim_asgi.protocol.values import check_value, is_unassigned, require, same

_CORE = "urn:ietf:params:scim:schemas:core:"

UnknownAttributes = Literal["ignore", "reject"]


def check_schemas(registry: Registry, definition: ResourceDefinition, body: dict[str, Any]) -> None:
    """Check the `schemas` of an inbound resource (RFC 7643 section 3).

    The type's own schema has to be there, in any case, and no other type's; URNs that nobody
    knows are passed over.

    Raises:
        InvalidSyntax: It is missing, no list of texts, or lacks the type's own schema.
        InvalidValue: It names another type's schema.
    """
    schemas = body.get("schemas")
    named = _folded(schemas)
    if named is None:
        msg = f'"schemas" has to be a list with "{definition.schema.id}" in it.'
        raise InvalidSyntax(msg)
    for other in registry.definitions:
        if other.folded_urn in named and other is not definition:
            msg = (
                f'"schemas" names {other.schema.id}; this is the endpoint of {definition.name}. '
                f"Send it to {other.endpoint}."
            )
            raise InvalidValue(msg)
    if definition.folded_urn not in named:
        msg = f'"schemas" lacks "{definition.schema.id}"; add it to what the directory sends.'
        raise InvalidSyntax(msg)


def _folded(urns: Any) -> set[str] | None:
    """Return the texts of a list without case; None where it is none, or has anything else in it."""
    try:
        return set(map(str.casefold, urns)) if isinstance(urns, list) else None
    except TypeError:
        return None


def check_resource(
    definition: ResourceDefinition, body: dict[str, Any], unknown: UnknownAttributes = "ignore"
) -> dict[str, Any]:
    """Check an inbound resource whose known names are canonical.

    Args:
        definition: The resource type.
        body: The resource; it is not changed.
        unknown: What to do with attributes that the type lacks.

    Returns:
        The resource without unassigned, read-only and unknown attributes. Attributes of unknown
        extension URNs stay: an attribute mapping may name them.

    Raises:
        InvalidValue: A type is wrong or something required is missing.
        InvalidSyntax: An attribute is unknown and `unknown` is "reject".
    """
    resource: dict[str, Any] = {"schemas": None}
    named = definition.named
    for name, value in body.items():
        attribute = named[name]
        if name == "schemas":
            continue
        if attribute is not None:
            checked = _check_attribute(attribute, value, attribute.name)
        elif (extension := definition.extension(name)) is not None:
            checked = _check_extension(extension, value, unknown)
        else:
            checked = check_unknown(name, value, unknown)
        if checked is not None:
            resource[name] = checked
    require_all(definition, resource)
    return with_schemas(definition, resource)


def _check_attribute(attribute: Attribute, value: Any, path: str) -> Any:
    if attribute.mutability == "readOnly":
        return None
    return check_value(attribute, value, path)


def _check_extension(extension: Schema, value: Any, unknown: UnknownAttributes) -> Any:
    if is_unassigned(value):
        return None
    if not isinstance(value, dict):
        msg = f'"{extension.id}" takes an object with the attributes of the extension.'
        raise InvalidValue(msg)
    checked = {}
    named = extension.named
    for name, element in value.items():
        path = f"{extension.id}:{name}"
        attribute = named[name]
        if attribute is None:
            _refuse_unknown(path, unknown)
            continue
        element = _check_attribute(attribute, element, path)
        if element is not None:
            checked[attribute.name] = element
    return checked or None


def check_unknown(name: str, value: Any, unknown: UnknownAttributes) -> Any:
    """Return what is kept of a top-level attribute that the type lacks, or None.

    Raises:
        InvalidSyntax: It is refused; the detail names it.
    """
    _refuse_unknown(name, unknown)
    return without_unassigned(value) if is_foreign(name) else None


def unknown_names(definition: ResourceDefinition, body: dict[str, Any]) -> Iterator[str]:
    """Yield the attributes of an inbound resource that are passed over: no schema has them."""
    for name, value in body.items():
        if definition.named[name] is not None:
            continue
        extension = definition.extension(name)
        if extension is None:
            if not is_foreign(name):
                yield name
        elif isinstance(value, dict):
            for each in value:
                if extension.named[each] is None:
                    yield f"{extension.id}:{each}"


def is_foreign(name: str) -> bool:
    """Return whether a name can be the URN of an extension that this server does not know."""
    folded = name.casefold()
    return folded.startswith("urn:") and not folded.startswith(_CORE)


def _refuse_unknown(path: str, unknown: UnknownAttributes) -> None:
    if unknown == "reject":
        msg = f'The attribute "{path}" is unknown; remove it from what the directory sends.'
        raise InvalidSyntax(msg)


def without_unassigned(value: Any) -> Any:
    """Return JSON of no known schema without what is unassigned in it; None when all is."""
    if isinstance(value, dict):
        kept = {name: without_unassigned(element) for name, element in value.items()}
        return {name: element for name, element in kept.items() if element is not None} or None
    if isinstance(value, list):
        return [kept for kept in map(without_unassigned, value) if kept is not None] or None
    return value


def with_defaults(
    definition: ResourceDefinition, body: dict[str, Any], resource: dict[str, Any]
) -> dict[str, Any]:
    """Return a resource with defaults for what its body does not name.

    An attribute that is named with null stays unassigned (RFC 7644 section 3.3), but for those
    that the type keeps.
    """
    if definition.defaults.keys() <= resource.keys():
        return resource
    unnamed = {
        name: value
        for name, value in definition.defaults.items()
        if name not in resource and (name not in body or name in definition.kept_attributes)
    }
    return {**resource, **unnamed}


def with_computed(definition: ResourceDefinition, resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that is about to be stored with what the server works out of it."""
    if not definition.computed:
        return resource
    values = {name: compute(resource) for name, compute in definition.computed.items()}
    rest = {name: value for name, value in resource.items() if name not in values}
    return rest | {name: value for name, value in values.items() if value is not None}


def require_all(definition: ResourceDefinition, resource: dict[str, Any]) -> None:
    """Check that everything required is there, required extensions included.

    Raises:
        InvalidValue: Something is not; the detail gives its path.
    """
    require(definition.schema.required, resource)
    for extension in definition.demanding_extensions:
        container = resource.get(extension.id)
        if container is not None:
            _require_in_extension(extension, container)
        elif extension in definition.required_extensions:
            msg = f'The extension "{extension.id}" is required and was not sent; map a value to it.'
            raise InvalidValue(msg)


def _require_in_extension(extension: Schema, container: dict[str, Any]) -> None:
    for attribute in extension.required:
        if attribute.name not in container:
            msg = f'"{extension.id}:{attribute.name}" is required and was not sent; map a value to it.'
            raise InvalidValue(msg)


def known_schemas(definition: ResourceDefinition, resource: dict[str, Any]) -> list[str]:
    """Return the URNs of the type's own schemas that a resource uses, as they come in it."""
    used = [urn for urn in definition.extension_ids if urn in resource]
    if len(used) > 1:
        used = [name for name in resource if name in definition.extension_ids]
    return [definition.schema.id, *used]


def with_schemas(definition: ResourceDefinition, resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with the `schemas` that are true of it."""
    extensions = [name for name in resource if ":" in name and name[:4].casefold() == "urn:"]
    return {**resource, "schemas": [definition.schema.id, *extensions]}


def replace_resource(
    definition: ResourceDefinition, current: dict[str, Any], new: dict[str, Any]
) -> dict[str, Any]:
    """Put a checked resource in the place of the stored one (RFC 7644 section 3.5.1).

    What the new one omits is cleared, but for write-only and immutable attributes and those that
    the type keeps.

    Raises:
        Mutability: An immutable attribute would change.
    """
    replaced = _replace_attributes(definition.attributes, current, new, definition.kept_attributes)
    for extension in definition.extensions.values():
        container = _replace_attributes(
            extension.by_name, current.get(extension.id, {}), new.get(extension.id, {})
        )
        replaced.pop(extension.id, None)
        if container:
            replaced[extension.id] = container
    return with_schemas(definition, replaced)


def _replace_attributes(
    attributes: dict[str, Attribute],
    current: dict[str, Any],
    new: dict[str, Any],
    kept: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    replaced = dict(new)
    for attribute in attributes.values():
        old = current.get(attribute.name)
        if old is None:
            continue
        value = new.get(attribute.name)
        if value is None:
            stays = attribute.mutability in ("immutable", "writeOnly") or attribute.name in kept
            if stays:
                replaced[attribute.name] = old
            continue
        if attribute.mutability == "immutable" and not same(attribute, old, value):
            msg = f'"{attribute.name}" is immutable and already has another value.'
            raise Mutability(msg)
        replaced[attribute.name] = _with_hidden_subs(attribute, old, value)
    return replaced


def _with_hidden_subs(attribute: Attribute, old: Any, new: Any) -> Any:
    """Carry write-only sub-attributes over: a client cannot have seen them to send them back."""
    hidden = [sub.name for sub in attribute.sub_attributes if sub.mutability == "writeOnly"]
    if not hidden:
        return new
    if isinstance(new, dict):
        return {name: old[name] for name in hidden if name in old} | new
    return [
        _with_hidden_subs(attribute, _twin(attribute, element, old), element) for element in new
    ]


def _twin(attribute: Attribute, element: dict[str, Any], old: list[Any]) -> dict[str, Any]:
    identity = [
        sub
        for sub in attribute.sub_attributes
        if sub.mutability == "immutable" or sub.name == "value"
    ]
    for candidate in old:
        if all(same(sub, candidate.get(sub.name), element.get(sub.name)) for sub in identity):
            return dict(candidate)
    return {}
