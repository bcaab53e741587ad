"""The tables of a store: what a unit of work may ask of each.

Every method takes the organization or something that belongs to one.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from scim_asgi.store.records import (
    AccountRecord,
    Closings,
    HeldChange,
    LiveToken,
    LogRecord,
    Present,
    Related,
    RemappingRecord,
    ResourceKeys,
    ResourceRecord,
    SeenRecord,
    TokenRecord,
    Totals,
    VersionRecord,
    WorkLeft,
)
from scim_asgi.store.selections import Browse, Browsed, LogSelection, Selection


class Browser(Protocol):
    """Resources looked through for people."""

    def named(self, browse: Browse) -> list[int]:
        """Return the resources that have the text as a name, an address or an id."""

    def stretch(self, browse: Browse) -> Browsed:
        """Return what the next stretch of resources has."""

    def member_counts(self, groups: Sequence[int]) -> dict[int, int]:
        """Return how many members groups have; those without any are left out."""


class Resources(Protocol):
    """SCIM resources."""

    def get(
        self, organization_id: str, resource_type: str, resource_id: str
    ) -> ResourceRecord | None:
        """Return the resource with an id, or None."""

    def by_number(self, number: int) -> ResourceRecord | None:
        """Return the resource with a number, or None."""

    def by_numbers(self, numbers: Sequence[int]) -> dict[int, ResourceRecord]:
        """Return the resources with these numbers, by number."""

    def owner(self, organization_id: str, resource_type: str, path: str, value: Any) -> int | None:
        """Return the number of the resource that has a unique value, or None."""

    def insert(self, record: ResourceRecord, search: dict[str, Any], keys: ResourceKeys) -> int:
        """Store a new resource and return its number; raises NotUnique, and has changed nothing then.

        Args:
            record: The resource.
            search: The same with every value in comparable form.
            keys: What it is found by.
        """

    def update(
        self,
        record: ResourceRecord,
        search: dict[str, Any],
        before: ResourceKeys,
        after: ResourceKeys,
        *,
        hold: bool = False,
    ) -> None:
        """Store a changed resource; raises NotUnique.

        Args:
            record: The resource as it is now.
            search: The same with every value in comparable form.
            before: What it was found by.
            after: What it is found by now.
            hold: Whether unique values that it gives up stay its own until they are released.
        """

    def release(self, number: int) -> None:
        """Release the unique values that are held for a resource."""

    def delete(self, record: ResourceRecord, keys: ResourceKeys, at: int) -> None:
        """Delete a resource with its keys and memberships; its groups have changed by that."""

    def select(self, selection: Selection) -> list[ResourceRecord]:
        """Return the resources of a selection, in its order."""

    def count(self, selection: Selection) -> int:
        """Return how many resources a selection has; after, offset and limit aside."""


class Members(Protocol):
    """Memberships: rows, so that their cost follows the change and not the group's size."""

    def resolve(self, organization_id: str, ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of the resources of an organization that have these ids."""

    def ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the ids of the resources that have these numbers."""

    def add(self, group: int, members: Iterable[int]) -> list[int]:
        """Add members and return those that were none before."""

    def remove(self, group: int, members: Iterable[int]) -> list[int]:
        """Remove members and return those that were some before."""

    def clear(self, group: int) -> list[int]:
        """Remove all members and return them."""

    def of_group(self, group: int) -> list[Related]:
        """Return the members of a group, oldest first."""

    def of_groups(self, groups: Sequence[int]) -> dict[int, list[Related]]:
        """Return the members of several groups."""

    def count_change(self, members: Iterable[int], resource_types: Iterable[str]) -> None:
        """Count that the groups of those of the members that have these types have changed."""

    def groups_of(self, member: int) -> list[Related]:
        """Return the groups that a resource is a direct member of, by display name, then id."""

    def groups_of_all(self, members: Sequence[int]) -> dict[int, list[Related]]:
        """Return the groups of several resources."""


class Accounts(Protocol):
    """The host's accounts."""

    def by_number(self, number: int) -> AccountRecord | None:
        """Return the account with a number, or None."""

    def of_resource(self, resource: int) -> AccountRecord | None:
        """Return the account of a User, or None."""

    def by_return_key(self, organization_id: str, key: str) -> builtins.list[AccountRecord]:
        """Return the accounts that a returning person may be, oldest first."""

    def insert(self, record: AccountRecord) -> int:
        """Store a new account and return its number."""

    def update(self, before: AccountRecord, after: AccountRecord) -> None:
        """Store what has changed of an account."""

    def confirm(self, delivered: AccountRecord, host_id: str | None) -> bool:
        """Store that the host has confirmed a delivery, and that nobody delivers the account.

        Args:
            delivered: The account as it was claimed and delivered.
            host_id: What the host called it; None where it did not say.

        Returns:
            False, and nothing is changed, when the account is claimed by another delivery, or
            another has become necessary.
        """

    def delete(self, number: int) -> None:
        """Delete an account that the host never had."""

    def mark(self, resources: Iterable[int]) -> None:
        """Mark the accounts of these Users, so that their mapping is worked out again."""

    def extent(self, organization_id: str) -> tuple[int, int]:
        """Return how many accounts of an organization have a User, and the highest number."""

    def of_organization(
        self, organization_id: str, *, after: int, last: int, limit: int
    ) -> list[AccountRecord]:
        """Return accounts that have a User, with a number above `after` and up to `last`."""

    def organizations(self) -> builtins.list[str]:
        """Return the organizations that have accounts."""

    def unsettled(self, organization_id: str) -> int:
        """Return how many accounts of an organization are marked or have a delivery to make."""

    def marked(self, present: Present, limit: int) -> builtins.list[AccountRecord]:
        """Return marked accounts that nobody has claimed, oldest first."""

    def due(self, present: Present, limit: int) -> builtins.list[AccountRecord]:
        """Return accounts with a delivery that is due and that nobody has claimed, oldest first."""

    def next_due(self, now: int) -> int | None:
        """Return when the next delivery is due that is not yet, or None when there is none."""

    def is_marked(self, present: Present) -> bool:
        """Return whether there is a marked account that nobody has claimed."""

    def list(
        self, organization_id: str, *, after: int = 0, limit: int = 100
    ) -> list[AccountRecord]:
        """Return accounts of an organization with a higher number, in the order of creation."""

    def pending(self, organization_id: str | None, limit: int) -> builtins.list[AccountRecord]:
        """Return accounts with a delivery to make, the one that waits longest first."""

    def make_due(self, organization_id: str, at: int) -> int:
        """Make every delivery of an organization due at a time; return how many there are."""

    def work_left(self, organization_id: str | None, since: int) -> WorkLeft:
        """Return how much there is to do; deliveries that are due after a time wait."""

    def closings(self, organization_id: str, since: int, until: int) -> Closings:
        """Return what an organization has closed and deleted since a time, and until another."""

    def held(self, organization_id: str) -> int:
        """Return how many closings of an organization are held."""

    def is_held(self, organization_id: str) -> bool:
        """Return whether any closing of an organization is held."""

    def hold(self, number: int, change: HeldChange, at: int) -> None:
        """Note which closing of an account is held, and since when, unless one was before."""

    def release(self, organization_id: str, until: int) -> int:
        """Let the held closings of an organization through until a time; return how many."""


class TokenTable(Protocol):
    """Bearer SCIM tokens."""

    def insert(self, record: TokenRecord) -> None:
        """Store a new token."""

    def live(self, digest: bytes, at: int) -> LiveToken | None:
        """Return the token with a SHA-256 that is neither revoked nor expired then, or None."""

    def is_live(self, digest: bytes, at: int) -> bool:
        """Return whether there is one that `live` returns, for less."""

    def ended(self, digest: bytes, at: int) -> TokenRecord | None:
        """Return the token with a SHA-256 that is revoked, or has expired by then, or None."""

    def by_id(self, token_id: str) -> TokenRecord | None:
        """Return the token with an id, or None."""

    def by_nonce(self, organization_id: str, nonce: str) -> TokenRecord | None:
        """Return the token of an organization that was asked for with a nonce, or None."""

    def list(self, organization_id: str) -> list[TokenRecord]:
        """Return the tokens of an organization, newest first."""

    def revoke(self, token_id: str, at: int) -> None:
        """Revoke a token, unless it was revoked before."""

    def touch(self, token_id: str, at: int) -> None:
        """Note when a token was last used."""

    def refuse(self, token_id: str, at: int) -> None:
        """Note when a token was last refused."""


class Versions(Protocol):
    """Something of which each organization has one in force, and every one that was ever saved."""

    def current(self, organization_id: str) -> VersionRecord | None:
        """Return the one in force, or None when none was ever saved."""

    def version(self, organization_id: str, version: int) -> VersionRecord | None:
        """Return one by its version, or None."""

    def list(self, organization_id: str, *, limit: int) -> builtins.list[VersionRecord]:
        """Return the newest ones, newest first."""

    def insert(self, record: VersionRecord) -> int:
        """Save one, which is then in force, and return its number."""

    def organizations(self, after: str, limit: int) -> builtins.list[str]:
        """Return organizations behind one in their order that ever saved any."""


class Remappings(Protocol):
    """The latest mapping anew of each organization."""

    def begin(self, record: RemappingRecord) -> None:
        """Begin one, in the place of an earlier one."""

    def of(self, organization_id: str) -> RemappingRecord | None:
        """Return the latest one of an organization, or None."""

    def unfinished(self) -> RemappingRecord | None:
        """Return the oldest one that is neither finished nor blocked, or None."""

    def update(self, before: RemappingRecord, after: RemappingRecord) -> None:
        """Store how far one has come."""

    def is_any_blocked(self) -> bool:
        """Return whether any is blocked."""

    def unblock(self) -> None:
        """Let all that are blocked go on."""


class ConnectionTable(Protocol):
    """What is known of the connections of organizations to their directories."""

    def seen(self, organization_id: str) -> SeenRecord | None:
        """Return the latest request of a directory, or None before the first."""

    def note(self, record: SeenRecord) -> None:
        """Note a request; when the first one came stays as it is."""

    def totals(self, organization_id: str) -> Totals:
        """Return how much an organization has; nothing is counted for it."""


class LogTable(Protocol):
    """The provisioning log."""

    def insert(self, record: LogRecord) -> int:
        """Write a row and return its number."""

    def complete(self, record: LogRecord) -> None:
        """Write into a row what came of its request."""

    def confirm(self, record: LogRecord) -> None:
        """Write into a row that its request has done what it says, and what is said of the hook."""

    def give_up(self, record: LogRecord, detail: str) -> None:
        """Let the other rows about the resource of one, which are still pending, have failed."""

    def list(self, organization_id: str, *, after: int = 0, limit: int = 100) -> list[LogRecord]:
        """Return rows with a higher number, oldest first."""

    def latest(self, organization_id: str, *, limit: int = 100) -> builtins.list[LogRecord]:
        """Return the newest rows, oldest first."""

    def select(self, selection: LogSelection) -> builtins.list[LogRecord]:
        """Return the rows of a selection, newest first."""

    def ids(self, organization_id: str, user: str) -> builtins.list[str]:
        """Return a name and the ids of the resources that have had it."""

    def totals(self, after: str, limit: int) -> builtins.list[tuple[str, int]]:
        """Return organizations behind one in their order, with how many rows each has."""

    def has_before(self, organization_id: str, at: int) -> bool:
        """Return whether there are rows from before a time."""

    def prune_before(self, organization_id: str, at: int, limit: int) -> int:
        """Delete some rows from before a time; return how many."""

    def prune_oldest(self, organization_id: str, limit: int) -> int:
        """Delete the oldest rows, what admins have done aside; return how many."""

    def count(self, organization_id: str, actions: Sequence[str], since: int, until: int) -> int:
        """Return how many requests the rows with these actions stand for, between two times."""

    def latest_actions(
        self, organization_id: str, since: int, until: int, limit: int
    ) -> builtins.list[str]:
        """Return what came of the latest writes of the directory, between two times, newest first.

        Those that were skipped, that are under way, or that had no valid token, are left out.
        """

    def counts(self, organization_id: str, *, since: int) -> dict[str, int]:
        """Return how many rows there are of each action, from a time on."""
