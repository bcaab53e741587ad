"""How the connection of an organization to its directory stands."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import SeenRecord, TokenRecord

State = Literal["not_connected", "waiting", "connected", "failing", "held"]

DAY = 86_400_000
FAILURES = ("refused", "failed")
"""The actions that are errors."""
_LATEST = 20


class LastRequest(Struct, frozen=True, kw_only=True):
    """The latest request of a directory that had a valid token. Times are Unix milliseconds."""

    at: int
    method: str
    path: str
    status: int


class ConnectionStatus(Struct, frozen=True, kw_only=True):
    """How the connection of an organization stands.

    Attributes:
        state: `held`: the guard holds deactivations; else `not_connected`: there is no token
            that a directory could use; else `waiting`: none of the tokens was ever used; else
            `failing`: of the last twenty writes of the last 24 hours at least half were refused
            or failed, those that were skipped aside; else `connected`.
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
    return ConnectionStatus(
        organization_id=organization_id,
        state=_state(tx, organization_id, at, held=held),
        directory=None if seen is None else seen.directory,
        first_request_at=None if seen is None else seen.first_at,
        last_request=None if seen is None else _last(seen),
        users=totals.users,
        active_users=totals.active,
        groups=totals.groups,
        pending_changes=tx.accounts.unsettled(organization_id),
        held_changes=held,
        errors_24h=tx.log.count(organization_id, FAILURES, at - DAY),
        rate_limited_24h=tx.log.count(organization_id, ("rate-limited",), at - DAY),
    )


def _state(tx: Transaction, organization_id: str, at: int, *, held: int) -> State:
    if held:
        return "held"
    live = [token for token in tx.tokens.list(organization_id) if is_live(token, at)]
    if not live:
        return "not_connected"
    if all(token.last_used_at is None for token in live):
        return "waiting"
    actions = tx.log.latest_actions(organization_id, at - DAY, _LATEST)
    failures = sum(action in FAILURES for action in actions)
    return "failing" if failures and failures * 2 >= len(actions) else "connected"


def is_live(token: TokenRecord, at: int) -> bool:
    """Return whether a token is neither revoked nor expired at a time in Unix milliseconds."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > at)


def _last(seen: SeenRecord) -> LastRequest:
    return LastRequest(at=seen.last_at, method=seen.method, path=seen.path, status=seen.status)
