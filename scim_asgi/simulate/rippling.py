"""Rippling: user management over SCIM of a custom app, as its tick boxes are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import ENTERPRISE, Attributes, quoted, resource_of
from scim_asgi.simulate.client import Failure, Manners
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.plain import Plain, schemas_of

_PAGE = 100
_REPEATED = 0.05


class Rippling(Plain):
    """Looks people up by externalId, which is a text like any other; now and then POSTs twice.

    ``patch`` or ``put`` is how it edits groups, ``deactivate`` or ``delete`` what becomes of those
    who leave; ``unpaged`` reads one page of each list. Who is there without the externalId is
    adopted by userName after the 409; users are patched, plainly.
    """

    name = "rippling"
    title = "Rippling"
    modes = (
        "patch-deactivate",
        "patch-delete",
        "put-deactivate",
        "put-delete",
        "put-deactivate-unpaged",
    )
    manners = Manners(plus=True)
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.login,
        'emails[type eq "work"].value': lambda person: person.login,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        "title": lambda person: person.title,
        f"{ENTERPRISE}:employeeNumber": lambda person: person.employee_number,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listed: list[dict[str, Any]] = []

    @property
    def puts_users(self) -> bool:
        """The tick box is for groups; users are patched."""
        return False

    @property
    def puts_groups(self) -> bool:
        """Groups are put where the box for PATCH is not ticked."""
        return self.has("put")

    def standing(self, person: Person) -> Standing:
        """Who is terminated is deactivated or deleted."""
        if not self.has("delete"):
            return self.released(person)
        return "active" if person.status == "active" else "gone"

    async def test_connection(self) -> None:
        """Read what the server can, and its users."""
        await self.send("GET", "/ServiceProviderConfig")
        await self.query("/Users")

    async def begin_cycle(self) -> None:
        """Read all groups and users, as far as pages are supported."""
        self._listed = await self._list("/Groups")
        await self._list("/Users")

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by externalId."""
        return await self.query("/Users", ("filter", f"externalId eq {quoted(person.login)}"))

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user, sometimes twice; who has the userName already is adopted."""
        body = self.user(person, values)
        reply = await self.send("POST", "/Users", body, expect=(201, 409))
        if reply.status == 409:
            return await self._adopt_clashing(person, values)
        if self.random.random() < _REPEATED:
            await self.send("POST", "/Users", body, expect=(409,))
        return reply.body

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Find a team among the groups that were listed, or else by its name."""
        listed = [each for each in self._listed if each.get("displayName") == team.name]
        return listed or await super().find_group(team)

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return a user with a primary address."""
        user = resource_of({**values, 'emails[type eq "work"].primary': True})
        return {"schemas": schemas_of(values), **user}

    async def _adopt_clashing(self, person: Person, values: Attributes) -> dict[str, Any]:
        found = await super().find_user(person)
        if len(found) != 1:
            raise Failure(f"{person.login} clashes with a user whom its userName does not find")
        await self.adopt(person, found[0], values)
        return found[0]

    async def _list(self, path: str) -> list[dict[str, Any]]:
        if self.has("unpaged"):
            return await self.query(path)
        return await self.read_all(path, count=_PAGE)
