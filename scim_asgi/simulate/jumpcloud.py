"""JumpCloud: the custom SCIM identity management connector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import CORE_GROUP, CORE_USER, quoted
from scim_asgi.simulate.client import Failure
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink
from scim_asgi.simulate.plain import Operation, Plain, references

_TEST_LOGIN = "connection.test@jumpcloud.example"
_TEST_TEAM = "JumpCloud connection test"
_TESTS = 2
_REPEATED = 0.3


class JumpCloud(Plain):
    """Tests with a user and a group of its own; repeats adds; removes members by a list of them.

    ``patch`` or ``put`` is how it updates users, one operation for each attribute; leavers are
    deactivated, or deleted in the modes that say so. Nothing goes into extensions.
    """

    name = "jumpcloud"
    title = "JumpCloud"
    modes = ("patch", "put", "patch-delete", "put-delete")
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        'emails[type eq "work"].value': lambda person: person.login,
        "title": lambda person: person.title,
        'phoneNumbers[type eq "mobile"].value': lambda person: person.mobile,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._has_tested = False

    def standing(self, person: Person) -> Standing:
        """Who is suspended, unassigned or gone becomes inactive, or is deleted."""
        if not self.has("delete"):
            return self.released(person)
        return "active" if person.status == "active" else "gone"

    async def test_connection(self) -> None:
        """Make a user and a group, change and delete them; each edit of the connector repeats it."""
        await self._clear("/Users", "userName", _TEST_LOGIN)
        await self._clear("/Groups", "displayName", _TEST_TEAM)
        self._has_tested = True
        for _ in range(_TESTS):
            user = await self._test_user()
            await self._test_group(user)
            reply = await self.send("DELETE", user, expect=(200, 204, 405, 501))
            if reply.status in (405, 501):
                await self._change(user, "active", value=False)
                return
            await self._check_gone(user)

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:  # noqa: ARG002
        """Create a group; its members come later."""
        body = {"schemas": [CORE_GROUP], "displayName": team.name}
        group = await self.send("POST", "/Groups", body, expect=(201,))
        return GroupLink(group.id, team.name)

    async def add_members(self, link: GroupLink, members: set[str]) -> None:
        """Add members, and now and then some who are there already."""
        again = {each for each in sorted(link.pushed) if self.random.random() < _REPEATED}
        await super().add_members(link, members | again if members else members)

    def removing(self, members: list[str]) -> list[Operation]:
        """Return a removal of listed members, which the RFC knows only with a filter."""
        return [{"op": "remove", "path": "members", "value": references(members)}]

    async def _test_user(self) -> str:
        """Create and change a user; return its path."""
        body = {
            "schemas": [CORE_USER],
            "userName": _TEST_LOGIN,
            "name": {"givenName": "Connection", "familyName": "Test"},
            "emails": [{"value": _TEST_LOGIN, "type": "work", "primary": True}],
            "active": True,
        }
        path = f"/Users/{(await self.send('POST', '/Users', body, expect=(201,))).id}"
        body["name"] = {"givenName": "Changed", "familyName": "Test"}
        if self.puts_users:
            await self.send("PUT", path, body)
        else:
            await self._change(path, "name.givenName", value="Changed")
        found = (await self.send("GET", path)).body
        if found.get("name", {}).get("givenName") != "Changed":
            raise Failure(f"{path} was updated and is as it was")
        return path

    async def _test_group(self, user: str) -> None:
        """Create a group, change its name and members, and delete it."""
        body = {"schemas": [CORE_GROUP], "displayName": _TEST_TEAM}
        path = f"/Groups/{(await self.send('POST', '/Groups', body, expect=(201,))).id}"
        members = [user.removeprefix("/Users/")]
        await self.patch(path, self.adding(members))
        await self._change(path, "displayName", value=f"{_TEST_TEAM} 2")
        await self.patch(path, self.removing(members))
        await self.send("DELETE", path, expect=(200, 204))
        await self._check_gone(path)

    async def _change(self, path: str, name: str, *, value: Any) -> None:
        await self.patch(path, [{"op": "replace", "path": name, "value": value}])

    async def _check_gone(self, path: str) -> None:
        if (await self.send("GET", path, expect=(200, 404))).status != 404:
            raise Failure(f"{path} was deleted and is still there")

    async def _clear(self, path: str, attribute: str, name: str) -> None:
        """Look for what the test is going to make: it must not be there, but for a broken test."""
        for value in (name, f"{name} 2"):
            for each in await self.query(path, ("filter", f"{attribute} eq {quoted(value)}")):
                if not self._has_tested:
                    raise Failure(f'the test needs {path} without {attribute} "{value}"')
                await self.send("DELETE", f"{path}/{each['id']}", expect=(200, 204, 404))
