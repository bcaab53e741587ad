"""The use cases of the attribute mapping: read, replace, try out, preview, look back, restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

from scim_asgi.mapping.entries import DEFAULTS
from scim_asgi.mapping.fields import A, AccountFields
from scim_asgi.protocol.definitions import Registry
from scim_asgi.provisioning.accounts import view_of
from scim_asgi.provisioning.changes import load
from scim_asgi.provisioning.compiled import CompiledMappings, saved_override, saved_rules
from scim_asgi.provisioning.previews import Preview, pasted_view, preview_of
from scim_asgi.provisioning.remapping import MappingStatus, Remapping
from scim_asgi.provisioning.trials import Trial, try_out
from scim_asgi.provisioning.versions import Kind, SavedVersion, Versioned
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord


class MappingVersion(SavedVersion, frozen=True, kw_only=True):
    """A saved override.

    Attributes:
        version: Counts the organization's own, from 1.
        saved_at: When, in Unix milliseconds.
        saved_by: Who saved it.
        override: The override.
        difference: Each path that differs from the version before, with its value there and here;
            None where it is not there.
        is_reordered: Whether the paths that both have come in another order.
    """

    override: dict[str, str]


KIND: Kind[Mapping[str, str], MappingVersion] = Kind(
    name="attribute mapping",
    action="mapping-changed",
    table=lambda tx: tx.mappings,
    content=lambda stored: stored,
    entries=lambda override: override,
    shown=lambda override, fields: MappingVersion(override=dict(override), **fields),
)


class Mappings(Versioned[Mapping[str, str], MappingVersion], Generic[A]):
    """The attribute mapping of each organization.

    Args:
        store: Where overrides are kept.
        registry: The resource types.
        fields: The fields of the host's account type.
        compiled: What compiles.
        remapping: What maps accounts anew.
        wake: Tells the background that there is work.

    Attributes:
        fields: The fields of the host's account type.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        fields: AccountFields[A],
        compiled: CompiledMappings,
        remapping: Remapping,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(store, KIND, remapping, wake)
        self._registry = registry
        self.fields = fields
        self._compiled = compiled

    def defaults(self) -> dict[str, str]:
        """Return the defaults: SCIM path to account field, where the host's accounts have it."""
        return {key: field for key, field in DEFAULTS.items() if self.fields.has(field)}

    async def get(self, organization_id: str) -> dict[str, str]:
        """Return the override of an organization; ``{}`` when the defaults are in force."""
        return await self._store.read(lambda tx: saved_override(tx, organization_id))

    async def check(self, organization_id: str, content: Mapping[str, str]) -> None:
        """Check that an override could be saved.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        rules = await self._store.read(lambda tx: saved_rules(tx, organization_id))
        self._compiled.compile(content, rules)

    async def dry_run(self, organization_id: str, content: Mapping[str, str]) -> Trial:
        """Return how many accounts another override would change, and the first twenty of them.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        rules = await self._store.read(lambda tx: saved_rules(tx, organization_id))
        return await try_out(self._store, organization_id, self._compiled.compile(content, rules))

    async def preview(
        self,
        organization_id: str,
        *,
        user_id: str | None = None,
        resource: dict[str, Any] | None = None,
        override: Mapping[str, str] | None = None,
    ) -> Preview[A]:
        """Return the account of one User, and for each field where its value comes from.

        Args:
            organization_id: The organization.
            user_id: The id of a stored User; or else
            resource: a User as JSON, perhaps with `groups`.
            override: Another override than the one in force.

        Raises:
            ValueError: Neither or both of `user_id` and `resource` are given.
            MappingError: The override cannot be used.
            ScimError: There is no such User, or it is none.
        """
        if (user_id is None) == (resource is None):
            msg = "Give either user_id or resource."
            raise ValueError(msg)
        pasted = None if resource is None else pasted_view(self._registry, resource)

        def read(tx: Transaction) -> tuple[Any, dict[str, Any], AccountRecord | None]:
            saved = saved_override(tx, organization_id) if override is None else override
            mapping = self._compiled.compile(saved, saved_rules(tx, organization_id))
            if pasted is not None:
                return mapping, pasted, None
            return mapping, *self._stored(tx, organization_id, user_id or "")

        mapping, view, account = await self._store.read(read)
        return preview_of(mapping, self.fields, organization_id, view, account)

    def _stored(
        self, tx: Transaction, organization_id: str, user_id: str
    ) -> tuple[dict[str, Any], AccountRecord | None]:
        record = load(tx, organization_id, self._registry.by_name["User"], user_id)
        account = tx.accounts.of_resource(record.number)
        return view_of(record, tx.members.groups_of(record.number)), account

    async def status(self, organization_id: str) -> MappingStatus | None:
        """Return how far mapping the accounts anew has come; None when that never was needed."""
        return await self._store.read(lambda tx: self._remapping.status(tx, organization_id))
