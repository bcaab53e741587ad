"""Bringing the host's account in line with what the directory wants.

The only code that calls hooks. It takes one account, works out the change from the difference
between what is wanted and what was confirmed, and records how it ended.
"""

from __future__ import annotations

import itertools
import os
import random
import secrets
from typing import Any

import msgspec
from msgspec.structs import replace

from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.errors import Unavailable
from scim_asgi.protocol.search import search_form
from scim_asgi.provisioning.accounts import (
    AccountBefore,
    Claim,
    Undo,
    claimed,
    closed,
    decode_undo,
    is_uncertain,
    with_delivery,
)
from scim_asgi.provisioning.clock import GRACE, JITTER, LONGEST_PAUSE, now, present
from scim_asgi.provisioning.delivery import RETRY_AFTER, Delivery, Outcome, change_of, changes_of
from scim_asgi.provisioning.log import with_error
from scim_asgi.provisioning.representation import Representations, keys_of, load_related
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord, LogRecord, ResourceRecord

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_FIRST_PAUSE = 1_000
_LONGEST_BACK_OFF = 300_000

_GIVEN_UP = (
    "The server ended, or stood still, before the product had answered; the product is asked again."
)
_TOO_LATE = "The product answered too late, and another change was made meanwhile; try again."

ACTIONS = {
    "create": "created",
    "update": "updated",
    "deactivate": "deactivated",
    "reactivate": "reactivated",
    "delete": "deleted",
}


