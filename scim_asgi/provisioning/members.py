"""Changes of a group's members, as changes of rows: their cost does not follow the group's size."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Literal

from msgspec import UNSET, Struct

from scim_asgi.protocol.conditions import AnyOf, Compare, Condition, holds
from scim_asgi.protocol.errors import InvalidValue, Mutability, PayloadTooLarge
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.patch import Edit
from scim_asgi.protocol.patch_apply import Comparisons
from scim_asgi.protocol.schemas import Attribute
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import Related

_SHOWN = 20
"""How many members the log names."""

UnknownMembers = Literal["skip", "reject"]


class MemberChange(Struct):
    """What a request has done to a group.

    Attributes:
        came: The numbers of those who are members now and were none before.
        went: Likewise the other way round.
        returned: The numbers of those who came and went, or went and came.
        unknown: The ids that are no resource of the organization.
    """

    came: set[int] = set()
    went: set[int] = set()
    returned: set[int] = set()
    unknown: list[str] = []

    @property
    def touched(self) -> set[int]:
        """The numbers of all of them."""
        others = self.went | self.returned
        return self.came | others if others else self.came

    def add(self, numbers: list[int]) -> None:
        """Note who came."""
        self._move(self.went, self.came, numbers)

    def remove(self, numbers: list[int]) -> None:
        """Note who went."""
        self._move(self.came, self.went, numbers)

    def _move(self, undone: set[int], done: set[int], numbers: list[int]) -> None:
        back = undone.intersection(numbers) if undone else ()
        done.update(numbers)
        if back:
            undone -= back
            done -= back
            self.returned |= back


class MemberEditor:
    """Edits the members of one group inside a transaction.

    Args:
        tx: The transaction.
        organization_id: The organization.
        group: The group's number.
        show: A member as the directory sees it, for filters.
        unknown_members: What to do with ids that are no resource of the organization.
        limits: How many members a request may name, and how many it may search through.
    """

    def __init__(
        self,
        tx: Transaction,
        organization_id: str,
        group: int,
        show: Callable[[Related], dict[str, Any]],
        unknown_members: UnknownMembers,
        limits: Limits,
    ) -> None:
        self._tx = tx
        self._organization_id = organization_id
        self._group = group
        self._show = show
        self._unknown_members = unknown_members
        self._limits = limits
        self._comparisons = Comparisons(limits)
        self._named = 0
        self._searched = False
        self._ids: dict[int, str] = {}
        self.change = MemberChange()

    def apply(self, edit: Edit) -> None:
        """Apply one PATCH operation on `members`.

        Raises:
            Mutability: It would change a member instead of adding or removing it.
            InvalidValue: A member is no object with a `value`, or is unknown and that is refused.
            PayloadTooLarge: The request names, or searches through, too many members.
        """
        attribute, sub = edit.path.target.attribute, edit.path.target.sub
        assert attribute is not None
        if sub is not None and sub.name != "value":
            msg = f'"{edit.path}" is immutable; remove the member and add another one.'
            raise Mutability(msg)
        if edit.path.condition is not None:
            self._edit_matching(edit, edit.path.condition)
        elif edit.op == "remove":
            self._remove(attribute, edit.value)
        else:
            value = edit.value if sub is None else [{"value": edit.value}]
            ids = self.named(attribute, value)
            self.replace(ids) if edit.op == "replace" else self.add(ids)

    def named(self, attribute: Attribute, value: Any) -> list[str]:
        """Return the ids that a value of `members` names.

        Raises:
            InvalidValue: A member has no id.
            PayloadTooLarge: The request names too many.
        """
        ids = _member_ids(attribute, value)
        self._named += len(ids)
        if self._named > self._limits.members:
            msg = (
                f'The request names {self._named} "{attribute.name}"; at most '
                f"{self._limits.members} fit in one. Send several."
            )
            raise PayloadTooLarge(msg)
        return ids

    def add(self, ids: list[str]) -> None:
        """Add members; those who are there already stay."""
        self.change.add(self._tx.members.add(self._group, self._numbers(ids)))

    def replace(self, ids: list[str]) -> None:
        """Make these the members: only what differs is written."""
        wanted = set(self._numbers(ids))
        present = {member.number for member in self._present()}
        self.change.remove(self._tx.members.remove(self._group, present - wanted))
        self.change.add(self._tx.members.add(self._group, wanted - present))

    def _remove(self, attribute: Attribute, value: Any) -> None:
        """Remove those who are named, or everybody where no list comes with the path."""
        if value is UNSET:
            self.change.remove(self._tx.members.clear(self._group))
        else:
            self._remove_ids(self.named(attribute, value))

    def _remove_ids(self, ids: list[str]) -> None:
        numbers = self._resolve(ids).values()
        self.change.remove(self._tx.members.remove(self._group, numbers))

    def _edit_matching(self, edit: Edit, condition: Condition) -> None:
        ids = _ids_of(condition)
        if edit.op == "remove":
            if ids is not None:
                self._remove_ids(ids)
            else:
                self._remove_where(condition)
        elif ids is not None and (edit.path.target.sub is not None or _names(edit.value, ids)):
            self.add(ids)
        else:
            msg = f'"{edit.path}" cannot be changed; remove the member and add another one.'
            raise Mutability(msg)

    def _remove_where(self, condition: Condition) -> None:
        doomed = [
            member.number for member in self._present() if holds(condition, self._show(member))
        ]
        self.change.remove(self._tx.members.remove(self._group, doomed))

    def _present(self) -> list[Related]:
        present = self._tx.members.of_group(self._group)
        # The first search is free: a group may be larger than the limit.
        if self._searched:
            self._comparisons.add(len(present))
        self._searched = True
        return present

    def _numbers(self, ids: list[str]) -> list[int]:
        known = self._resolve(ids)
        unknown = [each for each in ids if each not in known]
        if unknown and self._unknown_members == "reject":
            msg = (
                f'"members" names {_some(unknown)}, which this server does not have; '
                "provision the members before the group."
            )
            raise InvalidValue(msg)
        self.change.unknown += unknown
        return [known[each] for each in dict.fromkeys(ids) if each in known]

    def _resolve(self, ids: list[str]) -> dict[str, int]:
        known = self._tx.members.resolve(self._organization_id, ids)
        if len(known) <= _SHOWN:
            self._ids.update((number, each) for each, number in known.items())
        return known

    def said(self) -> dict[str, Any]:
        """Return what the log says of it: the first ids of those who came and went, and counts.

        Ids are looked up where the request did not name them, or named many: as many as are said.
        """
        came, went = self.change.came, self.change.went
        if not came and not went:
            return {}
        some = [list(islice(numbers, _SHOWN)) for numbers in (came, went)]
        missing = [each for numbers in some for each in numbers if each not in self._ids]
        if missing:
            self._ids |= self._tx.members.ids(missing)
        added, removed = ([self._ids[each] for each in sorted(numbers)] for numbers in some)
        return {
            "added": added,
            "added_count": len(came),
            "removed": removed,
            "removed_count": len(went),
        }


def _member_ids(attribute: Attribute, value: Any) -> list[str]:
    """Return the ids in a list of members."""
    if value is not None and not isinstance(value, list):
        msg = f'"{attribute.name}" takes a list of objects with the id of a user or group.'
        raise InvalidValue(msg)
    ids = []
    for index, member in enumerate(value or ()):
        found = member.get("value") if isinstance(member, dict) else None
        if not isinstance(found, str) or not found:
            msg = f'"{attribute.name}[{index}].value" has to be the id of a user or group.'
            raise InvalidValue(msg)
        ids.append(found)
    return ids


def _ids_of(condition: Condition) -> list[str] | None:
    """Return the ids that a condition of ``value eq`` terms names, None for any other."""
    if isinstance(condition, Compare):
        attribute = condition.target.attribute
        by_id = attribute is not None and attribute.name == "value" and condition.operator == "eq"
        return [condition.value] if by_id else None
    if not isinstance(condition, AnyOf):
        return None
    ids: list[str] = []
    for each in condition.conditions:
        named = _ids_of(each)
        if named is None:
            return None
        ids += named
    return ids


def _names(value: Any, ids: list[str]) -> bool:
    return isinstance(value, dict) and value.get("value", ids[0]) in ids


def _some(ids: list[str]) -> str:
    shown = ", ".join(f'"{each[:64]}"' for each in ids[:3])
    return shown if len(ids) <= 3 else f"{shown} and {len(ids) - 3} more"


def unknown_note(ids: list[str]) -> str:
    """Return what the log says of skipped members."""
    return f"members skipped, because nobody here has their id: {_some(ids)}"
