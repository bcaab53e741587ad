"""User, Group and EnterpriseUser (RFC 7643 sections 4 and 8.7, with their errata)."""

from __future__ import annotations

from typing import Any

import msgspec

from scim_asgi.protocol.definitions import ResourceDefinition, define
from scim_asgi.protocol.schemas import (
    Attribute,
    ResourceType,
    Schema,
    SchemaExtension,
    load_schema_file,
)

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def _text(name: str, description: str, **characteristics: Any) -> Attribute:
    return Attribute(name=name, description=description, **characteristics)


def _complex(name: str, description: str, *subs: Attribute, **characteristics: Any) -> Attribute:
    return Attribute(
        name=name, type="complex", description=description, sub_attributes=subs, **characteristics
    )


def _reference(name: str, description: str, *targets: str, **characteristics: Any) -> Attribute:
    return Attribute(
        name=name,
        type="reference",
        description=description,
        case_exact=True,
        reference_types=targets,
        **characteristics,
    )


def _plural(name: str, description: str, value: Attribute, *types: str) -> Attribute:
    return _complex(
        name,
        description,
        value,
        _text("display", "A name for the value, to show to people."),
        _text("type", "What the value is for.", canonical_values=types),
        Attribute(
            name="primary",
            type="boolean",
            description="Whether this is the preferred value; at most one is.",
        ),
        multi_valued=True,
    )


_NAME = _complex(
    "name",
    "The parts of the person's name.",
    _text("formatted", "The whole name, as it is to be shown."),
    _text("familyName", "The family name."),
    _text("givenName", "The given name."),
    _text("middleName", "The middle names."),
    _text("honorificPrefix", "What stands before the name, such as a title."),
    _text("honorificSuffix", "What stands behind the name."),
)

_ADDRESSES = _complex(
    "addresses",
    "Postal addresses.",
    _text("formatted", "The whole address, as on an envelope; may have line breaks."),
    _text("streetAddress", "Street, house number and the like; may have line breaks."),
    _text("locality", "The city."),
    _text("region", "The state or region."),
    _text("postalCode", "The postal code."),
    _text("country", "The country, as an ISO 3166-1 alpha-2 code."),
    _text("type", "What the address is for.", canonical_values=("work", "home", "other")),
    Attribute(
        name="primary",
        type="boolean",
        description="Whether this is the preferred address; at most one is.",
    ),
    multi_valued=True,
)

_GROUPS = _complex(
    "groups",
    "The groups that the person is a member of; changed through the groups.",
    _text("value", "The id of the group.", case_exact=True, mutability="readOnly"),
    _reference("$ref", "The URI of the group.", "Group", mutability="readOnly"),
    _text("display", "The name of the group.", mutability="readOnly"),
    _text(
        "type",
        "How the person came to be a member.",
        mutability="readOnly",
        canonical_values=("direct", "indirect"),
    ),
    multi_valued=True,
    mutability="readOnly",
)

