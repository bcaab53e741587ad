"""What a directory does in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from scim_asgi.simulate.attributes import Attributes
from scim_asgi.simulate.client import Manners, Reply
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.links import GroupLink, UserLink

Standing = Literal["active", "inactive", "gone", "released"]


class Directory(ABC):
    """A product as a client: its manners, its modes, and each of its steps."""

    name: ClassVar[str]
    title: ClassVar[str]
    modes: ClassVar[tuple[str, ...]] = ("default",)
    manners: Manners = Manners()
    has_groups: ClassVar[bool] = True
    nests_groups: ClassVar[bool] = False
    sends_empty: ClassVar[bool] = True
    """Whether a value that has become empty is cleared at the server too."""
    creates_inactive: ClassVar[bool] = False
    """Whether people who are inactive from the beginning are pushed at all."""
    attributes: ClassVar[Mapping[str, Callable[[Person], Any]]]
    """What is pushed of a person: path to value. `active` is added."""

    @abstractmethod
    async def test_connection(self) -> None:
        """Do what the product's button for testing the connection does."""

    @abstractmethod
    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up and return the users found."""

    @abstractmethod
    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user and return the server's answer."""

    @abstractmethod
    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Send changed values, by path."""

    async def delete_user(self, link: UserLink) -> None:
        """Delete a user; one who is gone already is fine."""
        await self.send("DELETE", f"/Users/{link.id}", expect=(200, 204, 404))

    @abstractmethod
    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look a team up and return the groups found."""

    @abstractmethod
    async def create_group(self, team: Team, members: set[str]) -> GroupLink:
        """Create a group, with or without its members."""

    @abstractmethod
    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Send a changed name and changed members, and note in the link what was sent."""

    async def delete_group(self, link: GroupLink) -> None:
        """Delete a group; one that is gone already is fine."""
        await self.send("DELETE", f"/Groups/{link.id}", expect=(200, 204, 404))

    def standing(self, person: Person) -> Standing:
        """Return what a person's status means to this product.

        ``gone`` is deleted; ``released`` is deactivated and then no longer the product's own.
        """
        if person.status in ("purged", "replaced"):
            return "gone"
        return "active" if person.status == "active" else "inactive"

    async def begin_cycle(self) -> None:  # noqa: B027 - most have nothing to do here
        """Do what the product does before each cycle."""

    async def finish_cycle(self) -> None:  # noqa: B027 - most have nothing to do here
        """Do what the product does behind the users and groups of each cycle."""

    async def finish(self) -> None:  # noqa: B027 - most have nothing to do here
        """Do what the product does at the very end, such as an import."""

    @abstractmethod
    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        expect: Sequence[int] = (200,),
    ) -> Reply:
        """Send a request of the product; see :meth:`Client.send`."""
