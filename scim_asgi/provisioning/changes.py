"""Changes of resources, each a unit of work: checked, mapped and stored in one transaction."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.ids import uuid7
from scim_asgi.mapping.errors import Unmappable
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import InvalidValue, NotFound, Unavailable, Uniqueness
from scim_asgi.protocol.patch import Patch, apply_patch
from scim_asgi.protocol.resources import replace_resource, require_all
from scim_asgi.provisioning.accounts import (
    Claim,
    Undo,
    before_of,
    claimed,
    closed,
    encode_undo,
    find_account,
    mapped_fields,
    shares_key,
    want,
    wanted_state,
    with_delivery,
)
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import changes_of
from scim_asgi.provisioning.hooks import HookSet
from scim_asgi.provisioning.mappings import Mappings
from scim_asgi.provisioning.members import MemberEditor, UnknownMembers, member_ids, unknown_note
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.representation import Representations, etag, load_related, values_of
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import AccountRecord, LogRecord, ResourceRecord


class Changed(Struct, frozen=True, kw_only=True):
    """What a unit of work has done.

    Attributes:
        record: The resource as it is now.
        log: The row that was written to the log.
        account: The number of the account that has to be delivered; None when none has.
        spread: Whether other accounts were marked to be mapped anew.
    """

    record: ResourceRecord
    log: LogRecord
    account: int | None = None
    spread: bool = False


class Inbound(Struct, frozen=True, kw_only=True):
    """A checked resource on its way in.

    Attributes:
        document: What is stored.
        members: The value of `members` as it was sent; None when it was not.
        password: A password to hand on.
    """

    document: dict[str, Any]
    members: Any = None
    password: str | None = None


class Changes:
    """Makes changes inside transactions.

    Args:
        registry: The resource types.
        mappings: The attribute mappings.
        hooks: The host's hooks; without any there are no accounts.
        unknown_members: What to do with members that are no resource.
    """

    def __init__(
        self,
        registry: Registry,
        mappings: Mappings,
        hooks: HookSet,
        unknown_members: UnknownMembers,
    ) -> None:
        self._registry = registry
        self._mappings = mappings
        self._hooks = hooks
        self._unknown_members = unknown_members

    def create(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        inbound: Inbound,
        claim: Claim,
    ) -> Changed:
        """Store a new resource.

        Raises:
            Uniqueness: A value is in use.
            InvalidValue: The mapping gets no account out of it.
        """
        at = now()
        record = ResourceRecord(
            organization_id=caller.organization_id,
            resource_type=definition.name,
            id=uuid7(),
            document=inbound.document,
            created=at,
            last_modified=at,
        )
        unsettled = self._unsettled_owner(tx, definition, record)
        if unsettled is not None:
            return self._retry_create(tx, caller, definition, unsettled, inbound, claim)
        number = tx.resources.insert(record, values_of(definition, record.document))
        record = replace(record, number=number)
        notes, spread = self._set_members(tx, caller, definition, record, inbound.members)
        undo = Undo(number, None, 0, 0, None)
        return self._finish(
            tx, caller, record, undo, claim, "created", 201, notes, inbound.password, spread
        )

    def _unsettled_owner(
        self, tx: Transaction, definition: ResourceDefinition, record: ResourceRecord
    ) -> ResourceRecord | None:
        """Return the resource of an earlier try whose outcome nobody learnt.

        Raises:
            Uniqueness: A value belongs to any other resource.
        """
        owner = self._check_unique(tx, definition, record)
        if owner is None:
            return None
        account = tx.accounts.of_resource(owner[1])
        unsettled = (
            account is not None
            and account.confirmed_state is None
            and account.delivery_id is not None
            and account.claimed_until <= now()
        )
        found = tx.resources.by_number(owner[1])
        if not unsettled or found is None:
            raise _in_use(definition, owner[0])
        return found

    def _check_unique(
        self, tx: Transaction, definition: ResourceDefinition, record: ResourceRecord
    ) -> tuple[str, int] | None:
        """Return path and owner of the first unique value that another resource has."""
        for path, value in values_of(definition, record.document).unique:
            owner = tx.resources.owner(record.organization_id, definition.name, path, value)
            if owner not in (None, record.number):
                assert owner is not None
                return path, owner
        return None

    def _retry_create(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        record: ResourceRecord,
        inbound: Inbound,
        claim: Claim,
    ) -> Changed:
        changed = self._store(tx, definition, record, inbound.document)
        undo = Undo(record.number, None, 0, 0, None)
        return self._finish(
            tx, caller, changed, undo, claim, "created", 201, [], inbound.password, False
        )

    def replace(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        inbound: Inbound,
        preconditions: Preconditions,
        claim: Claim,
    ) -> Changed:
        """Put a resource in the place of a stored one (RFC 7644 section 3.5.1).

        Raises:
            NotFound, PreconditionFailed, Mutability, Uniqueness, InvalidValue.
        """
        record = self._load(tx, caller, definition, resource_id, preconditions)
        document = replace_resource(definition, record.document, inbound.document)
        notes, spread = self._set_members(
            tx, caller, definition, record, inbound.members, replacing=True
        )
        return self._change(
            tx, caller, definition, record, document, notes, inbound.password, spread, claim
        )

    def patch(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        patch: Patch,
        preconditions: Preconditions,
        claim: Claim,
    ) -> Changed:
        """Apply a PATCH (RFC 7644 section 3.5.2).

        Raises:
            NotFound, PreconditionFailed, Mutability, NoTarget, Uniqueness, InvalidValue.
        """
        record = self._load(tx, caller, definition, resource_id, preconditions)
        current = self._patchable(tx, caller, definition, record, patch)
        patched = apply_patch(definition, current, patch)
        require_all(definition, patched)
        password = patched.pop("password", None) if definition.unstored_attributes else None
        shown = {"id", "meta", *definition.derived_attributes}
        document = {name: value for name, value in patched.items() if name not in shown}
        notes = [f"passed over, because nobody knows it: {path}" for path in patch.ignored]
        more, spread = self._patch_members(tx, caller, record, patch)
        return self._change(
            tx, caller, definition, record, document, notes + more, password, spread, claim
        )

    def _patchable(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        record: ResourceRecord,
        patch: Patch,
    ) -> dict[str, Any]:
        """Return the resource with the read-only attributes that a directory may echo."""
        named = {target.attribute.name for target in patch.targets if target.attribute}
        related = None
        if named & definition.derived_attributes:
            related = load_related(tx, definition, [record.number])[record.number]
        return Representations(self._registry, caller.base_url).whole(record, related)

    def delete(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        preconditions: Preconditions,
        claim: Claim,
    ) -> Changed:
        """Delete a resource; a User whose account the host has goes once the host has let it go.

        Raises:
            NotFound, PreconditionFailed.
        """
        record = self._load(tx, caller, definition, resource_id, preconditions)
        log = self._log(tx, caller, record, "deleted", 204, [], {})
        account = self._account_of(tx, record)
        if account is None:
            spread = self._mark_members(tx, record)
            tx.resources.delete(record, values_of(definition, record.document))
            return Changed(record=record, log=log, spread=spread)
        doomed = replace(
            account,
            wanted=closed(account.wanted),
            wanted_state="deleted",
            undo=encode_undo(_undo(record, account)),
        )
        doomed = with_delivery(account, doomed, _reason(caller), force=True)
        tx.accounts.update(claimed(doomed, claim))
        return Changed(record=record, log=log, account=account.number)

    def _account_of(self, tx: Transaction, record: ResourceRecord) -> AccountRecord | None:
        return tx.accounts.of_resource(record.number) if self._hooks else None

    def _load(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        resource_id: str,
        preconditions: Preconditions,
    ) -> ResourceRecord:
        record = tx.resources.get(caller.organization_id, definition.name, resource_id)
        if record is None:
            raise not_found(definition, resource_id)
        preconditions.check(etag(record))
        account = self._account_of(tx, record)
        if account is not None and account.claimed_until > now():
            raise InFlight
        return record

    def _change(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        record: ResourceRecord,
        document: dict[str, Any],
        notes: list[str],
        password: str | None,
        spread: bool,
        claim: Claim,
    ) -> Changed:
        same = document == record.document and not spread
        if same and password is None:
            changed, action = record, "unchanged"
        else:
            changed, action = self._store(tx, definition, record, document), "updated"
            spread = self._renamed(tx, definition, record, changed) or spread
        undo = _undo(record, self._account_of(tx, record))
        return self._finish(tx, caller, changed, undo, claim, action, 200, notes, password, spread)

    def _store(
        self,
        tx: Transaction,
        definition: ResourceDefinition,
        record: ResourceRecord,
        document: dict[str, Any],
    ) -> ResourceRecord:
        changed = replace(
            record,
            document=document,
            version=record.revision + 1,
            revision=record.revision + 1,
            last_modified=max(now(), record.last_modified + 1),
        )
        owner = self._check_unique(tx, definition, changed)
        if owner is not None:
            raise _in_use(definition, owner[0])
        before = values_of(definition, record.document)
        tx.resources.update(changed, before, values_of(definition, document))
        return changed

    def _finish(
        self,
        tx: Transaction,
        caller: Caller,
        record: ResourceRecord,
        undo: Undo,
        claim: Claim,
        action: str,
        status: int,
        notes: list[str],
        password: str | None,
        spread: bool,
    ) -> Changed:
        """Work out the account, note what has to be delivered, and write the log."""
        account = None
        if self._hooks and record.resource_type == "User":
            account, more = self._want(tx, caller, record, undo, claim, password)
            notes = notes + more
        pending = account is not None and account.delivery_id is not None
        action = _action(action, account) if pending and account else action
        changes = changes_of(account) if pending and account else {}
        log = self._log(tx, caller, record, action, status, notes, changes)
        number = account.number if pending and account else None
        return Changed(record=record, log=log, account=number, spread=spread)

    def _want(
        self,
        tx: Transaction,
        caller: Caller,
        record: ResourceRecord,
        undo: Undo,
        claim: Claim,
        password: str | None,
    ) -> tuple[AccountRecord, list[str]]:
        mapping = self._mappings.current(tx, caller.organization_id)
        groups = tx.members.groups_of(record.number) if mapping.uses_groups else []
        own = tx.accounts.of_resource(record.number)
        try:
            fields = mapped_fields(mapping, record.document, groups, own)
        except Unmappable as error:
            raise Skipped(error.detail) from error
        account = find_account(tx, record, fields)
        if own is None and account is not None:
            undo = replace(undo, account=before_of(account))
        notes = []
        if account is None and shares_key(tx, record, fields):
            notes.append("another active account has the same external id; they stay two accounts")
        state = wanted_state(
            fields, {"active": fields.get("active", record.document.get("active", True))}
        )
        wanted = want(
            account, record, fields, state, reason=_reason(caller), force=password is not None
        )
        if wanted.delivery_id is not None:
            wanted = replace(claimed(wanted, claim), undo=encode_undo(undo))
        if account is None:
            return replace(wanted, number=tx.accounts.insert(wanted)), notes
        if wanted != account:
            tx.accounts.update(wanted)
        return wanted, notes

    def _set_members(
        self,
        tx: Transaction,
        caller: Caller,
        definition: ResourceDefinition,
        record: ResourceRecord,
        members: Any,
        *,
        replacing: bool = False,
    ) -> tuple[list[str], bool]:
        if not definition.row_attributes or (members is None and not replacing):
            return [], False
        editor = self._editor(tx, caller, record)
        ids = member_ids(definition.attributes["members"], members)
        editor.replace(ids) if replacing else editor.add(ids)
        return self._spread(tx, editor)

    def _patch_members(
        self, tx: Transaction, caller: Caller, record: ResourceRecord, patch: Patch
    ) -> tuple[list[str], bool]:
        editor = self._editor(tx, caller, record)
        for edit in patch.row_edits:
            editor.apply(edit)
        return self._spread(tx, editor)

    def _editor(self, tx: Transaction, caller: Caller, record: ResourceRecord) -> MemberEditor:
        return MemberEditor(tx, caller.organization_id, record.number, self._unknown_members)

    def _spread(self, tx: Transaction, editor: MemberEditor) -> tuple[list[str], bool]:
        change = editor.change
        if change.touched and self._hooks:
            tx.accounts.mark(change.touched)
        notes = [unknown_note(change.unknown)] if change.unknown else []
        return notes, bool(change.touched)

    def _renamed(
        self,
        tx: Transaction,
        definition: ResourceDefinition,
        before: ResourceRecord,
        after: ResourceRecord,
    ) -> bool:
        """Mark the members of a renamed group: a mapping may read its name."""
        name = "displayName"
        if not definition.row_attributes or before.document.get(name) == after.document.get(name):
            return False
        return self._mark_members(tx, after)

    def _mark_members(self, tx: Transaction, record: ResourceRecord) -> bool:
        definition = self._registry.by_name[record.resource_type]
        if not self._hooks or not definition.row_attributes:
            return False
        members = [member.number for member in tx.members.of_group(record.number)]
        tx.accounts.mark(members)
        return bool(members)

    def _log(
        self,
        tx: Transaction,
        caller: Caller,
        record: ResourceRecord,
        action: str,
        status: int,
        notes: list[str],
        changes: dict[str, Any],
    ) -> LogRecord:
        row = replace(
            log_row(caller),
            action=action,
            status=status,
            resource_type=record.resource_type,
            resource_id=record.id,
            resource_name=name_of(record.document),
            changes=changes,
            notes=notes,
        )
        return replace(row, number=tx.log.insert(row))


class InFlight(Unavailable):
    """Another process delivers the same account at this moment."""

    def __init__(self) -> None:
        super().__init__("The account is being changed by another request; try again.", 1)


class Skipped(InvalidValue):
    """A User of whom the mapping makes no account."""


def log_row(caller: Caller) -> LogRecord:
    """Return a row of the log that says who asked for what."""
    return LogRecord(
        organization_id=caller.organization_id,
        at=now(),
        action="",
        status=0,
        request_id=caller.request_id,
        directory=caller.directory,
        token_prefix=caller.token_prefix,
        method=caller.method,
        path=caller.path,
    )


def name_of(document: dict[str, Any]) -> str:
    """Return what people call a resource."""
    for name in ("userName", "displayName", "label", "name"):
        value = document.get(name)
        if isinstance(value, str):
            return value
    return ""


def not_found(definition: ResourceDefinition, resource_id: str) -> NotFound:
    """Return the answer for an id that is not there, or not the caller's."""
    shown = resource_id if len(resource_id) <= 64 else resource_id[:63] + "…"
    return NotFound(f'There is no {definition.name} with the id "{shown}".')


def _undo(record: ResourceRecord, account: AccountRecord | None) -> Undo:
    return Undo(
        record.number, record.document, record.version, record.last_modified, before_of(account)
    )


def _in_use(definition: ResourceDefinition, path: str) -> Uniqueness:
    return Uniqueness(
        f'Another {definition.name} has this "{path}". Look it up by {path} and change that one, '
        "or choose another value."
    )


def _reason(caller: Caller) -> str:
    return f"{caller.method} {caller.path}".strip()


def _action(action: str, account: AccountRecord) -> str:
    if action == "created" or account.confirmed_state == account.wanted_state:
        return action
    closing = account.wanted_state == "inactive" and account.confirmed_state == "active"
    opening = account.wanted_state == "active" and account.confirmed_state is not None
    return "deactivated" if closing else "reactivated" if opening else action