_USER_SCHEMA = Schema(
    id=USER,
    name="User",
    description="A person's account.",
    attributes=(
        _text(
            "userName",
            "The name that the person signs in with; unique, in any case.",
            required=True,
            uniqueness="server",
            is_username=True,
        ),
        _NAME,
        _text("displayName", "The name to show."),
        _text("nickName", "The casual name."),
        _reference("profileUrl", "A page about the person.", "external"),
        _text("title", "The job title."),
        _text("userType", "How the person relates to the organization."),
        _text("preferredLanguage", "The preferred languages, as in Accept-Language."),
        _text("locale", "The locale for dates, currencies and the like."),
        _text("timezone", "The time zone, as in the IANA database."),
        Attribute(name="active", type="boolean", description="Whether the account is in use."),
        _text(
            "password",
            "A password to hand on; never stored or returned.",
            mutability="writeOnly",
            returned="never",
            case_exact=True,
        ),
        _plural(
            "emails", "E-mail addresses.", _text("value", "The address."), "work", "home", "other"
        ),
        _plural(
            "phoneNumbers",
            "Telephone numbers.",
            _text("value", "The number."),
            *("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "Instant messaging addresses.",
            _text("value", "The address."),
            *("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "Pictures.",
            _reference("value", "The URL of the picture.", "external"),
            *("photo", "thumbnail"),
        ),
        _ADDRESSES,
        _GROUPS,
        _plural(
            "entitlements", "What the person is entitled to.", _text("value", "The entitlement.")
        ),
        _plural("roles", "The person's roles.", _text("value", "The role.")),
        _plural(
            "x509Certificates",
            "Certificates.",
            Attribute(
                name="value",
                type="binary",
                case_exact=True,
                description="One DER certificate in base64.",
            ),
        ),
    ),
)

_ENTERPRISE_SCHEMA = Schema(
    id=ENTERPRISE_USER,
    name="EnterpriseUser",
    description="What an employer knows about a person.",
    attributes=(
        _text("employeeNumber", "The number of the employee."),
        _text("costCenter", "The cost center."),
        _text("organization", "The organization."),
        _text("division", "The division."),
        _text("department", "The department."),
        _complex(
            "manager",
            "The person's manager.",
            _text("value", "The id of the manager's User.", case_exact=True),
            _reference("$ref", "The URI of the manager's User.", "User"),
            _text("displayName", "The manager's name.", mutability="readOnly"),
        ),
    ),
)

_GROUP_SCHEMA = Schema(
    id=GROUP,
    name="Group",
    description="A group of people.",
    attributes=(
        _text("displayName", "The name of the group; unique, in any case.", required=True),
        _complex(
            "members",
            "Who belongs to the group.",
            _text(
                "value",
                "The id of the User or Group.",
                case_exact=True,
                mutability="immutable",
            ),
            _reference("$ref", "The URI of the member.", "User", "Group", mutability="immutable"),
            _text(
                "type",
                "What the member is.",
                canonical_values=("User", "Group"),
                mutability="immutable",
            ),
            _text("display", "The name of the member.", mutability="readOnly", returned="request"),
            multi_valued=True,
        ),
    ),
)


def user_definition() -> ResourceDefinition:
    """Return the User resource type with the enterprise extension."""
    resource_type = ResourceType(
        name="User",
        endpoint="/Users",
        description="A person's account",
        schema=USER,
        schema_extensions=(SchemaExtension(ENTERPRISE_USER),),
    )
    return ResourceDefinition(
        resource_type,
        _USER_SCHEMA,
        ((_ENTERPRISE_SCHEMA, False),),
        derived_attributes=frozenset({"groups"}),
        defaults={"active": True},
        kept_attributes=frozenset({"active"}),
        unstored_attributes=frozenset({"password"}),
        lookups=("externalId", "displayName", "emails.value"),
    )


def group_definition(*, unique_names: bool = True) -> ResourceDefinition:
    """Return the Group resource type.

    Args:
        unique_names: Whether two groups of an organization may not share a displayName.
    """
    resource_type = ResourceType(
        name="Group", endpoint="/Groups", description="A group of people", schema=GROUP
    )
    schema = _with_unique_names(_GROUP_SCHEMA) if unique_names else _GROUP_SCHEMA
    return ResourceDefinition(
        resource_type,
        schema,
        row_attributes=frozenset({"members"}),
        lookups=("externalId", "displayName"),
    )


def _with_unique_names(schema: Schema) -> Schema:
    display_name, *rest = schema.attributes
    unique = msgspec.structs.replace(display_name, uniqueness="server")
    return msgspec.structs.replace(schema, attributes=(unique, *rest))


def read_resource_types(content: bytes) -> list[ResourceDefinition]:
    """Read resource types from JSON: an object with the lists `schemas` and `resourceTypes`.

    The lists hold Schema and ResourceType resources (RFC 7643 sections 6 and 7). A type may also
    name the core schemas.

    Args:
        content: The text of the file.

    Raises:
        SchemaError: It cannot be used; the message says where.
    """
    return define(
        load_schema_file(content), known=(_USER_SCHEMA, _ENTERPRISE_SCHEMA, _GROUP_SCHEMA)
    )
