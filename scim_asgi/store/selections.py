"""What of the store is wanted, as values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from scim_asgi.protocol.conditions import AllOf, Compare, Condition, Element
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target


class Part(Struct, frozen=True, kw_only=True):
    """What a list has of one resource type.

    Attributes:
        definition: The type.
        condition: The bound filter; None for all.
        values: What stands in the condition's slots, by number; None where it has none, and is
            hardly asked for again.
        sort: What to sort by; None where the type has nothing of the kind.
    """

    definition: ResourceDefinition
    condition: Condition | None = None
    values: tuple[Any, ...] | None = None
    sort: Target | None = None

    @property
    def is_look_up(self) -> bool:
        """Whether it is what one value has that hardly any two resources share."""
        if self.condition is None:
            return False
        is_look_up = _is_look_up if self.values is None else _known_look_up
        return is_look_up(self.definition, self.condition)


class Selection(Struct, frozen=True, kw_only=True):
    """Which resources a list is made of.

    Attributes:
        organization_id: Whose resources.
        parts: What it has of each type; at least one.
        base_url: The URL in front of the endpoints, for filters on locations.
        endpoints: The endpoint of each resource type by its name, likewise.
        is_sorted: Whether the parts say what to sort by; else it is the order of creation.
        descending: Whether the order is reversed.
        after: Only resources with a higher number (a cursor walk in the order of creation).
        offset: How many to pass over.
        limit: How many at most.
    """

    organization_id: str
    parts: tuple[Part, ...]
    base_url: str = ""
    endpoints: dict[str, str] = {}
    is_sorted: bool = False
    descending: bool = False
    after: int | None = None
    offset: int = 0
    limit: int = 100

    @property
    def is_look_up(self) -> bool:
        """Whether it is likely to find one resource or none, through an index."""
        return all(part.is_look_up for part in self.parts)


class LogSelection(Struct, frozen=True, kw_only=True):
    """Which rows of the provisioning log are wanted, newest first.

    Attributes:
        organization_id: Whose rows.
        since: Not before this time.
        until: Before this time.
        actions: With one of these actions; None for any.
        user: About the resource with this id, or with a name that it has had.
        before: Only those behind a row in this order: its time and its number.
        limit: How many at most.
    """

    organization_id: str
    since: int | None = None
    until: int | None = None
    actions: tuple[str, ...] | None = None
    user: str | None = None
    before: tuple[int, int] | None = None
    limit: int = 100


AccountFilter = Literal["confirmed", "pending", "held", "none"]
"""How an account stands: with the host, with the background, with the guard, or not there."""


MemberFilter = Literal["none", "some"]
"""Whether a group has members."""


class Browse(Struct, frozen=True, kw_only=True):
    """Which resources somebody looks for, newest first.

    Attributes:
        text: A part of what they are called, or ""; `folded` is the same in comparable form.
        active: Whether they are active.
        state: How their account stands.
        members: Whether they have members.
        before: Only those with a lower number.
        stretch: How many resources are looked at.
        limit: How many are returned at most.
    """

    organization_id: str
    resource_type: str
    text: str = ""
    folded: str = ""
    active: bool | None = None
    state: AccountFilter | None = None
    members: MemberFilter | None = None
    before: int | None = None
    stretch: int
    limit: int


class Browsed(Struct, frozen=True):
    """What a stretch of resources has of what somebody looks for.

    Attributes:
        numbers: Those that were found, newest first.
        end: The lowest number that was looked at.
        is_last: Whether there is nothing behind it.
    """

    numbers: list[int]
    end: int
    is_last: bool


def _is_look_up(definition: ResourceDefinition, condition: Condition) -> bool:
    """Return whether a condition, or what it implies, names a value that has an index."""
    match condition:
        case Compare(target, "eq"):
            path = str(target)
            return path == "id" or path in definition.lookups or _is_unique(target)
        case AllOf(conditions):
            return any(_is_look_up(definition, each) for each in conditions)
        case Element(target, inner):
            terms = inner.conditions if isinstance(inner, AllOf) else (inner,)
            return any(_is_looked_up_in(definition, target, each) for each in terms)
        case _:
            return False


_known_look_up = lru_cache(maxsize=256)(_is_look_up)
"""Of conditions with slots, which come again."""


def _is_looked_up_in(definition: ResourceDefinition, whole: Target, term: Condition) -> bool:
    if not isinstance(term, Compare) or term.operator != "eq":
        return False
    return f"{whole}.{term.target}" in definition.lookups


def _is_unique(target: Target) -> bool:
    leaf = target.leaf
    return leaf is not None and leaf.uniqueness != "none" and target.sub is None
