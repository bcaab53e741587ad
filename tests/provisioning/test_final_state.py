"""An account depends on the final state of users and groups, not on how they came to be so."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from scim_asgi import Account, RoleRule, RoleRules
from scim_asgi.ids import uuid7
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import compile_mapping
from tests.client import ENTERPRISE, GROUP, USER, Client
from tests.conftest import Scim
from tests.waiting import until

FIELDS = AccountFields(Account)
OVERRIDE = {
    "groups[0].displayName": "public_metadata.first",
    "groups.displayName": "public_metadata.all",
    'groups[displayName sw "b"].displayName': "last_name",
    f"{ENTERPRISE}.department": "{{ value | downcase | default: 'none' }}.public_metadata.unit",
}
RULES = RoleRules((RoleRule("b", "org:admin"), RoleRule("A", "org:member")), default="org:guest")
NAMES = ["a", "B", "c", "ä", "b2"]


class State(Struct, frozen=True):
    """What a directory has: each user's attributes, and each group's name and members."""

    users: list[dict[str, Any]]
    groups: dict[int, tuple[str, frozenset[int]]]


@st.composite
def states(draw: st.DrawFn, count: int = 3) -> State:
    """Draw a state of three users and up to three groups."""
    users = [
        {
            "userName": f"user{number}@acme.test",
            "name": {"givenName": draw(st.sampled_from(["Ada", "Bob"]))},
            "active": draw(st.booleans()),
            ENTERPRISE: {"department": draw(st.sampled_from(["Sales", "IT"]))},
        }
        for number in range(count)
    ]
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    members = st.frozensets(st.integers(0, count - 1))
    return State(users, {number: (name, draw(members)) for number, name in enumerate(names)})


def expected(state: State) -> dict[str, dict[str, Any]]:
    """Return what the mapping makes of a state, by address."""
    mapping = compile_mapping(OVERRIDE, FIELDS, RULES)
    accounts = {}
    for number, user in enumerate(state.users):
        names = [name for name, members in state.groups.values() if number in members]
        groups = [{"value": n, "display": n, "displayName": n} for n in sorted(names, key=_folded)]
        accounts[user["userName"]] = mapping.resolve({**user, "groups": groups}).fields
    return accounts


def _folded(name: str) -> str:
    return name.casefold()


class Directory:
    """Sends states as requests, in the order that a source of random numbers says."""

    def __init__(self, client: Client, source: random.Random) -> None:
        self._client = client
        self._source = source
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}

    def become(self, state: State) -> None:
        """Bring the server to a state, one user or group after the other."""
        # Names of groups are unique: what goes has to go before others take its name.
        for number in self._shuffled(self._groups):
            self._client.send("DELETE", f"/Groups/{self._groups.pop(number)}")
        work = [("user", number) for number in range(len(state.users))]
        work += [("group", number) for number in state.groups]
        for kind, number in self._shuffled(work):
            if kind == "user":
                self._user(number, state)
            else:
                self._group(number, state)

    def _shuffled(self, items: Any) -> list[Any]:
        return self._source.sample(list(items), len(items))

    def _user(self, number: int, state: State) -> None:
        body = {"schemas": [USER, ENTERPRISE], **state.users[number]}
        if number in self._users:
            answer = self._client.send("PUT", f"/Users/{self._users[number]}", body)
            assert 200 == answer.status_code, answer.text
            return
        answer = self._client.post("/Users", body)
        assert 201 == answer.status_code, answer.text
        self._users[number] = answer.json()["id"]
        for group, (_, members) in state.groups.items():
            if number in members and group in self._groups:
                self._add(group, [number])

    def _group(self, number: int, state: State) -> None:
        """Create a group under another name and with others in it, and then set it right."""
        name, members = state.groups[number]
        there = [each for each in members if each in self._users]
        now, later = there[: len(there) // 2], there[len(there) // 2 :]
        wrong = [each for each in self._users if each not in members]
        temporary = f"temporary {number}" if self._source.random() < 0.5 else name
        body = {"schemas": [GROUP], "displayName": temporary, "members": self._refs([*now, *wrong])}
        self._groups[number] = self._client.post("/Groups", body).json()["id"]
        path = f"/Groups/{self._groups[number]}"
        steps = [
            {"op": "remove", "path": "members", "value": self._refs(wrong)},
            {"op": "add", "path": "members", "value": self._refs(later)},
            {"op": "replace", "value": {"displayName": name}},
        ]
        for step in self._shuffled(steps):
            if step.get("value"):
                answer = self._client.patch(path, step)
                assert 204 == answer.status_code, answer.text

    def _add(self, group: int, users: list[int]) -> None:
        step = {"op": "add", "path": "members", "value": self._refs(users)}
        assert 204 == self._client.patch(f"/Groups/{self._groups[group]}", step).status_code

    def _refs(self, users: list[int]) -> list[dict[str, str]]:
        return [{"value": self._users[number]} for number in users]


@given(st.lists(states(), min_size=1, max_size=3), st.integers(0, 2**32))
@settings(max_examples=20)
def test_an_account_depends_on_the_final_state_alone(
    shared: Scim, history: list[State], seed: int
) -> None:
    organization = uuid7()
    shared.ask(lambda app: app.roles.set(organization, RULES))
    shared.set_mapping(OVERRIDE, organization)
    client = shared.client(organization)
    directory = Directory(client, random.Random(seed))
    for state in history:
        directory.become(state)
    wanted = expected(history[-1])
    until(lambda: accounts(shared, organization) == wanted)
    until(lambda: is_settled(shared, organization))
    assert wanted == accounts(shared, organization)


def accounts(scim: Scim, organization: str) -> dict[str, dict[str, Any]]:
    """Return the mapped fields that the product has, by address."""
    found = {}
    for account in list(scim.product.accounts.values()):
        if account.organization_id == organization:
            names = [name for name in FIELDS.names if getattr(account, name) not in (None, {})]
            found[account.email_address] = {name: getattr(account, name) for name in names}
    return found


def is_settled(scim: Scim, organization: str) -> bool:
    """Return whether nothing of an organization waits for the background."""
    status = scim.ask(lambda app: app.mappings.status(organization))
    return status is not None and status.is_finished
