"""Whole conversations with a server, against a dictionary that knows what has to come out."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from scim_asgi.ids import uuid7
from tests.client import GROUP, USER, Client, assert_error
from tests.conformance.checklist.requests import op, query
from tests.conftest import Scim, Served

NAMES = ["ada", "Ada", "bob", "straße", "STRASSE", "a_b", "a%b"]
names = st.sampled_from(NAMES)
titles = st.one_of(st.none(), st.sampled_from(["T", "t", "100%"]))
emails = st.lists(
    st.fixed_dictionaries({"value": st.sampled_from(["a@x", "b@x"]), "type": st.just("work")}),
    max_size=2,
    unique_by=lambda each: str(each["value"]),
)


def folded(name: str) -> str:
    return name.casefold()


class Conversation(RuleBasedStateMachine):
    """A directory that creates, replaces, patches, deletes, reads and lists."""

    scim: Scim

    def __init__(self) -> None:
        super().__init__()
        self.client: Client = self.scim.client(uuid7())
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, tuple[str, set[str]]] = {}
        self.versions: dict[str, str] = {}
        self.gone: set[str] = set()

    ids = Bundle("ids")
    group_ids = Bundle("group_ids")

    def taken(self, name: str, but: str | None = None) -> bool:
        return any(
            folded(each["userName"]) == folded(name)
            for number, each in self.users.items()
            if number != but
        )

    def remember(self, number: str, answer: Any, *, changed: bool) -> None:
        """Check that the version moves with a change, and with nothing else."""
        before = self.versions.get(number)
        self.versions[number] = own_version(answer)
        if before is not None:
            assert changed == (before != self.versions[number])

    @rule(target=ids, name=names, title=titles, values=emails, active=st.booleans())
    def create(self, name: str, title: str | None, values: Any, active: bool) -> str:
        body = {"userName": name, "title": title, "emails": values, "active": active}
        answer = self.client.post("/Users", {"schemas": [USER], **body})
        if self.taken(name):
            assert_error(answer, 409, "uniqueness")
            return "none"
        number = str(answer.json()["id"])
        assert number not in self.users
        self.users[number] = wanted(body)
        self.remember(number, answer, changed=True)
        return number

    @rule(number=ids, name=names, title=titles, values=emails)
    def replace(self, number: str, name: str, title: str | None, values: Any) -> None:
        body = {"userName": name, "title": title, "emails": values}
        answer = self.client.send("PUT", f"/Users/{number}", {"schemas": [USER], **body})
        if number not in self.users:
            assert_error(answer, 404)
        elif self.taken(name, number):
            assert_error(answer, 409, "uniqueness")
        else:
            new = wanted({**body, "active": self.users[number]["active"]})
            self.remember(number, answer, changed=new != self.users[number])
            self.users[number] = new

    @rule(number=ids, title=titles, active=st.booleans())
    def patch(self, number: str, title: str | None, active: bool) -> None:
        operations = op("replace", "title", value=title), op("Replace", value={"active": active})
        answer = self.client.patch(f"/Users/{number}", *operations)
        if number not in self.users:
            assert_error(answer, 404)
            return
        new = wanted({**self.users[number], "title": title, "active": active})
        self.remember(number, answer, changed=new != self.users[number])
        self.users[number] = new

    @rule(number=ids, name=names)
    def rename(self, number: str, name: str) -> None:
        title = op("replace", "title", value="renamed")
        change = op("replace", "userName", value=name)
        answer = self.client.patch(f"/Users/{number}", title, change)
        if number not in self.users:
            assert_error(answer, 404)
        elif self.taken(name, number):
            assert_error(answer, 409, "uniqueness")
        else:
            new = wanted({**self.users[number], "title": "renamed", "userName": name})
            self.remember(number, answer, changed=new != self.users[number])
            self.users[number] = new

    @rule(number=ids)
    def delete(self, number: str) -> None:
        answer = self.client.send("DELETE", f"/Users/{number}")
        if self.users.pop(number, None) is None:
            assert_error(answer, 404)
            return
        assert 204 == answer.status_code
        self.gone.add(number)
        for _, members in self.groups.values():
            members.discard(number)

    @rule(target=group_ids, members=st.lists(ids, max_size=3))
    def create_group(self, members: list[str]) -> str:
        name = uuid7()
        body = {
            "schemas": [GROUP],
            "displayName": name,
            "members": [{"value": each} for each in members],
        }
        answer = self.client.post("/Groups", body)
        assert 201 == answer.status_code, answer.text
        number = str(answer.json()["id"])
        self.groups[number] = name, {each for each in members if each in self.users}
        return number

    @rule(group=group_ids, members=st.lists(ids, min_size=1, max_size=3))
    def add_members(self, group: str, members: list[str]) -> None:
        value = [{"value": each} for each in members]
        answer = self.client.patch(f"/Groups/{group}", op("add", "members", value=value))
        assert 204 == answer.status_code
        self.groups[group][1].update(each for each in members if each in self.users)

    @rule(group=group_ids, member=ids, listed=st.booleans())
    def remove_member(self, group: str, member: str, listed: bool) -> None:
        operation = op("remove", f'members[value eq "{member}"]')
        if listed:
            operation = op("Remove", "members", value=[{"value": member}])
        assert 204 == self.client.patch(f"/Groups/{group}", operation).status_code
        self.groups[group][1].discard(member)

    @rule(name=names)
    def look_up(self, name: str) -> None:
        found = query(self.client, "/Users", filter=f'userName eq "{name}"').json()["Resources"]
        expected = {
            number
            for number, each in self.users.items()
            if folded(each["userName"]) == folded(name)
        }
        assert expected == {each["id"] for each in found}

    @rule(text=st.sampled_from(["title pr", 'title eq "t"', "active eq false", 'title co "%"']))
    def search(self, text: str) -> None:
        tests: dict[str, Any] = {
            "title pr": lambda user: "title" in user,
            'title eq "t"': lambda user: user.get("title", "").casefold() == "t",
            "active eq false": lambda user: user["active"] is False,
            'title co "%"': lambda user: "%" in user.get("title", ""),
        }
        found = query(self.client, "/Users", filter=text, count=200).json()
        expected = [number for number, each in self.users.items() if tests[text](each)]
        assert expected == [each["id"] for each in found["Resources"]]
        assert len(expected) == found["totalResults"]

    @rule(number=ids)
    def read(self, number: str) -> None:
        answer = self.client.get(f"/Users/{number}")
        if number not in self.users:
            assert_error(answer, 404)
            return
        assert self.versions[number] == own_version(answer)
        shown = answer.json()
        groups = {each["value"] for each in shown.pop("groups", [])}
        assert {key for key, (_, members) in self.groups.items() if number in members} == groups
        assert self.users[number] == {
            name: value for name, value in shown.items() if name not in ("schemas", "id", "meta")
        }

    @rule(count=st.integers(1, 3))
    def walk(self, count: int) -> None:
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            body = query(self.client, "/Users", cursor=cursor, count=count).json()
            seen += [each["id"] for each in body["Resources"]]
            cursor = body.get("nextCursor")
        assert list(self.users) == seen

    @invariant()
    def groups_hold_who_was_put_there(self) -> None:
        for group, (name, members) in self.groups.items():
            shown = self.client.get(f"/Groups/{group}").json()
            assert name == shown["displayName"]
            assert members == {each["value"] for each in shown["members"]}


def own_version(answer: Any) -> str:
    """Return what the entity tag says of the resource itself, its groups aside."""
    tag: str = answer.headers["etag"]
    return tag.removeprefix('W/"').rstrip('"').partition(".")[0]


def wanted(body: dict[str, Any]) -> dict[str, Any]:
    """Return a user without what is unassigned."""
    kept = {name: value for name, value in body.items() if value not in (None, [])}
    return copy.deepcopy(kept)


def test_every_conversation_goes_as_the_model_says(serve: Served) -> None:
    Conversation.scim = serve(hooks=None)
    run_state_machine_as_test(
        Conversation,
        settings=settings(
            max_examples=100,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
