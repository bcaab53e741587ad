"""What the directory wants of an account: worked out from the User, kept beside what the host has.

Everything here runs inside the transaction that changes the User, so the work that a change
makes is on disk together with the change.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.ids import uuid7
from scim_asgi.mapping.mapping import CompiledMapping, Mapped
from scim_asgi.protocol.errors import Unavailable
from scim_asgi.provisioning.clock import now, present
from scim_asgi.store.records import AccountRecord, AccountState, Related, ResourceRecord


class AccountBefore(Struct, frozen=True):
    """What a refused change puts back in the account."""

    wanted: dict[str, Any]
    wanted_state: AccountState
    resource: int | None
    return_key: str | None
    delivery_id: str | None
    attempt: int


class Undo(Struct, frozen=True):
    """How things were before a change that the host may yet refuse.

    Attributes:
        resource: The number of the changed User.
        document: The User before; None when the change created it.
        version: Its version before.
        last_modified: When it had changed before.
        account: The account before; None when the change created it.
    """

    resource: int
    document: dict[str, Any] | None
    version: int
    last_modified: int
    account: AccountBefore | None


encode_undo = msgspec.json.Encoder().encode
decode_undo = msgspec.json.Decoder(Undo).decode


class InFlight(Unavailable):
    """The account is being delivered by another request or process; it is worth waiting."""

    def __init__(self) -> None:
        super().__init__("The account is being changed by another request; try again.", 1)


class Claim(Struct, frozen=True):
    """The right to deliver, which a process takes together with the change.

    Attributes:
        owner: The process and the claim's number there; never another's.
        until: When it lapses, in Unix milliseconds.
    """

    owner: str
    until: int


def view_of(record: ResourceRecord, groups: list[Related]) -> dict[str, Any]:
    """Return a User as mappings see it: with its id and groups."""
    view = record.document.copy()
    view["id"] = record.id
    view["groups"] = [_group(group) for group in groups] if groups else []
    return view


def was_active(account: AccountRecord | None) -> bool:
    """Return whether a User whose `active` is unassigned has an open account: as it was."""
    return account is None or account.wanted_state == "active"


def map_user(
    mapping: CompiledMapping,
    record: ResourceRecord,
    groups: list[Related],
    account: AccountRecord | None,
) -> Mapped:
    """Return what a mapping makes of a User.

    Raises:
        Unmappable: It makes no account of it.
    """
    user = record.document if mapping.uses_document_only else view_of(record, groups)
    return mapping.resolve(user, was_active=was_active(account))


def _group(group: Related) -> dict[str, Any]:
    return {
        "value": group.id,
        "display": group.display,
        "displayName": group.display,
        "type": "direct",
    }


def wanted_state(
    fields: dict[str, Any], resource: dict[str, Any], account: AccountRecord | None
) -> AccountState:
    """Return whether the account is to be open: unless its `active` field or the User's says no.

    Where neither is there, it stays as it was.
    """
    own = resource.get("active")
    active = fields.get("active", was_active(account) if own is None else own)
    return "inactive" if own is False or active is False else "active"


def closed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an account's fields with `active` false, where it has that field."""
    return {**fields, "active": False} if "active" in fields else fields


def earlier_account(earlier: list[AccountRecord]) -> AccountRecord | None:
    """Return the account that a returning person had before: its User is gone or inactive.

    Args:
        earlier: The accounts with the person's return key.

    Raises:
        InFlight: It is being delivered, or its deletion is not confirmed yet.
    """
    if not earlier:
        return None
    gone = [account for account in earlier if account.resource is None]
    idle = [account for account in earlier if account.wanted_state != "active"]
    found = next(iter([*gone, *idle]), None)
    if found is not None:
        require_settled(found, deleted=True)
    return found


def require_settled(account: AccountRecord | None, *, deleted: bool = False) -> None:
    """Check that nobody is delivering an account.

    Args:
        account: The account, or None.
        deleted: Whether a deletion that the host has not confirmed counts too.

    Raises:
        InFlight: Somebody is; it is worth waiting.
    """
    if account is None:
        return
    doomed = deleted and account.wanted_state == "deleted" and account.delivery_id is not None
    if doomed or (account.claimed_until and present().is_claimed(account)):
        raise InFlight


def is_new(account: AccountRecord) -> bool:
    """Return whether an account's User was created by a request that was never settled."""
    return (
        account.delivery_id is not None
        and account.undo is not None
        and decode_undo(account.undo).document is None
    )


def want(
    account: AccountRecord | None,
    record: ResourceRecord,
    mapped: Mapped,
    state: AccountState,
    *,
    reason: str,
    force: bool = False,
) -> AccountRecord:
    """Return the account with what the directory wants now.

    It has a delivery to make when that differs from what the host confirmed, when the outcome of
    an earlier delivery is unknown, or when `force` says so.
    """
    if account is None:
        account = AccountRecord(
            organization_id=record.organization_id,
            id=uuid7(),
            wanted=mapped.fields,
            wanted_state=state,
            resource=record.number,
            return_key=mapped.return_key,
        )
        return with_delivery(account, account, reason, force=force)
    wanted = replace(
        account,
        resource=record.number,
        wanted=mapped.fields,
        wanted_state=state,
        return_key=mapped.return_key,
        marked=False,
    )
    return with_delivery(account, wanted, reason, force=force)


def with_delivery(
    before: AccountRecord, wanted: AccountRecord, reason: str, *, force: bool
) -> AccountRecord:
    """Return the account with the delivery that it needs, under the same id while it is the same."""
    uncertain = is_uncertain(before)
    if not (force or uncertain or differs(wanted)):
        return replace(wanted, uncertain=False, delivery_id=None, attempt=0, due_at=0)
    same = before.wanted == wanted.wanted and before.wanted_state == wanted.wanted_state
    if before.delivery_id is not None and same and not force:
        return replace(wanted, uncertain=uncertain, reason=reason)
    return replace(
        wanted, uncertain=uncertain, delivery_id=uuid7(), attempt=0, due_at=now(), reason=reason
    )


def differs(account: AccountRecord) -> bool:
    """Return whether the host has yet to confirm what the directory wants."""
    if account.confirmed_state is None:
        return account.wanted_state != "deleted"
    return account.wanted != account.confirmed or account.wanted_state != account.confirmed_state


def is_uncertain(account: AccountRecord) -> bool:
    """Return whether the host may have done something that it has not confirmed.

    A claim that nobody gave back is one of a process that died in the middle of a call.
    """
    return account.uncertain or account.claimed_by is not None


def claimed(account: AccountRecord, claim: Claim, *, undo: bytes | None) -> AccountRecord:
    """Return the account claimed for delivery, with what a refusal puts back."""
    return replace(account, claimed_by=claim.owner, claimed_until=claim.until, undo=undo)


def before_of(account: AccountRecord | None) -> AccountBefore | None:
    """Return what a refused change puts back in the account."""
    if account is None:
        return None
    return AccountBefore(
        account.wanted,
        account.wanted_state,
        account.resource,
        account.return_key,
        account.delivery_id,
        account.attempt,
    )
