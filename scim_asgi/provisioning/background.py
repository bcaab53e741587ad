"""Work that no request waits for: accounts that a change has spread to, and deliveries to repeat."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import Outcome
from scim_asgi.provisioning.hooks import HookSet
from scim_asgi.provisioning.host import Host
from scim_asgi.provisioning.reconcile import Reconciler
from scim_asgi.provisioning.remapping import Remapping
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import AccountRecord

logger = logging.getLogger("scim_asgi.background")

_PARALLEL = 8
_LOOK_AGAIN = 1.0


class Background:
    """Works off what differs, oldest first and a few at a time.

    Args:
        store: Where accounts are kept.
        host: Says whether another process has taken over.
        remapping: What maps accounts anew.
        hooks: The host's hooks; without any there is nothing to do.
        reconciler: What delivers.
        base_url: For the locations in the resources that hooks get; the requests' own are taken
            over where it is "".
    """

    def __init__(
        self,
        store: Store,
        host: Host,
        remapping: Remapping,
        hooks: HookSet,
        reconciler: Reconciler,
        base_url: str,
    ) -> None:
        self._store = store
        self._host = host
        self._remapping = remapping
        self._hooks = hooks
        self._reconciler = reconciler
        self._base_url = base_url
        self._is_stopping = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[Outcome]] = set()

    @property
    def is_running(self) -> bool:
        """Whether the background works; without hooks it has nothing to do and always does."""
        task = self._task
        return not self._hooks if task is None else not task.done()

    def start(self) -> None:
        """Begin to work."""
        if not self.is_running:
            self._wake = asyncio.Event()
            self._is_stopping = False
            self._task = asyncio.create_task(self._run(), name="scim-asgi background")

    def wake(self, base_url: str = "") -> None:
        """Say that there is work, perhaps with the base URL of the request that made it."""
        self._base_url = self._base_url or base_url
        self._wake.set()

    async def stop(self) -> None:
        """Begin nothing more, and wait for the hooks that are being called."""
        self._is_stopping = True
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait({task})
        while self._deliveries:
            await asyncio.wait(self._deliveries)

    async def _run(self) -> None:
        trouble = ""
        while not self._is_stopping:
            try:
                pause = await self.work()
                trouble = ""
            except StoreError as error:
                if str(error) != trouble:
                    logger.warning("The background waits for the database: %s", error)
                trouble, pause = str(error), _LOOK_AGAIN
            except Exception:
                logger.exception("The background failed; it goes on.")
                pause = _LOOK_AGAIN
            with suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it loses a cancellation that meets a wake.
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def work(self) -> float:
        """Begin what can be done now; return how many seconds to wait for more."""
        self._wake.clear()
        is_overtaken, is_to_map = await self._store.read(self._look)
        if is_overtaken:
            return _LOOK_AGAIN
        await self._host.stay()
        mapped = False
        if is_to_map:
            mapped = await self._store.write(self._remapping.work, durable=False)
        free = _PARALLEL - len(self._deliveries)
        claimed = await self._reconciler.claim_due(free) if free else []
        for account in claimed:
            self._deliver(account)
        if mapped:
            return 0
        if len(claimed) == free:
            return _LOOK_AGAIN  # each delivery that ends wakes
        next_due = await self._store.read(lambda tx: tx.accounts.next_due(now()))
        if next_due is None:
            return _LOOK_AGAIN
        return min(max(0.05, (next_due - now()) / 1000), _LOOK_AGAIN)

    def _look(self, tx: Transaction) -> tuple[bool, bool]:
        """Return whether another process does the work, and whether there is any to map."""
        return self._host.is_overtaken(tx), self._remapping.has_work(tx)

    def _deliver(self, account: AccountRecord) -> None:
        settle = self._reconciler.settle(account, base_url=self._base_url, directory="unknown")
        delivery = asyncio.create_task(settle, name="scim-asgi delivery")
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Task[Outcome]) -> None:
        self._deliveries.discard(delivery)
        self._wake.set()
        if not delivery.cancelled() and (error := delivery.exception()) is not None:
            logger.error("A delivery could not be recorded; it is repeated.", exc_info=error)
