"""What of each organization every version is kept: saved, looked back at, restored.

Nobody saves over a version that they have not seen: whoever says which one a change was made
from is refused where that is not the one in force any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from scim_asgi.errors import ScimAsgiError
from scim_asgi.provisioning.audit import AuditAction, By, audit_row, named
from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.remapping import Remapping
from scim_asgi.provisioning.trials import Trial
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import VersionRecord
from scim_asgi.store.tables import Versions

_encode = msgspec.json.Encoder().encode


class VersionUnknown(ScimAsgiError):
    """An organization never had a version of this number."""


class SavedVersion(Struct, frozen=True, kw_only=True):
    """Something that was saved.

    Attributes:
        version: Counts the organization's own, from 1.
        saved_at: When, in Unix milliseconds.
        saved_by: Who saved it.
        difference: Each entry that differs from the version before, with its value there and
            here; None where it is not there.
        is_reordered: Whether what both have comes in another order.
    """

    version: int
    saved_at: int
    saved_by: str
    difference: dict[str, tuple[str | None, str | None]]
    is_reordered: bool


class VersionConflict(ScimAsgiError):
    """A change was made from another version than the one in force, so nothing was saved.

    Attributes:
        version: The number of the version in force; 0 where none was ever saved.
    """

    def __init__(self, name: str, record: VersionRecord | None) -> None:
        said = "is the default one; nothing was ever saved"
        if record is not None:
            at = f"{datetime.fromtimestamp(record.saved_at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
            by = f" by {record.saved_by}" if record.saved_by else ""
            said = f"is at version {record.version}, saved{by} on {at}"
        super().__init__(
            f"The {name} {said}. This change was made from another version, and nothing was "
            "saved. Look at what is in force now, and make the change there."
        )
        self.version = 0 if record is None else record.version


C = TypeVar("C")
V = TypeVar("V", bound=SavedVersion)


class Kind(Struct, Generic[C, V], frozen=True, kw_only=True):
    """What is kept in versions.

    Attributes:
        name: What it is called.
        action: What the audit calls a change of it.
        table: Where it is.
        content: Returns what was stored, from JSON; of an empty object, what holds without any.
        entries: Returns its names and values, in their order.
        shown: Returns a version of it as it is shown, given the other fields.
    """

    name: str
    action: AuditAction
    table: Callable[[Transaction], Versions]
    content: Callable[[dict[str, Any]], C]
    entries: Callable[[C], Mapping[str, str]]
    shown: Callable[[C, dict[str, Any]], V]


class Versioned(ABC, Generic[C, V]):
    """Something of which each organization has one in force, and every one that was ever saved.

    Args:
        store: Where it is kept.
        kind: What it is.
        remapping: What maps accounts anew.
        wake: Tells the background that there is work.
    """

    def __init__(
        self, store: Store, kind: Kind[C, V], remapping: Remapping, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._kind = kind
        self._remapping = remapping
        self._wake = wake

    @abstractmethod
    async def get(self, organization_id: str) -> C:
        """Return what is in force, which is empty where nothing was ever saved."""

    @abstractmethod
    async def check(self, organization_id: str, content: C) -> None:
        """Check that something could be saved.

        Raises:
            MappingError: It cannot be used; every problem is named by its key or group.
        """

    @abstractmethod
    async def dry_run(self, organization_id: str, content: C) -> Trial:
        """Return how many accounts saving something would change, and the first twenty of them.

        Raises:
            MappingError: It cannot be used; every problem is named by its key or group.
        """

    async def set(
        self,
        organization_id: str,
        content: C,
        *,
        by: By | str = "",
        if_version: int | None = None,
    ) -> int:
        """Replace what is in force of an organization; an empty one reverts to the defaults.

        Every account of the organization is mapped anew in the background, also when nothing
        differs: then there is no new version.

        Args:
            organization_id: The organization.
            content: The override, SCIM path to account field; or the role rules.
            by: Who does it, for the history and the audit.
            if_version: The version that the change was made from, 0 for none; None for
                whichever is in force.

        Returns:
            The version that is in force now.

        Raises:
            MappingError: It cannot be used; every problem is named by its key or group.
            VersionConflict: Something else was saved since `if_version`.
        """
        await self.check(organization_id, content)
        stored = msgspec.to_builtins(content)

        def save(tx: Transaction) -> int:
            version = self._save(tx, organization_id, stored, by, if_version)
            self._remapping.begin(tx, organization_id, self._kind.name)
            return version

        version = await self._store.write(save)
        self._wake()
        return version

    def _save(
        self,
        tx: Transaction,
        organization_id: str,
        content: dict[str, Any],
        by: By | str,
        if_version: int | None,
    ) -> int:
        """Save something, unless it is what is in force, and return its version."""
        table = self._kind.table(tx)
        current = table.current(organization_id)
        if current is not None and _encode(current.content) == _encode(content):
            return current.version
        if if_version not in (None, 0 if current is None else current.version):
            raise VersionConflict(self._kind.name, current)
        record = VersionRecord(
            organization_id=organization_id,
            content=content,
            saved_at=now(),
            saved_by=named(by).name,
            version=1 if current is None else current.version + 1,
        )
        table.insert(record)
        saved = self._version(record, current)
        detail = f"{self._kind.name}, version {record.version}: {_said(saved)}"
        row = audit_row(organization_id, self._kind.action, by, detail, saved.difference)
        tx.log.insert(row)
        return record.version

    async def current(self, organization_id: str) -> V | None:
        """Return the version in force; None when none was ever saved."""
        versions = await self.history(organization_id, limit=1)
        return versions[0] if versions else None

    async def history(self, organization_id: str, *, limit: int = 100) -> list[V]:
        """Return the versions that were saved, newest first, each with what it changed."""
        records = await self._store.read(
            lambda tx: self._kind.table(tx).list(organization_id, limit=limit + 1)
        )
        before = [*records[1:], None]
        return [self._version(*each) for each in zip(records, before, strict=False)][:limit]

    async def saved(self, organization_id: str, version: int) -> C:
        """Return what a version has.

        Raises:
            VersionUnknown: There never was one.
        """
        record = await self._store.read(
            lambda tx: self._kind.table(tx).version(organization_id, version)
        )
        if record is None:
            msg = (
                f"There is no version {version} of the {self._kind.name}; its history lists those "
                "there are."
            )
            raise VersionUnknown(msg)
        return self._kind.content(record.content)

    async def restore(
        self,
        organization_id: str,
        version: int,
        *,
        by: By | str = "",
        if_version: int | None = None,
    ) -> int:
        """Put an earlier version in force again, as a new one, and return that one's number.

        Raises:
            VersionUnknown: There never was one.
            MappingError: It cannot be used any more.
            VersionConflict: Something else was saved since `if_version`.
        """
        content = await self.saved(organization_id, version)
        return await self.set(organization_id, content, by=by, if_version=if_version)

    def difference(self, before: C, after: C) -> dict[str, tuple[str | None, str | None]]:
        """Return each entry that differs, with both values; None where it is not there."""
        return _difference(self._kind.entries(before), self._kind.entries(after))

    def _version(self, record: VersionRecord, before: VersionRecord | None) -> V:
        kind = self._kind
        content = kind.content(record.content)
        old = kind.entries(kind.content({} if before is None else before.content))
        new = kind.entries(content)
        fields = {
            "version": record.version,
            "saved_at": record.saved_at,
            "saved_by": record.saved_by,
            "difference": _difference(old, new),
            "is_reordered": [key for key in old if key in new]
            != [key for key in new if key in old],
        }
        return kind.shown(content, fields)


def _difference(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    return {
        key: (before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    }


def _said(saved: SavedVersion) -> str:
    """Return in words how much a version changed."""
    count = len(saved.difference)
    order = "in another order" if saved.is_reordered else ""
    if not count:
        return order or "nothing changed"
    return ", ".join(filter(None, ("1 change" if count == 1 else f"{count} changes", order)))
