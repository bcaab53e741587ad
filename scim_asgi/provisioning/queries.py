"""The use cases that only read: one resource, and lists (RFC 7644 section 3.4, RFC 9865)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import InvalidCount, InvalidValue
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.messages import Query, list_response
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, find
from scim_asgi.protocol.prepared import prepare
from scim_asgi.protocol.projection import Projection, project
from scim_asgi.provisioning.answers import (
    REFUSED_BY_STORE,
    Answer,
    Answers,
    is_read_briefly,
    refusal_of,
)
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.changes import load
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.cursors import Position, fingerprint, seal, unseal
from scim_asgi.provisioning.locks import NamedLocks
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.representation import Representations, etag, load_related
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import Related, ResourceRecord
from scim_asgi.store.selections import Part, Selection


class _Page(Struct, frozen=True, kw_only=True):
    """One page as the store has it.

    Attributes:
        total: How many resources match in all.
        records: Those of the page.
        related: What other rows hold of them, by number.
        next_cursor: Where a cursor walk goes on; None behind the last page and without cursors.
    """

    total: int
    records: list[ResourceRecord]
    related: dict[int, dict[str, list[Related]]]
    next_cursor: str | None = None


class Queries:
    """Reads resources.

    Args:
        store: Where they are kept.
        registry: The resource types.
        cursor_timeout: Seconds that a cursor may be used.
        limits: How large a page and how long a filter may be.
    """

    def __init__(
        self, store: Store, registry: Registry, *, cursor_timeout: float, limits: Limits
    ) -> None:
        self._store = store
        self._registry = registry
        self._endpoints = {each.name: each.endpoint for each in registry.definitions}
        self._cursor_life = round(cursor_timeout * 1000)
        self._limits = limits
        self._locks = NamedLocks()
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
            related = load_related(tx, definition, [record], projection)
            return record, related[record.number]

        brief = is_read_briefly(definition, projection)
        try:
            record, related = await self._store.read(work, brief=brief, fresh=False)
        except REFUSED_BY_STORE as error:
            raise refusal_of(error) from error
        if preconditions.is_fresh(etag(record)):
            return self._answers.empty(caller, record, 304)
        return self._answers.shown(caller, record, related, projection, 200)

    async def query(
        self, caller: Caller, definitions: Sequence[ResourceDefinition], query: Query
    ) -> dict[str, Any]:
        """Return the ListResponse to a query (RFC 7644 section 3.4.2).

        Args:
            caller: Who asks.
            definitions: The types to look at. Over several, an attribute that a type lacks counts
                as unassigned there (section 3.4.2.1).
            query: What is asked for.

        Raises:
            InvalidFilter, InvalidValue: The query cannot be understood.
            InvalidCursor, ExpiredCursor, InvalidCount: The cursor cannot be used.
            TooMany: It took too long.
        """
        projections = {
            each.name: project(each, query.attributes, query.excluded_attributes, self._limits)
            for each in definitions
        }
        selection = self._selection(caller, definitions, query)
        if query.cursor is not None and query.start_index > 1:
            msg = '"startIndex" and "cursor" exclude each other; send one of them.'
            raise InvalidValue(msg)

        def work(tx: Transaction) -> _Page:
            with tx.in_time(self._limits.query_seconds):
                if query.cursor is None:
                    return _page(tx, selection, projections)
                return self._walked(tx, selection, projections, query)

        page = await self._read(caller, work, brief=selection.is_look_up)
        return list_response(
            self._shown(caller, page, projections),
            total=page.total,
            start_index=max(1, query.start_index) if query.cursor is None else None,
            nextCursor=page.next_cursor,
        )

    async def _read(
        self, caller: Caller, work: Callable[[Transaction], _Page], *, brief: bool
    ) -> _Page:
        try:
            if brief:
                return await self._store.read(work, brief=True, fresh=False)
            # One after the other: an organization's slow lists wait for each other, not others
            # for them.
            async with self._locks.hold(caller.organization_id):
                return await self._store.read(work, fresh=False)
        except REFUSED_BY_STORE as error:
            raise refusal_of(error) from error

    def _selection(
        self, caller: Caller, definitions: Sequence[ResourceDefinition], query: Query
    ) -> Selection:
        several = len(definitions) > 1
        parts = tuple(
            _part(each, query, self._limits, ignore_unknown=several) for each in definitions
        )
        count = self._limits.default_count if query.count is None else query.count
        return Selection(
            organization_id=caller.organization_id,
            parts=parts,
            base_url=caller.base_url,
            endpoints=self._endpoints,
            is_sorted=any(part.sort is not None for part in parts),
            descending=query.descending,
            offset=min(max(1, query.start_index) - 1, 2**62),
            limit=max(0, min(count, self._limits.page_size)),
        )

    def _walked(
        self,
        tx: Transaction,
        selection: Selection,
        projections: dict[str, Projection],
        query: Query,
    ) -> _Page:
        """Return the page that a cursor leads to, and the next cursor."""
        digest = fingerprint(
            selection.organization_id,
            *projections,
            query.filter,
            query.sort_by,
            str(query.descending),
        )
        at = Position(digest, 0, selection.limit)
        if query.cursor:
            at = unseal(tx.secret(), query.cursor, digest, now())
            if query.count is not None and selection.limit != at.count:
                msg = f'"count" was {at.count} on the first page of this walk; keep it.'
                raise InvalidCount(msg)
        ahead = replace(selection, after=at.after, offset=at.offset, limit=at.count + 1)
        page = _page(tx, ahead, projections) if at.count else _page(tx, selection, projections)
        if len(page.records) <= at.count:
            return page
        records = page.records[: at.count]
        after = None if selection.is_sorted else records[-1].number
        offset = at.offset + at.count if selection.is_sorted else 0
        further = Position(digest, now() + self._cursor_life, at.count, after, offset)
        return replace(page, records=records, next_cursor=seal(tx.secret(), further))

    def _shown(
        self, caller: Caller, page: _Page, projections: dict[str, Projection]
    ) -> list[dict[str, Any]]:
        make = Representations(self._registry, caller.base_url)
        return [
            projections[record.resource_type].apply(make.whole(record, page.related[record.number]))
            for record in page.records
        ]


def _part(
    definition: ResourceDefinition, query: Query, limits: Limits, *, ignore_unknown: bool
) -> Part:
    sort = sort_target(definition, query.sort_by, ignore_unknown=ignore_unknown)
    if query.filter is None:
        return Part(definition=definition, values=(), sort=sort)
    found = prepare(definition, query.filter, limits, ignore_unknown=ignore_unknown)
    return Part(definition=definition, condition=found.condition, values=found.values, sort=sort)


def _page(tx: Transaction, selection: Selection, projections: dict[str, Projection]) -> _Page:
    records = tx.resources.select(selection) if selection.limit else []
    related: dict[int, dict[str, list[Related]]] = {}
    for name, projection in projections.items():
        of_type = [record for record in records if record.resource_type == name]
        related |= load_related(tx, projection.definition, of_type, projection)
    found = selection.offset + len(records)
    is_last = len(records) < selection.limit and (records or not selection.offset)
    total = found if is_last and selection.after is None else tx.resources.count(selection)
    return _Page(total=total, records=records, related=related)


def sort_target(
    definition: ResourceDefinition, text: str | None, *, ignore_unknown: bool = False
) -> Target | None:
    """Return what `sortBy` names; of a complex attribute its `value` (RFC 7644 section 3.4.2.3).

    Raises:
        InvalidValue: It is no attribute path, or names nothing that has an order.
    """
    if not text:
        return None
    try:
        target = find(definition, text)
    except (PathSyntaxError, UnknownPath) as error:
        if ignore_unknown and isinstance(error, UnknownPath):
            return None
        msg = f'"sortBy": {error}.'
        raise InvalidValue(msg) from None
    leaf = target.leaf
    if leaf is not None and leaf.is_complex and leaf.multi_valued and "value" in leaf.subs:
        target = Target(target.extension, target.attribute, leaf.subs["value"])
    if target.leaf is None or target.leaf.is_complex or _is_hidden(target):
        msg = f'"sortBy": resources cannot be sorted by "{text}"; name a simple attribute.'
        raise InvalidValue(msg)
    return target


def _is_hidden(target: Target) -> bool:
    return any(each is not None and each.is_hidden for each in (target.attribute, target.sub))
