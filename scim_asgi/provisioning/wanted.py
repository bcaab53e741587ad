"""What a change of a User makes the directory want of its account."""

from __future__ import annotations

import logging
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.mapping.errors import MappingUnusable, Unmappable
from scim_asgi.mapping.mapping import Mapped
from scim_asgi.protocol.errors import InvalidValue, ScimError, Unavailable
from scim_asgi.provisioning.accounts import (
    Undo,
    before_of,
    claimed,
    closed,
    decode_undo,
    earlier_account,
    encode_undo,
    map_user,
    want,
    wanted_state,
    with_delivery,
)
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.compiled import CompiledMappings
from scim_asgi.provisioning.guard import ClosingGuard, kept_open, taken_back
from scim_asgi.provisioning.hooks import HookSet
from scim_asgi.provisioning.log import name_of
from scim_asgi.provisioning.units import Unit
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import AccountRecord, ResourceRecord

logger = logging.getLogger("scim_asgi.mapping")

_UNUSABLE = (
    "The product cannot use the attribute mapping or the role rules of this organization at the "
    "moment, and nothing was changed. That is to be repaired at the product, not in the "
    "directory, which may try again later."
)
_UNUSABLE_RETRY = 60
_SHARED_KEY = "another active account has the same external id; they stay two accounts"


class Skipped(InvalidValue):
    """A User of whom the mapping makes no account.

    Args:
        detail: Why, for the directory's admin.
        name: What people call the User.
    """

    def __init__(self, detail: str, name: str) -> None:
        super().__init__(detail)
        self.name = name


class Wanted(Struct, frozen=True):
    """An account as it is wanted now, and what the log says about it."""

    account: AccountRecord
    notes: tuple[str, ...] = ()


