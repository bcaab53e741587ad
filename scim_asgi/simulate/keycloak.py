"""Keycloak: the SCIM client that is an extension of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import Attributes, resource_of
from scim_asgi.simulate.client import Failure, Manners
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.plain import Operation, Plain, references, schemas_of

_PATCHED = ("active", "userName", "displayName")
_NEEDED = ("id", *_PATCHED)


class Keycloak(Plain):
    """Imports what is there, then creates, puts or patches; it gives an answer up after 5 s.

    ``patch`` replaces three attributes of a user, `active` as a text, and all members of a group;
    other attributes stay as they were created. Lists are read as the RFC has it. The product's import
    breaks on users without a displayName, and then creates them again and again: 409 for good. Here
    that is a failure in the report, and they are adopted after the 409, so that a server which other
    directories have filled is not blamed for it.
    """

    name = "keycloak"
    title = "Keycloak"
    modes = ("put", "patch")
    manners = Manners(timeout=5, busy=(), attempts=11, reconnects=True)
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        "emails.value": lambda person: person.mail,
        "roles.value": lambda person: person.role,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._users: dict[str, dict[str, Any]] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self._groups: dict[str, dict[str, Any]] = {}

    @property
    def puts_groups(self) -> bool:
        """Whether the option for PATCH is off."""
        return self.has("put")

    async def test_connection(self) -> None:
        """There is no test."""

    async def begin_cycle(self) -> None:
        """Import users and groups; it breaks on users who lack what it needs."""
        self._users.clear()
        self._named.clear()
        for user in await self.read_all("/Users"):
            self._named[str(user.get("userName")).casefold()] = user
            lacking = [name for name in _NEEDED if user.get(name) is None]
            if lacking:
                text = f"the import of user {user['id']} breaks: there is no {lacking[0]}"
                self.report.failures.append(text)
            else:
                self._users[user["userName"]] = user
        groups = await self.read_all("/Groups")
        self._groups = {each["displayName"]: each for each in groups if each.get("displayName")}

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look among those who were imported."""
        user = self._users.get(person.login)
        return [] if user is None else [user]

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user, or adopt the one of this name whom the import could not take."""
        body = self.user(person, values)
        reply = await self.send("POST", "/Users", body, expect=(201, 409))
        if reply.status != 409:
            return reply.body
        user = self._named.get(person.login.casefold())
        if user is None:
            raise Failure(f"POST /Users: 409, and nobody is called {person.login}")
        await self.adopt(person, user, values)
        return user

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Put the whole user, or patch the three attributes that it knows how to."""
        if self.puts_users:
            body = {**self.user(person, {**link.sent, **changes}), "id": link.id}
            await self.send("PUT", f"/Users/{link.id}", body)
            return
        for path in changes.keys() - set(_PATCHED):
            del changes[path]
        values = {**link.sent, **changes}
        values["active"] = "true" if values["active"] else "false"
        await self.patch(f"/Users/{link.id}", [_replace(path, values[path]) for path in _PATCHED])

    async def delete_user(self, link: UserLink) -> None:
        """Delete a user, who is then no longer among those imported."""
        await super().delete_user(link)
        self._users = {name: each for name, each in self._users.items() if each["id"] != link.id}

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look among those that were imported."""
        group = self._groups.get(team.name)
        return [] if group is None else [group]

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Put the whole group, or replace its members and names; nobody is a removal of null."""
        if self.puts_groups:
            await super().update_group(team, link, members)
            return
        nobody = {"op": "remove", "path": "members", "value": None}
        operations = [_replace("members", references(members)) if members else nobody]
        operations.append(_replace("displayName", team.name))
        operations.append(_replace("externalId", team.key))
        await self.patch(f"/Groups/{link.id}", operations)
        link.name = team.name
        link.replaced(members)

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return a user, with addresses and roles that are a value each and nothing more."""
        lists = {"emails.value": "emails", "roles.value": "roles"}
        user = resource_of({path: each for path, each in values.items() if path not in lists})
        for path, name in lists.items():
            user[name] = [] if values[path] is None else [{"value": values[path]}]
        return {"schemas": schemas_of(values), **user}

    def group(self, team: Team, members: Collection[str]) -> dict[str, Any]:
        """Return a group with the id that it has at Keycloak."""
        return super().group(team, members) | {"externalId": team.key}


def _replace(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}
