"""Users and groups as an admin looks at them: with the account, what differs, and the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from scim_asgi.protocol.definitions import Registry
from scim_asgi.provisioning.browse import browse, records
from scim_asgi.provisioning.changes import load
from scim_asgi.provisioning.delivery import change_of, changes_of
from scim_asgi.provisioning.log import name_of
from scim_asgi.provisioning.log_entries import LogEntry, LogFilter, entry_of
from scim_asgi.provisioning.representation import Representations, load_related
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord, AccountState, ResourceRecord
from scim_asgi.store.selections import AccountFilter, MemberFilter

_HISTORY = 50


class AccountSummary(Struct, frozen=True, kw_only=True):
    """The host's account of a user, in a list.

    Attributes:
        id: The account's id.
        host_id: The host's own id.
        state: What the directory wants it to be.
        delivery: `confirmed` by the host; `pending`; or `held` by the guard.
        role: The role, where the account has one.
    """

    id: str
    host_id: str | None
    state: AccountState
    delivery: Literal["confirmed", "pending", "held"]
    role: str | None


class UserSummary(Struct, frozen=True, kw_only=True):
    """A user in a list. Times are Unix milliseconds."""

    id: str
    user_name: str
    display_name: str | None
    external_id: str | None
    active: bool
    created_at: int
    updated_at: int
    account: AccountSummary | None


class GroupSummary(Struct, frozen=True, kw_only=True):
    """A group in a list. Times are Unix milliseconds."""

    id: str
    display_name: str
    external_id: str | None
    members: int
    created_at: int
    updated_at: int


class UserPage(Struct, frozen=True, kw_only=True):
    """Users, newest first.

    Attributes:
        total_count: How many the organization has, filters aside.
        next_cursor: Where to go on; a page may be short, or empty, and not the last.
    """

    data: list[UserSummary]
    total_count: int
    next_cursor: str | None


class GroupPage(Struct, frozen=True, kw_only=True):
    """Groups, newest first, likewise."""

    data: list[GroupSummary]
    total_count: int
    next_cursor: str | None


class AccountDetail(Struct, frozen=True, kw_only=True):
    """The host's account of a user.

    Attributes:
        fields: The mapped fields that the directory wants.
        confirmed: Those that the host has confirmed; None before the first time.
        attempts: How many times the pending change was tried.
        due_at: When it is tried next, in Unix milliseconds.
        reason: What made it necessary.
    """

    id: str
    host_id: str | None
    state: AccountState
    delivery: Literal["confirmed", "pending", "held"]
    fields: dict[str, Any]
    confirmed: dict[str, Any] | None
    confirmed_state: AccountState | None
    attempts: int
    due_at: int | None
    reason: str


class UserDetail(Struct, frozen=True, kw_only=True):
    """Everything about a user.

    Attributes:
        resource: The SCIM User as the directory sees it.
        account: The host's account.
        change: What the host has yet to confirm; None when nothing.
        changes: Account field to the value that the host has confirmed and the one wanted.
        history: The latest rows of the provisioning log about the user, newest first.
    """

    resource: dict[str, Any]
    account: AccountDetail | None
    change: str | None
    changes: dict[str, tuple[Any, Any]]
    history: list[LogEntry]


class Users:
    """The Users of organizations.

    Args:
        store: Where they are kept.
        registry: The resource types.
        base_url: The public URL of the SCIM mount, for the locations in resources.
    """

    def __init__(self, store: Store, registry: Registry, base_url: str) -> None:
        self._store = store
        self._registry = registry
        self._base_url = base_url

    async def list(
        self,
        organization_id: str,
        *,
        search: str = "",
        active: bool | None = None,
        state: AccountFilter | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> UserPage:
        """Return users, newest first.

        Args:
            organization_id: The organization.
            search: A part of a name, address or externalId, in any case; a whole one, or an id,
                finds that user alone.
            active: Whether the directory has them active.
            state: How their account stands: confirmed, pending, held or none.
            cursor: Where to go on, from `next_cursor`.
            limit: How many at most.

        Raises:
            BrowseCursorUnknown: The cursor is none.
        """
        found = await browse(
            self._store,
            organization_id,
            "User",
            search=search,
            active=active,
            state=state,
            cursor=cursor,
            limit=limit,
        )

        def read(tx: Transaction) -> UserPage:
            shown = records(tx, organization_id, found.numbers)
            return UserPage(
                data=[_user(each, tx.accounts.of_resource(each.number)) for each in shown],
                total_count=tx.connections.totals(organization_id).users,
                next_cursor=found.next_cursor,
            )

        return await self._store.read(read)

    async def get(self, organization_id: str, user_id: str, *, base_url: str = "") -> UserDetail:
        """Return everything about a user.

        Args:
            organization_id: The organization.
            user_id: The user's id.
            base_url: The public URL of the SCIM mount, where ScimApp has no `base_url`.

        Raises:
            NotFound: The organization has no user with this id.
        """
        definition = self._registry.by_name["User"]
        represented = Representations(self._registry, self._base_url or base_url)

        def read(tx: Transaction) -> UserDetail:
            record = load(tx, organization_id, definition, user_id)
            account = tx.accounts.of_resource(record.number)
            related = load_related(tx, definition, [record])[record.number]
            wanted = LogFilter(user=user_id).selection(organization_id, limit=_HISTORY)
            is_pending = account is not None and account.delivery_id is not None
            return UserDetail(
                resource=represented.whole(record, related),
                account=None if account is None else _account(account),
                change=change_of(account) if account is not None and is_pending else None,
                changes={} if account is None else changes_of(account),
                history=[entry_of(row) for row in tx.log.select(wanted)],
            )

        return await self._store.read(read)


class Groups:
    """The Groups of organizations.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self,
        organization_id: str,
        *,
        search: str = "",
        members: MemberFilter | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> GroupPage:
        """Return groups, newest first.

        Args:
            organization_id: The organization.
            search: A part of a displayName or externalId.
            members: Whether they have members: none or some.
            cursor: Where to go on, from `next_cursor`.
            limit: How many at most.

        Raises:
            BrowseCursorUnknown: The cursor is none.
        """
        found = await browse(
            self._store,
            organization_id,
            "Group",
            search=search,
            members=members,
            cursor=cursor,
            limit=limit,
        )

        def read(tx: Transaction) -> GroupPage:
            shown = records(tx, organization_id, found.numbers)
            counts = tx.browser.member_counts(found.numbers)
            return GroupPage(
                data=[_group(each, counts.get(each.number, 0)) for each in shown],
                total_count=tx.connections.totals(organization_id).groups,
                next_cursor=found.next_cursor,
            )

        return await self._store.read(read)

    async def member_names(self, organization_id: str, ids: Sequence[str]) -> dict[str, str]:
        """Return what people call those of some members who are still here, by their ids."""

        def read(tx: Transaction) -> dict[str, str]:
            numbers = list(tx.members.resolve(organization_id, ids).values())
            found = records(tx, organization_id, numbers)
            return {each.id: name_of(each.document) for each in found}

        return await self._store.read(read)


