"""The use cases that only read: one resource, and lists (RFC 7644 section 3.4)."""

from __future__ import annotations

from typing import Any

from scim_asgi.protocol.conditions import Condition, bind
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import InvalidValue
from scim_asgi.protocol.filters import parse
from scim_asgi.protocol.messages import Query, list_response
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, parse_path, resolve
from scim_asgi.protocol.projection import Projection, project
from scim_asgi.provisioning.answers import Answer, Answers, guarded
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.changes import load
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.representation import Representations, etag, load_related
from scim_asgi.store.base import Selection, Store, Transaction
from scim_asgi.store.records import Related, ResourceRecord

MAX_RESULTS = 200
"""How many resources a page has at most."""
DEFAULT_COUNT = 100
"""How many resources a page has when nobody asks for a number."""


class Queries:
    """Reads resources.

    Args:
        store: Where they are kept.
        registry: The resource types.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._answers = Answers(store, registry)

    async def read(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        projection: Projection,
        preconditions: Preconditions,
    ) -> Answer:
        """Return a resource (RFC 7644 section 3.4.1); 304 when the reader has it already.

        Raises:
            NotFound: There is none with this id in the caller's organization.
        """

        def work(tx: Transaction) -> tuple[ResourceRecord, dict[str, list[Related]]]:
            record = load(tx, caller.organization_id, definition, resource_id)
            related = load_related(tx, definition, [record.number], projection)
            return record, related[record.number]

        record, related = await guarded(self._store.read(work))
        if preconditions.is_fresh(etag(record)):
            return self._answers.empty(caller, record, 304)
        return self._answers.shown(caller, record, related, projection, 200)

    async def query(
        self, caller: Caller, definition: ResourceDefinition, query: Query
    ) -> dict[str, Any]:
        """Return the ListResponse to a query (RFC 7644 section 3.4.2).

        Raises:
            InvalidFilter, InvalidValue: The query cannot be understood.
        """
        projection = project(definition, query.attributes, query.excluded_attributes)
        count = max(0, min(DEFAULT_COUNT if query.count is None else query.count, MAX_RESULTS))
        start = max(1, query.start_index)
        selection = Selection(
            organization_id=caller.organization_id,
            definition=definition,
            condition=_condition(definition, query.filter),
            base_url=caller.base_url,
            sort=sort_target(definition, query.sort_by),
            descending=query.descending,
            offset=min(start - 1, 2**62),
            limit=count,
        )

        def work(
            tx: Transaction,
        ) -> tuple[int, list[ResourceRecord], dict[int, dict[str, list[Related]]]]:
            records = tx.resources.select(selection) if count else []
            numbers = [record.number for record in records]
            related = load_related(tx, definition, numbers, projection)
            return tx.resources.count(selection), records, related

        total, records, related = await guarded(self._store.read(work))
        make = Representations(self._registry, caller.base_url)
        resources = [
            projection.apply(make.whole(record, related[record.number])) for record in records
        ]
        return list_response(resources, total=total, start_index=start)


def _condition(definition: ResourceDefinition, text: str | None) -> Condition | None:
    return None if text is None else bind(definition, parse(text))


def sort_target(definition: ResourceDefinition, text: str | None) -> Target | None:
    """Return what `sortBy` names; of a complex attribute its `value` (RFC 7644 section 3.4.2.3).

    Raises:
        InvalidValue: It is no attribute path, or names nothing that has an order.
    """
    if not text:
        return None
    try:
        target = resolve(definition, parse_path(text))
    except (PathSyntaxError, UnknownPath) as error:
        msg = f'"sortBy": {error}.'
        raise InvalidValue(msg) from None
    leaf = target.leaf
    if leaf is not None and leaf.is_complex and leaf.multi_valued and "value" in leaf.subs:
        return Target(target.extension, target.attribute, leaf.subs["value"])
    if leaf is None or leaf.is_complex or leaf.is_hidden:
        msg = f'"sortBy": resources cannot be sorted by "{text}"; name a simple attribute.'
        raise InvalidValue(msg)
    return target
