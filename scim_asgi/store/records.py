"""The rows of the store as values. Times are Unix milliseconds."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

AccountState = Literal["active", "inactive", "deleted"]
HeldChange = Literal["deactivation", "deletion", "mapping"]
"""What the guard holds: what a directory asks for, or what groups or a mapping come to."""


class Present(Struct, frozen=True):
    """The present time, and the latest times that can have been noted by now.

    What was noted for later than that was noted before the clock was set back, and is over.

    Attributes:
        now: The present.
        claims: Until when a claim can last.
        deliveries: When a delivery can be due.
    """

    now: int
    claims: int
    deliveries: int

    def is_claimed(self, account: AccountRecord) -> bool:
        """Return whether somebody delivers an account."""
        return self.now < account.claimed_until <= self.claims


Stamp: TypeAlias = tuple[int | None, int | None, int | None, int | None]
"""Number and time of the override in force, and of the role rules; None where none were saved."""


class ResourceRecord(Struct, frozen=True):
    """A SCIM resource as the directory sees it.

    Attributes:
        number: The store's own number, in the order of creation; 0 before it is stored.
        document: The resource without its id, meta and what other rows hold.
        version: The number of the change that made this state.
        revision: The number of the latest change, one that was taken back included.
        group_changes: How many times the groups that it shows have changed.
    """

    organization_id: str
    resource_type: str
    id: str
    document: dict[str, Any]
    created: int
    last_modified: int
    version: int = 1
    revision: int = 1
    group_changes: int = 0
    number: int = 0


class ResourceKeys(Struct, frozen=True):
    """What the store finds a resource by, each with its path.

    Attributes:
        unique: Path and value of what has to be unique in the organization.
        lookups: Path and value of what else has an index.
    """

    unique: tuple[tuple[str, Any], ...]
    lookups: tuple[tuple[str, Any], ...]


class Related(Struct, frozen=True):
    """The other end of a membership: a member of a group, or a group of a member."""

    number: int
    id: str
    resource_type: str
    display: str | None


class AccountRecord(Struct, frozen=True):
    """The host's account of a User: what the directory wants and what the host confirmed.

    The difference between the two is the work still to do; `delivery_id` names that work and is
    None when there is none.

    Attributes:
        id: The account's id, given to the hooks; never another's.
        resource: The number of the User that it belongs to; None when the User is gone.
        return_key: What a returning person is recognised by.
        host_id: The host's own id.
        wanted: The mapped fields.
        confirmed: The mapped fields that the host last confirmed; None before the first time.
        attempt: How many times the delivery was tried.
        due_at: When the delivery may be tried again.
        claimed_by: Which claim of which process delivers now, until `claimed_until`.
        undo: What a refused change has to put back, as JSON; None when nothing.
        uncertain: Whether the host may have done something that it has not confirmed.
        marked: Whether the mapping has to be worked out again.
        held_since: When a closing of it was first held by the guard; None when none is.
        held_change: What is held.
        released_until: Until when a closing of it is let through.
    """

    organization_id: str
    id: str
    wanted: dict[str, Any]
    wanted_state: AccountState
    resource: int | None = None
    return_key: str | None = None
    host_id: str | None = None
    confirmed: dict[str, Any] | None = None
    confirmed_state: AccountState | None = None
    delivery_id: str | None = None
    attempt: int = 0
    due_at: int = 0
    claimed_by: str | None = None
    claimed_until: int = 0
    reason: str = ""
    undo: bytes | None = None
    uncertain: bool = False
    marked: bool = False
    held_since: int | None = None
    held_change: HeldChange | None = None
    released_until: int = 0
    number: int = 0


class Closings(Struct, frozen=True):
    """What an organization has closed and deleted lately, and what it has left.

    Attributes:
        active: How many accounts are wanted open.
        kept: How many are not wanted deleted.
        closed: How many became not wanted open since a time; those that were released aside.
        deleted: How many became wanted deleted, likewise.
        is_held: Whether a closing is held.
    """

    active: int
    kept: int
    closed: int
    deleted: int
    is_held: bool


class WorkLeft(Struct, frozen=True, kw_only=True):
    """What the background has still to do, of an organization or of all.

    Attributes:
        pending: How many accounts differ from what the host has confirmed.
        waiting: How many of them were tried, and are tried again later.
        to_map: How many are to be mapped anew.
        held: How many closings the guard holds.
        held_changes: What they are, each with how many.
        oldest: Since when the oldest delivery is pending, in Unix milliseconds.
    """

    pending: int
    waiting: int
    to_map: int
    held: int
    held_changes: dict[HeldChange, int]
    oldest: int | None


class TokenRecord(Struct, frozen=True):
    """A bearer SCIM token; of the token itself only the SHA-256 is kept.

    Attributes:
        refused_at: When it was last sent although it was revoked or had expired.
        nonce: What it was asked for with, so that the same asks for no second one.
    """

    id: str
    organization_id: str
    name: str
    prefix: str
    digest: bytes
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None
    revoked_at: int | None = None
    refused_at: int | None = None
    nonce: str | None = None


class LiveToken(Struct, frozen=True):
    """What a request has to know of the token that it came with."""

    id: str
    organization_id: str
    prefix: str
    last_used_at: int | None


class SeenRecord(Struct, frozen=True):
    """The latest request of an organization's directory that had a valid token.

    Attributes:
        first_at: When the first such request came.
    """

    organization_id: str
    directory: str
    first_at: int
    last_at: int
    method: str
    path: str
    status: int


class Totals(Struct, frozen=True, kw_only=True):
    """How many Users, Groups and open accounts an organization has."""

    users: int
    groups: int
    active: int


class VersionRecord(Struct, frozen=True):
    """What an organization saved once; the one with the highest number is in force.

    Attributes:
        content: An override of the attribute mapping, or role rules.
        version: Counts the organization's own, from 1.
    """

    organization_id: str
    content: dict[str, Any]
    saved_at: int
    saved_by: str = ""
    version: int = 1
    number: int = 0


class RemappingRecord(Struct, frozen=True):
    """How far the latest mapping anew of an organization's accounts has come.

    Attributes:
        cause: What was replaced.
        total: How many accounts there were when it began.
        position: The number of the last account that was mapped.
        last: The highest number of an account when it began; later ones need no mapping.
        mapped: How many accounts are mapped.
        changed: How many of them got other fields.
        skipped: Of how many the mapping makes no account; they stay as they were.
        finished_at: When the last one was mapped; None before.
        blocked: Whether it waits, because what is saved does not fit the host.
    """

    organization_id: str
    cause: str
    started_at: int
    total: int
    last: int
    position: int = 0
    mapped: int = 0
    changed: int = 0
    skipped: int = 0
    finished_at: int | None = None
    blocked: bool = False
    number: int = 0


class LogRecord(Struct, frozen=True):
    """One row of the provisioning log: an inbound write or a refused request.

    Attributes:
        action: created, updated, deactivated, reactivated, deleted, unchanged, skipped, refused,
            held, failed, or warning (of the background, about an account); pending while the host
            is asked.
        status: The HTTP status that was answered; 0 while pending and for what the background
            did.
        changes: Account field to its old and new value.
        attributes: Path of the resource to its old and new value.
        members: Who came to a group and who went: some ids and the counts.
        hook: The hook call: its name, attempts and duration in milliseconds.
        notes: What was passed over, in words.
        actor: Who did it, where it was a person,
        actor_id: the host's id of them,
        surface: and from where: page, api, cli or python.
        count: How many requests it stands for.
    """

    organization_id: str
    at: int
    action: str
    status: int
    request_id: str = ""
    directory: str = ""
    token_prefix: str = ""
    method: str = ""
    path: str = ""
    resource_type: str = ""
    resource_id: str = ""
    resource_name: str = ""
    scim_type: str | None = None
    detail: str = ""
    changes: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    members: dict[str, Any] = {}
    hook: dict[str, Any] = {}
    notes: list[str] = []
    actor: str = ""
    actor_id: str = ""
    surface: str = ""
    count: int = 1
    number: int = 0


class HostRecord(Struct, frozen=True, kw_only=True):
    """What others have to know of the host that runs with hooks.

    Attributes:
        account_fields: The fields of its account type, each with what it can hold.
        roles: The roles that it knows, sorted; None for any.
    """

    account_fields: dict[str, str]
    roles: tuple[str, ...] | None = None
