"""The guard against mass deactivation: a mistake in a directory must not empty a product.

It looks at what is wanted of accounts, inside the transaction that changes it, so that several
processes and restarts count the same.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from scim_asgi.protocol.errors import Unavailable
from scim_asgi.provisioning.accounts import is_new
from scim_asgi.provisioning.clock import YEAR, now
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import (
    AccountRecord,
    AccountState,
    Closings,
    HeldChange,
    LogRecord,
)

logger = logging.getLogger("scim_asgi.guard")

A = TypeVar("A", AccountRecord, AccountRecord | None)

RELEASED_FOR = 48 * 3_600_000
"""How many milliseconds a released closing is let through: directories repeat at least daily."""

_RETRY_AFTER = 600
_SLACK = 60_000
_BEGINS = (
    "The guard begins to hold what closes accounts of the organization %s: %s. Every further "
    "deactivation or deletion is answered 503 and changes nothing, until the directory says that "
    "those who are held are active, or somebody releases them: on the Directory sync page, with "
    "POST /release of the admin API, or with `scim-asgi release %s`."
)
_DETAIL = (
    "Held, nothing was changed: {change} would be too much. Of your organization {counts}; more "
    "than {limit} is often a mistake in the directory's scope or assignments. If it is one, put it "
    "right in the directory. If it is meant, release it on the product's Directory sync page, or "
    "ask the support of the product to; the directory then goes on by itself."
)
_CHANGES: dict[HeldChange, str] = {
    "deactivation": "this deactivation",
    "deletion": "this deletion",
    "mapping": "closing the account, as its groups or the attribute mapping say,",
}
_RANK: dict[AccountState, int] = {"active": 0, "inactive": 1, "deleted": 2}


class Guard(Struct, frozen=True, kw_only=True):
    """How much of an organization may be closed before a person has to look at it.

    Attributes:
        share: The share of an organization's accounts that may be deactivated, or deleted.
        minimum: How many may be in any case.
        seconds: Within how many seconds; a year at most.
    """

    share: Annotated[float, Meta(gt=0, le=1)] = 0.3
    minimum: Annotated[int, Meta(ge=0)] = 20
    seconds: Annotated[float, Meta(gt=0, le=YEAR)] = 600.0


class Held(Unavailable):
    """A deactivation or deletion that the guard holds.

    Args:
        account: The account.
        change: What is held.
        detail: For the directory's admin.
        counts: What was counted, in words.
    """

    def __init__(
        self, account: AccountRecord, change: HeldChange, detail: str, counts: str
    ) -> None:
        super().__init__(detail, _RETRY_AFTER)
        self._account = account
        self._change = change
        self._counts = counts

    def note(self, tx: Transaction, at: int) -> None:
        """Store that it is held; the first of an organization is worth a warning."""
        organization_id = self._account.organization_id
        if not tx.accounts.is_held(organization_id):
            logger.warning(_BEGINS, organization_id, self._counts, organization_id)
        tx.accounts.hold(self._account.number, self._change, at)


class ClosingGuard:
    """Decides which closings are held.

    Once one is, all are, until the directory has taken back those that are held, or an operator
    has released them.

    Args:
        guard: How much may be closed; None for everything.
    """

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard

    def holds(self, tx: Transaction, account: AccountRecord | None, state: AccountState) -> bool:
        """Return whether an account may not be brought to a state now.

        Opening, creating and changing fields is never held, and what is closed already is not
        closed again.
        """
        guard = self._guard
        if guard is None or account is None or _RANK[state] <= _RANK[account.wanted_state]:
            return False
        if _is_released(account) or is_new(account):
            return False
        closings = _closings(tx, guard, account)
        return closings.is_held or _is_too_much(guard, closings, account.wanted_state, state)

    def check(self, tx: Transaction, account: AccountRecord, state: AccountState) -> None:
        """Check that an account may be brought to a state now.

        Raises:
            Held: It may not.
        """
        if self.holds(tx, account, state):
            raise self._held(tx, account, "deletion" if state == "deleted" else "deactivation")

    def hold_mapped(self, tx: Transaction, account: AccountRecord, name: str) -> AccountRecord:
        """Note that a closing which no request waits for is held, and write it into the log once."""
        if account.held_since is not None:
            return account
        held, at = self._held(tx, account, "mapping"), now()
        row = LogRecord(
            organization_id=account.organization_id,
            at=at,
            action="held",
            status=0,
            resource_type="User",
            resource_name=name,
            detail=held.detail,
        )
        tx.log.insert(row)
        held.note(tx, at)
        return replace(account, held_since=at, held_change="mapping")

    def _held(self, tx: Transaction, account: AccountRecord, change: HeldChange) -> Held:
        guard = self._guard
        assert guard is not None
        counts = _counted(guard, _closings(tx, guard, account))
        limit = f"{guard.share * 100:g} % and {guard.minimum}"
        detail = _DETAIL.format(change=_CHANGES[change], counts=counts, limit=limit)
        return Held(account, change, detail, counts)


def taken_back(account: A, state: AccountState, *, opens: bool = False) -> A:
    """Return an account whose way to a state is free, with nothing held that is taken back by it.

    What a directory asked for is taken back when it says that the User is active, what a mapping
    came to when it comes to something else.
    """
    if account is None or account.held_since is None:
        return account
    is_open_again = state == "active" and (opens or account.held_change == "mapping")
    if state == account.wanted_state and not is_open_again:
        return account
    return replace(account, held_since=None, held_change=None)


def _is_released(account: AccountRecord) -> bool:
    until = account.released_until
    return until > 0 and 0 < until - now() <= RELEASED_FOR + _SLACK


def _closings(tx: Transaction, guard: Guard, account: AccountRecord) -> Closings:
    at = now()
    # What is further ahead was closed before the clock was set back, nobody knows how long ago.
    return tx.accounts.closings(
        account.organization_id, at - round(guard.seconds * 1000), at + _SLACK
    )


def _counted(guard: Guard, closings: Closings) -> str:
    """Return what was counted in words: closings, or deletions where those are more."""
    within = f"within {guard.seconds / 60:g} minutes"
    total, kept = closings.active + closings.closed, closings.kept + closings.deleted
    if closings.closed >= _allowed(guard, total):
        return f"{closings.closed} of {total} accounts were deactivated or deleted {within}"
    if closings.deleted >= _allowed(guard, kept):
        return f"{closings.deleted} of {kept} accounts were deleted {within}"
    return f"{closings.closed} of {total} accounts were deactivated or deleted {within}, and others are held since before"


def _is_too_much(
    guard: Guard, closings: Closings, before: AccountState, after: AccountState
) -> bool:
    """Return whether one more closing of an open account, or one more deletion, is too much."""
    lost_access = before == "active" and closings.closed >= _allowed(
        guard, closings.active + closings.closed
    )
    deleted = after == "deleted" and closings.deleted >= _allowed(
        guard, closings.kept + closings.deleted
    )
    return lost_access or deleted


def _allowed(guard: Guard, accounts: int) -> int:
    return max(guard.minimum, int(guard.share * accounts))


def kept_open(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an account's fields with `active` true, where it has that field."""
    return {**fields, "active": True} if "active" in fields else fields
