"""One unit of work of a request: its transaction, who asks, and what is done."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.provisioning.accounts import Claim
from scim_asgi.provisioning.caller import Caller
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import AccountRecord, LogRecord, Related, ResourceRecord


class Unit(Struct, frozen=True):
    """What every change needs to know.

    Attributes:
        tx: The transaction.
        caller: Who asks.
        definition: The type of the resource.
        claim: The right to deliver the account that the change makes work for.
    """

    tx: Transaction
    caller: Caller
    definition: ResourceDefinition
    claim: Claim


class Inbound(Struct, frozen=True, kw_only=True):
    """A checked resource on its way in.

    Attributes:
        document: What is stored.
        members: The value of `members` as it was sent; None when it was not.
        password: A password to hand on.
        notes: What was passed over, in words, for the log.
    """

    document: dict[str, Any]
    members: Any = None
    password: str | None = None
    notes: tuple[str, ...] = ()


class Effects(Struct):
    """What a change does besides the resource itself, as it goes.

    Attributes:
        notes: What was passed over, in words, for the log.
        spread: Whether other accounts were marked to be mapped anew.
        opens: Whether the request says that the User is active.
        members: Who came to a group and who went, for the log.
    """

    notes: tuple[str, ...] = ()
    spread: bool = False
    opens: bool = False
    members: dict[str, Any] = {}


class Changed(Struct, frozen=True, kw_only=True):
    """What a unit of work has done.

    Attributes:
        record: The resource as it is now.
        log: The row that was written to the log.
        account: The account that has to be delivered, as it was claimed; None when none has.
        spread: Whether other accounts were marked to be mapped anew.
        password: A password to hand on with the delivery.
        related: The derived attributes of the resource, as they were in the transaction.
    """

    record: ResourceRecord
    log: LogRecord
    account: AccountRecord | None = None
    spread: bool = False
    password: str | None = None
    related: dict[str, list[Related]] = {}
