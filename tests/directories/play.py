"""Cases played over HTTP: requests exactly as a directory sends them, and what is wrong then."""

from __future__ import annotations

from typing import Any

import httpx

from tests.client import ENTERPRISE, GROUP, PATCH_OP, USER, Client
from tests.conftest import Scim
from tests.directories.cases import Directory, Given, Step, Story, Then


def filled(value: Any, saved: dict[str, str]) -> Any:
    """Return JSON with `{name}` replaced by what was saved under that name."""
    if isinstance(value, dict):
        return {filled(key, saved): filled(each, saved) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, saved) for each in value]
    if isinstance(value, str):
        for name, kept in saved.items():
            value = value.replace(f"{{{name}}}", kept)
    return value


def differences(expected: Any, found: Any, place: str) -> list[str]:
    """Return where an answer is not what it has to be."""
    if expected == "<any>":
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for name, wanted in expected.items():
            if wanted == "<absent>":
                lines += [f"{place}.{name} is there: {found[name]!r}"] if name in found else []
            elif name not in found:
                lines.append(f"{place}.{name} is not there")
            else:
                lines += differences(wanted, found[name], f"{place}.{name}")
        return lines
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{place}[{index}]")]
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{place} is {found!r} and should be {expected!r}"]


class Player:
    """Plays one case in an organization of its own.

    Args:
        scim: The server.
        client: A client with a token of the organization.
        organization: The organization.
        directory: What the directory sends with every request.
    """

    def __init__(self, scim: Scim, client: Client, organization: str, directory: Directory) -> None:
        self.scim = scim
        self.client = client
        self.organization = organization
        self.directory = directory
        self.ids: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.saved = {"base": client.base_url, "token": client.token}

    def play(self, case: Story) -> list[str]:
        """Play a case and return what is wrong with the first step that is not answered well."""
        self._give(case.given)
        for number, step in enumerate(case.steps, 1):
            problems = self._step(step)
            if problems:
                return [f"step {number}, {step.request}", *problems]
        return []

    def _give(self, given: Given) -> None:
        for name, attributes in given.users.items():
            body = {**_person(name), **filled(attributes, self.saved)}
            kept = {key: value for key, value in body.items() if value is not None}
            self._save(name, self.client.post("/Users", kept))
        for name, members in given.groups.items():
            values = [{"value": self.ids[member]} for member in members]
            group = {"schemas": [GROUP], "displayName": name, "members": values}
            self._save(name, self.client.post("/Groups", group))

    def _save(self, name: str, answer: httpx.Response) -> None:
        resource = answer.json()
        assert "id" in resource, f"{name} cannot be saved: {answer.text}"
        self.ids[name] = self.saved[name] = resource["id"]
        kind = "Groups" if GROUP in resource["schemas"] else "Users"
        self.paths[name] = f"/{kind}/{resource['id']}"

    def _step(self, step: Step) -> list[str]:
        before = {name: self._read(name) for name in step.then.unchanged}
        told = len(self.scim.product.calls)
        rows = len(self._log()) if step.then.log else 0
        answer = self._send(step)
        if answer.status_code != step.status:
            return [f"{answer.status_code}, not {step.status}: {answer.text}"]
        lines = []
        if answer.content or "content-type" in answer.headers:
            content_type = answer.headers.get("content-type")
            lines += differences("application/scim+json", content_type, "content-type")
        lines += differences(filled(step.answer, self.saved), dict(answer.headers), "headers")
        if step.save is not None:
            self._save(step.save, answer)
        if step.response is not None:
            body = answer.json() if answer.content else None
            lines += differences(filled(step.response, self.saved), body, "response")
        for name, resource in before.items():
            lines += differences(resource, self._read(name), name)
        lines += self._facts(step.then)
        if step.then.hooks is not None:
            lines += differences(step.then.hooks, self._changes(told), "hooks")
        for text in step.then.log:
            notes = [line for row in self._log()[rows:] for line in (*row.notes, row.detail)]
            lines += [] if any(text in note for note in notes) else [f"the log has {notes}"]
        return lines

    def _send(self, step: Step) -> httpx.Response:
        method, _, path = filled(step.request, self.saved).partition(" ")
        body = step.body
        if step.operations is not None:
            body = {"schemas": [PATCH_OP], "Operations": step.operations}
        headers: dict[str, str | None] = {
            "Authorization": f"Bearer {self.client.token}",
            **self.directory.headers,
            **({} if body is None and step.text is None else self.directory.body_headers),
            **step.headers,
        }
        sent = {
            name: filled(value, self.saved) for name, value in headers.items() if value is not None
        }
        return self.client.send_exactly(
            method,
            path,
            filled(body, self.saved) if step.text is None else step.text.encode(),
            sent,
        )

    def _facts(self, then: Then) -> list[str]:
        lines = []
        for name, shown in then.shows.items():
            path = name if name.startswith("/") else self.paths[name]
            answer = self.client.get(filled(path, self.saved))
            lines += differences(200, answer.status_code, f"GET {name}: status")
            lines += differences(filled(shown, self.saved), answer.json(), name)
        for path, names in then.finds.items():
            answer = self.client.get(filled(path, self.saved)).json()
            lines += differences(self._set(names), _ids(answer.get("Resources"), "id"), path)
            lines += differences(len(names), answer.get("totalResults"), f"{path}: totalResults")
        for group, names in then.members.items():
            members = self._read(group)["members"]
            lines += differences(self._set(names), _ids(members, "value"), f"members of {group}")
        for name in then.gone:
            status = self.client.get(self.paths[name]).status_code
            lines += differences(404, status, f"GET {name}: status")
        if then.accounts is not None:
            lines += self._accounts(then.accounts)
        return lines

    def _accounts(self, expected: dict[str, dict[str, Any]]) -> list[str]:
        accounts = {
            str(each.email_address): each
            for each in self.scim.product.accounts.values()
            if each.organization_id == self.organization
        }
        lines = differences(sorted(expected), sorted(accounts), "accounts")
        for address in expected.keys() & accounts.keys():
            fields = {name: getattr(accounts[address], name) for name in expected[address]}
            lines += differences(filled(expected[address], self.saved), fields, address)
        return lines

    def _changes(self, told: int) -> list[str]:
        calls = self.scim.product.calls[told:]
        return [
            context.change
            for account, context in calls
            if account.organization_id == self.organization
        ]

    def _read(self, name: str) -> dict[str, Any]:
        resource: dict[str, Any] = self.client.get(self.paths[name]).json()
        return resource

    def _log(self) -> list[Any]:
        return self.scim.log(self.organization)

    def _set(self, names: list[str]) -> list[str]:
        return sorted(self.ids[name] for name in names)


def _ids(resources: Any, member: str) -> list[str]:
    """Return ids in one order; one that comes twice stays twice."""
    return sorted(each[member] for each in resources or ())


def _person(name: str) -> dict[str, Any]:
    address = f"{name}@acme.test"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": address,
        "externalId": f"x-{name}",
        "name": {"givenName": name.capitalize(), "familyName": "Ohm"},
        "emails": [{"value": address, "type": "work", "primary": True}],
        "active": True,
    }
