"""SailPoint: the SCIM 2.0 connector, which aggregates more than it pushes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE,
    Attributes,
    quoted,
)
from scim_asgi.simulate.client import Failure
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.plain import Plain, operations, references

_COUNT = 100
_SHOWN = ("attributes", "userName,displayName,name,emails,active,groups,meta")


class SailPoint(Plain):
    """Aggregates accounts and groups before it pushes: all at first, later what has changed.

    ``patch`` or ``put`` is `usePatch`; with ``via-users``, which is `updateGroupsViaUsers`,
    memberships go into the `groups` of users. The RFC has these read-only, and a server that
    holds to it leaves memberships as they were. Who is not aggregated is created.
    """

    name = "sailpoint"
    title = "SailPoint"
    modes = ("patch", "put", "patch-via-users", "put-via-users")
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        'emails[type eq "work"].value': lambda person: person.mail,
        "title": lambda person: person.title,
        f"{ENTERPRISE}:department": lambda person: person.department,
        f"{ENTERPRISE}:costCenter": lambda person: person.city[1] or None,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._accounts: dict[str, dict[str, Any]] = {}
        self._groups: list[dict[str, Any]] = []
        self._since = ""
        self._written: set[str] = set()
        self._memberships: dict[str, set[str]] = {}

    @property
    def puts_groups(self) -> bool:
        """Whether `usePatch` is off."""
        return self.has("put")

    async def test_connection(self) -> None:
        """Read all that describes the server; what is missing is missed."""
        for path in (
            "/ServiceProviderConfig",
            "/ResourceTypes",
            "/Schemas",
            "/ResourceTypes/User",
            "/ResourceTypes/Group",
            f"/Schemas/{CORE_USER}",
            f"/Schemas/{CORE_GROUP}",
        ):
            body = (await self.send("GET", path)).body
            if path in ("/ResourceTypes", "/Schemas") and not body.get("Resources"):
                raise Failure(f"GET {path}: nothing is listed")

    async def begin_cycle(self) -> None:
        """Aggregate: everything the first time, then what was modified since the last time."""
        if self._since:
            await self._aggregate_changes()
        else:
            self._note(await self.read_all("/Users", _SHOWN, count=_COUNT))
        self._groups = await self.read_all("/Groups", count=_COUNT)

    async def finish_cycle(self) -> None:
        """Write memberships as the groups of users, where that is asked for."""
        if self.has("via"):
            people = [each for each in self.company.here if each.key in self.users]
            await self.each(people, self._push_memberships)

    async def finish(self) -> None:
        """Aggregate in partitions, by how userName begins: together they are everything."""
        everything = {each["id"] for each in await self.read_all("/Users", count=_COUNT)}
        names = {link.sent["userName"][:1] for link in self.users.values()}
        found: set[str] = set()
        for each in sorted({name.upper() for name in names}):
            condition = f"userName sw {quoted(each)}"
            part = await self.read_all("/Users", ("filter", condition), count=_COUNT)
            found |= {user["id"] for user in part}
        lacking = {link.id for link in self.users.values()} - found
        if lacking or found - everything:
            raise Failure(f"partitions by userName lack {len(lacking)} users")

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up among the accounts."""
        found = [each for each in self._accounts.values() if each.get("userName") == person.login]
        return [(await self.send("GET", f"/Users/{each['id']}")).body for each in found]

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user, who is an account from now on."""
        user = await super().create_user(person, values)
        self._written.add(user["id"])
        return user

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Put or patch a user."""
        await super().update_user(person, link, changes)
        self._written.add(link.id)

    async def delete_user(self, link: UserLink) -> None:
        """Delete a user, whose account is gone with it."""
        await super().delete_user(link)
        self._accounts.pop(link.id, None)
        self._written.discard(link.id)

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look a team up among the groups that were aggregated."""
        return [each for each in self._groups if each.get("displayName") == team.name]

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:
        """Create a group, without members where users have them."""
        return await super().create_group(team, set() if self.has("via") else members)

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Put or patch a group; only its name where memberships are written elsewhere."""
        if self.has("via"):
            await self.rename_group(team, link)
        else:
            await super().update_group(team, link, members)

    async def _aggregate_changes(self) -> None:
        """Read what was modified since the last time; all that was written has to be there."""
        condition = f'meta.lastModified ge "{self._since}" and userName pr'
        users = await self.read_all("/Users", ("filter", condition), count=_COUNT)
        unseen = self._written - {each["id"] for each in users}
        if unseen:
            text = f"GET /Users by meta.lastModified does not list {len(unseen)} who were modified"
            self.report.failures.append(text)
        self._note(users)

    def _note(self, users: list[dict[str, Any]]) -> None:
        self._accounts |= {each["id"]: each for each in users}
        times = [each.get("meta", {}).get("lastModified", "") for each in users]
        self._since = max([self._since, *times])
        self._written.clear()

    async def _push_memberships(self, person: Person) -> None:
        """Write a user's groups beside its name, and look what came of it."""
        link = self.users[person.key]
        teams = self.company.teams.values()
        mine = {each.key for each in teams if person.key in each.members}
        wanted = {group.id for key, group in self.groups.items() if key in mine}
        if self._memberships.get(link.id, set()) == wanted:
            return
        path, groups = f"/Users/{link.id}", references(wanted)
        if self.puts_users:
            await self.send("PUT", path, self.user(person, link.sent) | {"groups": groups})
        else:
            name = operations({"displayName": link.sent["displayName"]}, {})
            member = {"op": "replace", "path": "groups", "value": groups}
            await self.patch(path, [member, *name])
        self._memberships[link.id] = wanted
        shown = (await self.send("GET", path)).body.get("groups", [])
        if {each["value"] for each in shown} == wanted:
            self._note_memberships(link.id, wanted)

    def _note_memberships(self, user: str, groups: set[str]) -> None:
        for link in self.groups.values():
            if link.id in groups:
                link.added({user})
            else:
                link.removed({user})
