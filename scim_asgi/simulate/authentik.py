"""authentik: the outgoing SCIM provider."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import CORE_GROUP, Attributes, quoted, resource_of
from scim_asgi.simulate.client import Failure, Manners
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.plain import Operation, Plain, references, schemas_of
from scim_asgi.simulate.snapshot import member_ids

_SCIM = "application/scim+json"
_MAIL = 'emails[type eq "other"].value'
_PHOTO = 'photos[type eq "photo"].value'
_NAMELESS = 11
_AVATARS = "https://secure.gravatar.com/avatar/{}?size=158&rating=g&default=404"


class Authentik(Plain):
    """Reads the ServiceProviderConfig first, and does without PATCH and filters if it cannot.

    ``older`` is 2025.8, which adopts after a 409 by an unquoted filter and removes members by a
    list of them; ``newer`` discovers users and groups; ``put`` is what happens where the server's
    ServiceProviderConfig is not valid.
    """

    name = "authentik"
    title = "authentik"
    modes = ("newer", "older", "put")
    creates_inactive = True
    manners = Manners(headers={"Accept": _SCIM}, get_type=_SCIM, busy=(429, 503))
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: sha256(person.key.encode()).hexdigest(),
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        "name.formatted": lambda person: person.display_name,
        _MAIL: lambda person: person.mail,
        _PHOTO: lambda person: _AVATARS.format(sha256(person.login.encode()).hexdigest()),
        "locale": lambda person: person.language,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._patches = self._filters = False
        self._discovered: dict[str, dict[str, Any]] = {}
        self._nameless = set(list(self.company.people)[4::_NAMELESS])

    @property
    def puts_users(self) -> bool:
        """Users are always put."""
        return True

    @property
    def puts_groups(self) -> bool:
        """Groups are put where the server says that it knows no PATCH."""
        return not self._patches

    def standing(self, person: Person) -> Standing:
        """Who is out of scope or gone is deleted; accounts without a name are not in use."""
        if person.status == "active":
            return "inactive" if person.key in self._nameless else "active"
        return "inactive" if person.status == "suspended" else "gone"

    def values(self, person: Person) -> dict[str, Any]:
        """Return what is pushed; who has no full name has a family name that is a space."""
        values = super().values(person)
        if person.key in self._nameless:
            values |= {"displayName": None, "name.givenName": None}
            values |= {"name.familyName": " ", "name.formatted": " "}
        return values

    async def test_connection(self) -> None:
        """Read the ServiceProviderConfig, which is kept."""
        config = (await self.send("GET", "/ServiceProviderConfig")).body
        flaw = _flaw(config)
        if flaw is not None:
            text = (
                f"GET /ServiceProviderConfig: {flaw}, so authentik does without PATCH and filters"
            )
            self.report.failures.append(text)
        elif not self.has("put"):
            self._patches = config["patch"]["supported"]
            self._filters = config["filter"]["supported"]
            size = config["bulk"]["maxOperations"]
            self.batch = size if size >= 1 else None

    async def begin_cycle(self) -> None:
        """Discover what is there, page by page, without a count."""
        if self.has("older"):
            return
        users, groups = await self.read_all("/Users"), await self.read_all("/Groups")
        named = {f"user {each.get('userName')}": each for each in users}
        self._discovered = named | {f"group {each.get('displayName')}": each for each in groups}

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look among those who were discovered; nothing is asked before a 409."""
        user = self._discovered.get(f"user {person.login}")
        return [] if user is None else [user]

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user, or adopt the one who is in the way."""
        body = self.user(person, values)
        reply = await self.send("POST", "/Users", body, expect=(201, 409))
        if reply.status != 409:
            return reply.body
        name = person.login if self.has("older") else quoted(person.login)
        user = await self._adopt("/Users", f"userName eq {name}")
        await self.adopt(person, user, values)
        return user

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Put the whole user with its id; who is gone is created anew."""
        values = {**link.sent, **changes}
        body = {**self.user(person, values), "id": link.id}
        reply = await self.send("PUT", f"/Users/{link.id}", body, expect=(200, 204, 404))
        if reply.status == 404:
            text = f"PUT /Users/{link.id}: {person.login} is gone at the server"
            self.report.failures.append(text)
            self.users.pop(person.key)
            self.link(person, await self.create_user(person, values), values)

    async def delete_user(self, link: UserLink) -> None:
        """Delete a user, who is then no longer discovered."""
        await super().delete_user(link)
        kept = {name: each for name, each in self._discovered.items() if each["id"] != link.id}
        self._discovered = kept

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look among those that were discovered."""
        group = self._discovered.get(f"group {team.name}")
        return [] if group is None else [group]

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:
        """Create a group, without its members where they can be patched in."""
        there = members if self.puts_groups else set()
        reply = await self.send("POST", "/Groups", self.group(team, there), expect=(201, 409))
        if reply.status == 409:
            group = await self._adopt("/Groups", f"displayName eq {quoted(team.name)}")
            return GroupLink(group["id"], group.get("displayName", ""))
        return GroupLink(reply.id, team.name, set(there))

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Put the whole; or patch the name, read the group and patch who is missing or too many."""
        if self.puts_groups:
            await super().update_group(team, link, members)
            return
        path = f"/Groups/{link.id}"
        value = {"schemas": [CORE_GROUP], "displayName": team.name, "externalId": team.key}
        if self.has("older"):
            value["id"] = link.id
        await self.patch(path, [{"op": "replace", "value": value}])
        link.name = team.name
        group = (await self.send("GET", path)).body
        if "members" not in group:
            self.report.failures.append(f"GET {path}: there is no members, so none are added")
            return
        there = member_ids(group)
        await self.add_members(link, members - there)
        await self.remove_members(link, there - members)
        link.replaced(members)

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return a user; without a mailbox the list is empty."""
        user = resource_of({**values, 'emails[type eq "other"].primary': True})
        if values[_MAIL] is None:
            user["emails"] = []
        if values["name.givenName"] is None:
            user["displayName"] = user["name"]["givenName"] = ""
        return {"schemas": schemas_of(values), **user}

    def group(self, team: Team, members: Collection[str]) -> dict[str, Any]:
        """Return a group with the id that it has at authentik."""
        body = super().group(team, members) | {"externalId": team.key}
        if not self.puts_groups:
            del body["members"]
        return body

    def adding(self, members: list[str]) -> list[Operation]:
        """Return an operation for each member."""
        return [{"op": "add", "path": "members", "value": references([each])} for each in members]

    def removing(self, members: list[str]) -> list[Operation]:
        """Return an operation for each member: with a filter, or in older versions with a list."""
        if not self.has("older"):
            return super().removing(members)
        return [
            {"op": "remove", "path": "members", "value": references([each])} for each in members
        ]

    async def _adopt(self, path: str, condition: str) -> dict[str, Any]:
        if not self._filters:
            raise Failure(f"POST {path}: 409, and without filters nobody can be adopted")
        found = await self.query(path, ("filter", condition))
        if not found:
            raise Failure(f"POST {path}: 409, and nothing is found by {condition}")
        return found[0]


def _flaw(config: Mapping[str, Any]) -> str | None:
    """Return what authentik's parser misses in a ServiceProviderConfig, None if nothing."""
    for name, parts in (
        ("patch", ("supported",)),
        ("bulk", ("supported", "maxOperations")),
        ("filter", ("supported",)),
        ("changePassword", ("supported",)),
        ("sort", ("supported",)),
    ):
        section = config.get(name)
        if not isinstance(section, dict):
            return f"{name} is missing"
        for part in parts:
            if not isinstance(section.get(part), bool if part == "supported" else int):
                return f"{name}.{part} is missing"
    return (
        None
        if isinstance(config.get("authenticationSchemes"), list)
        else ("authenticationSchemes is missing")
    )
