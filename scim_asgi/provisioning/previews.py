"""The account that a mapping makes of one User, with an explanation for each field."""

from __future__ import annotations

from typing import Any, Generic

import msgspec
from msgspec import Struct

from scim_asgi.ids import uuid7
from scim_asgi.mapping.attempts import Explanation
from scim_asgi.mapping.errors import Unmappable
from scim_asgi.mapping.fields import A, AccountFields
from scim_asgi.mapping.mapping import CompiledMapping, Mapped
from scim_asgi.protocol.comparison import fold
from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.dialects.resources import read_resource
from scim_asgi.protocol.resources import check_resource, check_schemas, with_defaults
from scim_asgi.provisioning.accounts import was_active
from scim_asgi.store.records import AccountRecord


class Preview(Struct, Generic[A], frozen=True, kw_only=True):
    """What a mapping makes of a User.

    Attributes:
        account: The account as hooks would get it; None where there is a problem. One that is
            not there yet is shown with an id that nobody keeps.
        fields: For each field of the account what was tried for it, and what came of it.
        problem: Why the mapping makes no account; empty where it does.
        notes: What the provisioning log would say.
    """

    account: A | None
    fields: tuple[Explanation, ...]
    problem: str = ""
    notes: tuple[str, ...] = ()


def preview_of(
    mapping: CompiledMapping,
    fields: AccountFields[A],
    organization_id: str,
    view: dict[str, Any],
    account: AccountRecord | None,
) -> Preview[A]:
    """Return what a mapping makes of a User.

    Args:
        mapping: The mapping.
        fields: The fields of the host's account type.
        organization_id: The organization.
        view: The User as mappings see it.
        account: The account that it has.
    """
    mapped, built, problem = Mapped({}), None, ""
    try:
        mapped = mapping.resolve(view, was_active=was_active(account))
        built = fields.build(
            mapped.fields,
            id=uuid7() if account is None else account.id,
            host_id=None if account is None else account.host_id,
            organization_id=organization_id,
        )
    except Unmappable as error:
        problem = error.detail
    except msgspec.ValidationError as error:
        problem = f"The account type cannot be made of it: {error}."
    explained = tuple(mapping.explain(view, was_active=was_active(account)))
    return Preview(account=built, fields=explained, problem=problem, notes=mapped.notes)


def pasted_view(registry: Registry, body: dict[str, Any]) -> dict[str, Any]:
    """Return a pasted User as mappings see it: read as a POST is, but with its groups.

    Args:
        registry: The resource types.
        body: The User as JSON; `schemas` may be missing.

    Raises:
        ScimError: It is no User.
    """
    definition = registry.by_name["User"]
    named = read_resource(definition, {"schemas": [definition.schema.id], **body})
    check_schemas(registry, definition, named)
    groups = [_group(each) for each in _listed(named.get("groups"))]
    document = check_resource(definition, named, "ignore")
    document = with_defaults(definition, named, document)
    groups.sort(key=lambda group: (fold(group["displayName"]), group["value"]))
    return {"id": str(body.get("id", "")), **document, "groups": groups}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _group(group: Any) -> dict[str, str]:
    """Return a group of a pasted User with all the names that a mapping may use."""
    found = group if isinstance(group, dict) else {"display": group}
    value = str(found.get("value") or "")
    name = str(found.get("displayName") or found.get("display") or value)
    return {"value": value, "display": name, "displayName": name, "type": "direct"}
