"""The use cases of the attribute mapping: read, replace, try out, preview, look back, restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

from msgspec import Struct

from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.entries import DEFAULTS
from scim_asgi.mapping.fields import A, AccountFields
from scim_asgi.protocol.definitions import Registry
from scim_asgi.provisioning.accounts import view_of
from scim_asgi.provisioning.audit import By, audit_row, named
from scim_asgi.provisioning.changes import load
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.compiled import CompiledMappings, saved_override, saved_rules
from scim_asgi.provisioning.previews import Preview, pasted_view, preview_of
from scim_asgi.provisioning.remapping import MappingStatus, Remapping
from scim_asgi.provisioning.trials import Trial, try_out
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord, MappingRecord


class VersionUnknown(ScimAsgiError):
    """An organization never had a mapping of this version."""


class MappingVersion(Struct, frozen=True, kw_only=True):
    """A saved override.

    Attributes:
        version: Counts the organization's own, from 1.
        saved_at: When, in Unix milliseconds.
        saved_by: Who saved it.
        override: The override.
        difference: Each path that differs from the version before, with its value there and here;
            None where it is not there.
    """

    version: int
    saved_at: int
    saved_by: str
    override: dict[str, str]
    difference: dict[str, tuple[str | None, str | None]]


class Mappings(Generic[A]):
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
        self._store = store
        self._registry = registry
        self.fields = fields
        self._compiled = compiled
        self._remapping = remapping
        self._wake = wake

    def defaults(self) -> dict[str, str]:
        """Return the defaults: SCIM path to account field, where the host's accounts have it."""
        return {key: field for key, field in DEFAULTS.items() if self.fields.has(field)}

    async def get(self, organization_id: str) -> dict[str, str]:
        """Return the override of an organization; ``{}`` when the defaults are in force."""
        return await self._store.read(lambda tx: saved_override(tx, organization_id))

    async def set(
        self, organization_id: str, override: Mapping[str, str], *, by: By | str = ""
    ) -> int:
        """Replace the override of an organization; ``{}`` reverts to the defaults.

        Every account of the organization is mapped anew in the background, also when nothing
        differs: then there is no new version.

        Args:
            organization_id: The organization.
            override: SCIM path to account field.
            by: Who does it, for the history and the audit.

        Returns:
            The version that is in force now.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        rules = await self._store.read(lambda tx: saved_rules(tx, organization_id))
        self._compiled.compile(override, rules)

        def save(tx: Transaction) -> int:
            version = _save(tx, organization_id, dict(override), by)
            self._remapping.begin(tx, organization_id, "attribute mapping")
            return version

        version = await self._store.write(save)
        self._wake()
        return version

    async def check(self, organization_id: str, override: Mapping[str, str]) -> None:
        """Check that an override could be saved.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        rules = await self._store.read(lambda tx: saved_rules(tx, organization_id))
        self._compiled.compile(override, rules)

    async def dry_run(self, organization_id: str, override: Mapping[str, str]) -> Trial:
        """Return how many accounts another override would change, and the first twenty of them.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        rules = await self._store.read(lambda tx: saved_rules(tx, organization_id))
        return await try_out(self._store, organization_id, self._compiled.compile(override, rules))

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

    async def history(self, organization_id: str, *, limit: int = 100) -> list[MappingVersion]:
        """Return the overrides that were saved, newest first, each with what it changed."""
        records = await self._store.read(
            lambda tx: tx.mappings.list(organization_id, limit=limit + 1)
        )
        before = [record.override for record in records[1:]] + [{}]
        return [_version(*each) for each in zip(records, before, strict=False)][:limit]

    async def restore(self, organization_id: str, version: int, *, by: By | str = "") -> int:
        """Put an earlier override in force again, as a new version, and return that one's number.

        Raises:
            VersionUnknown: There never was one.
            MappingError: It cannot be used any more.
        """
        override = await self.saved(organization_id, version)
        return await self.set(organization_id, override, by=by)

    async def saved(self, organization_id: str, version: int) -> dict[str, str]:
        """Return the override of a version.

        Raises:
            VersionUnknown: There never was one.
        """
        record = await self._store.read(lambda tx: tx.mappings.version(organization_id, version))
        if record is None:
            msg = (
                f"There is no version {version} of the mapping; its history lists those there are."
            )
            raise VersionUnknown(msg)
        return record.override

    async def status(self, organization_id: str) -> MappingStatus | None:
        """Return how far mapping the accounts anew has come; None when that never was needed."""
        return await self._store.read(lambda tx: self._remapping.status(tx, organization_id))


def _save(tx: Transaction, organization_id: str, override: dict[str, str], by: By | str) -> int:
    """Save an override, unless it is the one in force, and return its version."""
    current = tx.mappings.current(organization_id)
    if current is not None and list(current.override.items()) == list(override.items()):
        return current.version
    record = MappingRecord(
        organization_id=organization_id,
        override=override,
        saved_at=now(),
        saved_by=named(by).name,
        version=1 if current is None else current.version + 1,
    )
    tx.mappings.insert(record)
    tx.log.insert(audit_row(organization_id, "mapping-changed", by, _detail(record)))
    return record.version


def _detail(record: MappingRecord) -> str:
    count = len(record.override)
    what = "the defaults" if not count else "1 path" if count == 1 else f"{count} paths"
    return f"attribute mapping, version {record.version}: {what}"


def _version(record: MappingRecord, before: dict[str, str]) -> MappingVersion:
    after = record.override
    return MappingVersion(
        version=record.version,
        saved_at=record.saved_at,
        saved_by=record.saved_by,
        override=after,
        difference={
            key: (before.get(key), after.get(key))
            for key in dict.fromkeys([*before, *after])
            if before.get(key) != after.get(key)
        },
    )
