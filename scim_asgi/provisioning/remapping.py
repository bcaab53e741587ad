"""Accounts that are mapped anew: after a change of a group, a mapping or role rules."""

from __future__ import annotations

import logging

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.mapping.errors import MappingUnusable, Unmappable
from scim_asgi.mapping.fields import EMAIL
from scim_asgi.mapping.mapping import Mapped
from scim_asgi.provisioning.accounts import differs, want, wanted_state
from scim_asgi.provisioning.clock import now, present
from scim_asgi.provisioning.guard import ClosingGuard, kept_open, taken_back
from scim_asgi.provisioning.log import name_of
from scim_asgi.provisioning.wanted import WantedAccounts
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import AccountRecord, LogRecord, RemappingRecord, ResourceRecord

logger = logging.getLogger("scim_asgi.mapping")

_BATCH = 10
_NOTICED = 3_000
"""Milliseconds within which older processes of the product notice that they are overtaken."""

VERSION = "version of the product"
"""The cause of mapping anew after the host has started with another account type or other roles."""

_FAILED = (
    "The account could not be mapped anew because of an error in the product; it stays as it was. "
    "The product's own log says more."
)
_BLOCKED = (
    "The product cannot use the attribute mapping or the role rules of this organization at the "
    "moment. Accounts stay as they were, and are mapped anew once that is repaired."
)


