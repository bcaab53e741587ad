"""Ping: PingFederate's SCIM Provisioner and PingOne's outbound provisioning, one engine."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, ClassVar

from scim_asgi.simulate.attributes import ENTERPRISE, Attributes, place, resource_of
from scim_asgi.simulate.client import Manners
from scim_asgi.simulate.company import Person
from scim_asgi.simulate.directory import Standing
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.plain import Plain, schemas_of

_WORK_MAIL = 'emails[type eq "work"].value'
_HOME_MAIL = 'emails[type eq "home"].value'
_WORK_PRIMARY = 'emails[type eq "work"].primary'
_HOME_PRIMARY = 'emails[type eq "home"].primary'
_FILTERS = {"email": "emails eq {}", "pingone": 'username Eq "{}"'}
_PROMPT = 0.7
_DISABLED_FROM_THE_BEGINNING = 15


class Ping(Plain):
    """Reads a user, lays its own values over it and puts all back, so that nothing is cleared.

    ``patch`` or ``put`` is how it writes groups, ``disable`` or ``delete`` its remove action;
    ``by-email`` matches by the work address, ``pingone`` with PingOne's expression. Disabled
    people are provisioned. The connection test is not known: one page of users is read.
    """

    name = "ping"
    title = "Ping"
    modes = ("patch-disable", "patch-delete", "put-disable", "put-delete", "by-email", "pingone")
    manners = Manners(headers={"User-Agent": "Apache-HttpClient/4.5.14 (Java/17.0.10)"})
    sends_empty = False
    creates_inactive = True
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        _WORK_MAIL: lambda person: person.mail or person.login,
        _HOME_MAIL: lambda person: f"home.{person.mail}" if person.mail else person.login,
        "title": lambda person: person.title,
        'phoneNumbers[type eq "work"].value': lambda person: person.phone,
        'phoneNumbers[type eq "mobile"].value': lambda person: person.mobile,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for person in list(self.company.people.values())[1::_DISABLED_FROM_THE_BEGINNING]:
            person.status = "suspended"

    @property
    def puts_groups(self) -> bool:
        """Whether the connector's option for PATCH is off."""
        return self.has("put")

    def standing(self, person: Person) -> Standing:
        """Who is disabled stays so; who is out of scope is disabled or deleted."""
        if not self.has("delete"):
            return self.released(person)
        if person.status == "suspended":
            return "inactive"
        return "active" if person.status == "active" else "gone"

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by the unique identifier; only PingOne puts quotes around it."""
        kind = next((word for word in _FILTERS if self.has(word)), "")
        login = person.mail or person.login
        return await self.query(
            "/Users", ("filter", _FILTERS.get(kind, "userName eq {}").format(login))
        )

    async def update_user(
        self,
        person: Person,  # noqa: ARG002
        link: UserLink,
        changes: dict[str, Any],
    ) -> None:
        """Read the user, lay over it what is pushed, and put it back."""
        user = (await self.send("GET", f"/Users/{link.id}")).body
        for each in user.get("emails", []):
            if "type" not in each or "primary" not in each:
                text = f"GET /Users/{link.id}: addresses lack type or primary, so updates go wrong"
                self.report.failures.append(text)
        values = {**link.sent, **changes}
        for path, value in _with_primaries(values).items():
            if value is not None:
                place(user, path, value)
        await self.send("PUT", f"/Users/{link.id}", user)

    async def remove_members(self, link: GroupLink, members: set[str]) -> None:
        """Patch members out of a group; what LDAP no longer has may be seen only days later."""
        chance = Random(f"{link.id} {self.day}")  # noqa: S311 - play, no secret
        if chance.random() < _PROMPT:
            await super().remove_members(link, members)

    def user(self, person: Person, values: Attributes) -> dict[str, Any]:  # noqa: ARG002
        """Return a user; where an address would be empty, the other is there twice."""
        return {"schemas": schemas_of(values), **resource_of(_with_primaries(values))}


def _with_primaries(values: Attributes) -> dict[str, Any]:
    """Add what is primary: the work address, and the other one too where both are the same."""
    same = values.get(_WORK_MAIL) == values.get(_HOME_MAIL)
    return {**values, _WORK_PRIMARY: True, _HOME_PRIMARY: same}
