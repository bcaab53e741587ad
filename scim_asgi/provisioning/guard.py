"""The guard against mass deactivation: a mistake in a directory must not empty a product.

It looks at what is wanted of accounts, inside the transaction that changes it, so that several
processes and restarts count the same.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from scim_asgi.protocol.errors import Unavailable
from scim_asgi.provisioning.accounts import is_new
from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import AccountRecord, AccountState, Closings, LogRecord

RELEASED_FOR = 48 * 3_600_000
"""How many milliseconds a released closing is let through: directories repeat at least daily."""

_RETRY_AFTER = 600
_RANK: dict[AccountState, int] = {"active": 0, "inactive": 1, "deleted": 2}


class Guard(Struct, frozen=True, kw_only=True):
    """How much of an organization may be closed before a person has to look at it.

    Attributes:
        share: The share of an organization's accounts that may be deactivated, or deleted.
        minimum: How many may be in any case.
        seconds: Within how many seconds.
    """

    share: Annotated[float, Meta(gt=0, le=1)] = 0.3
    minimum: Annotated[int, Meta(ge=0)] = 20
    seconds: Annotated[float, Meta(gt=0)] = 600.0


class Held(Unavailable):
    """A deactivation or deletion that the guard holds.

    Args:
        account: The number of the account.
        detail: For the directory's admin.
    """

    def __init__(self, account: int, detail: str) -> None:
        super().__init__(detail, _RETRY_AFTER)
        self.account = account


class ClosingGuard:
    """Decides which closings are held.

    Once one is, all are, until an operator releases those that are held.

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
        at = now()
        if account.released_until > at or is_new(account):
            return False
        closings = tx.accounts.closings(account.organization_id, at - round(guard.seconds * 1000))
        return closings.is_held or _is_too_much(guard, closings, account.wanted_state, state)

    def check(self, tx: Transaction, account: AccountRecord, state: AccountState) -> None:
        """Check that an account may be brought to a state now.

        Raises:
            Held: It may not.
        """
        if self.holds(tx, account, state):
            raise Held(account.number, self.detail())

    def detail(self) -> str:
        """Return what the directory's admin and the log are told."""
        assert self._guard is not None
        share, minutes = self._guard.share * 100, self._guard.seconds / 60
        return (
            f"Held, nothing was changed: more than {share:g} % of your organization's accounts "
            f"were deactivated or deleted within {minutes:g} minutes, which is often a mistake in "
            "the directory's scope or assignments. If it is meant, release it on the product's "
            "Directory sync page, or ask its support to; the directory then goes on by itself."
        )


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


def held_in_background(
    tx: Transaction, account: AccountRecord, name: str, detail: str
) -> AccountRecord:
    """Note that a closing which no request waits for is held, and write it into the log once."""
    if account.held_since is not None:
        return account
    row = LogRecord(
        organization_id=account.organization_id,
        at=now(),
        action="held",
        status=0,
        resource_type="User",
        resource_name=name,
        detail=detail,
    )
    tx.log.insert(row)
    return replace(account, held_since=now())
