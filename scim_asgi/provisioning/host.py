"""What is remembered of the host that runs with hooks, so that no command takes another's place."""

from __future__ import annotations

import logging
import time
from typing import Literal

from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.errors import MappingUnusable
from scim_asgi.provisioning.compiled import CompiledMappings
from scim_asgi.provisioning.remapping import VERSION, Remapping
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import HostRecord

logger = logging.getLogger("scim_asgi.mapping")

_BATCH = 50
_HANDOVER = 300.0

_CHANGED = (
    "The product's account type or roles have changed since it last ran: %s. All accounts are "
    "mapped anew in the background; those that change are delivered."
)
_OVERTAKEN = (
    "Another process of the product has a different account type or other roles, and started "
    "later. It does the background's work for the next five minutes, in which this one should end: "
    "processes that share a database need the same ones."
)

AccountTypeUse = Literal["unused", "compared", "remembered"]
"""What a command does with its account type: nothing, compare it, or be the host that has it."""


class AccountTypeDiffers(ScimAsgiError):
    """The host ran with another account type: hooks would be called with the wrong one."""


class Host:
    """The host's account type and roles: remembered, compared, and held against what is saved.

    Args:
        store: Where they are remembered.
        compiled: What compiles mappings.
        remapping: What maps accounts anew.
    """

    def __init__(self, store: Store, compiled: CompiledMappings, remapping: Remapping) -> None:
        self._store = store
        self._fields = compiled.fields
        self._compiled = compiled
        self._remapping = remapping
        self._is_remembered = False
        self._overtaken_at: float | None = None
        self._has_returned = False

    async def remember(self) -> None:
        """Remember this process as the host; where that changes anything, map all accounts anew.

        Of several processes that start together the first one does it.
        """
        record = self._record()
        self._is_remembered = True
        if await self._store.read(lambda tx: _is_known(tx, record)):
            return
        changed = await self._store.write(lambda tx: self._take_over(tx, record))
        if changed:
            logger.warning(_CHANGED, "; ".join(changed))

    def _record(self) -> HostRecord:
        roles = self._compiled.roles
        return HostRecord(
            account_fields=self._fields.described,
            roles=None if roles is None else tuple(sorted(roles)),
        )

    def _take_over(self, tx: Transaction, record: HostRecord) -> list[str]:
        """Store the host, and return how it differs from the one before, in words."""
        # A new release may be able to use what the one before could not.
        tx.remappings.unblock()
        before = tx.host()
        if before == record:
            return []
        tx.remember_host(record)
        if before is None:
            return []
        for organization_id in tx.accounts.organizations():
            self._remapping.begin(tx, organization_id, VERSION)
        return _changes(before, record)

    def is_overtaken(self, tx: Transaction) -> bool:
        """Return whether a process with another account type or other roles is the host now.

        This one is then about to end, as in a rolling deploy, and leaves the background to that
        one. Where it does not end, it goes on, see :meth:`stay`.
        """
        if not self._is_remembered or tx.host() in (None, self._record()):
            self._overtaken_at, self._compiled.is_overtaken = None, False
            return False
        if self._overtaken_at is None:
            self._overtaken_at = time.monotonic()
            logger.warning(_OVERTAKEN)
        self._compiled.is_overtaken = time.monotonic() - self._overtaken_at < _HANDOVER
        return self._compiled.is_overtaken

    async def stay(self) -> None:
        """Be the host again where this process has not ended: the one that took over may have.

        Once in its life, so that two that stay do not take turns for ever.
        """
        if self._overtaken_at is not None and not self._has_returned:
            self._has_returned = True
            await self.remember()

    async def check(self) -> None:
        """Check that this process has the host's account type; take over its roles if it has none.

        Raises:
            AccountTypeDiffers: It has another one.
        """
        host = await self._store.read(lambda tx: tx.host())
        if host is None:
            return
        lacking = sorted(host.account_fields.keys() - self._fields.described.keys())
        further = sorted(self._fields.described.keys() - host.account_fields.keys())
        if lacking or further:
            raise AccountTypeDiffers(_differs(lacking, further))
        if self._compiled.roles is None and host.roles is not None:
            self._compiled.roles = frozenset(host.roles)

    async def unusable(self) -> dict[str, str]:
        """Return each organization whose mapping or role rules cannot be used, with why."""
        found: dict[str, str] = {}
        after: str | None = ""
        while after is not None:
            last = after
            after, problems = await self._store.read(lambda tx, last=last: self._some(tx, last))  # type: ignore[misc]
            found |= problems
        return found

    def _some(self, tx: Transaction, after: str) -> tuple[str | None, dict[str, str]]:
        """Return the problems of the next organizations, and the last one of them, if any."""
        mapped = tx.mappings.organizations(after, _BATCH)
        organizations = sorted({*mapped, *tx.roles.organizations(after, _BATCH)})[:_BATCH]
        problems = {}
        for organization_id in organizations:
            try:
                self._compiled.current(tx, organization_id)
            except MappingUnusable as error:
                problems[organization_id] = error.detail
        return (organizations[-1] if organizations else None), problems

    async def report(self) -> None:
        """Log what cannot be used: until it is repaired, those organizations are answered 503."""
        for problem in (await self.unusable()).values():
            logger.error("%s. Its directory is answered 503 until that is repaired.", problem)


def _is_known(tx: Transaction, record: HostRecord) -> bool:
    return tx.host() == record and not tx.remappings.is_any_blocked()


def _changes(before: HostRecord, after: HostRecord) -> list[str]:
    """Return what differs between two hosts, in words."""
    old, new = before.account_fields, after.account_fields
    changes = [f'the field "{name}" is new' for name in sorted(new.keys() - old.keys())]
    changes += [f'the field "{name}" is gone' for name in sorted(old.keys() - new.keys())]
    changes += [
        f'the field "{name}" was {old[name]} and is {new[name]}'
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    if before.roles != after.roles:
        changes.append(f"the roles were {_listed(before.roles)} and are {_listed(after.roles)}")
    return changes


def _listed(roles: tuple[str, ...] | None) -> str:
    return "any" if roles is None else ", ".join(roles) or "none"


def _differs(lacking: list[str], further: list[str]) -> str:
    parts = []
    if lacking:
        parts.append(f"it has {', '.join(lacking)}, which this one lacks")
    if further:
        parts.append(f"it lacks {', '.join(further)}, which this one has")
    return (
        f"The product's account type is not the one in use here: {'; '.join(parts)}. Name the "
        "product's own: --app MODULE:ATTRIBUTE for its ScimApp, or --account MODULE:ATTRIBUTE "
        "for its account type (scim_asgi:Account for the built-in one). Nothing was changed."
    )
