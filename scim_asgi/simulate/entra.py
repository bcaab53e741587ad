"""Microsoft Entra ID: the outbound provisioning service, in both of its PATCH styles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from msgspec.structs import replace

from scim_asgi.simulate.attributes import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE,
    MANAGER,
    PATCH_OP,
    Attributes,
    is_filtered,
    quoted,
    resource_of,
)
from scim_asgi.simulate.client import Failure, Manners, Reply, Stopped
from scim_asgi.simulate.company import Person, Team
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.simulator import Simulator

_COMPLIANT = "compliant-patch"
_FLAG = "aadOptscim062020"
_WORK_MAIL = 'emails[type eq "work"].value'
_HEADERS = {"Accept": "application/scim+json", "ADSCIMVersion": "6.0"}
_QUARANTINE_FAILURES = 5_000
_QUARANTINE_SHARE = 0.4
_BATCH = 20

Operation = dict[str, Any]


class Entra(Simulator):
    """Entra's cycles: look up or read, then POST or PATCH; references and members come last.

    ``legacy-patch`` is what it sends by default and on demand, ``compliant-patch`` what it sends
    with ``?aadOptscim062020`` behind the Tenant URL.
    """

    name = "entra"
    title = "Microsoft Entra ID"
    modes = ("legacy-patch", _COMPLIANT)
    manners = Manners(
        headers=_HEADERS, body_type="application/scim+json; charset=utf-8", plus=True, timeout=30
    )
    nests_groups = True
    sends_empty = False
    attributes: ClassVar[dict[str, Callable[[Person], Any]]] = {
        "userName": lambda person: person.login,
        "externalId": lambda person: person.key,
        "displayName": lambda person: person.display_name,
        "title": lambda person: person.title,
        _WORK_MAIL: lambda person: person.mail,
        "name.givenName": lambda person: person.given_name,
        "name.familyName": lambda person: person.family_name,
        "name.formatted": lambda person: person.display_name,
        "preferredLanguage": lambda person: person.language,
        'addresses[type eq "work"].streetAddress': lambda person: person.street,
        'addresses[type eq "work"].locality': lambda person: person.city[0],
        'addresses[type eq "work"].region': lambda person: person.city[1] or None,
        'addresses[type eq "work"].country': lambda person: person.city[2],
        'addresses[type eq "work"].postalCode': lambda person: person.city[3],
        'phoneNumbers[type eq "mobile"].value': lambda person: person.mobile,
        'phoneNumbers[type eq "work"].value': lambda person: person.phone,
        'roles[primary eq "True"].value': lambda person: person.role,
        f"{ENTERPRISE}:employeeNumber": lambda person: person.employee_number,
        f"{ENTERPRISE}:department": lambda person: person.department,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_compliant = self.mode == _COMPLIANT
        if self._is_compliant:
            self.manners = replace(self.manners, flag=_FLAG)

    async def test_connection(self) -> None:
        """Look up a user and a group that cannot exist."""
        for path, attribute, more in (
            ("/Users", "userName", ()),
            ("/Groups", "displayName", (("excludedAttributes", "members"),)),
        ):
            nobody = UUID(int=self.random.getrandbits(128), version=4)
            found = await self.query(path, *more, ("filter", f'{attribute} eq "{nobody}"'))
            if found:
                msg = f'{path} has {len(found)} entries for {attribute} eq "{nobody}"'
                raise Stopped(f"the connection test failed, so nothing was pushed: {msg}")

    async def begin_cycle(self) -> None:
        """Check the credentials again, as a cycle does; look whether it is to be quarantined."""
        failures = len(self.report.failures)
        if failures >= _QUARANTINE_FAILURES and (
            failures > _QUARANTINE_SHARE * self.report.requests
        ):
            msg = f"Entra would put the application in quarantine: {failures} requests failed"
            raise Stopped(msg)
        await self.test_connection()

    async def finish_cycle(self) -> None:
        """Write the references, in a pass of their own."""
        people = [each for each in self.company.here if each.key in self.users]
        await self.each(people, self._push_manager)

    async def find_user(self, person: Person) -> list[dict[str, Any]]:
        """Look a person up by the matching attribute, and read who is found."""
        found = await self.query("/Users", ("filter", f"userName eq {quoted(person.login)}"))
        if len(found) != 1:
            return found
        return [(await self.send("GET", f"/Users/{found[0]['id']}")).body]

    async def create_user(self, person: Person, values: Attributes) -> dict[str, Any]:
        """Create a user; a mailbox that is not there is an explicit null."""
        user = resource_of({**values, 'emails[type eq "work"].primary': True})
        if person.mail is None:
            user["emails"][0]["value"] = None
        body = {"schemas": [CORE_USER, ENTERPRISE], **user, "meta": {"resourceType": "User"}}
        return (await self.send("POST", "/Users", body, expect=(201,))).body

    async def update_user(self, person: Person, link: UserLink, changes: dict[str, Any]) -> None:
        """Read the user, then PATCH what differs; an anchor that is lost is matched anew."""
        reply = await self.send("GET", f"/Users/{link.id}", expect=(200, 404))
        if reply.status == 404:
            self.users.pop(person.key)
            raise Failure(f"InvalidAnchor: {person.login} is gone at the server")
        known = {path for path, value in link.sent.items() if value is not None}
        await self._patch(f"/Users/{link.id}", list(self._operations(changes, known)))

    async def find_group(self, team: Team) -> list[dict[str, Any]]:
        """Look a team up, leaving the members out."""
        name = quoted(team.name)
        return await self.query(
            "/Groups", ("excludedAttributes", "members"), ("filter", f"displayName eq {name}")
        )

    async def create_group(self, team: Team, members: set[str]) -> GroupLink:  # noqa: ARG002
        """Create a group; members always come later."""
        body: dict[str, Any] = {
            "schemas": [CORE_GROUP],
            "externalId": team.key,
            "displayName": team.name,
            "meta": {"resourceType": "Group"},
        }
        if self.random.random() < 0.5:
            body["members"] = []
        return GroupLink((await self.send("POST", "/Groups", body, expect=(201,))).id, team.name)

    async def update_group(self, team: Team, link: GroupLink, members: set[str]) -> None:
        """Read the group without its members, then PATCH its name and who came and went."""
        path = f"/Groups/{link.id}"
        query = (("excludedAttributes", "members"),)
        reply = await self.send("GET", path, query=query, expect=(200, 404))
        if reply.status == 404:
            self.groups.pop(team.key)
            raise Failure(f"InvalidAnchor: the group {team.name} is gone at the server")
        if reply.body.get("members"):
            self.report.failures.append(f"GET {path}: excludedAttributes=members is ignored")
        if link.name != team.name:
            await self._patch(
                path, list(self._operations({"displayName": team.name}, {"displayName"}))
            )
            link.name = team.name
        for some in self._batches(members - link.pushed):
            await self._patch(path, [self._adding(some)])
            link.added(some)
        for some in self._batches(link.pushed - members):
            await self._patch(path, self._removing(some))
            link.removed(some)

    async def _push_manager(self, person: Person) -> None:
        """Set or remove the manager as a bare text; Entra knows of two ways to remove one."""
        link, manager = self.users[person.key], self.manager_id(person)
        known = link.sent.get(f"{MANAGER}.value")
        if manager == known:
            return
        if manager is not None:
            await self._check_reference(link, manager)
            operation = self._operation("add" if known is None else "replace", MANAGER, manager)
        elif self.random.random() < 0.5:
            operation = {"op": self._op("remove"), "path": MANAGER}
        else:
            operation = {"op": self._op("remove"), "path": f'manager[value eq "{known}"]'}
        await self._patch(f"/Users/{link.id}", [operation])
        link.sent[f"{MANAGER}.value"] = manager

    async def _check_reference(self, link: UserLink, manager: str) -> None:
        terms = [f'id eq "{link.id}"', f'manager eq "{manager}"']
        self.random.shuffle(terms)
        await self.query("/Users", ("filter", " and ".join(terms)), ("attributes", "id"))

    async def _patch(self, path: str, operations: list[Operation]) -> Reply:
        body = {"schemas": [PATCH_OP], "Operations": operations}
        return await self.send("PATCH", path, body, expect=(200, 204))

    def _operations(self, changes: dict[str, Any], known: set[str]) -> Iterator[Operation]:
        """Yield an operation for each change; the compliant style merges what has no filter."""
        merged: dict[str, Any] = {}
        for path, value in changes.items():
            if path == "active":
                yield self._operation("replace", path, value)
            elif self._is_compliant and not is_filtered(path):
                merged[path] = value
            else:
                op = "replace" if path in known or self.random.random() < 0.5 else "add"
                yield self._operation(op, path, value)
        if merged:
            yield {"op": "replace", "value": merged}

    def _operation(self, op: str, path: str, value: Any) -> Operation:
        if path == "active" and not self._is_compliant:
            value = str(value)
        return {"op": self._op(op), "path": path, "value": value}

    def _op(self, op: str) -> str:
        return op if self._is_compliant else op.capitalize()

    def _adding(self, members: list[str]) -> Operation:
        return {
            "op": self._op("add"),
            "path": "members",
            "value": [{"value": each} for each in members],
        }

    def _removing(self, members: list[str]) -> list[Operation]:
        if self._is_compliant:
            return [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in members]
        value = [{"value": each} for each in members]
        return [{"op": "Remove", "path": "members", "value": value}]

    def _batches(self, members: set[str]) -> Iterator[list[str]]:
        waiting = sorted(members)
        while waiting:
            size = self.random.randint(1, _BATCH)
            yield waiting[:size]
            waiting = waiting[size:]
