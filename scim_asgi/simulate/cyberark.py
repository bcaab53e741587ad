"""CyberArk Identity: SCIM provisioning of an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import CORE_GROUP, CORE_USER, ENTERPRISE
from scim_asgi.simulate.client import Failure
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.plain import Plain


class CyberArk(Plain):
    """Reads what the server can, and pushes of a user what its schemas name.

    It lists groups to find one and reads it before each PATCH. Nothing is known of a DELETE:
    leavers are deactivated, and the groups of closed teams emptied.
    """

    name = "cyberark"
    title = "CyberArk Identity"
    deletes_groups = False
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        'emails[type eq "work"].value': lambda person: person.mail,
        'phoneNumbers[type eq "mobile"].value': lambda person: person.mobile,
        "title": lambda person: person.title,
        f"{ENTERPRISE}:employeeNumber": lambda person: person.employee_number,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._names: set[str] = set()
        self._groups: list[dict[str, Any]] = []

    @property
    def puts_users(self) -> bool:
        """Users are put."""
        return True

    def standing(self, person: Person) -> Standing:
        """Users are never deleted."""
        return self.released(person)

    def values(self, person: Person) -> dict[str, Any]:
        """Return what is pushed of a person: no more than the schemas name."""
        values = super().values(person)
        return {path: value for path, value in values.items() if _name(path) in self._names}

    async def test_connection(self) -> None:
        """Read a user, what the server can, its types, and the schemas that these name."""
        await self.query("/Users", ("count", "1"))
        await self.send("GET", "/ServiceProviderConfig")
        self._names = {"externalId"}
        for name, schema in (("User", CORE_USER), ("Group", CORE_GROUP)):
            kind = (await self.send("GET", f"/ResourceTypes/{name}")).body
            if kind.get("schema") != schema:
                raise Failure(f"GET /ResourceTypes/{name}: its schema is {kind.get('schema')!r}")
            extensions = [each.get("schema") for each in kind.get("schemaExtensions", [])]
            for each in (schema, *extensions):
                await self._read_schema(each)

    async def begin_cycle(self) -> None:
        """List the groups."""
        self._groups = await self.read_all("/Groups")

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Read the user, then put it."""
        await self.send("GET", f"/Users/{link.id}")
        await super().update_user(person, link, changes)

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Find a team among the groups that were listed."""
        return [each for each in self._groups if each.get("displayName") == team.name]

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Read the group, then patch it."""
        await self.send("GET", f"/Groups/{link.id}")
        await super().update_group(team, link, members)

    async def _read_schema(self, schema: str) -> None:
        body = (await self.send("GET", f"/Schemas/{schema}")).body
        if body.get("id") != schema or not body.get("attributes"):
            raise Failure(f"GET /Schemas/{schema}: there is no such id, or there are no attributes")
        prefix = "" if schema in (CORE_USER, CORE_GROUP) else f"{schema}:"
        self._names |= {f"{prefix}{each.get('name')}" for each in body["attributes"]}


def _name(path: str) -> str:
    """Return the attribute of a path, behind the URN of its extension."""
    prefix = ENTERPRISE if path.startswith(ENTERPRISE) else ""
    return prefix + path.removeprefix(prefix).partition("[")[0].partition(".")[0]
