"""Changes of resources, each a unit of work: checked, mapped and stored in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from scim_asgi.ids import uuid7
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import NotFound, Uniqueness
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.patch import Patch
from scim_asgi.protocol.patch_apply import apply_patch
from scim_asgi.protocol.resources import replace_resource, require_all, with_computed
from scim_asgi.protocol.search import is_found_alike, search_form
from scim_asgi.provisioning.accounts import Undo, is_new, require_settled
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.delivery import changes_of
from scim_asgi.provisioning.differences import Differences, differences, first_of
from scim_asgi.provisioning.log import name_of, passed_over, request_row
from scim_asgi.provisioning.memberships import Memberships
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.representation import Representations, etag, keys_of
from scim_asgi.provisioning.units import Changed, Effects, Inbound, Unit
from scim_asgi.provisioning.wanted import WantedAccounts, undo_of
from scim_asgi.store.base import Transaction
from scim_asgi.store.errors import NotUnique
from scim_asgi.store.records import AccountRecord, LogRecord, Related, ResourceKeys, ResourceRecord

_SERVERS_OWN = frozenset({"id", "meta"})
"""What every resource has and no document: directories may echo it."""


class Changes:
    """Makes changes inside transactions.

    Args:
        registry: The resource types.
        accounts: What works out the accounts.
        memberships: What changes the members of groups.
        limits: What a change may cost.
    """

    def __init__(
        self,
        registry: Registry,
        accounts: WantedAccounts,
        memberships: Memberships,
        limits: Limits,
    ) -> None:
        self._registry = registry
        self._accounts = accounts
        self._memberships = memberships
        self._limits = limits

    def has_accounts(self, definition: ResourceDefinition) -> bool:
        """Return whether changes of a type have to be delivered to the host."""
        return self._accounts.has_accounts(definition.name)

    def create(self, unit: Unit, inbound: Inbound) -> Changed:
        """Store a new resource.

        Raises:
            Uniqueness: A value is in use.
            Skipped: The mapping makes no account of it.
        """
        at = now()
        document = with_computed(unit.definition, inbound.document)
        record = ResourceRecord(
            organization_id=unit.caller.organization_id,
            resource_type=unit.definition.name,
            id=uuid7(),
            document=document,
            created=at,
            last_modified=at,
        )
        keys, account = keys_of(unit.definition, document), None
        try:
            search = search_form(unit.definition, document)
            record = replace(record, number=unit.tx.resources.insert(record, search, keys))
        except NotUnique:
            unsettled, account = self._unsettled_owner(unit, record, keys)
            record, effects = self._store(unit, unsettled, document), Effects()
        else:
            effects = self._memberships.set(unit, record, inbound.members)
        undo = Undo(record.number, None, 0, 0, None)
        effects.notes += inbound.notes
        done = ("created", 201)
        return self._finish(unit, record, account, undo, done, effects, inbound.password)

    def _unsettled_owner(
        self, unit: Unit, record: ResourceRecord, keys: ResourceKeys
    ) -> tuple[ResourceRecord, AccountRecord]:
        """Return resource and account of an earlier try whose outcome nobody learnt.

        Raises:
            Uniqueness: A value belongs to any other resource.
            InFlight: The earlier try is still under way.
        """
        path, number = self._owner(unit, record, keys.unique) or ("", 0)
        found = unit.tx.resources.by_number(number)
        account = None if found is None else self._accounts.of(unit.tx, found)
        if found is None or account is None or not is_new(account):
            raise _in_use(unit.definition, path)
        require_settled(account)
        return found, account

    def _owner(
        self, unit: Unit, record: ResourceRecord, values: Iterable[tuple[str, Any]]
    ) -> tuple[str, int] | None:
        """Return path and owner of the first unique value that another resource has."""
        for path, value in values:
            owner = unit.tx.resources.owner(
                record.organization_id, record.resource_type, path, value
            )
            if owner is not None and owner != record.number:
                return path, owner
        return None

    def replace(
        self, unit: Unit, resource_id: str, inbound: Inbound, preconditions: Preconditions
    ) -> Changed:
        """Put a resource in the place of a stored one (RFC 7644 section 3.5.1).

        Raises:
            NotFound, PreconditionFailed, Mutability, Uniqueness, Skipped, InFlight.
        """
        record, account = self._load(unit, resource_id, preconditions)
        document = replace_resource(unit.definition, record.document, inbound.document)
        effects = self._memberships.set(unit, record, inbound.members, replacing=True)
        effects.opens = inbound.document.get("active") is True
        effects.notes += inbound.notes
        return self._change(unit, record, account, document, effects, inbound.password)

    def patch(
        self, unit: Unit, resource_id: str, patch: Patch, preconditions: Preconditions
    ) -> Changed:
        """Apply a PATCH (RFC 7644 section 3.5.2).

        Raises:
            NotFound, PreconditionFailed, Mutability, NoTarget, InvalidValue, Uniqueness, Skipped,
            InFlight.
        """
        definition = unit.definition
        record, account = self._load(unit, resource_id, preconditions)
        named = _named(patch)
        patched = apply_patch(definition, self._patchable(unit, record, named), patch, self._limits)
        require_all(definition, patched)
        password = patched.pop("password", None) if definition.unstored_attributes else None
        for name in _SERVERS_OWN:
            patched.pop(name, None)
        effects = self._memberships.patch(unit, record, patch)
        # A unit may be run again, with the same plan.
        effects.notes += passed_over(dict.fromkeys(patch.ignored))
        effects.opens = patched.get("active") is True and "active" in named
        return self._change(unit, record, account, patched, effects, password)

    def _patchable(self, unit: Unit, record: ResourceRecord, named: set[str]) -> dict[str, Any]:
        """Return the resource, with what is the server's own where a directory echoes that."""
        if named.isdisjoint(_SERVERS_OWN):
            return record.document
        return Representations(self._registry, unit.caller.base_url).whole(record)

    def delete(self, unit: Unit, resource_id: str, preconditions: Preconditions) -> Changed:
        """Delete a resource; a User whose account the host has goes once the host has let it go.

        Raises:
            NotFound, PreconditionFailed, InFlight.
        """
        record, account = self._load(unit, resource_id, preconditions)
        log = _log(unit, record, ("deleted", 204), Effects(), {}, is_pending=account is not None)
        if account is None:
            spread = self._memberships.mark(unit, record)
            unit.tx.resources.delete(record, keys_of(unit.definition, record.document), now())
            return Changed(record=record, log=log, spread=spread)
        doomed = self._accounts.remove(unit, record, account)
        related = self._derived(unit, record)
        return Changed(record=record, log=log, account=doomed, related=related)

    def _load(
        self, unit: Unit, resource_id: str, preconditions: Preconditions
    ) -> tuple[ResourceRecord, AccountRecord | None]:
        record = load(unit.tx, unit.caller.organization_id, unit.definition, resource_id)
        preconditions.check(etag(record))
        account = self._accounts.of(unit.tx, record)
        require_settled(account)
        return record, account

    def _change(
        self,
        unit: Unit,
        record: ResourceRecord,
        account: AccountRecord | None,
        document: dict[str, Any],
        effects: Effects,
        password: str | None,
    ) -> Changed:
        document = with_computed(unit.definition, document)
        undo = undo_of(record, account)
        if document == record.document and not effects.spread and password is None:
            return self._finish(unit, record, account, undo, ("unchanged", 200), effects, None)
        changed = self._store(unit, record, document)
        renamed = self._memberships.renamed(unit, record, changed)
        effects.spread = effects.spread or renamed
        return self._finish(unit, changed, account, undo, ("updated", 200), effects, password)

    def _store(
        self, unit: Unit, record: ResourceRecord, document: dict[str, Any]
    ) -> ResourceRecord:
        changed = replace(
            record,
            document=document,
            version=record.revision + 1,
            revision=record.revision + 1,
            last_modified=max(now(), record.last_modified + 1),
        )
        before = after = ResourceKeys((), ())
        if not is_found_alike(unit.definition, record.document, document):
            before = keys_of(unit.definition, record.document)
            after = keys_of(unit.definition, document)
        owned = self._owner(unit, changed, set(after.unique) - set(before.unique))
        if owned is not None:
            raise _in_use(unit.definition, owned[0])
        unit.tx.resources.update(
            changed,
            search_form(unit.definition, document),
            before,
            after,
            hold=self._accounts.has_accounts(record.resource_type),
        )
        return changed

    def _finish(
        self,
        unit: Unit,
        record: ResourceRecord,
        account: AccountRecord | None,
        undo: Undo,
        done: tuple[str, int],
        effects: Effects,
        password: str | None,
    ) -> Changed:
        """Work out the account, note what has to be delivered, and write the log."""
        found = differences(unit.definition, undo.document, record.document)
        attributes, more = first_of(found)
        effects.notes += more
        related = self._derived(unit, record)
        if not self._accounts.has_accounts(record.resource_type):
            missing = self._accounts.missing(unit.tx, record)
            effects.notes += () if missing is None else (missing,)
            log = _log(unit, record, done, effects, attributes)
            return Changed(record=record, log=log, spread=effects.spread, related=related)
        wanted = self._accounts.want(unit, record, account, undo, password, opens=effects.opens)
        account = wanted.account
        effects.notes += wanted.notes
        if account.delivery_id is None:
            unit.tx.resources.release(record.number)
            log = _log(unit, record, done, effects, attributes)
            return Changed(record=record, log=log, spread=effects.spread, related=related)
        action, status = done
        done = (_action(action, account), status)
        log = _log(unit, record, done, effects, attributes, account=account)
        return Changed(
            record=record,
            log=log,
            account=account,
            spread=effects.spread,
            password=password,
            related=related,
        )

    def _derived(self, unit: Unit, record: ResourceRecord) -> dict[str, list[Related]]:
        """Return what of a resource is worked out from others: nothing where no group ever had it."""
        if not record.group_changes:
            return {}
        return {
            name: unit.tx.members.groups_of(record.number)
            for name in unit.definition.derived_attributes
        }


