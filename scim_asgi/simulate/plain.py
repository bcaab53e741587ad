"""What simulated directories have in common of which no more is known: plain RFC 7644."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, ClassVar

from scim_asgi.simulate.answers import MOST_PAGES, page_of
from scim_asgi.simulate.attributes import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE,
    PATCH_OP,
    Attributes,
    is_filtered,
    quoted,
    resource_of,
)
from scim_asgi.simulate.client import Failure, Reply
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.simulator import Simulator

Operation = dict[str, Any]


class Plain(Simulator):
    """A directory that looks up, creates, and PUTs or PATCHes as the RFC has it.

    A mode is words with hyphens between them; `has` tells whether a word is one of them.
    """

    batch: int | None = None
    """How many members one PATCH adds or removes at most."""
    deletes_groups: ClassVar[bool] = True
    """Whether the group of a closed team is deleted; otherwise it is emptied."""

    def has(self, word: str) -> bool:
        """Return whether a word is one of those that make up the mode."""
        return word in self.mode.split("-")

    @property
    def puts_users(self) -> bool:
        """Whether users are updated by PUT, otherwise by PATCH."""
        return self.has("put")

    @property
    def puts_groups(self) -> bool:
        """Whether groups are updated by PUT, otherwise by PATCH."""
        return False

    async def test_connection(self) -> None:
        """Read the users, as far as one page goes."""
        await self.query("/Users")

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by userName."""
        return await self.query("/Users", ("filter", f"userName eq {quoted(person.login)}"))

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user; the answer has to be the user."""
        body = self.user(person, values)
        return (await self.send("POST", "/Users", body, expect=(201,))).body

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Put the whole user, or patch what has changed."""
        values = {**link.sent, **changes}
        if self.puts_users:
            await self.send("PUT", f"/Users/{link.id}", self.user(person, values))
        else:
            await self.patch(f"/Users/{link.id}", list(operations(changes, values)))

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look a team up by displayName."""
        return await self.query("/Groups", ("filter", f"displayName eq {quoted(team.name)}"))

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:
        """Create a group with its members."""
        body = self.group(team, members)
        group = await self.send("POST", "/Groups", body, expect=(201,))
        return GroupLink(group.id, team.name, set(members))

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Put the whole group, or patch its name and who came and went."""
        if self.puts_groups:
            await self.send("PUT", f"/Groups/{link.id}", self.group(team, members))
            link.name = team.name
            link.replaced(members)
            return
        await self.rename_group(team, link)
        await self.add_members(link, members - link.pushed)
        await self.remove_members(link, link.pushed - members)

    async def rename_group(self, team: Team, link: GroupLink) -> None:
        """Patch the name of a group where it has changed."""
        if link.name != team.name:
            rename = {"op": "replace", "path": "displayName", "value": team.name}
            await self.patch(f"/Groups/{link.id}", [rename])
            link.name = team.name

    async def add_members(self, link: GroupLink, members: set[str]) -> None:
        """Patch new members into a group."""
        for some in self._batches(members):
            await self.patch(f"/Groups/{link.id}", self.adding(some))
            link.added(some)

    async def remove_members(self, link: GroupLink, members: set[str]) -> None:
        """Patch members out of a group."""
        for some in self._batches(members):
            await self.patch(f"/Groups/{link.id}", self.removing(some))
            link.removed(some)

    async def close_group(self, key: str) -> None:
        """Delete the group of a team that is no more, or empty it."""
        if self.deletes_groups:
            await super().close_group(key)
        else:
            link = self.groups[key]
            await self.remove_members(link, set(link.pushed))

    def released(self, person: Person) -> Standing:
        """Return what a person's status means to a product that never deletes a user."""
        if person.status in ("purged", "replaced"):
            return "released"
        return "active" if person.status == "active" else "inactive"

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of a POST or PUT of a user."""
        return {"schemas": schemas_of(values), **resource_of(values)}

    def group(self, team: Team, members: Collection[str]) -> dict[str, Any]:
        """Return the body of a POST or PUT of a group."""
        return {"schemas": [CORE_GROUP], "displayName": team.name, "members": references(members)}

    def adding(self, members: list[str]) -> list[Operation]:
        """Return the operations that add members."""
        return [{"op": "add", "path": "members", "value": references(members)}]

    def removing(self, members: list[str]) -> list[Operation]:
        """Return the operations that remove members."""
        return [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in members]

    async def patch(self, path: str, changes: list[Operation]) -> Reply:
        """Send a PATCH."""
        body = {"schemas": [PATCH_OP], "Operations": changes}
        return await self.send("PATCH", path, body, expect=(200, 204))

    async def read_all(
        self, path: str, *query: tuple[str, str], count: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a list to its end, the first page without a startIndex where no count is asked for.

        Raises:
            Failure: It lists something twice, less than it says there is, or no end.
        """
        found: dict[str, dict[str, Any]] = {}
        pages = () if count is None else (("startIndex", "1"), ("count", str(count)))
        for _ in range(MOST_PAGES):
            body = (await self.send("GET", path, query=(*query, *pages))).body
            page = page_of(body)
            if page is None:
                raise Failure(f"GET {path}: the answer is no ListResponse of resources with ids")
            before = len(found)
            found.update((each["id"], each) for each in page.resources)
            if len(found) != before + len(page.resources):
                raise Failure(f"GET {path} lists something twice")
            if len(found) >= page.total:
                return list(found.values())
            if not page.resources:
                raise Failure(f"GET {path} lists {len(found)} and says that there are {page.total}")
            pages = (("startIndex", str(len(found) + 1)), *pages[1:])
        raise Failure(f"GET {path} does not end: it has more than {MOST_PAGES} pages")

    def _batches(self, members: set[str]) -> Iterator[list[str]]:
        waiting = sorted(members)
        size = self.batch or max(len(waiting), 1)
        for start in range(0, len(waiting), size):
            yield waiting[start : start + size]


def schemas_of(values: Attributes) -> list[str]:
    """Return the schemas that paths belong to."""
    extended = any(path.startswith(ENTERPRISE) for path in values)
    return [CORE_USER, ENTERPRISE] if extended else [CORE_USER]


def references(ids: Collection[str]) -> list[dict[str, Any]]:
    """Return ids as the values of a multi-valued attribute."""
    return [{"value": each} for each in sorted(ids)]


def operations(changes: Attributes, values: Attributes) -> Iterator[Operation]:
    """Yield an operation for each change.

    What a filter would pick is sent as the whole attribute: RFC 7644, 3.5.2.3, refuses to replace
    an element that is not there.
    """
    whole, done = resource_of(values), set()
    for each, change in changes.items():
        path, value = each, change
        if is_filtered(each):
            path = each.partition("[")[0]
            value = whole.get(path)
        if path in done:
            continue
        done.add(path)
        if value is None:
            yield {"op": "remove", "path": path}
        else:
            yield {"op": "replace", "path": path, "value": value}
