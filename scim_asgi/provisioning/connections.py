"""How the connection of an organization to its directory stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from scim_asgi.provisioning.clock import SLACK, now
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import SeenRecord, TokenRecord

State = Literal["not_connected", "waiting", "connected", "failing", "held"]

DAY = 86_400_000
FAILURES = ("refused", "failed")
"""The actions that are errors."""
_LATEST = 20
_REMEMBERED = 7 * DAY


class LastRequest(Struct, frozen=True, kw_only=True):
    """The latest request of a directory that had a valid token. Times are Unix milliseconds."""

    at: int
    method: str
    path: str
    status: int


class EndedToken(Struct, frozen=True, kw_only=True):
    """A token that a directory uses although it does not work any more. Times are Unix milliseconds.

    Attributes:
        prefix: How it begins.
        ended_at: When it was revoked or expired.
        refused_at: When it was last sent.
    """

    id: str
    name: str
    prefix: str
    ended: Literal["revoked", "expired"]
    ended_at: int
    refused_at: int


class ConnectionStatus(Struct, frozen=True, kw_only=True):
    """How the connection of an organization stands.

    Attributes:
        state: `held`: the guard holds deactivations; else `failing`: the directory uses a token
            that does not work any more; else `not_connected`: there is no token that a directory
            could use; else `waiting`: none of the tokens was ever used; else `failing` again: of
            the last twenty writes of the last 24 hours at least half were refused or failed, those
            that were skipped aside; else `connected`.
        hint: What to know or do, in words, where the state does not say it; else empty.
        ended_token: A token that was revoked or has expired, and that came last, after every
            request with one that works, within the last seven days.
        silent_since: When the latest request came, where the state is `connected` and that was
            more than 24 hours ago. Some directories send only when something changes.
        directory: Which directory it seems to be, by its requests; None before the first.
        first_request_at: When the first request came.
        last_request: The latest request.
        users: How many Users the directory has here.
        active_users: How many accounts are open.
        groups: How many Groups.
        pending_changes: How many changes the host has yet to confirm.
        held_changes: How many deactivations and deletions the guard holds.
        errors_24h: How many writes were refused or failed in the last 24 hours.
        rate_limited_24h: How many requests were over the rate limit, likewise.
    """

    organization_id: str
    state: State
    hint: str
    ended_token: EndedToken | None
    silent_since: int | None
    directory: str | None
    first_request_at: int | None
    last_request: LastRequest | None
    users: int
    active_users: int
    groups: int
    pending_changes: int
    held_changes: int
    errors_24h: int
    rate_limited_24h: int


class Connections:
    """Says how connections stand. What it costs does not grow with the number of users.

    Args:
        store: Where everything is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def status(self, organization_id: str) -> ConnectionStatus:
        """Return how the connection of an organization stands."""
        return await self._store.read(lambda tx: _status(tx, organization_id))


def _status(tx: Transaction, organization_id: str) -> ConnectionStatus:
    at = now()
    seen = tx.connections.seen(organization_id)
    totals = tx.connections.totals(organization_id)
    held = tx.accounts.held(organization_id)
    tokens = tx.tokens.list(organization_id)
    ended = _ended(tokens, at, 0 if seen is None else seen.last_at)
    state: State = (
        "held" if held else "failing" if ended else _state(tx, organization_id, tokens, at)
    )
    limited = ("rate-limited",)
    is_silent = state == "connected" and seen is not None and at - seen.last_at > DAY
    silent_since = seen.last_at if is_silent and seen is not None else None
    return ConnectionStatus(
        organization_id=organization_id,
        state=state,
        hint=_hint(ended, silent_since),
        ended_token=None if ended is None else _ended_token(ended),
        silent_since=silent_since,
        directory=None if seen is None else seen.directory,
        first_request_at=None if seen is None else seen.first_at,
        last_request=None if seen is None else _last(seen),
        users=totals.users,
        active_users=totals.active,
        groups=totals.groups,
        pending_changes=tx.accounts.unsettled(organization_id),
        held_changes=held,
        errors_24h=tx.log.count(organization_id, FAILURES, at - DAY, at + SLACK),
        rate_limited_24h=tx.log.count(organization_id, limited, at - DAY, at + SLACK),
    )


def _state(tx: Transaction, organization_id: str, tokens: Sequence[TokenRecord], at: int) -> State:
    live = [token for token in tokens if is_live(token, at)]
    if not live:
        return "not_connected"
    if all(token.last_used_at is None for token in live):
        return "waiting"
    actions = tx.log.latest_actions(organization_id, at - DAY, at + SLACK, _LATEST)
    failures = sum(action in FAILURES for action in actions)
    return "failing" if failures and failures * 2 >= len(actions) else "connected"


def is_live(token: TokenRecord, at: int) -> bool:
    """Return whether a token is neither revoked nor expired at a time in Unix milliseconds."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > at)


def ending_of(token: TokenRecord) -> str:
    """Return in words how and on which day a token that does not work any more has ended."""
    ended, at = _ending(token)
    what = "was revoked" if ended == "revoked" else "expired"
    return f"{what} on {_day(at)}"


def _ending(token: TokenRecord) -> tuple[Literal["revoked", "expired"], int]:
    if token.revoked_at is not None:
        return "revoked", token.revoked_at
    assert token.expires_at is not None
    return "expired", token.expires_at


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def _ended(tokens: Iterable[TokenRecord], at: int, seen_at: int) -> TokenRecord | None:
    """Return the token that was refused last, where nothing has worked since and it is not long ago."""
    # What is ahead was noted before the clock was set back.
    latest = at + SLACK
    after = max(seen_at if seen_at <= latest else 0, at - _REMEMBERED)
    refused = [each for each in tokens if after < (each.refused_at or 0) <= latest]
    return max(refused, key=lambda token: token.refused_at or 0, default=None)


def _ended_token(token: TokenRecord) -> EndedToken:
    ended, ended_at = _ending(token)
    return EndedToken(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        ended=ended,
        ended_at=ended_at,
        refused_at=token.refused_at or 0,
    )


def _hint(ended: TokenRecord | None, silent_since: int | None) -> str:
    if ended is not None:
        return (
            f'The directory still uses the token "{ended.name}" ({ended.prefix}…), which '
            f"{ending_of(ended)}; give it a new one."
        )
    if silent_since is not None:
        return (
            f"Nothing has come since {_day(silent_since)}. Some directories send only when "
            "something changes; if yours should have, look whether provisioning is on there."
        )
    return ""


def _last(seen: SeenRecord) -> LastRequest:
    return LastRequest(at=seen.last_at, method=seen.method, path=seen.path, status=seen.status)