def load(
    tx: Transaction, organization_id: str, definition: ResourceDefinition, resource_id: str
) -> ResourceRecord:
    """Return a resource of an organization.

    Raises:
        NotFound: There is none with this id, or it is another organization's.
    """
    record = tx.resources.get(organization_id, definition.name, resource_id)
    if record is None:
        shown = resource_id if len(resource_id) <= 64 else resource_id[:63] + "…"
        msg = (
            f'There is no {definition.name} with the id "{shown}": it was deleted, or never here. '
            "Let the directory look it up anew."
        )
        raise NotFound(msg)
    return record


def _log(
    unit: Unit,
    record: ResourceRecord,
    done: tuple[str, int],
    effects: Effects,
    attributes: Differences,
    *,
    account: AccountRecord | None = None,
    is_pending: bool = False,
) -> LogRecord:
    """Write the row of a request and return it as it is to be once the host has confirmed.

    Args:
        unit: The unit of work.
        record: The resource.
        done: What was done, and the status of the answer.
        effects: What was done besides.
        attributes: What has changed in the resource.
        account: The account that has to be delivered.
        is_pending: Whether the host is to be asked for anything else.
    """
    action, status = done
    pending = is_pending or account is not None
    row = replace(
        request_row(unit.caller),
        action="pending" if pending else action,
        status=0 if pending else status,
        resource_type=record.resource_type,
        resource_id=record.id,
        resource_name=name_of(record.document),
        changes={} if account is None else changes_of(account),
        attributes=attributes,
        members=effects.members,
        notes=list(effects.notes),
    )
    return replace(row, action=action, status=status, number=unit.tx.log.insert(row))


def _named(patch: Patch) -> set[str]:
    """Return the attributes that a PATCH names."""
    return {
        edit.path.target.attribute.name
        for edit in (*patch.edits, *patch.row_edits)
        if edit.path.target.attribute
    }


def _in_use(definition: ResourceDefinition, path: str) -> Uniqueness:
    return Uniqueness(
        f'Another {definition.name} has this "{path}". Look it up by {path} and change that one, '
        "or choose another value."
    )


def _action(action: str, account: AccountRecord) -> str:
    if action == "created" or account.confirmed_state == account.wanted_state:
        return action
    closing = account.wanted_state == "inactive" and account.confirmed_state == "active"
    opening = account.wanted_state == "active" and account.confirmed_state is not None
    return "deactivated" if closing else "reactivated" if opening else action
