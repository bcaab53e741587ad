"""The use cases of role rules: read, replace, try out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from scim_asgi.mapping.roles import RoleRules, check_rules
from scim_asgi.provisioning.audit import By, audit_row, named
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.compiled import CompiledMappings, saved_override, saved_rules
from scim_asgi.provisioning.remapping import Remapping
from scim_asgi.provisioning.trials import Trial, try_out
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import RolesRecord


class Roles:
    """The role rules of each organization.

    Args:
        store: Where they are kept.
        compiled: What compiles.
        remapping: What maps accounts anew.
        wake: Tells the background that there is work.
    """

    def __init__(
        self,
        store: Store,
        compiled: CompiledMappings,
        remapping: Remapping,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._compiled = compiled
        self._remapping = remapping
        self._wake = wake

    @property
    def known(self) -> frozenset[str] | None:
        """The roles that the host knows; None where it has not declared any."""
        return self._compiled.roles

    async def get(self, organization_id: str) -> RoleRules:
        """Return the role rules of an organization, without rules when none were ever saved."""
        return await self._store.read(lambda tx: saved_rules(tx, organization_id))

    async def set(self, organization_id: str, rules: RoleRules, *, by: By | str = "") -> None:
        """Replace the role rules of an organization; ``RoleRules()`` removes them.

        Every account of the organization is mapped anew in the background.

        Args:
            organization_id: The organization.
            rules: The rules.
            by: Who does it, for the audit.

        Raises:
            MappingError: They cannot be used; every problem is named by its group.
        """
        check_rules(rules, self._compiled.fields, self._compiled.roles)
        stored: dict[str, Any] = msgspec.to_builtins(rules)

        def save(tx: Transaction) -> None:
            current = tx.roles.current(organization_id)
            if current is None or current.rules != stored:
                record = RolesRecord(
                    organization_id=organization_id,
                    rules=stored,
                    saved_at=now(),
                    saved_by=named(by).name,
                    version=1 if current is None else current.version + 1,
                )
                tx.roles.insert(record)
                detail = f"role rules, version {record.version}: {len(rules.rules)} rules"
                tx.log.insert(audit_row(organization_id, "roles-changed", by, detail))
            self._remapping.begin(tx, organization_id, "role rules")

        await self._store.write(save)
        self._wake()

    async def dry_run(self, organization_id: str, rules: RoleRules) -> Trial:
        """Return how many accounts other rules would change, and the first twenty of them.

        Raises:
            MappingError: They cannot be used; every problem is named by its group.
        """
        check_rules(rules, self._compiled.fields, self._compiled.roles)
        override = await self._store.read(lambda tx: saved_override(tx, organization_id))
        return await try_out(self._store, organization_id, self._compiled.compile(override, rules))
