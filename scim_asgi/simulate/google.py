"""Google Workspace: automatic provisioning of a catalogue app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import CORE_USER, Attributes, quoted, resource_of
from scim_asgi.simulate.client import Failure, Manners
from scim_asgi.simulate.company import Person
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.plain import Plain

_CORE_1 = "urn:scim:schemas:core:1.0"


class Google(Plain):
    """Users without groups; who is suspended or gone is suspended or deleted a day later.

    How it updates is not known: whole users by PUT or single paths by PATCH, as the mode says.
    """

    name = "google"
    title = "Google Workspace"
    modes = ("suspend-put", "suspend-patch", "delete-put", "delete-patch")
    manners = Manners(
        headers={"User-Agent": "Google-Auto-Provisioning"}, body_type="application/json"
    )
    has_groups = False
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        'emails[type eq "work"].value': lambda person: person.login,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._away: dict[str, int] = {}

    def standing(self, person: Person) -> Standing:
        """Who is away for a day is suspended or deleted, whatever became of them at Google."""
        if person.status == "active":
            return "active"
        if self._away.get(person.key, self.day) == self.day:
            return "active" if person.key in self.users else "inactive"
        if self.has("delete"):
            return "gone"
        return "released" if person.status in ("purged", "replaced") else "inactive"

    async def begin_cycle(self) -> None:
        """Note since when people are away."""
        away = [each.key for each in self.company.people.values() if each.status != "active"]
        self._away = {key: self._away.get(key, self.day) for key in away}

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by userName, with a startIndex and no count."""
        query = ("filter", f"userName eq {quoted(person.login)}"), ("startIndex", "1")
        return await self.query("/Users", *query)

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user; the answer has to have the core attributes at its top."""
        answer = await super().create_user(person, values)
        if answer.get("userName") is None:
            raise Failure(f"the answer for {person.login} has no userName at its top")
        return answer

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return a user, which names the core schema of SCIM 1.0 too."""
        user = resource_of({**values, 'emails[type eq "work"].primary': True})
        return {"schemas": [_CORE_1, CORE_USER], **user}
