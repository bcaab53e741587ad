"""What a write comes to: checked, stored, confirmed by the host, answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import ScimError
from scim_asgi.protocol.inbound import receive
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.messages import read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.protocol.projection import Projection, with_written, written_by
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.provisioning.accounts import InFlight
from scim_asgi.provisioning.answers import Answer, Answers, Whole
from scim_asgi.provisioning.background import Background
from scim_asgi.provisioning.brevity import is_brief, is_short
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.changes import Changes, load
from scim_asgi.provisioning.guard import Held
from scim_asgi.provisioning.locks import NamedLocks
from scim_asgi.provisioning.log import passed_over
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.reconcile import Reconciler
from scim_asgi.provisioning.refusals import Refusals
from scim_asgi.provisioning.units import Changed, Inbound, Unit
from scim_asgi.store.base import Store

T = TypeVar("T")

_POLL = 0.05


class Writes:
    """Writes from their bodies to their answers, for as long as somebody lets them run.

    Args:
        store: Where resources are kept.
        registry: The resource types.
        changes: What makes changes.
        reconciler: What delivers accounts to the host.
        background: What delivers those that a change has spread to.
        refusals: Where it is noted that the guard holds something.
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
        refusals: Refusals,
        *,
        unknown_attributes: UnknownAttributes,
        group_patch_body: bool,
        limits: Limits,
    ) -> None:
        self._store = store
        self._registry = registry
        self._changes = changes
        self._reconciler = reconciler
        self._background = background
        self._refusals = refusals
        self._unknown = unknown_attributes
        self._group_patch_body = group_patch_body
        self._limits = limits
        self._answers = Answers(store, registry)
        self._locks = NamedLocks()

    async def create(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        body: dict[str, Any],
        projection: Projection,
    ) -> Answer:
        """Create a resource, as :meth:`Service.create` does."""
        inbound, projected, short = self._read(definition, body, projection, new=True)
        create = partial(self._changes.create, inbound=inbound)
        changed = await self._write(caller, definition, create, brief=short)
        whole = await self._settle(caller, changed)
        return await self._answers.of(caller, changed, projected, 201, whole)

    async def replace(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        body: dict[str, Any],
        projection: Projection,
        preconditions: Preconditions,
    ) -> Answer:
        """Replace a resource, as :meth:`Service.replace` does."""
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

    async def patch(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        body: dict[str, Any],
        projection: Projection,
        preconditions: Preconditions,
    ) -> Answer:
        """Modify a resource, as :meth:`Service.patch` does."""
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

    async def delete(
        self,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        preconditions: Preconditions,
    ) -> Answer:
        """Delete a resource, as :meth:`Service.delete` does."""
        await self._locked(
            caller,
            definition,
            resource_id,
            lambda unit: self._changes.delete(unit, resource_id, preconditions),
            brief=not definition.row_attributes,
        )
        return Answer(status=204)

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
        made: Changed | Held
        try:
            made = await self._in_turn(caller, definition, work, brief=brief)
        except Held:
            again = partial(self._made_or_held, work)
            made = await self._in_turn(caller, definition, again, brief=brief)
        if isinstance(made, Held):
            made.is_logged = True
            raise made from None
        if made.spread:
            self._background.wake(caller.base_url)
        return made

    def _made_or_held(self, work: Callable[[Unit], Changed], unit: Unit) -> Changed | Held:
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
