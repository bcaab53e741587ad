"""A directory that remembers what it was told, so that it can be held against what is there."""

from __future__ import annotations

import random
from typing import Any

import httpx
from msgspec import Struct
from msgspec.structs import replace

from tests.client import PATCH_OP, USER
from tests.torture.accounts import REFUSED

REFUSAL = 12
"""How many of a hundred changes the host is to refuse."""


class State(Struct, frozen=True):
    """What the directory has of a user.

    Attributes:
        family: The family name.
        nick: The nick name.
        active: Whether the account is to be open.
        is_member: Whether the user is in the shared group.
    """

    family: str
    nick: str
    active: bool = True
    is_member: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether the host never accepts it."""
        return self.family == REFUSED


class Sent(Struct):
    """A user as a directory knows it.

    Attributes:
        name: Its userName.
        id: Its id; None while nobody knows.
        told: The state that was answered with success, None for no user.
        wanted: The state that a request asked for whose answer never came.
        retry: The request to repeat, until its answer is known.
        version: The version in the last entity tag.
        past: The versions seen, to check that they rise.
    """

    name: str
    id: str | None = None
    told: State | None = None
    wanted: tuple[State | None, ...] = ()
    retry: tuple[str, State | None] | None = None
    version: int = 0


class Wrong(AssertionError):
    """The server broke a promise."""


class Directory:
    """One client: it changes users of its own, one request after the other.

    Args:
        base_url: Where SCIM is.
        token: The bearer token.
        group: The id of the group that all clients share.
        name: The client's name, in the names of its users.
        seed: What chance begins with.
    """

    def __init__(self, base_url: str, token: str, group: str, name: str, seed: str) -> None:
        self.base_url = base_url
        self.users: dict[str, Sent] = {}
        self.answers: dict[int, int] = {}
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(headers=self._headers, timeout=30)
        self._group = group
        self._name = name
        self._random = random.Random(seed)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def work(self) -> None:
        """Send requests until the server is gone."""
        try:
            while True:
                self._step()
        except httpx.TransportError:
            self._http.close()
            self._http = httpx.Client(headers=self._headers, timeout=30)

    def _step(self) -> None:
        waiting = [each for each in self.users.values() if each.retry is not None]
        if waiting and self._random.random() < 0.5:
            user = self._random.choice(waiting)
            assert user.retry is not None
            self._do(user, *user.retry)
            return
        calm = [each for each in self.users.values() if each.retry is None]
        there = [each for each in calm if each.told is not None]
        if len(there) < 5 or self._random.random() < 0.2:
            user = Sent(name=f"{self._name}{len(self.users)}@acme.test")
            self.users[user.name] = user
            self._do(user, "create", self._changed(State("Family", "nick")))
            return
        user = self._random.choice(there)
        assert user.told is not None
        kind = self._random.choice(["patch", "patch", "put", "active", "member", "delete"])
        if kind == "delete":
            wanted = None
        elif kind == "active":
            wanted = replace(user.told, active=not user.told.active)
        elif kind == "member":
            wanted = replace(user.told, is_member=not user.told.is_member)
        else:
            wanted = self._changed(user.told)
        self._do(user, kind, wanted)

    def _changed(self, state: State) -> State:
        number = self._random.randrange(10**6)
        refused = self._random.randrange(100) < REFUSAL
        return replace(state, family=REFUSED if refused else f"F{number}", nick=f"n{number}")

    def _do(self, user: Sent, kind: str, wanted: State | None) -> None:
        user.retry = (kind, wanted)
        if wanted is None or not wanted.is_refused:
            user.wanted = (*user.wanted, wanted)
        answer = self._send(user, kind, wanted)
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        if answer.is_success:
            self._succeeded(user, wanted, answer)
        elif answer.status_code >= 500:
            return
        elif kind == "create" and answer.status_code == 409 and len(user.wanted) >= 1:
            self._find(user)
        elif kind == "delete" and answer.status_code == 404 and len(user.wanted) > 1:
            user.told, user.wanted, user.retry = None, (), None
        elif answer.status_code == 400 and wanted is not None and wanted.is_refused:
            self._settled(user)
        else:
            msg = f"{kind} of {user} was answered {answer.status_code}: {answer.text}"
            raise Wrong(msg)

    def _succeeded(self, user: Sent, wanted: State | None, answer: httpx.Response) -> None:
        if wanted is not None and wanted.is_refused:
            msg = f"what the host refuses was answered {answer.status_code}: {user}"
            raise Wrong(msg)
        user.told, user.wanted, user.retry = wanted, (), None
        if answer.content:
            body = answer.json()
            user.id = body["id"]
            if body["meta"]["resourceType"] == "User":
                self._rising(user, body)

    def _rising(self, user: Sent, body: dict[str, Any]) -> None:
        version = version_of(body)
        if version < user.version:
            msg = f"the version went back from {user.version} to {version}: {user}"
            raise Wrong(msg)
        user.version = version

    def _settled(self, user: Sent) -> None:
        """Take a refusal as the end of the request."""
        user.wanted, user.retry = (), None

    def _find(self, user: Sent) -> None:
        """Look a user up that is there already, as directories do."""
        found = self.look_up(user.name)
        if found is not None:
            user.id, user.told = found["id"], state_of(found)
            user.version = version_of(found)
            self._settled(user)

    def look_up(self, name: str) -> dict[str, Any] | None:
        """Return the user with a name, or None."""
        answer = self._request("GET", f'/Users?filter=userName eq "{name}"')
        resources = answer.raise_for_status().json()["Resources"]
        return resources[0] if resources else None

    def _send(self, user: Sent, kind: str, wanted: State | None) -> httpx.Response:
        if kind == "create":
            assert wanted is not None
            return self._request("POST", "/Users", document(user.name, wanted))
        path = f"/Users/{user.id}"
        if kind == "delete":
            return self._request("DELETE", path)
        assert wanted is not None
        if kind == "put":
            return self._request("PUT", path, document(user.name, wanted))
        if kind == "member":
            return self._member(user, wanted)
        operations: list[dict[str, Any]] = [
            {"op": "replace", "path": "active", "value": wanted.active},
            {"op": "replace", "path": "name.familyName", "value": wanted.family},
            {"op": "replace", "path": "nickName", "value": wanted.nick},
        ]
        body = {"schemas": [PATCH_OP], "Operations": operations[: 1 if kind == "active" else 3]}
        return self._request("PATCH", path, body)

    def _member(self, user: Sent, wanted: State) -> httpx.Response:
        operation: dict[str, Any] = {
            "op": "remove",
            "path": f'members[value eq "{user.id}"]',
        }
        if wanted.is_member:
            operation = {"op": "add", "path": "members", "value": [{"value": user.id}]}
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        return self._request("PATCH", f"/Groups/{self._group}", body)

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        options = {} if body is None else {"json": body}
        return self._http.request(method, f"{self.base_url}{path}", **options)

    def check(self) -> None:
        """Check that the server has what it has said, and take over what it has.

        Raises:
            Wrong: It has not.
        """
        for user in self.users.values():
            found = self.look_up(user.name)
            state = None if found is None else state_of(found)
            if state != user.told and state not in user.wanted:
                msg = f"{user} is {state} on the server"
                raise Wrong(msg)
            if found is not None:
                if not user.wanted and user.retry is None and version_of(found) != user.version:
                    msg = f"{user} has the version {version_of(found)}"
                    raise Wrong(msg)
                user.id = found["id"]
                self._rising(user, found)
            user.told = state
            self._settled(user)


def document(name: str, state: State) -> dict[str, Any]:
    """Return a user as it is sent."""
    return {
        "schemas": [USER],
        "userName": name,
        "name": {"familyName": state.family},
        "nickName": state.nick,
        "active": state.active,
    }


def state_of(user: dict[str, Any]) -> State:
    """Return what the server has of a user."""
    return State(
        user["name"]["familyName"], user["nickName"], user["active"], bool(user.get("groups"))
    )


def version_of(user: dict[str, Any]) -> int:
    """Return the version in a user's entity tag; the part that groups add is left out."""
    return int(user["meta"]["version"][3:-1].partition(".")[0])
