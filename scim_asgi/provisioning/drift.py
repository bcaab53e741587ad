"""What the host really has, compared with what the directory wants."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.fields import EMAIL, SERVER_FIELDS, AccountFields
from scim_asgi.provisioning.accounts import is_uncertain, with_delivery
from scim_asgi.provisioning.hooks import HookSet, ReadHook
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord

_BATCH = 100

DriftKind = Literal["missing", "open", "closed", "fields"]


class DriftError(ScimAsgiError):
    """The host cannot be asked what it has; the message says why."""


class Drift(Struct, frozen=True, kw_only=True):
    """An account that the host has otherwise than the directory wants it.

    Attributes:
        account_id: The account's id.
        name: Its address, or its id.
        host_id: The host's own id.
        kind: `missing` at the host; `open` there, and to be closed; `closed` there, and to be
            open; or other `fields`.
        differences: Account field → (what the host has, what is wanted).
        is_pending: Whether a delivery is on its way anyhow.
    """

    account_id: str
    name: str
    host_id: str | None
    kind: DriftKind
    differences: dict[str, tuple[Any, Any]]
    is_pending: bool


class DriftFinder:
    """Asks the host's hook `read` and compares.

    Args:
        store: Where accounts are kept.
        hooks: The host's hooks.
        fields: How an account is built from mapped fields.
        timeout: Seconds that the hook may take for 100 accounts.
    """

    def __init__(
        self, store: Store, hooks: HookSet, fields: AccountFields[Any], timeout: float
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._fields = fields
        self._timeout = timeout

    async def find(self, organization_id: str, *, repair: bool = False) -> list[Drift]:
        """Return what differs, in the order in which the accounts were made.

        Args:
            organization_id: The organization.
            repair: Whether what differs is delivered again.

        Raises:
            DriftError: The host has no hook `read`, or that failed.
        """
        hook = self._reader()
        found: list[Drift] = []
        after = 0
        while accounts := await self._batch(organization_id, after):
            after = accounts[-1].number
            has = await self._read(hook, [account.id for account in accounts])
            for account in accounts:
                fields = has.get(account.id)
                drift = _compare(account, self._wanted(account), fields)
                if drift is None:
                    continue
                found.append(drift)
                if repair:
                    await self._repair(account.number, fields)
        return found

    async def _batch(self, organization_id: str, after: int) -> list[AccountRecord]:
        return await self._store.read(
            lambda tx: tx.accounts.list(organization_id, after=after, limit=_BATCH)
        )

    def _reader(self) -> ReadHook:
        hook = self._hooks.reader()
        if hook is None:
            msg = "No hook `read` is there to say what the product has; give `read`, or `--hooks`."
            raise DriftError(msg)
        return hook

    async def _read(self, hook: ReadHook, account_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await hook(account_ids)
            return {name: _fields(value) for name, value in answer.items()}
        except TimeoutError as error:
            msg = f"The hook read took longer than {self._timeout:g} s."
            raise DriftError(msg) from error
        except Exception as error:
            msg = f"The hook read failed: {type(error).__name__}: {error}"
            raise DriftError(msg) from error

    def _wanted(self, account: AccountRecord) -> dict[str, Any]:
        """Return the fields that hooks are given, those that have their defaults too."""
        try:
            built = self._fields.build(
                account.wanted,
                id=account.id,
                host_id=account.host_id,
                organization_id=account.organization_id,
            )
        except msgspec.ValidationError:
            return account.wanted
        return _fields(built)

    async def _repair(self, number: int, fields: dict[str, Any] | None) -> None:
        """Take what the host has as what it confirmed, so that the difference is delivered."""

        def work(tx: Transaction) -> None:
            account = tx.accounts.by_number(number)
            if account is None or is_uncertain(account):
                return
            known = replace(account, confirmed=None, confirmed_state=None)
            if fields is not None:
                state = "inactive" if fields.get("active") is False else "active"
                known = replace(
                    account, confirmed={**account.wanted, **fields}, confirmed_state=state
                )
            tx.accounts.update(account, with_delivery(known, known, "drift", force=True))

        await self._store.write(work)


def _fields(value: Mapping[str, Any] | Struct) -> dict[str, Any]:
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        msg = f"a value is {type(value).__name__}; return account fields by name, or accounts"
        raise TypeError(msg)
    return {name: each for name, each in plain.items() if name not in SERVER_FIELDS}


def _compare(
    account: AccountRecord, wanted: dict[str, Any], fields: dict[str, Any] | None
) -> Drift | None:
    gone, wants_open = account.wanted_state == "deleted", account.wanted_state == "active"
    if fields is None:
        return None if gone else _drift(account, "missing", {})
    is_open = fields.get("active", True) is not False
    differences = {
        name: (value, wanted.get(name))
        for name, value in fields.items()
        if name != "active" and value != wanted.get(name)
    }
    if is_open != wants_open:
        state = {"active": (is_open, wants_open)}
        return _drift(account, "open" if is_open else "closed", {**state, **differences})
    # What a closed account is called is nobody's concern any more once it is to be deleted.
    return _drift(account, "fields", differences) if differences and not gone else None


def _drift(
    account: AccountRecord, kind: DriftKind, differences: dict[str, tuple[Any, Any]]
) -> Drift:
    return Drift(
        account_id=account.id,
        name=str(account.wanted.get(EMAIL) or account.id),
        host_id=account.host_id,
        kind=kind,
        differences=differences,
        is_pending=account.delivery_id is not None,
    )
