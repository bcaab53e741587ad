"""Stored resources as the directory sees them: with id, meta and what other rows hold."""

from __future__ import annotations

from typing import Any

from scim_asgi.protocol.comparison import format_date_time
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.projection import Projection
from scim_asgi.protocol.search import lookup_values, unique_values
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import Related, ResourceKeys, ResourceRecord


def keys_of(definition: ResourceDefinition, document: dict[str, Any]) -> ResourceKeys:
    """Return what the store finds a document by."""
    return ResourceKeys(unique_values(definition, document), lookup_values(definition, document))


def etag(record: ResourceRecord) -> str:
    """Return the entity tag of a resource: weak, because projections share it.

    It changes with the resource and with the groups that the resource shows.
    """
    groups = f".{record.group_changes}" if record.group_changes else ""
    return f'W/"{record.version}{groups}"'


class Representations:
    """Makes representations for one base URL.

    Args:
        registry: The resource types.
        base_url: The public URL in front of the endpoints.
    """

    def __init__(self, registry: Registry, base_url: str) -> None:
        self._registry = registry
        self._base_url = base_url

    def location(self, resource_type: str, resource_id: str) -> str:
        """Return the absolute URL of a resource."""
        endpoint = self._registry.by_name[resource_type].endpoint
        return f"{self._base_url}{endpoint}/{resource_id}"

    def whole(
        self, record: ResourceRecord, related: dict[str, list[Related]] | None = None
    ) -> dict[str, Any]:
        """Return a resource with everything in it, before any projection.

        Args:
            record: The stored resource.
            related: Row and derived attributes, by name.
        """
        document = record.document
        whole: dict[str, Any] = {"schemas": document["schemas"], "id": record.id, **document}
        if related:
            for name, others in related.items():
                whole |= self._related(name, others)
        created = format_date_time(record.created)
        is_new = record.last_modified == record.created
        whole["meta"] = {
            "resourceType": record.resource_type,
            "created": created,
            "lastModified": created if is_new else format_date_time(record.last_modified),
            "location": self.location(record.resource_type, record.id),
            "version": etag(record),
        }
        return whole

    def _related(self, name: str, others: list[Related]) -> dict[str, Any]:
        if name == "groups":
            return {name: [self._group(other) for other in others]} if others else {}
        return {name: [self.member(other) for other in others]}

    def member(self, other: Related) -> dict[str, Any]:
        """Return a member of a group."""
        member = {"value": other.id, "type": other.resource_type}
        if other.resource_type in self._registry.by_name:
            member["$ref"] = self.location(other.resource_type, other.id)
        return member if other.display is None else {**member, "display": other.display}

    def _group(self, other: Related) -> dict[str, Any]:
        return {
            "value": other.id,
            "$ref": self.location(other.resource_type, other.id),
            "display": other.display,
            "type": "direct",
        }


def load_related(
    tx: Transaction,
    definition: ResourceDefinition,
    records: list[ResourceRecord],
    projection: Projection | None = None,
) -> dict[int, dict[str, list[Related]]]:
    """Load the row and derived attributes of several resources of one type, by their numbers.

    Args:
        tx: The transaction.
        definition: Their type.
        records: The resources.
        projection: What is asked for; nothing is loaded that it does not show.
    """
    related: dict[int, dict[str, list[Related]]] = {each.number: {} for each in records}
    # Nothing is derived where no group ever had it.
    grouped = [each.number for each in records if each.group_changes]
    for names, numbers, load in (
        (definition.row_attributes, list(related), tx.members.of_groups),
        (definition.derived_attributes, grouped, tx.members.groups_of_all),
    ):
        for name in names if numbers else ():
            if projection is None or projection.wants(definition.attributes[name.casefold()]):
                for number, others in load(numbers).items():
                    related[number][name] = others
    return related