class WantedAccounts:
    """Works out accounts inside the transactions that change their Users.

    Args:
        mappings: The attribute mappings.
        hooks: The host's hooks; without any there are no accounts.
        guard: What holds closings.
    """

    def __init__(self, mappings: CompiledMappings, hooks: HookSet, guard: ClosingGuard) -> None:
        self._mappings = mappings
        self._hooks = hooks
        self._guard = guard

    def of(self, tx: Transaction, record: ResourceRecord) -> AccountRecord | None:
        """Return the account of a User; None for other resources and without hooks."""
        return tx.accounts.of_resource(record.number) if self._hooks else None

    def has_accounts(self, resource_type: str) -> bool:
        """Return whether somebody is to be told of resources of a type."""
        return bool(self._hooks) and resource_type == "User"

    def missing(self, tx: Transaction, record: ResourceRecord) -> str | None:
        """Return why the mapping would make no account of a User; None when it would."""
        if record.resource_type != "User":
            return None
        try:
            self.mapped(tx, record, None)
        except Unmappable as error:
            return error.detail
        return None

    def mapped(
        self, tx: Transaction, record: ResourceRecord, account: AccountRecord | None
    ) -> Mapped:
        """Return what the mapping in force makes of a User.

        Raises:
            Unmappable: It makes none.
        """
        mapping = self._mappings.current(tx, record.organization_id)
        reads_some = mapping.uses_groups and record.group_changes
        groups = tx.members.groups_of(record.number) if reads_some else []
        return map_user(mapping, record, groups, account)

    def want(
        self,
        unit: Unit,
        record: ResourceRecord,
        own: AccountRecord | None,
        undo: Undo,
        password: str | None,
        *,
        opens: bool = False,
    ) -> Wanted:
        """Store what is wanted of a User's account, and claim its delivery where it needs one.

        Args:
            unit: The unit of work.
            record: The User as it is now.
            own: Its account; None where it has none.
            undo: How things were before.
            password: A password to hand on; it makes a delivery necessary.
            opens: Whether the request says that the User is active.

        Raises:
            Skipped: The mapping makes no account of it.
            Unavailable: The mapping itself cannot be used.
            Held: It closes the account, and the guard holds that.
        """
        mapped = self._mapped_or_closed(unit.tx, record, own)
        account, notes = own, mapped.notes
        if own is None and mapped.return_key is not None:
            earlier = unit.tx.accounts.by_return_key(record.organization_id, mapped.return_key)
            account = earlier_account(earlier)
            if account is not None:
                undo = replace(undo, account=before_of(account))
            elif earlier:
                notes = (*notes, _SHARED_KEY)
        state = wanted_state(mapped.fields, record.document, own)
        before = account
        if account is not None and self._guard.holds(unit.tx, account, state):
            self._require_closed_before(unit.tx, record, undo, account)
            mapped = replace(mapped, fields=kept_open(mapped.fields))
            state = account.wanted_state
        else:
            before = taken_back(account, state, opens=opens)
        reason, force = reason_of(unit.caller), password is not None
        wanted = want(before, record, mapped, state, reason=reason, force=force)
        return Wanted(self._store(unit, account, wanted, undo), notes)

    def _mapped_or_closed(
        self, tx: Transaction, record: ResourceRecord, own: AccountRecord | None
    ) -> Mapped:
        """Return what the mapping makes of a User; who is to lose access loses it in any case.

        Raises:
            Skipped: It makes no account of it.
            Unavailable: The mapping itself cannot be used.
        """
        try:
            return self.mapped(tx, record, own)
        except Unmappable as error:
            if own is None or record.document.get("active") is not False:
                raise _refusal(error, record) from error
            return Mapped(closed(own.wanted), own.return_key)

    def _require_closed_before(
        self, tx: Transaction, record: ResourceRecord, undo: Undo, account: AccountRecord
    ) -> None:
        """Let a change pass that does not close the account itself.

        Where the User as it was would close it too, a mapping or a group does, and that is held.

        Raises:
            Held: The change closes it.
        """
        if undo.document is not None:
            before = replace(record, document=undo.document)
            with suppress(Unmappable):
                fields = self.mapped(tx, before, account).fields
                if wanted_state(fields, undo.document, account) != account.wanted_state:
                    return
        self._guard.check(tx, account, "inactive")

    def _store(
        self, unit: Unit, account: AccountRecord | None, wanted: AccountRecord, undo: Undo
    ) -> AccountRecord:
        if self._mappings.is_overtaken:
            wanted = replace(wanted, marked=True)
        if wanted.delivery_id is not None:
            wanted = claimed(wanted, unit.claim, undo=_undo_of_pending(account, undo))
        if account is None:
            return replace(wanted, number=unit.tx.accounts.insert(wanted))
        unit.tx.accounts.update(account, wanted)
        return wanted

    def remove(self, unit: Unit, record: ResourceRecord, account: AccountRecord) -> AccountRecord:
        """Store that a User's account is to be deleted, and claim the delivery.

        Raises:
            Held: The guard holds it.
        """
        self._guard.check(unit.tx, account, "deleted")
        fields = account.wanted
        with suppress(Unmappable):
            fields = self.mapped(unit.tx, record, account).fields
        doomed = replace(
            taken_back(account, "deleted"),
            wanted=closed(fields),
            wanted_state="deleted",
        )
        doomed = with_delivery(account, doomed, reason_of(unit.caller), force=True)
        doomed = claimed(doomed, unit.claim, undo=encode_undo(undo_of(record, account)))
        unit.tx.accounts.update(account, doomed)
        return doomed


def _refusal(error: Unmappable, record: ResourceRecord) -> ScimError:
    """Return what a directory is answered: what the product has broken is no fault of it."""
    if isinstance(error, MappingUnusable):
        logger.error("%s", error)
        return Unavailable(_UNUSABLE, _UNUSABLE_RETRY)
    return Skipped(error.detail, name_of(record.document))


def _undo_of_pending(account: AccountRecord | None, undo: Undo) -> bytes:
    """Return the undo of a change: that of an earlier one of which nobody knows how it ended.

    So a refusal always leads back to what was settled last.
    """
    if account is not None and account.undo is not None and account.delivery_id is not None:
        earlier = decode_undo(account.undo)
        if earlier.resource == undo.resource:
            return account.undo
    return encode_undo(undo)


def undo_of(record: ResourceRecord, account: AccountRecord | None) -> Undo:
    """Return how to put a User and its account back."""
    return Undo(
        record.number, record.document, record.version, record.last_modified, before_of(account)
    )


def reason_of(caller: Caller) -> str:
    """Return what hooks are told is the reason of a change: the request."""
    return f"{caller.method} {caller.path}".strip()
