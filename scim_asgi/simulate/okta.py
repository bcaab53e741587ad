"""Okta: integrations of the App Integration Wizard (PUT) and of the catalogue (PATCH)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.answers import MOST_PAGES, page_of
from scim_asgi.simulate.attributes import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE,
    PATCH_OP,
    Attributes,
    place,
    quoted,
    resource_of,
)
from scim_asgi.simulate.client import Failure, Manners
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.simulator import Simulator

_PAGE = ("startIndex", "1"), ("count", "100")
_STEP = 100
_MANNERS = Manners(
    headers={
        "User-Agent": "Okta SCIM Client 1.0.0",
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Accept-Encoding": "gzip,deflate",
    },
    body_type="application/scim+json; charset=utf-8",
)


class Okta(Simulator):
    """Okta's events: assign, update, unassign, push a group; and an import at the end.

    ``put`` reads a user or group and puts the whole back; ``patch`` sends path-less replaces for
    users and single operations for members. Okta never deletes a user.
    """

    name = "okta"
    title = "Okta"
    modes = ("put", "patch")
    manners = _MANNERS
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: f"00u{person.key[:17].replace('-', '')}",
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        'emails[type eq "work"].value': lambda person: person.login,
        "displayName": lambda person: person.display_name,
        "locale": lambda person: person.language,
        "title": lambda person: person.title,
        'phoneNumbers[type eq "mobile"].value': lambda person: person.mobile,
        f"{ENTERPRISE}:employeeNumber": lambda person: person.employee_number,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def standing(self, person: Person) -> Standing:
        """Suspending sends nothing; who is unassigned or leaves is deactivated, never deleted.

        Who comes back as somebody new under the old login is linked to the old user.
        """
        if person.status in ("purged", "replaced"):
            return "released"
        return "active" if person.is_here else "inactive"

    async def test_connection(self) -> None:
        """Read the first two users, which is all that Okta does."""
        await self.query("/Users", ("startIndex", "1"), ("count", "2"))

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by name; 404 means nobody too."""
        condition = f"userName eq {quoted(person.login)}"
        return await self.query("/Users", ("filter", condition), *_PAGE, none=(404,))

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user with a password that nobody asked for; the answer has to be whole."""
        user = resource_of({**values, 'emails[type eq "work"].primary': True})
        password = f"x{self.random.getrandbits(32):07x}"
        body = {"schemas": [CORE_USER], **user, "groups": [], "password": password}
        answer = (await self.send("POST", "/Users", body, expect=(201,))).body
        if answer.get("userName") is None:
            raise Failure(f"creating {person.login} returned an empty user")
        return answer

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Change activity first, then the profile."""
        if "userName" in changes and self.mode == "put" and self.random.random() < 0.5:
            await self._replace_user(person, link)
            return
        active = changes.get("active")
        profile = {path: value for path, value in changes.items() if path != "active"}
        if active is not None:
            await self._set_active(link, active=active)
        if profile and self.mode == "put":
            await self._put_user(link, profile)
        elif profile:
            await self._patch_user(link, _nested(profile))

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look a group up by name."""
        return await self.query(
            "/Groups", ("filter", f"displayName eq {quoted(team.name)}"), *_PAGE
        )

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:
        """Create a group with its members; an empty one has an empty list."""
        reply = await self.send("POST", "/Groups", self._group(team, members), expect=(201,))
        return GroupLink(reply.id, team.name, set(members))

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Put the whole group, or send its name and who came and went."""
        if self.mode == "put":
            await self.send("GET", f"/Groups/{link.id}")
            await self._put_group(team, link, members)
            return
        path = f"/Groups/{link.id}"
        rename = {"op": "replace", "value": {"id": link.id, "displayName": team.name}}
        await self._patch(path, [rename])
        link.name = team.name
        operations = self._member_operations(link, members)
        if operations:
            await self._patch(path, operations)
        link.replaced(members)

    async def finish(self) -> None:
        """Import all users, 100 at a step, as the admin does to compare."""
        seen, start = 0, 1
        for _ in range(MOST_PAGES):
            query = ("startIndex", str(start)), ("count", str(_STEP))
            page = page_of((await self.send("GET", "/Users", query=query)).body)
            if page is None:
                raise Failure("GET /Users: the answer is no ListResponse of resources with ids")
            seen += len(page.resources)
            start += _STEP
            if start > page.total:
                break
        else:
            raise Failure(f"GET /Users does not end: it has more than {MOST_PAGES} pages")
        if seen != page.total:
            self.report.failures.append(
                f"an import saw {seen} of {page.total} users: Okta goes on by {_STEP} however few "
                "a page holds"
            )

    async def _replace_user(self, person: Person, link: UserLink) -> None:
        """Deactivate the user of the old name and create one of the new, as Okta sometimes does."""
        await self._set_active(link, active=False)
        self.users.pop(person.key)
        self.retired[link.id] = {**link.sent, "active": False}
        values = self.values(person)
        if await self.find_user(person):
            raise Failure(f"{person.login} is there already")
        self.link(person, await self.create_user(person, values), values)

    async def _set_active(self, link: UserLink, *, active: bool) -> None:
        if self.mode == "put":
            await self._put_user(link, {"active": active})
        else:
            answer = await self._patch_user(link, {"active": active})
            if answer and answer.get("active") is not active:
                raise Failure(f"the answer of {link.id} does not show active {active}")
        link.sent["active"] = active

    async def _put_user(self, link: UserLink, changes: dict[str, Any]) -> None:
        """Read the user, lay the profile over it and send everything back."""
        user = (await self.send("GET", f"/Users/{link.id}")).body
        for path, value in {**link.sent, **changes}.items():
            place(user, path, "" if value is None else value)
        await self.send("PUT", f"/Users/{link.id}", user)

    async def _patch_user(self, link: UserLink, value: dict[str, Any]) -> dict[str, Any]:
        return await self._patch(f"/Users/{link.id}", [{"op": "replace", "value": value}])

    async def _patch(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        body = {"schemas": [PATCH_OP], "Operations": operations}
        return (await self.send("PATCH", path, body, expect=(200, 204))).body

    async def _put_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        body = {"id": link.id, **self._group(team, members)}
        await self.send("PUT", f"/Groups/{link.id}", body)
        link.name = team.name
        link.replaced(members)

    def _member_operations(self, link: GroupLink, members: set[str]) -> list[dict[str, Any]]:
        if link.others or not members or self.random.random() < 0.2:
            return [{"op": "replace", "path": "members", "value": self._members(members)}]
        going = sorted(link.pushed - members)
        operations: list[dict[str, Any]] = [
            {"op": "remove", "path": f'members[value eq "{each}"]'} for each in going
        ]
        coming = members - link.pushed
        if coming:
            operations.append({"op": "add", "path": "members", "value": self._members(coming)})
        return operations

    def _group(self, team: Team, members: set[str]) -> dict[str, Any]:
        return {
            "schemas": [CORE_GROUP],
            "displayName": team.name,
            "members": self._members(members),
        }

    def _members(self, members: set[str]) -> list[dict[str, Any]]:
        logins = {link.id: link.sent["userName"] for link in self.users.values()}
        return [{"value": each, "display": logins[each]} for each in sorted(members)]


def _nested(changes: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for path, each in changes.items():
        place(value, path, "" if each is None else each)
    return value