def _user(record: ResourceRecord, account: AccountRecord | None) -> UserSummary:
    document = record.document
    return UserSummary(
        id=record.id,
        user_name=name_of(document),
        display_name=_display(document),
        external_id=document.get("externalId"),
        active=bool(document.get("active", True)),
        created_at=record.created,
        updated_at=record.last_modified,
        account=None if account is None else _summary(account),
    )


def _display(document: dict[str, Any]) -> str | None:
    name = document.get("name") or {}
    parts = (name.get("givenName"), name.get("familyName"))
    whole = " ".join(part for part in parts if part)
    return document.get("displayName") or name.get("formatted") or whole or None


def _summary(account: AccountRecord) -> AccountSummary:
    role = account.wanted.get("organization_role")
    return AccountSummary(
        id=account.id,
        host_id=account.host_id,
        state=account.wanted_state,
        delivery=_delivery(account),
        role=role if isinstance(role, str) else None,
    )


def _delivery(account: AccountRecord) -> Literal["confirmed", "pending", "held"]:
    if account.held_since is not None:
        return "held"
    return "confirmed" if account.delivery_id is None else "pending"


def _account(account: AccountRecord) -> AccountDetail:
    return AccountDetail(
        id=account.id,
        host_id=account.host_id,
        state=account.wanted_state,
        delivery=_delivery(account),
        fields=msgspec.to_builtins(account.wanted),
        confirmed=account.confirmed,
        confirmed_state=account.confirmed_state,
        attempts=account.attempt,
        due_at=account.due_at if account.delivery_id is not None else None,
        reason=account.reason,
    )


def _group(record: ResourceRecord, members: int) -> GroupSummary:
    return GroupSummary(
        id=record.id,
        display_name=name_of(record.document),
        external_id=record.document.get("externalId"),
        members=members,
        created_at=record.created,
        updated_at=record.last_modified,
    )
