"""The use cases that change something: create, replace, patch and delete."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import ScimError
from scim_asgi.protocol.inbound import receive
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.messages import read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.protocol.projection import Projection, with_written, written_by
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.provisioning.accounts import InFlight
from scim_asgi.provisioning.answers import (
    REFUSED_BY_STORE,
    Answer,
    Answers,
    Whole,
    refusal_of,
)
from scim_asgi.provisioning.background import Background
from scim_asgi.provisioning.brevity import is_brief, is_short
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.changes import Changes, load
from scim_asgi.provisioning.guard import Held
from scim_asgi.provisioning.locks import NamedLocks
from scim_asgi.provisioning.log import name_of, passed_over
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.reconcile import Reconciler
from scim_asgi.provisioning.refusals import Refusals
from scim_asgi.provisioning.units import Changed, Inbound, Unit
from scim_asgi.store.base import Store
from scim_asgi.store.errors import StoreError

logger = logging.getLogger("scim_asgi")

T = TypeVar("T")

_POLL = 0.05


class Service:
    """Changes resources: in the store first, then in the host.

    Args:
        store: Where resources are kept.
        registry: The resource types.
        changes: What makes changes.
        reconciler: What delivers accounts to the host.
        background: What delivers those that a change has spread to.
        unknown_attributes: What to do with attributes that a type lacks.
        group_patch_body: Whether a PATCH of a group is answered 200 with the group.
        limits: What a request may cost.
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
        limits: Limits,
    ) -> None:
        self._store = store
        self._registry = registry
        self._changes = changes
        self._reconciler = reconciler
        self._background = background
        self._unknown = unknown_attributes
        self._group_patch_body = group_patch_body
        self._limits = limits
        self._answers = Answers(store, registry)
        self._refusals = Refusals(store, registry)
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
            inbound, projected, short = self._read(definition, body, projection, new=True)
            changed = await self._write(
                caller,
                definition,
                lambda unit: self._changes.create(unit, inbound),
                brief=short,
            )
            whole = await self._settle(caller, changed)
            return await self._answers.of(caller, changed, projected, 201, whole)

        return await self._finished(caller, work(), name_of(body))

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
            try:
                inbound, projected, short = self._read(definition, body, projection, new=False)
            except ScimError:
                await self._require(caller, definition, resource_id)
                raise
            changed, whole = await self._locked(
                caller,
                definition,
                resource_id,
                lambda unit: self._changes.replace(unit, resource_id, inbound, preconditions),
                brief=short and not definition.row_attributes,
            )
            return await self._answers.of(caller, changed, projected, 200, whole)

        return await self._finished(caller, work(), name_of(body))

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
            try:
                operations = read_patch(body, self._limits)
                plan = plan_patch(definition, operations, self._unknown, self._limits)
            except ScimError:
                await self._require(caller, definition, resource_id)
                raise
            changed, whole = await self._locked(
                caller,
                definition,
                resource_id,
                lambda unit: self._changes.patch(unit, resource_id, plan, preconditions),
                brief=is_brief(definition, plan),
            )
            asked = projection.named is not None or bool(projection.excluded)
            if definition.row_attributes and not asked and not self._group_patch_body:
                return self._answers.empty(caller, changed.record, 204)
            projected = with_written(projection, lambda: plan.targets)
            return await self._answers.of(caller, changed, projected, 200, whole)

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
                definition,
                resource_id,
                lambda unit: self._changes.delete(unit, resource_id, preconditions),
                brief=not definition.row_attributes,
            )
            return Answer(status=204)

        return await self._finished(caller, work())

    async def close(self) -> None:
        """Wait until every write that is under way is settled."""
        while self._tasks:
            ended, _ = await asyncio.wait(self._tasks)
            self._tasks -= ended

    async def log_refusal(self, caller: Caller, error: ScimError, name: str = "") -> None:
        """Write a refused request into the provisioning log.

        Args:
            caller: The request.
            error: Why it is refused.
            name: What people call the resource, where that is known.
        """
        error.is_logged = True
        written = self._refusals.write(caller, error, name)
        if isinstance(error.__cause__, StoreError):
            # The request has waited for the database once already.
            self._keep(asyncio.create_task(written))
        else:
            await written

    def _read(
        self,
        definition: ResourceDefinition,
        body: dict[str, Any],
        projection: Projection,
        *,
        new: bool,
    ) -> tuple[Inbound, Projection, bool]:
        """Check an inbound resource and take apart what is stored and what is not.

        Returns:
            What is inbound, the projection of the answer, and whether little was sent.
        """
        received = receive(self._registry, definition, body, self._unknown, new=new)
        document = received.document
        projected = with_written(projection, lambda: written_by(definition, document))
        hidden = [document.pop(name, None) for name in definition.unstored_attributes]
        password = next((value for value in hidden if isinstance(value, str)), None)
        notes = passed_over(received.unknown)
        members = received.rows.get("members")
        inbound = Inbound(document=document, members=members, password=password, notes=notes)
        return inbound, projected, is_short(body, received.size)

    async def _finished(
        self, caller: Caller, work: Coroutine[Any, Any, Answer], name: str = ""
    ) -> Answer:
        """Let a write run to its end even when the client goes away, and log a refusal."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Answer] = loop.create_future()
        self._tasks.add(loop.create_task(self._run(ended, self._logged(caller, work, name))))
        return await ended

    async def _run(self, ended: asyncio.Future[Answer], work: Coroutine[Any, Any, Answer]) -> None:
        """Tell a request how its write has ended: `asyncio.shield`, a turn of the loop earlier."""
        try:
            answer = await work
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            if not ended.done():
                ended.set_exception(error)
        except BaseException:
            ended.cancel()
            raise
        else:
            if not ended.done():
                ended.set_result(answer)
        finally:
            self._tasks.discard(cast("asyncio.Task[Any]", asyncio.current_task()))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task alive until it ends; a stop waits for it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, caller: Caller, work: Coroutine[Any, Any, Answer], name: str) -> Answer:
        try:
            try:
                return await work
            except REFUSED_BY_STORE as error:
                raise refusal_of(error) from error
        except ScimError as error:
            if not error.is_logged:
                await self.log_refusal(caller, error, name)
            raise

    async def _require(
        self, caller: Caller, definition: ResourceDefinition, resource_id: str
    ) -> None:
        """Say of a resource that is not there that it is not, rather than anything of a body."""
        await self._store.read(
            lambda tx: load(tx, caller.organization_id, definition, resource_id), brief=True
        )

    async def _locked(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        work: Callable[[Unit], Changed],
        *,
        brief: bool,
    ) -> tuple[Changed, Whole | None]:
        """Write and settle while no other request of this process changes the resource.

        What nobody is told of needs no more than its transaction, and shares a commit with others.
        """
        if not self._changes.has_accounts(definition):
            return await self._write(caller, definition, work, brief=brief), None
        # By organization: waiting for a lock would tell another that the id exists.
        async with self._locks.hold(f"{caller.organization_id}/{resource_id}"):
            changed = await self._write(caller, definition, work, brief=brief)
            return changed, await self._settle(caller, changed)

    async def _write(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        work: Callable[[Unit], Changed],
        *,
        brief: bool,
    ) -> Changed:
        """Write; where the guard holds that, note so and refuse it.

        What is held is looked at once more, in the transaction that notes it: others may have been
        taken back meanwhile, or released.
        """
        try:
            changed = await self._in_turn(caller, definition, work, brief=brief)
        except Held:
            made = await self._in_turn(
                caller, definition, lambda unit: self._made_or_held(unit, work), brief=brief
            )
            if isinstance(made, Held):
                made.is_logged = True
                raise made from None
            changed = made
        if changed.spread:
            self._background.wake(caller.base_url)
        return changed

    def _made_or_held(self, unit: Unit, work: Callable[[Unit], Changed]) -> Changed | Held:
        """Make a change, or log and note that the guard holds it."""
        try:
            with unit.tx.savepoint():
                return work(unit)
        except Held as held:
            self._refusals.hold(unit, held)
            return held

    async def _in_turn(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        work: Callable[[Unit], T],
        *,
        brief: bool,
    ) -> T:
        """Write, and wait while another process delivers the same account."""
        # Not by the clock that claims go by: it may be set back meanwhile.
        give_up = time.monotonic() + self._reconciler.longest_wait
        while True:
            try:
                return await self._store.write(
                    lambda tx: work(Unit(tx, caller, definition, self._reconciler.claim())),
                    brief=brief,
                )
            except InFlight:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(_POLL)

    async def _settle(self, caller: Caller, changed: Changed) -> Whole | None:
        """Have the host confirm a change; return the resource where that was told of it."""
        if changed.account is None:
            return None
        whole = self._answers.whole(caller, changed)
        outcome = await self._reconciler.settle(
            changed.account,
            base_url=caller.base_url,
            directory=caller.directory,
            resource=whole.content,
            log=changed.log,
            password=changed.password,
        )
        if outcome.kind != "confirmed":
            self._background.wake(caller.base_url)
        if outcome.error is not None:
            outcome.error.is_logged = True
            raise outcome.error
        return whole
