"""What the outcome of a delivery makes of its account."""

from __future__ import annotations

import random

from msgspec.structs import replace

from scim_asgi.protocol.errors import Unavailable
from scim_asgi.provisioning.accounts import AccountBefore, closed, with_delivery
from scim_asgi.provisioning.clock import JITTER, LONGEST_PAUSE, now
from scim_asgi.provisioning.delivery import RETRY_AFTER, Outcome
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import AccountRecord

_FIRST_PAUSE = 1_000
_LONGEST_BACK_OFF = 300_000

TOO_LATE = "The product answered too late, and another change was made meanwhile; try again."


def is_plain(delivered: AccountRecord, outcome: Outcome) -> bool:
    """Return whether an outcome is that the host has done it, and leaves no more to do here."""
    return outcome.kind == "confirmed" and delivered.wanted_state != "deleted"


def has_confirmed(account: AccountRecord, delivered: AccountRecord) -> bool:
    """Return whether the host has confirmed what was delivered, and nothing is left to do."""
    return (
        account.delivery_id is None
        and account.confirmed_state == delivered.wanted_state
        and account.confirmed == delivered.wanted
    )


def may_have_changed(outcome: Outcome) -> bool:
    """Return whether the host may have done what it was told."""
    return bool(outcome.hook) and outcome.kind in ("confirmed", "unknown")


def contradicted(
    account: AccountRecord, delivered: AccountRecord, outcome: Outcome
) -> AccountRecord:
    """Return an account that the host may have as an overtaken delivery said, in need of another.

    The change is worked out from what that one said, so that an account which it opened is closed.
    """
    if account.delivery_id == delivered.delivery_id:
        return replace(account, uncertain=True)
    if outcome.kind == "confirmed" or account.confirmed_state is not None:
        account = replace(
            account,
            confirmed=delivered.wanted,
            confirmed_state=delivered.wanted_state,
            host_id=outcome.host_id or account.host_id,
        )
    told = with_delivery(account, account, account.reason, force=True)
    return replace(told, uncertain=True)


def overtaken(outcome: Outcome, *, is_confirmed: bool) -> Outcome:
    """Return what a request is answered whose delivery another one has taken over."""
    if is_confirmed:
        return replace(outcome, kind="confirmed", error=None)
    return replace(outcome, kind="later", error=Unavailable(TOO_LATE, RETRY_AFTER))


def postponed(account: AccountRecord, outcome: Outcome) -> AccountRecord:
    """Back off: as long as the host says, or 1 s, doubling to 5 min, with jitter."""
    if outcome.seconds is None:
        pause = min(_FIRST_PAUSE * 2 ** min(account.attempt, 20), _LONGEST_BACK_OFF)
        pause = round(pause * random.uniform(1 - JITTER, 1))  # noqa: S311 - no secret
    else:
        pause = min(max(outcome.seconds, 1) * 1000, LONGEST_PAUSE)
        pause = round(pause * random.uniform(1, 1 + JITTER))  # noqa: S311 - no secret
    return replace(
        account,
        attempt=account.attempt + 1,
        due_at=now() + pause,
        uncertain=account.uncertain or outcome.kind == "unknown",
    )


def put_back(tx: Transaction, account: AccountRecord, before: AccountBefore) -> AccountRecord:
    """Return an account as it was before a refused change, with the delivery that it needs."""
    earlier = replace(
        account,
        wanted=before.wanted,
        wanted_state=before.wanted_state,
        resource=before.resource,
        return_key=before.return_key,
        delivery_id=before.delivery_id,
        attempt=before.attempt,
        undo=None,
        marked=before.resource is not None,
    )
    if _is_left_alone(tx, earlier):
        return given_up(earlier)
    # Under a new id where the host may have done what it refuses now: ids only ever rise.
    return with_delivery(earlier, earlier, account.reason, force=earlier.uncertain)


def _is_left_alone(tx: Transaction, account: AccountRecord) -> bool:
    """Return whether the User that an account goes back to has gone or has another one by now."""
    if account.resource is None:
        return False
    other = tx.accounts.of_resource(account.resource)
    taken = other is not None and other.number != account.number
    return taken or tx.resources.by_number(account.resource) is None


def given_up(account: AccountRecord) -> AccountRecord:
    """Return an account that belongs to no User any more, and that the host is to delete."""
    doomed = replace(
        account,
        resource=None,
        wanted=closed(account.wanted),
        wanted_state="deleted",
        undo=None,
        marked=False,
    )
    return with_delivery(account, doomed, account.reason, force=True)
