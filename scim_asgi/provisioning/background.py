"""Work that no request waits for: accounts that a change has spread to, and deliveries to repeat."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from msgspec.structs import replace

from scim_asgi.mapping.errors import Unmappable
from scim_asgi.provisioning.accounts import differs, want, wanted_state
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import Outcome
from scim_asgi.provisioning.guard import ClosingGuard, held_in_background, kept_open
from scim_asgi.provisioning.hooks import HookSet
from scim_asgi.provisioning.log import name_of
from scim_asgi.provisioning.reconcile import Reconciler
from scim_asgi.provisioning.wanted import WantedAccounts
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import AccountRecord, LogRecord

logger = logging.getLogger("scim_asgi.background")

_BATCH = 50
_PARALLEL = 8
_LOOK_AGAIN = 1.0


class Background:
    """Works off what differs, oldest first and a few at a time.

    Args:
        store: Where accounts are kept.
        accounts: What works out the accounts.
        hooks: The host's hooks; without any there is nothing to do.
        reconciler: What delivers.
        guard: What holds closings.
        base_url: For the locations in the resources that hooks get; the requests' own are taken
            over where it is "".
    """

    def __init__(
        self,
        store: Store,
        accounts: WantedAccounts,
        hooks: HookSet,
        reconciler: Reconciler,
        guard: ClosingGuard,
        base_url: str,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._hooks = hooks
        self._reconciler = reconciler
        self._guard = guard
        self._base_url = base_url
        self._is_stopping = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[Outcome]] = set()

    @property
    def is_running(self) -> bool:
        """Whether the background works; without hooks it has nothing to do and always does."""
        return not self._hooks or (self._task is not None and not self._task.done())

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
        mapped = 0
        if await self._store.read(lambda tx: tx.accounts.is_marked(now())):
            mapped = await self._store.write(self._map_batch, durable=False)
        free = _PARALLEL - len(self._deliveries)
        claimed = await self._reconciler.claim_due(free) if free else []
        for number in claimed:
            self._deliver(number)
        if mapped:
            return 0
        if len(claimed) == free:
            return _LOOK_AGAIN  # each delivery that ends wakes
        next_due = await self._store.read(lambda tx: tx.accounts.next_due(now()))
        if next_due is None:
            return _LOOK_AGAIN
        return min(max(0.05, (next_due - now()) / 1000), _LOOK_AGAIN)

    def _deliver(self, number: int) -> None:
        settle = self._reconciler.settle(number, base_url=self._base_url, directory="unknown")
        delivery = asyncio.create_task(settle, name="scim-asgi delivery")
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Task[Outcome]) -> None:
        self._deliveries.discard(delivery)
        self._wake.set()
        if not delivery.cancelled() and (error := delivery.exception()) is not None:
            logger.error("A delivery could not be recorded; it is repeated.", exc_info=error)

    def _map_batch(self, tx: Transaction) -> int:
        """Work out the wanted fields of marked accounts anew; return how many there were."""
        accounts = tx.accounts.marked(now(), _BATCH)
        for account in accounts:
            self._map(tx, account)
        return len(accounts)

    def _map(self, tx: Transaction, account: AccountRecord) -> None:
        record = None if account.resource is None else tx.resources.by_number(account.resource)
        if record is None or account.wanted_state == "deleted":
            tx.accounts.update(_unmarked(account))
            return
        try:
            fields = self._accounts.fields(tx, record, account)
        except Unmappable as error:
            tx.accounts.update(_unmarked(account))
            tx.log.insert(_skipped(account, error.detail))
            return
        state = wanted_state(fields, record.document, account)
        if self._guard.holds(tx, account, state):
            name = name_of(record.document)
            account = held_in_background(tx, account, name, self._guard.detail())
            fields, state = kept_open(fields), account.wanted_state
        wanted = want(account, record, fields, state, reason="groups or mapping changed")
        if wanted.wanted == account.wanted and not differs(wanted):
            tx.accounts.update(_unmarked(account))
        else:
            tx.accounts.update(wanted)


def _unmarked(account: AccountRecord) -> AccountRecord:
    return replace(account, marked=False)


def _skipped(account: AccountRecord, detail: str) -> LogRecord:
    return LogRecord(
        organization_id=account.organization_id,
        at=now(),
        action="skipped",
        status=0,
        resource_type="User",
        resource_name=str(account.wanted.get("email_address") or account.id),
        detail=detail,
    )
