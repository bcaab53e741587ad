"""The use cases of role rules: read, replace, try out, look back, restore."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from scim_asgi.mapping.roles import DEFAULT_ROLE, RoleRules, check_rules
from scim_asgi.provisioning.compiled import CompiledMappings, saved_override, saved_rules
from scim_asgi.provisioning.remapping import Remapping
from scim_asgi.provisioning.trials import Trial, try_out
from scim_asgi.provisioning.versions import Kind, SavedVersion, Versioned
from scim_asgi.store.base import Store


class RolesVersion(SavedVersion, frozen=True, kw_only=True):
    """Role rules that were saved.

    Attributes:
        version: Counts the organization's own, from 1.
        saved_at: When, in Unix milliseconds.
        saved_by: Who saved it.
        rules: The rules.
        difference: Each group whose role differs from the version before, with its role there and
            here; None where it is not there. The default role is called "default role".
        is_reordered: Whether the groups that both have come in another order.
    """

    rules: RoleRules


def entries(rules: RoleRules) -> dict[str, str]:
    """Return the role of each group, in their order, and last the default role."""
    found = {
        rule.group if rule.group != DEFAULT_ROLE else f'"{DEFAULT_ROLE}"': rule.role
        for rule in rules.rules
    }
    return found if rules.default is None else {**found, DEFAULT_ROLE: rules.default}


KIND: Kind[RoleRules, RolesVersion] = Kind(
    name="role rules",
    action="roles-changed",
    table=lambda tx: tx.roles,
    content=lambda stored: msgspec.convert(stored, RoleRules),
    entries=entries,
    shown=lambda rules, fields: RolesVersion(rules=rules, **fields),
)


class Roles(Versioned[RoleRules, RolesVersion]):
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
        super().__init__(store, KIND, remapping, wake)
        self._compiled = compiled

    @property
    def known(self) -> frozenset[str] | None:
        """The roles that the host knows; None where it has not declared any."""
        return self._compiled.roles

    async def get(self, organization_id: str) -> RoleRules:
        """Return the role rules of an organization, without rules when none were ever saved."""
        return await self._store.read(lambda tx: saved_rules(tx, organization_id))

    async def check(self, organization_id: str, content: RoleRules) -> None:  # noqa: ARG002
        """Check that role rules could be saved.

        Raises:
            MappingError: They cannot be used; every problem is named by its group.
        """
        check_rules(content, self._compiled.fields, self._compiled.roles)

    async def dry_run(self, organization_id: str, content: RoleRules) -> Trial:
        """Return how many accounts other rules would change, and the first twenty of them.

        Raises:
            MappingError: They cannot be used; every problem is named by its group.
        """
        check_rules(content, self._compiled.fields, self._compiled.roles)
        override = await self._store.read(lambda tx: saved_override(tx, organization_id))
        return await try_out(
            self._store, organization_id, self._compiled.compile(override, content)
        )
