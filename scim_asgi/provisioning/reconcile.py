"""Bringing the host's account in line with what the directory wants.

The only code that calls hooks. It takes one account, works out the change from the difference
between what is wanted and what was confirmed, and records how it ended.
"""

from __future__ import annotations

import itertools
import os
import secrets
from typing import Any

import msgspec
from msgspec import to_builtins
from msgspec.structs import replace

from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.errors import Unavailable
from scim_asgi.protocol.search import search_form
from scim_asgi.provisioning.accounts import (
    Claim,
    Undo,
    claimed,
    decode_undo,
    is_uncertain,
)
from scim_asgi.provisioning.clock import GRACE, now, present
from scim_asgi.provisioning.delivery import RETRY_AFTER, Delivery, Outcome, change_of, changes_of
from scim_asgi.provisioning.log import with_error
from scim_asgi.provisioning.outcomes import (
    TOO_LATE,
    contradicted,
    given_up,
    has_confirmed,
    is_plain,
    may_have_changed,
    overtaken,
    postponed,
    put_back,
)
from scim_asgi.provisioning.representation import Representations, keys_of, load_related
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord, LogRecord, ResourceRecord

_decode = msgspec.json.Decoder().decode
_PARTS = {dict, list}
"""What JSON has values in."""

_GIVEN_UP = (
    "The server ended, or stood still, before the product had answered; the product is asked again."
)

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
        resource: bytes | None = None,
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
            loaded = claimed, _decode(resource)
        else:
            loaded = await self._store.read(
                lambda tx: self._load(tx, claimed, base_url), brief=True
            )
        if loaded is None:
            account: AccountRecord = claimed
            whole: dict[str, Any] = {}
            outcome = Outcome(kind="later", hook={}, error=Unavailable(TOO_LATE, RETRY_AFTER))
        else:
            account, whole = loaded
            # A hook may change what it gets; what it confirms is what is stored here.
            outcome = await self._delivery.deliver(
                _copied(account), whole, directory=directory, password=password
            )
        row = log or _background_row(account, whole)
        if is_plain(account, outcome) and now() < account.claimed_until:
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
        related = load_related(tx, definition, [record])[record.number]
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
        if is_plain(delivered, outcome) and tx.accounts.confirm(delivered, outcome.host_id):
            if delivered.resource is not None:
                tx.resources.release(delivered.resource)
            _write_log(tx, delivered, outcome, log)
            return outcome
        account = tx.accounts.by_number(delivered.number)
        if account is None or account.claimed_by != delivered.claimed_by:
            agrees = is_told and account is not None and has_confirmed(account, delivered)
            if account is not None and not agrees and may_have_changed(outcome):
                tx.accounts.update(account, contradicted(account, delivered, outcome))
            outcome = overtaken(outcome, is_confirmed=agrees)
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
            tx.accounts.update(stored, postponed(account, outcome))

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
            tx.accounts.update(stored, put_back(tx, account, undo.account))
        elif account.uncertain:
            tx.accounts.update(stored, given_up(account))
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
                doubtful = replace(account, uncertain=is_uncertain(account))
                mine = claimed(doubtful, self.claim(), undo=account.undo)
                tx.accounts.update(account, mine)
                taken.append(mine)
            return taken

        if not await self._store.read(lambda tx: tx.accounts.due(present(), 1)):
            return []
        return await self._store.write(take, durable=False)


def _copied(account: AccountRecord) -> AccountRecord:
    """Return an account that shares nothing that can be changed."""
    if not (_has_parts(account.wanted) or (account.confirmed and _has_parts(account.confirmed))):
        return account
    return replace(
        account,
        wanted=to_builtins(account.wanted),
        confirmed=to_builtins(account.confirmed),
    )


def _has_parts(fields: dict[str, Any]) -> bool:
    """Return whether a field holds what can be changed in its place, and is handed on as it is."""
    return not _PARTS.isdisjoint(map(type, fields.values()))


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
    if row.number and outcome.error is None:
        tx.log.confirm(row)
        return
    if outcome.error is not None:
        row = with_error(row, outcome.error, failed=outcome.kind == "unknown")
    if row.number:
        tx.log.complete(row)
    elif outcome.hook:
        tx.log.insert(row)