class MappingStatus(Struct, frozen=True, kw_only=True):
    """How far mapping the accounts of an organization anew has come.

    Attributes:
        cause: What was replaced: the attribute mapping, the role rules or the version of the
            product.
        started_at: When, in Unix milliseconds.
        finished_at: When the last account was mapped; None before.
        total: How many accounts there were.
        mapped: How many of them are mapped.
        changed: How many of those got other fields, and are delivered to the host.
        skipped: Of how many the mapping makes no account, or failed; they stay as they were.
        waiting: How many accounts of the organization are to be mapped after a change of a group,
            or have yet to be confirmed by the host.
        is_blocked: Whether it waits, because the saved mapping or role rules do not fit the host:
            it begins again once others are saved, or the host starts that they fit.
    """

    cause: str
    started_at: int
    finished_at: int | None
    total: int
    mapped: int
    changed: int
    skipped: int
    waiting: int
    is_blocked: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether every account is mapped, and confirmed by the host where it changed."""
        return self.finished_at is not None and self.waiting == 0


class Remapping:
    """Maps accounts anew, batch by batch, each in a transaction of its own.

    How far it has come is stored with each batch, so that it goes on after a restart.

    Args:
        accounts: What works out the accounts.
        guard: What holds closings.
    """

    def __init__(self, accounts: WantedAccounts, guard: ClosingGuard) -> None:
        self._accounts = accounts
        self._guard = guard

    def begin(
        self, tx: Transaction, organization_id: str, cause: str, *, blocked: bool = False
    ) -> None:
        """Note that all accounts of an organization are to be mapped anew, perhaps not yet.

        What is saved right after a new version of the product has started is waited with, too.
        """
        total, last = tx.accounts.extent(organization_id)
        at, before = now(), tx.remappings.of(organization_id)
        if cause != VERSION and before is not None and _is_early(before):
            cause, at = VERSION, before.started_at
        tx.remappings.begin(
            RemappingRecord(
                organization_id=organization_id,
                cause=cause,
                started_at=at,
                total=total,
                last=last,
                finished_at=None if total else at,
                blocked=blocked,
            )
        )

    def status(self, tx: Transaction, organization_id: str) -> MappingStatus | None:
        """Return how far the latest mapping anew has come; None when there was none."""
        record = tx.remappings.of(organization_id)
        if record is None:
            return None
        return MappingStatus(
            cause=record.cause,
            started_at=record.started_at,
            finished_at=record.finished_at,
            total=record.total,
            mapped=record.mapped,
            changed=record.changed,
            skipped=record.skipped,
            waiting=tx.accounts.unsettled(organization_id),
            is_blocked=record.blocked,
        )

    def has_work(self, tx: Transaction) -> bool:
        """Return whether any account is to be mapped anew."""
        return tx.accounts.is_marked(present()) or tx.remappings.unfinished() is not None

    def work(self, tx: Transaction) -> bool:
        """Map a batch of accounts; return whether there was any.

        Accounts that a change of a group has touched go before those of whole organizations.
        """
        marked = tx.accounts.marked(present(), _BATCH)
        for account in marked:
            self._try(tx, account)
        if len(marked) == _BATCH:
            return True
        remapping = tx.remappings.unfinished()
        if remapping is None or _is_early(remapping):
            return bool(marked)
        self._go_on(tx, remapping)
        return True

    def _go_on(self, tx: Transaction, remapping: RemappingRecord) -> None:
        accounts = tx.accounts.of_organization(
            remapping.organization_id,
            after=remapping.position,
            last=remapping.last,
            limit=_BATCH,
        )
        done = [self._try(tx, account) for account in accounts]
        if "blocked" in done:
            return
        is_finished = len(accounts) < _BATCH
        # Accounts may have come back or gone meanwhile.
        mapped = min(remapping.mapped + len(done), remapping.total)
        tx.remappings.update(
            remapping,
            replace(
                remapping,
                position=accounts[-1].number if accounts else remapping.last,
                mapped=remapping.total if is_finished else mapped,
                changed=remapping.changed + done.count("changed"),
                skipped=remapping.skipped + done.count("skipped"),
                finished_at=now() if is_finished else None,
            ),
        )

    def _try(self, tx: Transaction, account: AccountRecord) -> str:
        """Map an account; one that cannot be mapped stops no other."""
        try:
            with tx.savepoint():
                return self._map(tx, account)
        except StoreError:
            raise
        except MappingUnusable as error:
            self._block(tx, account.organization_id, error)
            _leave(tx, account, account)
            return "blocked"
        except Exception:
            logger.exception("The account %s cannot be mapped anew; it stays as it is.", account.id)
        tx.log.insert(_failed_row(account))
        _leave(tx, account, account)
        return "skipped"

    def _block(self, tx: Transaction, organization_id: str, error: MappingUnusable) -> None:
        """Let an organization wait, whose mapping is to be repaired first; then all begins again."""
        current = tx.remappings.of(organization_id)
        if current is not None and current.blocked:
            return
        logger.error("%s. Its accounts are mapped anew once that is repaired.", error)
        tx.log.insert(
            LogRecord(
                organization_id=organization_id,
                at=now(),
                action="failed",
                status=0,
                detail=_BLOCKED,
            )
        )
        cause = "attribute mapping" if current is None else current.cause
        self.begin(tx, organization_id, cause, blocked=True)

    def _map(self, tx: Transaction, account: AccountRecord) -> str:
        """Map an account and return `changed`, `skipped`, or `same`; mark one that is busy.

        Raises:
            MappingUnusable: The mapping does not fit the host.
        """
        if present().is_claimed(account):
            tx.accounts.mark([account.resource] if account.resource else [])
            return "same"
        record = None if account.resource is None else tx.resources.by_number(account.resource)
        if record is None or account.wanted_state == "deleted":
            return _leave(tx, account, account)
        try:
            mapped = self._accounts.mapped(tx, record, account)
        except MappingUnusable:
            raise
        except Unmappable as error:
            tx.log.insert(_row(account, record, "skipped", error.detail))
            _leave(tx, account, account)
            return "skipped"
        before = account
        for note in mapped.notes:
            tx.log.insert(_row(account, record, "warning", note))
        account, wanted = self._wanted(tx, account, record, mapped)
        same = wanted.wanted == account.wanted and wanted.return_key == account.return_key
        if same and not differs(wanted):
            return _leave(tx, before, account)
        tx.accounts.update(before, wanted)
        return "same" if wanted.wanted == account.wanted else "changed"

    def _wanted(
        self, tx: Transaction, account: AccountRecord, record: ResourceRecord, mapped: Mapped
    ) -> tuple[AccountRecord, AccountRecord]:
        """Return an account as it is, perhaps held by the guard, and as it is wanted."""
        state = wanted_state(mapped.fields, record.document, account)
        if self._guard.holds(tx, account, state):
            account = self._guard.hold_mapped(tx, account, name_of(record.document))
            mapped = replace(mapped, fields=kept_open(mapped.fields))
            state = account.wanted_state
        else:
            account = taken_back(account, state)
        return account, want(account, record, mapped, state, reason="groups or mapping changed")


def _is_early(remapping: RemappingRecord) -> bool:
    """Return whether older processes may still write what they would have to mark."""
    return remapping.cause == VERSION and 0 <= now() - remapping.started_at < _NOTICED


def _leave(tx: Transaction, before: AccountRecord, account: AccountRecord) -> str:
    """Leave the fields of an account as they are."""
    unmarked = replace(account, marked=False)
    tx.accounts.update(before, unmarked)
    return "same"


def _failed_row(account: AccountRecord) -> LogRecord:
    return LogRecord(
        organization_id=account.organization_id,
        at=now(),
        action="failed",
        status=0,
        resource_type="User",
        resource_name=str(account.wanted.get(EMAIL, "")),
        detail=_FAILED,
    )


def _row(account: AccountRecord, record: ResourceRecord, action: str, detail: str) -> LogRecord:
    return LogRecord(
        organization_id=account.organization_id,
        at=now(),
        action=action,
        status=0,
        resource_type="User",
        resource_id=record.id,
        resource_name=name_of(record.document),
        detail=detail,
    )
