"""What is remembered of the host that runs with hooks, so that no command takes another's place."""

from __future__ import annotations

import logging
from typing import Any, Literal

from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.errors import MappingUnusable
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.provisioning.compiled import CompiledMappings
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import HostRecord

logger = logging.getLogger("scim_asgi.mapping")

_BATCH = 50

AccountTypeUse = Literal["unused", "compared", "remembered"]
"""What a command does with its account type: nothing, compare it, or be the host that has it."""


class AccountTypeDiffers(ScimAsgiError):
    """The host ran with another account type: hooks would be called with the wrong one."""


class Host:
    """The host's account type and roles: remembered, compared, and held against what is saved.

    Args:
        store: Where they are remembered.
        fields: The fields of the account type of this process.
        compiled: What compiles mappings.
    """

    def __init__(
        self, store: Store, fields: AccountFields[Any], compiled: CompiledMappings
    ) -> None:
        self._store = store
        self._fields = fields
        self._compiled = compiled

    async def remember(self) -> None:
        """Remember this process as the host; write only what differs."""
        roles = self._compiled.roles
        record = HostRecord(
            account_fields=self._fields.all_names,
            roles=None if roles is None else tuple(sorted(roles)),
        )
        if record != await self._store.read(lambda tx: tx.host()):
            await self._store.write(lambda tx: tx.remember_host(record))

    async def check(self) -> None:
        """Check that this process has the host's account type; take over its roles if it has none.

        Raises:
            AccountTypeDiffers: It has another one.
        """
        host = await self._store.read(lambda tx: tx.host())
        if host is None:
            return
        lacking = sorted(set(host.account_fields) - set(self._fields.all_names))
        further = sorted(set(self._fields.all_names) - set(host.account_fields))
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
