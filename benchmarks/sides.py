"""What requests are sent to: ours and the ceiling, each on a database of so many users."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import people, seeding
from benchmarks.driver import Client, Request
from benchmarks.ours import MOUNT
from benchmarks.people import ENTERPRISE, Api
from benchmarks.servers import Server, serving
from scim_asgi import ScimApp

FILTERS = {
    "userName": people.login,
    "externalId": people.external_id,
    'emails[type eq "work"].value': people.login,
    "displayName": people.display_name,
}
"""What users are looked up by, and what stands there for a number."""

_SAMPLE = 2000
_LAG = 100
_NEW = 10_000_000

_decode = msgspec.json.Decoder().decode

Stream = Iterator[Request]


def issue_token(database: Path) -> str:
    """Issue a token of the organization that was seeded."""

    async def issue() -> str:
        app = ScimApp(str(database))
        async with app.visit():
            issued = await app.tokens.issue(seeding.ORGANIZATION, name="benchmark")
            return issued.token

    return asyncio.run(issue())


class Ours:
    """A ScimApp that is served, and streams of requests that never end.

    Args:
        server: The server.
        token: A token of it.
        users: How many users were seeded.
    """

    def __init__(self, server: Server, token: str, users: int) -> None:
        self.server = server
        self.users = users
        self.api = Api(MOUNT, token)
        self._client = Client(server.port)
        chance = random.Random(users)
        self._numbers = chance.sample(range(users), min(users, _SAMPLE))
        found = [self._one(self._find("userName", number)) for number in self._numbers]
        self._ids = [each["id"] for each in found]
        self._new = itertools.count(_NEW)
        self._changes = itertools.count(_NEW)
        self._activity: Stream | None = None

    def close(self) -> None:
        """Close the connection beside the measuring."""
        self._client.close()

    def get_user(self) -> Stream:
        """GET users by id."""
        return itertools.cycle([self.api.get(f"/Users/{each}") for each in self._ids])

    def find_user(self, attribute: str = "userName") -> Stream:
        """Look users up by an attribute."""
        requests = [self._find(attribute, number) for number in self._numbers]
        self._one(requests[0])
        return itertools.cycle(requests)

    def create_user(self) -> Stream:
        """POST new users."""
        return (self.api.post("/Users", people.user(number)) for number in self._new)

    def set_active(self) -> Stream:
        """PATCH `active`: one is closed, and one who was closed a while ago opened again.

        There is one such stream for a server, so that never more are closed than its guard allows.
        """
        if self._activity is None:
            self._activity = self._set_active()
        return self._activity

    def _set_active(self) -> Stream:
        close, reopen = (
            [self._patch(each, _replace("active", value)) for each in self._ids]
            for value in ("False", "True")
        )
        lag = min(_LAG, self.users // 8)
        for number in itertools.count():
            yield close[number % len(close)]
            if number >= lag:
                yield reopen[(number - lag) % len(reopen)]

    def change_six(self) -> Stream:
        """PATCH six attributes of a user, in six operations as Entra sends them."""
        for each, number in zip(itertools.cycle(self._ids), self._changes, strict=False):
            yield self._patch(
                each,
                _replace("displayName", f"Given {number}"),
                _replace("title", f"Engineer {number}"),
                _replace('emails[type eq "work"].value', f"changed{number}@bench.example"),
                _replace("name.familyName", f"Example {number}"),
                _replace('phoneNumbers[type eq "mobile"].value', f"+1 555 {number:07}"),
                _replace(f"{ENTERPRISE}:department", f"Department {number}"),
            )

    def add_member(self, members: int) -> Stream:
        """PATCH a member into the group of so many; who was added goes again, uncounted."""
        path = f"/Groups/{self._group(members)['id']}"
        strangers = [
            key
            for key, number in zip(self._ids, self._numbers, strict=True)
            if number >= min(members, self.users - 1)
        ]
        for each in itertools.cycle(strangers):
            value = [{"value": each}]
            add, remove = (
                self.api.patch(path, _operation(op, "members", value), status=b"204")
                for op in ("Add", "Remove")
            )
            yield add
            yield remove._replace(counted=False)

    def get_group(self, members: int) -> Stream:
        """GET the group of so many without its members."""
        path = f"/Groups/{self._group(members)['id']}?excludedAttributes=members"
        return itertools.repeat(self.api.get(path))

    def ask(self, request: Request) -> dict[str, Any]:
        """Ask something beside the measuring."""
        answer: dict[str, Any] = _decode(self._client.ask(request))
        return answer

    def _find(self, attribute: str, number: int) -> Request:
        return self.api.find("/Users", f'{attribute} eq "{FILTERS[attribute](number)}"')

    def _group(self, members: int) -> dict[str, Any]:
        name = seeding.name_of_group(members)
        path = f'/Groups?excludedAttributes=members&filter=displayName+eq+"{name}"'
        return self._one(self.api.get(path.replace(" ", "+").replace('"', "%22")))

    def _one(self, request: Request) -> dict[str, Any]:
        """Return the resource that a look-up finds."""
        [found] = self.ask(request)["Resources"]
        one: dict[str, Any] = found
        return one

    def _patch(self, resource_id: str, *operations: people.Operation) -> Request:
        return self.api.patch(f"/Users/{resource_id}", *operations)


def _operation(op: str, path: str, value: Any) -> people.Operation:
    return {"op": op, "path": path, "value": value}


def _replace(path: str, value: str) -> people.Operation:
    return _operation("Replace", path, value)


class Ceiling:
    """The ceiling that is served, likewise.

    Args:
        server: The server.
        users: How many documents it has.
    """

    def __init__(self, server: Server, users: int) -> None:
        self.server = server
        self._api = Api("", "")
        chance = random.Random(users)
        self._numbers = chance.sample(range(users), min(users, _SAMPLE))
        self._new = itertools.count(_NEW)

    def read(self) -> Stream:
        """Read documents by id."""
        ids = map(seeding.ceiling_id, self._numbers)
        return itertools.cycle([self._api.get(f"/Users/{each}") for each in ids])

    def write(self) -> Stream:
        """Write new documents."""
        return (self._api.post("/Users", people.user(number)) for number in self._new)


@contextmanager
def sides(users: int, folder: Path) -> Iterator[tuple[Ours, Ceiling]]:
    """Serve both on databases of so many users until the context ends.

    Args:
        users: How many users.
        folder: Where the databases are put.
    """
    database, documents = seeding.databases(users, folder, _say)
    with served(database, documents, users) as pair:
        yield pair


@contextmanager
def served(database: Path, documents: Path, users: int) -> Iterator[tuple[Ours, Ceiling]]:
    """Serve both until the context ends.

    Args:
        database: Our database, seeded.
        documents: The ceiling's.
        users: How many users are in each.
    """
    token = issue_token(database)
    with (
        serving("benchmarks.ours:create", BENCH_DATABASE=str(database)) as server,
        serving("benchmarks.ceiling:create", BENCH_DATABASE=str(documents)) as ceiling,
    ):
        ours = Ours(server, token, users)
        yield ours, Ceiling(ceiling, users)
        ours.close()


def _say(users: int) -> None:
    if users % 50_000 == 0:
        print(f"{users:,} users are stored", flush=True)
