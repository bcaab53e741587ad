"""The provisioning log as it is asked for and shown."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

from scim_asgi.errors import ScimAsgiError
from scim_asgi.provisioning.connections import FAILURES
from scim_asgi.store.records import LogRecord
from scim_asgi.store.selections import LogSelection

Action = Literal[
    "created",
    "updated",
    "deactivated",
    "reactivated",
    "deleted",
    "unchanged",
    "skipped",
    "refused",
    "rate-limited",
    "held",
    "failed",
    "warning",
    "pending",
    "token-issued",
    "token-revoked",
    "mapping-changed",
    "roles-changed",
    "released",
    "reconciled",
]
Outcome = Literal["success", "warning", "skipped", "refused", "failed", "pending"]
WantedOutcome = Literal["success", "warning", "skipped", "refused", "failed", "pending", "errors"]
"""An outcome to look for; ``errors`` are the actions that count as errors, as the status does."""

_OUTCOMES: dict[str, Outcome] = {
    "skipped": "skipped",
    "refused": "refused",
    "rate-limited": "refused",
    "held": "refused",
    "failed": "failed",
    "warning": "warning",
    "pending": "pending",
}
_ACTIONS: tuple[str, ...] = Action.__args__  # type: ignore[attr-defined]
_CURSOR = re.compile(r"([0-9a-f]{1,14})-([0-9a-f]{1,14})", re.ASCII)


class CursorUnknown(ScimAsgiError):
    """A cursor that is none of the log's."""


class HookCall(Struct, frozen=True, kw_only=True):
    """A call of one of the host's hooks.

    Attributes:
        change: Which hook.
        attempt: Which attempt of this change it was, from 1; None when it was not called.
        milliseconds: How long it took.
    """

    change: str
    attempt: int | None = None
    milliseconds: int | None = None


class MembersChange(Struct, frozen=True, kw_only=True):
    """Who came to a group and who went.

    Attributes:
        added: The ids of those who came; of many, the first twenty.
        added_count: How many came.
        removed: Likewise those who went.
        removed_count: How many went.
    """

    added: list[str] = []
    added_count: int = 0
    removed: list[str] = []
    removed_count: int = 0


class LogEntry(Struct, frozen=True, kw_only=True):
    """One row of the provisioning log. Times are Unix milliseconds.

    Attributes:
        number: The row's number, ascending.
        at: When.
        outcome: What came of it, in one word.
        action: The same in detail.
        status: The HTTP status that was answered; 0 for what no request waited for.
        changes: Account field to its old and new value.
        attributes: Path of the resource to its old and new value, as the directory changed it;
            empty where the resource is new.
        members: Who came to a group and who went; None where nobody did.
        hook: The call of the host's hook.
        notes: What was passed over, in words.
        actor: Who did it, where it was an admin,
        actor_id: the host's id of them,
        surface: and from where: page, api, cli or python.
        count: How many requests the row stands for.
    """

    number: int
    at: int
    organization_id: str
    request_id: str
    directory: str
    token_prefix: str
    method: str
    path: str
    resource_type: str
    resource_id: str
    resource_name: str
    outcome: Outcome
    action: str
    status: int
    scim_type: str | None
    detail: str
    changes: dict[str, tuple[Any, Any]]
    attributes: dict[str, tuple[Any, Any]]
    members: MembersChange | None
    hook: HookCall | None
    notes: list[str]
    actor: str
    actor_id: str
    surface: str
    count: int


class LogFilter(Struct, frozen=True, kw_only=True):
    """Which rows of the log are wanted.

    Attributes:
        since: Not before this time, in Unix milliseconds.
        until: Before this time.
        outcome: With this outcome.
        action: With this action.
        user: About a user or group, named by its id, or by a userName or displayName that it has
            had, in any case.
    """

    since: int | None = None
    until: int | None = None
    outcome: WantedOutcome | None = None
    action: Action | None = None
    user: str | None = None

    def selection(
        self, organization_id: str, *, before: tuple[int, int] | None = None, limit: int
    ) -> LogSelection:
        """Return what the store is asked for."""
        return LogSelection(
            organization_id=organization_id,
            since=self.since,
            until=self.until,
            actions=self._actions(),
            user=self.user,
            before=before,
            limit=limit,
        )

    def accepts(self, entry: LogEntry, about: frozenset[str] = frozenset()) -> bool:
        """Return whether a row is wanted; `about` are the ids that `user` stands for."""
        actions = self._actions()
        return (
            (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (actions is None or entry.action in actions)
            and (self.user is None or self._is_about(entry, about))
        )

    def _is_about(self, entry: LogEntry, about: frozenset[str]) -> bool:
        assert self.user is not None
        names = {entry.resource_id, entry.resource_name.casefold()}
        return self.user.casefold() in names or self.user in names or entry.resource_id in about

    def _actions(self) -> tuple[str, ...] | None:
        if self.outcome is None:
            return None if self.action is None else (self.action,)
        wanted = [each for each in _ACTIONS if self.outcome in _kinds(each)]
        return tuple(each for each in wanted if self.action in (None, each))


class LogPage(Struct, frozen=True, kw_only=True):
    """Rows of the log, newest first.

    Attributes:
        data: The rows.
        next_cursor: Where the next page begins; None behind the last one.
    """

    data: list[LogEntry]
    next_cursor: str | None


def _kinds(action: str) -> tuple[WantedOutcome, ...]:
    return (outcome_of(action), "errors") if action in FAILURES else (outcome_of(action),)


def outcome_of(action: str) -> Outcome:
    """Return what came of something, in one word."""
    return _OUTCOMES.get(action, "success")


def entry_of(row: LogRecord) -> LogEntry:
    """Return a row as it is shown."""
    return LogEntry(
        number=row.number,
        at=row.at,
        organization_id=row.organization_id,
        request_id=row.request_id,
        directory=row.directory,
        token_prefix=row.token_prefix,
        method=row.method,
        path=row.path,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        resource_name=row.resource_name,
        outcome=outcome_of(row.action),
        action=row.action,
        status=row.status,
        scim_type=row.scim_type,
        detail=row.detail,
        changes={name: (old, new) for name, (old, new) in row.changes.items()},
        attributes={path: (old, new) for path, (old, new) in row.attributes.items()},
        members=msgspec.convert(row.members, MembersChange) if row.members else None,
        hook=msgspec.convert(row.hook, HookCall) if row.hook else None,
        notes=row.notes,
        actor=row.actor,
        actor_id=row.actor_id,
        surface=row.surface,
        count=row.count,
    )


def cursor_behind(entry: LogEntry) -> str:
    """Return where a list goes on behind a row."""
    return f"{entry.at:x}-{entry.number:x}"


def read_cursor(cursor: str | None) -> tuple[int, int] | None:
    """Return the position that a cursor stands for.

    Raises:
        CursorUnknown: It is none.
    """
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        msg = (
            "The cursor is none of this log's; send it back as next_cursor gave it, or begin anew."
        )
        raise CursorUnknown(msg)
    return int(match[1], 16), int(match[2], 16)
