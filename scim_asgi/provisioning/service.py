"""The use cases that change something: create, replace, patch and delete, each run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.errors import ScimError
from scim_asgi.protocol.projection import Projection
from scim_asgi.provisioning.answers import REFUSED_BY_STORE, Answer, refusal_of
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.log import name_of
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.refusals import Refusals
from scim_asgi.provisioning.writes import Writes
from scim_asgi.store.errors import StoreError


class Service:
    """Changes resources: in the store first, then in the host.

    Args:
        writes: What a write comes to.
        refusals: Where refused requests are noted.
    """

    def __init__(self, writes: Writes, refusals: Refusals) -> None:
        self._writes = writes
        self._refusals = refusals
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
        work = self._writes.create(caller, definition, body, projection)
        return await self._finished(caller, work, name_of(body))

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
        work = self._writes.replace(
            caller, definition, resource_id, body, projection, preconditions
        )
        return await self._finished(caller, work, name_of(body))

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
        work = self._writes.patch(caller, definition, resource_id, body, projection, preconditions)
        return await self._finished(caller, work)

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
        work = self._writes.delete(caller, definition, resource_id, preconditions)
        return await self._finished(caller, work)

    async def close(self) -> None:
        """Wait until every write that is under way is settled."""
        while self._tasks:
            await asyncio.wait(self._tasks)

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

    async def _finished(
        self, caller: Caller, work: Coroutine[Any, Any, Answer], name: str = ""
    ) -> Answer:
        """Let a write run to its end even when the client goes away, and log a refusal."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Answer] = loop.create_future()
        self._keep(loop.create_task(self._run(ended, caller, work, name)))
        return await ended

    async def _run(
        self,
        ended: asyncio.Future[Answer],
        caller: Caller,
        work: Coroutine[Any, Any, Answer],
        name: str,
    ) -> None:
        """Tell a request how its write has ended: `asyncio.shield`, a turn of the loop earlier."""
        try:
            answer = await self._logged(caller, work, name)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            if not ended.done():
                ended.set_exception(error)
        except BaseException:
            ended.cancel()
            raise
        else:
            if not ended.done():
                ended.set_result(answer)

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