class Reconciler:
    """Delivers accounts to the host.

    Args:
        store: Where accounts are kept.
        delivery: What calls the hooks.
        registry: The resource types.
    """

    def __init__(self, store: Store, delivery: Delivery, registry: Registry) -> None:
        self._store = store
        self._delivery = delivery
        self._registry = registry
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._claims = itertools.count(1)

    def claim(self) -> Claim:
        """Return a claim like no other that outlasts one call of a hook."""
        until = now() + round(self._delivery.timeout * 1000) + GRACE
        return Claim(f"{self._owner}-{next(self._claims)}", until)

    @property
    def longest_wait(self) -> float:
        """For how many seconds it is worth waiting for another's claim."""
        return self._delivery.timeout + 2 * GRACE / 1000

    async def settle(
        self,
        claimed: AccountRecord,
        *,
        base_url: str,
        directory: str,
        resource: dict[str, Any] | None = None,
        log: LogRecord | None = None,
        password: str | None = None,
    ) -> Outcome:
        """Deliver an account, and record how it ended while the claim is still this one.

        Args:
            claimed: The account as it was claimed.
            base_url: For the locations in the resource that the hook gets.
            directory: Which directory sent the change.
            resource: The User as JSON, where it was read when the account was claimed.
            log: The row of the request's log, which is completed; None for the background.
            password: A password to hand on.
        """
        loaded: tuple[AccountRecord, dict[str, Any]] | None
        if resource is not None and self._is_fresh(claimed):
            # It shares its parts with what is answered.
            loaded = claimed, _decode(_encode(resource))
        else:
            loaded = await self._store.read(
                lambda tx: self._load(tx, claimed, base_url), brief=True
            )
        if loaded is None:
            account, resource = claimed, {}
            outcome = Outcome(kind="later", hook={}, error=Unavailable(_TOO_LATE, RETRY_AFTER))
        else:
            account, resource = loaded
            # A hook may change what it gets; what it confirms is what is stored here.
            outcome = await self._delivery.deliver(
                _copied(account), resource, directory=directory, password=password
            )
        row = log or _background_row(account, resource)
        if _is_plain(account, outcome) and now() < account.claimed_until:
            # Nobody else has the claim, so that nothing can come of it but what was confirmed.
            self._store.note(lambda tx: self._note(tx, account, outcome, row))
            return outcome
        is_told = password is None or outcome.kind == "confirmed"
        return await self._store.write(
            lambda tx: self._record(tx, account, outcome, row, is_told=is_told),
            # What is recorded after the claim may speak against what is stored.
            durable=outcome.kind == "refused" or account.claimed_until <= now(),
            brief=True,
        )

    def _is_fresh(self, claimed: AccountRecord) -> bool:
        """Return whether a claim has time enough left for a call of a hook."""
        return now() + round(self._delivery.timeout * 1000) <= claimed.claimed_until

    def _load(
        self, tx: Transaction, claimed: AccountRecord, base_url: str
    ) -> tuple[AccountRecord, dict[str, Any]] | None:
        account = tx.accounts.by_number(claimed.number)
        if account is None or account.claimed_by != claimed.claimed_by:
            return None
        record = None if account.resource is None else tx.resources.by_number(account.resource)
        if record is None:
            return account, {}
        definition = self._registry.by_name[record.resource_type]
        related = load_related(tx, definition, [record.number])[record.number]
        return account, Representations(self._registry, base_url).whole(record, related)

    def _note(
        self, tx: Transaction, delivered: AccountRecord, outcome: Outcome, log: LogRecord
    ) -> None:
        self._record(tx, delivered, outcome, log, is_told=True)

    def _record(
        self,
        tx: Transaction,
        delivered: AccountRecord,
        outcome: Outcome,
        log: LogRecord,
        *,
        is_told: bool,
    ) -> Outcome:
        """Take an outcome while the account is claimed by its delivery; return what it means."""
        if _is_plain(delivered, outcome) and tx.accounts.confirm(delivered, outcome.host_id):
            if delivered.resource is not None:
                tx.resources.release(delivered.resource)
            _write_log(tx, delivered, outcome, log)
            return outcome
        account = tx.accounts.by_number(delivered.number)
        if account is None or account.claimed_by != delivered.claimed_by:
            agrees = is_told and account is not None and _has_confirmed(account, delivered)
            if account is not None and not agrees and _may_have_changed(outcome):
                tx.accounts.update(account, _contradicted(account, delivered, outcome))
            outcome = _overtaken(outcome, is_confirmed=agrees)
        else:
            self._take(tx, account, delivered, outcome, in_request=bool(log.number))
        _write_log(tx, delivered, outcome, log)
        return outcome

    def _take(
        self,
        tx: Transaction,
        stored: AccountRecord,
        delivered: AccountRecord,
        outcome: Outcome,
        *,
        in_request: bool,
    ) -> None:
        account = replace(stored, claimed_by=None, claimed_until=0)
        # A directory that is told "later" asks again itself, unless nobody knows what the host has.
        asks_again = outcome.kind == "later" and in_request and not account.uncertain
        if outcome.kind == "later" and not outcome.hook and not asks_again:
            tx.accounts.update(stored, account)
        elif outcome.kind == "confirmed":
            self._confirm(tx, stored, account, delivered, outcome)
        elif account.undo is not None and (outcome.kind == "refused" or asks_again):
            self._undo(tx, stored, account, decode_undo(account.undo))
        else:
            tx.accounts.update(stored, _postponed(account, outcome))

    def _confirm(
        self,
        tx: Transaction,
        stored: AccountRecord,
        account: AccountRecord,
        delivered: AccountRecord,
        outcome: Outcome,
    ) -> None:
        confirmed = replace(account, host_id=outcome.host_id or account.host_id, undo=None)
        # Where another delivery has become necessary meanwhile, that one says what the host has.
        if account.delivery_id == delivered.delivery_id:
            confirmed = replace(
                confirmed,
                confirmed=delivered.wanted,
                confirmed_state=delivered.wanted_state,
                uncertain=False,
                delivery_id=None,
                attempt=0,
                due_at=0,
            )
        tx.accounts.update(stored, confirmed)
        if account.resource is not None:
            tx.resources.release(account.resource)
        if delivered.wanted_state == "deleted" and confirmed.delivery_id is None:
            self._delete_resource(tx, account.resource)

    def _delete_resource(self, tx: Transaction, number: int | None) -> None:
        record = None if number is None else tx.resources.by_number(number)
        if record is not None:
            definition = self._registry.by_name[record.resource_type]
            tx.resources.delete(record, keys_of(definition, record.document), now())

    def _undo(
        self, tx: Transaction, stored: AccountRecord, account: AccountRecord, undo: Undo
    ) -> None:
        record = tx.resources.by_number(undo.resource)
        if undo.account is not None:
            tx.accounts.update(stored, _restored(tx, account, undo.account))
        elif account.uncertain:
            tx.accounts.update(stored, _given_up(account))
        else:
            tx.accounts.delete(account.number)
        if record is None:
            return
        if undo.document is None:
            self._delete_resource(tx, record.number)
        else:
            self._restore(tx, record, undo)

    def _restore(self, tx: Transaction, record: ResourceRecord, undo: Undo) -> None:
        assert undo.document is not None
        definition = self._registry.by_name[record.resource_type]
        restored = replace(
            record,
            document=undo.document,
            version=undo.version,
            last_modified=undo.last_modified,
        )
        search = search_form(definition, undo.document)
        before = keys_of(definition, record.document)
        tx.resources.update(restored, search, before, keys_of(definition, undo.document))

    async def claim_due(self, limit: int) -> list[AccountRecord]:
        """Claim accounts for the background, those first that wait longest, and return them.

        In the database, so that several processes share the work without doing any twice.
        """

        def take(tx: Transaction) -> list[AccountRecord]:
            taken = []
            for account in tx.accounts.due(present(), limit):
                mine = claimed(replace(account, uncertain=is_uncertain(account)), self.claim())
                tx.accounts.update(account, mine)
                taken.append(mine)
            return taken

        if not await self._store.read(lambda tx: tx.accounts.due(present(), 1)):
            return []
        return await self._store.write(take, durable=False)


