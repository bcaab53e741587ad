"""OneLogin: the SCIM provisioner with an admin's template of a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from msgspec.structs import replace

from scim_asgi.simulate.attributes import ENTERPRISE, Attributes, place, quoted, resource_of
from scim_asgi.simulate.client import Failure, Manners, Stopped
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import UserLink
from scim_asgi.simulate.plain import Plain, schemas_of

_CORE_1 = "urn:scim:schemas:core:1.0"
_WORK_MAIL = 'emails[type eq "work"].value'


class OneLogin(Plain):
    """Reads groups, renders a template for users, and patches one member at a time.

    ``put`` sends the classic template: `emails` is one object, what is empty is null, schemas are
    those of 1.0, there is a key that nobody knows, and no Content-Type; ``patch`` sends single
    paths, with the Content-Type that admins are told to add. Nothing is known of a DELETE of
    groups: they are emptied.
    """

    name = "onelogin"
    title = "OneLogin"
    modes = ("put-suspend", "put-delete", "patch-suspend", "patch-delete")
    manners = Manners(headers={"User-Agent": ""})
    batch = 1
    deletes_groups = False
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        "name.formatted": lambda person: person.display_name,
        _WORK_MAIL: lambda person: person.login,
        "title": lambda person: person.title,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entitlements: list[dict[str, Any]] = []
        if self.puts_users:
            self.manners = replace(self.manners, body_type=None)

    def values(self, person: Person) -> dict[str, Any]:
        """Return what is pushed; the classic template says no type of an address."""
        values = super().values(person)
        if self.puts_users:
            values["emails.value"] = values.pop(_WORK_MAIL)
        return values

    def standing(self, person: Person) -> Standing:
        """Who is no longer assigned is suspended or deleted."""
        if not self.has("delete"):
            return self.released(person)
        if person.status == "suspended":
            return "inactive"
        return "active" if person.status == "active" else "gone"

    async def test_connection(self) -> None:
        """Look for somebody who cannot exist; an empty list and 404 are both fine."""
        nobody = UUID(int=self.random.getrandbits(128), version=4)
        if await self._find(str(nobody)):
            raise Stopped(
                f'the connection test failed: somebody is found by userName eq "{nobody}"'
            )

    async def begin_cycle(self) -> None:
        """Refresh the entitlements, which are the groups."""
        self._entitlements = await self.read_all("/Groups")

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by userName; 404 means nobody too."""
        return await self._find(person.login)

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user; the answer has to have an id and both names."""
        user = await super().create_user(person, values)
        name = user.get("name") or {}
        if "givenName" not in name or "familyName" not in name:
            raise Failure(f"the answer for {person.login} lacks name.givenName or name.familyName")
        return user

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Read the user by its id, then put or patch it."""
        await self.send("GET", f"/Users/{link.id}")
        await super().update_user(person, link, changes)

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Find a team among the entitlements."""
        return [each for each in self._entitlements if each.get("displayName") == team.name]

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Return a rendered template."""
        if not self.puts_users:
            return {"schemas": schemas_of(values), **resource_of(values)}
        user: dict[str, Any] = {"schemas": [_CORE_1, *schemas_of(values)]}
        for path, value in values.items():
            place(user, path, value)
        return user | {"user_mobile": person.mobile}

    async def _find(self, login: str) -> list[dict[str, Any]]:
        return await self.query("/Users", ("filter", f"userName eq {quoted(login)}"), none=(404,))
