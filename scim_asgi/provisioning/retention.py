"""How long the provisioning log is kept, and what deletes the rest."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError

logger = logging.getLogger("scim_asgi.background")

_DAY = 86_400_000
_BATCH = 500
_ORGANIZATIONS = 100
_PAUSE = 60.0


class LogRetention(Struct, frozen=True, kw_only=True):
    """How much of the provisioning log is kept.

    Attributes:
        days: For how many days, 36,500 at most; None for ever.
        rows: How many rows of each organization, the newest ones; None for any number. What
            admins have done is not pushed out by it.
    """

    days: Annotated[float, Meta(gt=0, le=36_500)] | None = 90.0
    rows: Annotated[int, Meta(ge=1)] | None = 1_000_000


class Pruning:
    """Deletes what the log shall not keep, in small batches between which others write.

    Args:
        store: Where the log is kept.
        retention: How much of it is kept.
    """

    def __init__(self, store: Store, retention: LogRetention) -> None:
        self._store = store
        self._retention = retention
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless everything is kept."""
        keeps_all = self._retention.days is None and self._retention.rows is None
        if self._task is None and not keeps_all:
            self._task = asyncio.create_task(self._run(), name="scim-asgi pruning")

    async def stop(self) -> None:
        """Stop; a batch that is being deleted is deleted."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while True:
            try:
                await self.prune()
            except StoreError as error:
                logger.warning("The provisioning log could not be pruned: %s", error)
            except Exception:
                logger.exception("Pruning the provisioning log failed; it is tried again.")
            # Several processes on one database do not all begin at the same time.
            await asyncio.sleep(_PAUSE * random.uniform(0.8, 1.2))  # noqa: S311 - no secret

    async def prune(self) -> int:
        """Delete what is too old or too much; return how many rows it was."""
        deleted, after = 0, ""
        while True:
            totals = await self._store.read(partial(_totals, after=after))
            for organization_id, total in totals:
                deleted += await self._prune_organization(organization_id, total)
            if len(totals) < _ORGANIZATIONS:
                return deleted
            after = totals[-1][0]

    async def _prune_organization(self, organization_id: str, total: int) -> int:
        deleted = 0
        if self._retention.days is not None:
            before = now() - round(self._retention.days * _DAY)
            while await self._store.read(lambda tx: tx.log.has_before(organization_id, before)):
                deleted += await self._store.write(
                    lambda tx: tx.log.prune_before(organization_id, before, _BATCH), durable=False
                )
        surplus = 0 if self._retention.rows is None else total - deleted - self._retention.rows
        while surplus > 0:
            some = min(surplus, _BATCH)
            work = partial(_prune_oldest, organization_id=organization_id, limit=some)
            gone = await self._store.write(work, durable=False)
            deleted, surplus = deleted + gone, surplus - some
        return deleted


def _totals(tx: Transaction, after: str) -> list[tuple[str, int]]:
    return tx.log.totals(after, _ORGANIZATIONS)


def _prune_oldest(tx: Transaction, organization_id: str, limit: int) -> int:
    return tx.log.prune_oldest(organization_id, limit)
