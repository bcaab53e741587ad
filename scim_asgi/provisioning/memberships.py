"""Members of groups, changed inside transactions, with the accounts that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.patch import Patch
from scim_asgi.provisioning.hooks import HookSet
from scim_asgi.provisioning.members import MemberEditor, UnknownMembers, unknown_note
from scim_asgi.provisioning.representation import Representations
from scim_asgi.provisioning.units import Effects, Unit
from scim_asgi.store.records import ResourceRecord


class Memberships:
    """Changes the members of groups and marks the accounts whose mapping may read them.

    Args:
        registry: The resource types.
        hooks: The host's hooks; without any there are no accounts.
        unknown_members: What to do with members that are no resource.
        limits: How many members a request may name.
    """

    def __init__(
        self, registry: Registry, hooks: HookSet, unknown_members: UnknownMembers, limits: Limits
    ) -> None:
        self._registry = registry
        self._showing = [each.name for each in registry.definitions if each.derived_attributes]
        self._hooks = hooks
        self._unknown_members = unknown_members
        self._limits = limits

    def set(
        self, unit: Unit, record: ResourceRecord, members: Any, *, replacing: bool = False
    ) -> Effects:
        """Set the members of a new resource, or put others in the place of a stored one's.

        Args:
            unit: The unit of work.
            record: The group.
            members: The value of `members` as it was sent; None when it was not.
            replacing: Whether those who are not named go.

        Raises:
            InvalidValue: A member has no id, or is unknown and that is refused.
        """
        if not unit.definition.row_attributes or (members is None and not replacing):
            return Effects()
        editor = self._editor(unit, record)
        ids = editor.named(unit.definition.attributes["members"], members)
        editor.replace(ids) if replacing else editor.add(ids)
        return self._effects(unit, editor)

    def patch(self, unit: Unit, record: ResourceRecord, patch: Patch) -> Effects:
        """Apply what a PATCH says of members.

        Raises:
            Mutability, InvalidValue: It cannot be applied.
        """
        if not patch.row_edits:
            return Effects()
        editor = self._editor(unit, record)
        for edit in patch.row_edits:
            editor.apply(edit)
        return self._effects(unit, editor)

    def renamed(self, unit: Unit, before: ResourceRecord, after: ResourceRecord) -> bool:
        """Mark the members of a renamed group: a mapping may read its name."""
        if not unit.definition.row_attributes:
            return False
        name = "displayName"
        if before.document.get(name) == after.document.get(name):
            return False
        return self.mark(unit, after)

    def mark(self, unit: Unit, record: ResourceRecord) -> bool:
        """Note that a group's members show it otherwise now; return whether it has any."""
        if not unit.definition.row_attributes:
            return False
        members = [member.number for member in unit.tx.members.of_group(record.number)]
        self._note(unit, members)
        return bool(members)

    def _note(self, unit: Unit, members: Iterable[int]) -> None:
        unit.tx.members.count_change(members, self._showing)
        if self._hooks:
            unit.tx.accounts.mark(members)

    def _editor(self, unit: Unit, record: ResourceRecord) -> MemberEditor:
        make = Representations(self._registry, unit.caller.base_url)
        return MemberEditor(
            unit.tx,
            unit.caller.organization_id,
            record.number,
            make.member,
            self._unknown_members,
            self._limits,
        )

    def _effects(self, unit: Unit, editor: MemberEditor) -> Effects:
        change = editor.change
        touched = change.touched
        if touched:
            self._note(unit, touched)
        notes = (unknown_note(change.unknown),) if change.unknown else ()
        return Effects(notes, bool(touched), members=editor.said())
