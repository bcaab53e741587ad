"""What an operator may ask of the reconciliation: how it stands, and to do things anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.provisioning.accounts import with_delivery
from scim_asgi.provisioning.audit import By, audit_row
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import change_of
from scim_asgi.provisioning.drift import Drift, DriftFinder
from scim_asgi.provisioning.guard import RELEASED_FOR
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord, WorkLeft

_BATCH = 200


class Pending(Struct, frozen=True, kw_only=True):
    """An account that the host has yet to confirm. Times are Unix milliseconds.

    Attributes:
        organization_id: The organization.
        account_id: The account's id.
        name: Its address, or its id.
        change: What the host is told.
        reason: What made it necessary.
        attempts: How many times it was tried.
        due_at: When it is tried next.
    """

    organization_id: str
    account_id: str
    name: str
    change: str
    reason: str
    attempts: int
    due_at: int


class Reconciliation:
    """How far the host is from what the directories want, and ways to bring it nearer.

    Args:
        store: Where accounts are kept.
        drift: What asks the host what it has.
        wake: Called when there is new work.
    """

    def __init__(self, store: Store, drift: DriftFinder, wake: Callable[[], None]) -> None:
        self._store = store
        self._drift = drift
        self._wake = wake

    async def status(
        self, organization_id: str | None = None, *, since: int | None = None
    ) -> WorkLeft:
        """Return how much there is to do.

        Args:
            organization_id: The organization; None for all of them.
            since: What is due later counts as waiting, in Unix milliseconds; now by default.
        """
        at = now() if since is None else since
        return await self._store.read(lambda tx: tx.accounts.work_left(organization_id, at))

    async def pending(
        self, organization_id: str | None = None, *, limit: int = 100
    ) -> list[Pending]:
        """Return accounts that the host has yet to confirm, those first that wait longest."""
        accounts = await self._store.read(lambda tx: tx.accounts.pending(organization_id, limit))
        return [_shown(account) for account in accounts]

    async def redeliver(
        self, organization_id: str, *, everything: bool = False, by: By | str = ""
    ) -> int:
        """Let the background deliver at once what differs, or everything.

        Whichever process has hooks does it. With `everything`, what the host has confirmed is
        forgotten, so that it is told of each account as if for the first time: `create`, or
        `delete` for those that are gone. That is for a host that has restored a backup.

        Args:
            organization_id: The organization.
            everything: Whether accounts that the host has confirmed are delivered too.
            by: Who asks for it, for the audit.

        Returns:
            The time from which on deliveries count as tried, for :meth:`status`.
        """
        if everything:
            await self._forget(organization_id)
        at = now()
        detail = "every account is delivered again" if everything else "what differs is delivered"

        def work(tx: Transaction) -> None:
            tx.accounts.make_due(organization_id, at)
            tx.log.insert(audit_row(organization_id, "reconciled", by, detail))

        await self._store.write(work)
        self._wake()
        return at

    async def _forget(self, organization_id: str) -> None:
        """Forget what the host has confirmed, some accounts at a time, so that nobody waits."""
        after: int | None = 0
        while after is not None:
            work = partial(_forget_some, organization_id=organization_id, after=after)
            after = await self._store.write(work)

    async def drift(self, organization_id: str, *, repair: bool = False) -> list[Drift]:
        """Ask the host's hook `read` what it has, and return what differs from what is wanted.

        Args:
            organization_id: The organization.
            repair: Whether what differs is delivered again.

        Raises:
            DriftError: The host has no hook `read`, or that failed.
        """
        found = await self._drift.find(organization_id, repair=repair)
        if repair:
            self._wake()
        return found

    async def release(self, organization_id: str, *, by: By | str = "") -> int:
        """Let the closings that the guard holds through; return how many there were.

        The background carries out its own at once, and for two days those that the directory
        has to repeat are let through. After that the guard counts anew.
        """
        until = now() + RELEASED_FOR

        def work(tx: Transaction) -> int:
            released = tx.accounts.release(organization_id, until)
            detail = f"deactivations and deletions that were held: {released}"
            tx.log.insert(audit_row(organization_id, "released", by, detail))
            return released

        released = await self._store.write(work)
        self._wake()
        return released


def _forget_some(tx: Transaction, organization_id: str, after: int) -> int | None:
    """Forget what the host has confirmed of the next accounts; return the last one's number."""
    accounts = tx.accounts.list(organization_id, after=after, limit=_BATCH)
    for account in accounts:
        forgotten = replace(account, confirmed=None, confirmed_state=None)
        wanted = with_delivery(forgotten, forgotten, "reconcile --all", force=True)
        tx.accounts.update(account, wanted)
    return accounts[-1].number if accounts else None


def _shown(account: AccountRecord) -> Pending:
    return Pending(
        organization_id=account.organization_id,
        account_id=account.id,
        name=str(account.wanted.get("email_address") or account.id),
        change=change_of(account) or "",
        reason=account.reason,
        attempts=account.attempt,
        due_at=account.due_at,
    )