def _is_plain(delivered: AccountRecord, outcome: Outcome) -> bool:
    """Return whether an outcome is that the host has done it, and leaves no more to do here."""
    return outcome.kind == "confirmed" and delivered.wanted_state != "deleted"


def _has_confirmed(account: AccountRecord, delivered: AccountRecord) -> bool:
    """Return whether the host has confirmed what was delivered, and nothing is left to do."""
    return (
        account.delivery_id is None
        and account.confirmed_state == delivered.wanted_state
        and account.confirmed == delivered.wanted
    )


def _may_have_changed(outcome: Outcome) -> bool:
    """Return whether the host may have done what it was told."""
    return bool(outcome.hook) and outcome.kind in ("confirmed", "unknown")


def _contradicted(
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


def _overtaken(outcome: Outcome, *, is_confirmed: bool) -> Outcome:
    """Return what a request is answered whose delivery another one has taken over."""
    if is_confirmed:
        return replace(outcome, kind="confirmed", error=None)
    return replace(outcome, kind="later", error=Unavailable(_TOO_LATE, RETRY_AFTER))


def _copied(account: AccountRecord) -> AccountRecord:
    """Return an account that shares nothing that can be changed; by way of JSON, which is fast."""
    return replace(
        account,
        wanted=_decode(_encode(account.wanted)),
        confirmed=_decode(_encode(account.confirmed)),
    )


def _background_row(account: AccountRecord, resource: dict[str, Any]) -> LogRecord:
    change = change_of(account)
    return LogRecord(
        organization_id=account.organization_id,
        at=now(),
        action="" if change is None else ACTIONS[change],
        status=0,
        resource_type="User",
        resource_id=resource.get("id", ""),
        resource_name=resource.get("userName") or account.id,
        detail=account.reason,
        changes=changes_of(account),
    )


def _write_log(tx: Transaction, delivered: AccountRecord, outcome: Outcome, row: LogRecord) -> None:
    """Complete the row of a request, or write one for a delivery of the background.

    A row that an earlier delivery has left as pending, whose process died, is completed as well.
    """
    if delivered.uncertain:
        tx.log.give_up(row, _GIVEN_UP)
    row = replace(row, hook=outcome.hook)
    if outcome.error is not None:
        row = with_error(row, outcome.error, failed=outcome.kind == "unknown")
    if row.number:
        tx.log.complete(row)
    elif outcome.hook:
        tx.log.insert(row)


def _postponed(account: AccountRecord, outcome: Outcome) -> AccountRecord:
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


def _restored(tx: Transaction, account: AccountRecord, before: AccountBefore) -> AccountRecord:
    """Return an account as it was before a refused change, with the delivery that it needs."""
    restored = replace(
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
    if _is_left_alone(tx, restored):
        return _given_up(restored)
    # Under a new id where the host may have done what it refuses now: ids only ever rise.
    return with_delivery(restored, restored, account.reason, force=restored.uncertain)


def _is_left_alone(tx: Transaction, account: AccountRecord) -> bool:
    """Return whether the User that an account goes back to has gone or has another one by now."""
    if account.resource is None:
        return False
    other = tx.accounts.of_resource(account.resource)
    taken = other is not None and other.number != account.number
    return taken or tx.resources.by_number(account.resource) is None


def _given_up(account: AccountRecord) -> AccountRecord:
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
