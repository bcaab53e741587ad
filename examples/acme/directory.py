"""A directory's first cycle as Microsoft Entra ID does it, in either of its two PATCH styles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx

from examples.acme.people import Person

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operations = list[dict[str, Any]]


class Directory:
    """Pushes people and groups to a SCIM base URL, printing every request with its status.

    Args:
        url: The base URL.
        token: The bearer token.
        compliant: Whether to send what Entra sends with ``?aadOptscim062020``.
    """

    def __init__(self, url: str, token: str, *, compliant: bool) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json; charset=utf-8",
            "ADSCIMVersion": "6.0",
        }
        self._client = httpx.Client(headers=headers, timeout=30)
        self._url = url
        self._compliant = compliant
        self._users: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self.failures = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, expect: int
    ) -> Any:
        """Send a request, print it, and count any status but the expected one as a failure."""
        url = f"{self._url}{path}"
        if self._compliant:
            url += f"{'&' if '?' in path else '?'}aadOptscim062020"
        answer = self._client.request(method, url, json=body)
        wrong = "" if answer.status_code == expect else f"   expected {expect}: {answer.text}"
        self.failures += bool(wrong)
        print(f"  {answer.status_code}  {method:6} {path}{wrong}")
        return answer.json() if answer.content else None

    def test_connection(self) -> None:
        """Look a user up that cannot exist, as the button Test Connection does."""
        self._send("GET", f'/Users?filter=userName eq "{uuid4()}"', expect=200)
        self._send(
            "GET",
            f'/Groups?excludedAttributes=members&filter=displayName eq "{uuid4()}"',
            expect=200,
        )

    def join(self, person: Person) -> None:
        """Look a person up and create the user."""
        found = self._send("GET", f'/Users?filter=userName eq "{person.address}"', expect=200)
        if found["totalResults"]:
            self.failures += 1
            print(f"       {person.address} is there already")
        user = self._send("POST", "/Users", _user(person), expect=201)
        self._users[person.key] = user["id"]

    def set_manager(self, person: Person, manager: Person) -> None:
        """Write a reference, in a pass of its own behind the users; the value is a bare text."""
        path = f"{ENTERPRISE}:manager"
        op = "add" if self._compliant else "Add"
        self._patch_user(person, [{"op": op, "path": path, "value": self._users[manager.key]}])

    def change_profile(self, person: Person) -> None:
        """Send title, family name and department of a person."""
        if self._compliant:
            value = {
                "title": person.title,
                "name.familyName": person.family_name,
                f"{ENTERPRISE}:department": person.department,
            }
            self._patch_user(person, [{"op": "replace", "value": value}])
            return
        paths = {
            "title": person.title,
            "name.familyName": person.family_name,
            f"{ENTERPRISE}:department": person.department,
        }
        operations = [{"op": "Replace", "path": p, "value": value} for p, value in paths.items()]
        self._patch_user(person, operations)

    def set_enabled(self, person: Person) -> None:
        """Disable or re-enable a person."""
        if self._compliant:
            operation = {"op": "replace", "path": "active", "value": person.is_enabled}
        else:
            operation = {"op": "Replace", "path": "active", "value": str(person.is_enabled)}
        self._patch_user(person, [operation])

    def leave(self, person: Person) -> None:
        """Delete the user for good."""
        self._send("DELETE", f"/Users/{self._users[person.key]}", expect=204)
        self._send("GET", f"/Users/{self._users[person.key]}", expect=404)

    def push_group(self, name: str, members: list[Person]) -> None:
        """Look a group up, create it without members, and then add them."""
        self._send(
            "GET", f'/Groups?excludedAttributes=members&filter=displayName eq "{name}"', expect=200
        )
        group: dict[str, Any] = {
            "schemas": [GROUP],
            "externalId": str(uuid4()),
            "displayName": name,
        }
        self._groups[name] = self._send("POST", "/Groups", group, expect=201)["id"]
        for some in _batches(members, 8):
            self.add_members(name, some)

    def add_members(self, name: str, members: list[Person]) -> None:
        """Add people to a group."""
        op = "add" if self._compliant else "Add"
        value = [{"value": self._users[each.key]} for each in members]
        self._patch_group(name, [{"op": op, "path": "members", "value": value}])

    def remove_member(self, name: str, person: Person) -> None:
        """Take one person out of a group."""
        member = self._users[person.key]
        operation: dict[str, Any] = {
            "op": "Remove",
            "path": "members",
            "value": [{"value": member}],
        }
        if self._compliant:
            operation = {"op": "remove", "path": f'members[value eq "{member}"]'}
        self._patch_group(name, [operation])

    def _patch_user(self, person: Person, operations: Operations) -> None:
        body = {"schemas": [PATCH], "Operations": operations}
        self._send("PATCH", f"/Users/{self._users[person.key]}", body, expect=200)

    def _patch_group(self, name: str, operations: Operations) -> None:
        body = {"schemas": [PATCH], "Operations": operations}
        self._send("PATCH", f"/Groups/{self._groups[name]}", body, expect=204)


def _user(person: Person) -> dict[str, Any]:
    name = {"givenName": person.given_name, "familyName": person.family_name}
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": person.key,
        "userName": person.address,
        "active": person.is_enabled,
        "displayName": f"{person.given_name} {person.family_name}",
        "title": person.title,
        "emails": [{"primary": True, "type": "work", "value": person.address}],
        "name": {"formatted": f"{person.given_name} {person.family_name}", **name},
        "meta": {"resourceType": "User"},
        "roles": [],
        ENTERPRISE: {"department": person.department},
    }


def _batches(members: list[Person], size: int) -> Iterator[list[Person]]:
    for start in range(0, len(members), size):
        yield members[start : start + size]
