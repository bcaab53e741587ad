"""The use cases of the protocol: create, replace, patch, delete, read and list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.protocol.conditions import Condition, bind
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.dialects import read_resource
from scim_asgi.protocol.errors import InvalidValue, ScimError, Unavailable
from scim_asgi.protocol.filters import parse
from scim_asgi.protocol.messages import Query, list_response, read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.protocol.paths import PathSyntaxError, Target, UnknownPath, parse_path, resolve
from scim_asgi.protocol.projection import Projection, project, with_written, written_by
from scim_asgi.protocol.resources import (
    UnknownAttributes,
    check_resource,
    check_schemas,
    with_defaults,
)
from scim_asgi.provisioning.accounts import Claim
from scim_asgi.provisioning.background import Background
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.changes import (
    Changed,
    Changes,
    Inbound,
    InFlight,
    Skipped,
    log_row,
    not_found,
)
from scim_asgi.provisioning.locks import NamedLocks
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.reconcile import Reconciler, with_error
from scim_asgi.provisioning.representation import Representations, etag, load_related
from scim_asgi.store.base import Selection, Store, Transaction
from scim_asgi.store.errors import NotUnique, StoreUnavailable
from scim_asgi.store.records import Related, ResourceRecord

logger = logging.getLogger("scim_asgi")

T = TypeVar("T")

MAX_RESULTS = 200
"""How many resources a page has at most."""
DEFAULT_COUNT = 100
"""How many resources a page has when nobody asks for a number."""

_POLL = 0.05


class Answer(Struct, frozen=True, kw_only=True):
    """A resource on its way out.

    Attributes:
        status: The HTTP status code.
        resource: The body; None when there is none.
        etag: The entity tag.
        location: The resource's URL.
    """

    status: int
    resource: dict[str, Any] | None = None
    etag: str | None = None
    location: str | None = None


class Service:
    """What the endpoints call.

    Args:
        store: Where resources are kept.
        registry: The resource types.
        changes: What makes changes.
        reconciler: What delivers accounts to the host.
        background: What delivers those that a change has spread to.
        unknown_attributes: What to do with attributes that a type lacks.
        group_patch_body: Whether a PATCH of a group is answered 200 with the group.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        changes: Changes,
        reconciler: Reconciler,
        background: Background,
        *,
        unknown_attributes: UnknownAttributes = "ignore",
        group_patch_body: bool = False,
    ) -> None:
        self.registry = registry
        self._store = store
        self._changes = changes
        self._reconciler = reconciler
        self._background = background
        self._unknown = unknown_attributes
        self._group_patch_body = group_patch_body
        self._locks = NamedLocks()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def create(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        body: dict[str, Any],
        projection: Projection,
    ) -> Answer:
        """Create a resource (RFC 7644 section 3.3).

        Raises:
            ScimError: It is refused.
        """

        async def work() -> Answer:
            inbound, projected = self._read(definition, body, projection, new=True)
            changed = await self._write(
                lambda tx, claim: self._changes.create(tx, caller, definition, inbound, claim),
            )
            await self._settle(caller, changed, inbound.password)
            return await self._answer(caller, definition, changed.record, projected, 201)

        return await self._finished(caller, work())

    async def replace(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        body: dict[str, Any],
        projection: Projection,
        preconditions: Preconditions,
    ) -> Answer:
        """Replace a resource (RFC 7644 section 3.5.1).

        Raises:
            ScimError: It is refused.
        """

        async def work() -> Answer:
            await self._require(caller, definition, resource_id)
            inbound, projected = self._read(definition, body, projection, new=False)
            changed = await self._locked(
                caller,
                resource_id,
                lambda tx, claim: self._changes.replace(
                    tx, caller, definition, resource_id, inbound, preconditions, claim
                ),
                inbound.password,
            )
            return await self._answer(caller, definition, changed.record, projected, 200)

        return await self._finished(caller, work())

    async def patch(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        body: dict[str, Any],
        projection: Projection,
        preconditions: Preconditions,
    ) -> Answer:
        """Modify a resource (RFC 7644 section 3.5.2).

        Types whose members are rows are answered 204, unless attributes are asked for.

        Raises:
            ScimError: It is refused.
        """

        async def work() -> Answer:
            await self._require(caller, definition, resource_id)
            plan = plan_patch(definition, read_patch(body), self._unknown)
            password = _password(definition, plan)
            changed = await self._locked(
                caller,
                resource_id,
                lambda tx, claim: self._changes.patch(
                    tx, caller, definition, resource_id, plan, preconditions, claim
                ),
                password,
            )
            asked = projection.named is not None or bool(projection.excluded)
            if definition.row_attributes and not asked and not self._group_patch_body:
                return self._empty(caller, changed.record)
            projected = with_written(projection, plan.targets)
            return await self._answer(caller, definition, changed.record, projected, 200)

        return await self._finished(caller, work())

    async def delete(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        preconditions: Preconditions,
    ) -> Answer:
        """Delete a resource (RFC 7644 section 3.6).

        Raises:
            ScimError: It is refused.
        """

        async def work() -> Answer:
            await self._locked(
                caller,
                resource_id,
                lambda tx, claim: self._changes.delete(
                    tx, caller, definition, resource_id, preconditions, claim
                ),
                None,
            )
            return Answer(status=204)

        return await self._finished(caller, work())

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

        def load(
            tx: Transaction,
        ) -> tuple[ResourceRecord, dict[str, list[Related]]] | None:
            record = tx.resources.get(caller.organization_id, definition.name, resource_id)
            if record is None:
                return None
            related = load_related(tx, definition, [record.number], projection)
            return record, related[record.number]

        loaded = await self._guarded(self._store.read(load))
        if loaded is None:
            raise not_found(definition, resource_id)
        record, related = loaded
        if preconditions.is_fresh(etag(record)):
            return replace(self._empty(caller, record), status=304)
        return self._shown(caller, record, related, projection, 200)

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
            sort=_sort_target(definition, query.sort_by),
            descending=query.descending,
            offset=min(start - 1, 2**62),
            limit=count,
        )

        def load(
            tx: Transaction,
        ) -> tuple[int, list[ResourceRecord], dict[int, dict[str, list[Related]]]]:
            records = tx.resources.select(selection) if count else []
            numbers = [record.number for record in records]
            related = load_related(tx, definition, numbers, projection)
            return tx.resources.count(selection), records, related

        total, records, related = await self._guarded(self._store.read(load))
        make = Representations(self.registry, caller.base_url)
        resources = [
            projection.apply(make.whole(record, related[record.number])) for record in records
        ]
        return list_response(resources, total=total, start_index=start)

    async def close(self) -> None:
        """Wait until every write that is under way is settled."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _read(
        self,
        definition: ResourceDefinition,
        body: dict[str, Any],
        projection: Projection,
        *,
        new: bool,
    ) -> tuple[Inbound, Projection]:
        """Check an inbound resource and take apart what is stored and what is not."""
        named = read_resource(definition, body)
        check_schemas(self.registry, definition, named)
        rows = {name: named.pop(name, None) for name in definition.row_attributes}
        document = check_resource(definition, named, self._unknown)
        if new:
            document = with_defaults(definition, named, document)
        projected = with_written(projection, written_by(definition, document))
        hidden = [document.pop(name, None) for name in definition.unstored_attributes]
        password = next((value for value in hidden if isinstance(value, str)), None)
        inbound = Inbound(document=document, members=rows.get("members"), password=password)
        return inbound, projected

    async def _finished(self, caller: Caller, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Let a write run to its end even when the client goes away, and log a refusal."""
        task = asyncio.create_task(self._logged(caller, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _logged(self, caller: Caller, work: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return await self._guarded(work)
        except ScimError as error:
            if not isinstance(error, _Settled):
                await self.log_refusal(caller, error)
                raise
            raise error.cause from None

    async def log_refusal(self, caller: Caller, error: ScimError) -> None:
        """Write a refused request into the provisioning log."""
        row = with_error(log_row(caller), error, failed=error.status in (500, 503))
        if isinstance(error, Skipped):
            row = replace(row, action="skipped")
        try:
            await self._store.write(lambda tx: tx.log.insert(row), durable=False)
        except StoreUnavailable:
            logger.warning("A refused request could not be written into the log.")

    async def _guarded(self, work: Awaitable[T]) -> T:
        """Say what the store says in the words of the protocol."""
        try:
            return await work
        except StoreUnavailable as error:
            logger.warning("%s", error)
            msg = "The server's database is busy or cannot be reached; try again."
            raise Unavailable(msg, 5) from error
        except NotUnique as error:
            msg = f'Another resource has this "{error.path}".'
            raise InvalidValue(msg) from error

    async def _require(
        self, caller: Caller, definition: ResourceDefinition, resource_id: str
    ) -> None:
        """Answer 404 before anything is said about a body."""
        found = await self._store.read(
            lambda tx: tx.resources.get(caller.organization_id, definition.name, resource_id)
        )
        if found is None:
            raise not_found(definition, resource_id)

    async def _locked(
        self,
        caller: Caller,
        resource_id: str,
        work: Callable[[Transaction, Claim], Changed],
        password: str | None,
    ) -> Changed:
        """Write and settle while no other request of this process changes the resource."""
        async with self._locks.hold(resource_id):
            changed = await self._write(work)
            await self._settle(caller, changed, password)
            return changed

    async def _write(self, work: Callable[[Transaction, Claim], Changed]) -> Changed:
        """Write, and wait while another process delivers the same account."""
        claim = self._reconciler.claim()
        while True:
            try:
                changed = await self._store.write(lambda tx: work(tx, self._reconciler.claim()))
            except InFlight:
                if self._reconciler.claim().until - claim.until > 2 * 1000:
                    raise
                await asyncio.sleep(_POLL)
                continue
            if changed.spread:
                self._background.wake()
            return changed

    async def _settle(self, caller: Caller, changed: Changed, password: str | None) -> None:
        if changed.account is None:
            return
        outcome = await self._reconciler.settle(
            changed.account,
            base_url=caller.base_url,
            directory=caller.directory,
            log=changed.log,
            password=password,
        )
        if outcome.kind == "unknown":
            self._background.wake()
        if outcome.error is not None:
            raise _Settled(outcome.error)

    async def _answer(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        record: ResourceRecord,
        projection: Projection,
        status: int,
    ) -> Answer:
        related: dict[str, list[Related]] = {}
        if definition.row_attributes or definition.derived_attributes:
            loaded = await self._store.read(
                lambda tx: load_related(tx, definition, [record.number], projection)
            )
            related = loaded[record.number]
        return self._shown(caller, record, related, projection, status)

    def _shown(
        self,
        caller: Caller,
        record: ResourceRecord,
        related: dict[str, list[Related]],
        projection: Projection,
        status: int,
    ) -> Answer:
        whole = Representations(self.registry, caller.base_url).whole(record, related)
        return Answer(
            status=status,
            resource=projection.apply(whole),
            etag=etag(record),
            location=whole["meta"]["location"],
        )

    def _empty(self, caller: Caller, record: ResourceRecord) -> Answer:
        make = Representations(self.registry, caller.base_url)
        location = make.location(record.resource_type, record.id)
        return Answer(status=204, etag=etag(record), location=location)


class _Settled(ScimError):
    """An error that the reconciler has written into the log already."""

    def __init__(self, cause: ScimError) -> None:
        super().__init__(cause.detail)
        self.cause = cause


def _password(definition: ResourceDefinition, plan: Any) -> str | None:
    for edit in plan.edits:
        attribute = edit.path.target.attribute
        if attribute.name in definition.unstored_attributes and isinstance(edit.value, str):
            return str(edit.value)
    return None


def _condition(definition: ResourceDefinition, text: str | None) -> Condition | None:
    return None if text is None else bind(definition, parse(text))


def _sort_target(definition: ResourceDefinition, text: str | None) -> Target | None:
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
