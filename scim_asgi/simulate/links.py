"""What a directory remembers of the users and groups that it has at the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class UserLink:
    """What a directory remembers of a user at the server: its id, and what it last sent."""

    id: str
    sent: dict[str, Any]


@dataclass(slots=True)
class GroupLink:
    """What a directory remembers of a group at the server.

    Attributes:
        id: The group's id.
        name: Its name.
        pushed: The ids of the members whom the directory has put there.
        others: The ids of those whom it found there and does not know.
    """

    id: str
    name: str
    pushed: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    @property
    def members(self) -> set[str]:
        """The ids of all whom the server has to have in it."""
        return self.pushed | self.others

    def added(self, members: Iterable[str]) -> None:
        """Note that members were added."""
        self.pushed.update(members)

    def removed(self, members: Iterable[str]) -> None:
        """Note that members were removed, whoever had put them there."""
        self.pushed.difference_update(members)
        self.others.difference_update(members)

    def replaced(self, members: Iterable[str]) -> None:
        """Note that these are the members now, and nobody else is."""
        self.pushed, self.others = set(members), set()
