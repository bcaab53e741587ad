"""The first cycle of the Entra simulator, sent to ours and to the peer in alternation.

Both get the same requests, some for one and then the same for the other, over as many connections
as the simulator has requests under way. The peer goes first, so that it can be stopped anywhere and
ours be sent no more of them than it was.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks import ours, peer
from benchmarks.alternation import Figures, Row
from benchmarks.driver import Driver, Request, Worker, body_of, clock
from benchmarks.people import Api
from benchmarks.recording import Piece, Recording, Sent, recording
from benchmarks.report import Fact
from benchmarks.servers import Server, serving
from benchmarks.sides import issue_token

CONNECTIONS = 4
GOAL = 5.0

_AT_ONCE = 4


class _Made(Struct):
    id: str


_read_made = msgspec.json.Decoder(_Made).decode


class Replay:
    """Sends a recording to a server.

    Args:
        server: The server.
        api: What makes requests to it.
        resources: How many resources the recording creates.

    Attributes:
        differing: What was answered other than in the recording, how many times; 200 is as good as
            204.
        times: The seconds that each answer took.
        seconds: How long it all took.
        cpu: The server's CPU seconds.
    """

    def __init__(self, server: Server, api: Api, resources: int) -> None:
        self.server = server
        self._api = api
        self._ids: list[bytes | None] = [None] * resources
        self._driver = Driver(server.port, CONNECTIONS)
        self.differing: Counter[str] = Counter()
        self.times: list[float] = []
        self.seconds = 0.0
        self.cpu = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def send(self, sequences: list[list[Sent]], seconds: float = math.inf) -> list[list[Sent]]:
        """Send sequences, some at once, and return what was sent of each.

        Args:
            sequences: Requests, each of which follows the answer to the one before.
            seconds: After how long nothing more is sent; what is under way is waited for.
        """
        before = self.server.cpu_seconds()
        deadline = clock() + seconds
        begun: list[list[Sent]] = [[] for _ in sequences]
        answered = self._driver.run(map(self._follow, sequences, begun, itertools.repeat(deadline)))
        self.cpu += self.server.cpu_seconds() - before
        self.times += answered.times
        self.seconds += answered.seconds
        return begun

    @property
    def figures(self) -> Figures:
        """How the server has fared so far."""
        times = sorted(self.times)
        p50, p99 = (times[int(len(times) * part)] * 1e3 for part in (0.5, 0.99))
        return Figures(len(times) / self.seconds, p50, p99, self.cpu / len(times) * 1e6)

    def _follow(self, sequence: list[Sent], begun: list[Sent], deadline: float) -> Worker:
        for sent in sequence:
            if clock() >= deadline:
                return
            begun.append(sent)
            target, body = self._filled(sent.target), self._filled(sent.body)
            if target is None or body is None:
                self.differing[f"{sent.method} not sent, for want of an id"] += 1
                continue
            answer = yield self._request(sent.method, target.decode(), body)
            status = int(answer[9:12])
            if status // 100 != sent.status // 100:
                self.differing[f"{sent.method} {status} and not {sent.status}"] += 1
            elif sent.made is not None:
                self._ids[sent.made] = _read_made(body_of(answer)).id.encode()

    def _filled(self, pieces: list[Piece]) -> bytes | None:
        """Return a text with this server's ids in it; None when it has not given one out."""
        found = [self._ids[each] if isinstance(each, int) else each for each in pieces]
        known = [each for each in found if each is not None]
        return b"".join(known) if len(known) == len(found) else None

    def _request(self, method: str, target: str, body: bytes) -> Request:
        if not body:
            return self._api.get(target)._replace(status=b"")
        return self._api.send(method, target, body, b"")


def cycle(folder: Path, users: int, groups: int, patience: float) -> tuple[Row, Fact]:
    """Send the cycle to both; return how they fared, and what the peer answered otherwise.

    The peer is stopped when it has taken too long. The ratio is of what both were sent, the same
    requests in the same order; the times are of the whole cycle.

    Args:
        folder: Where our database is put.
        users: How many users.
        groups: How many groups.
        patience: How many seconds the peer may take.

    Raises:
        RuntimeError: Ours has answered other than in the recording.
    """
    recorded = recording(users, groups)
    database, token = folder / "entra.db", secrets.token_urlsafe()
    apis = Api(ours.MOUNT, issue_token(database)), Api(peer.MOUNT, token)
    with (
        serving("benchmarks.ours:create", BENCH_DATABASE=str(database)) as own,
        serving("benchmarks.peer:create", BENCH_TOKEN=token) as other,
    ):
        first, second = (
            Replay(server, api, recorded.resources)
            for server, api in zip((own, other), apis, strict=True)
        )
        shared = _alternate(first, second, recorded, patience)
        first.close()
        second.close()
    if first.differing:
        msg = f"The replayed cycle is not clean: {first.differing}"
        raise RuntimeError(msg)
    row = Row(
        job=f"first cycle of Entra, {groups:,} groups",
        size=users,
        of="users",
        connections=CONNECTIONS,
        figures=first.figures,
        against="scim2-server",
        reference=second.figures,
        by="rate",
        ratio=shared.rate / second.figures.rate,
        least=None,
        most=None,
        cpu_ratio=second.figures.cpu / shared.cpu,
        goal=GOAL,
    )
    return row, _differing(first, second, shared)


def _alternate(first: Replay, second: Replay, recorded: Recording, patience: float) -> Figures:
    """Send to the second and then to the first; return how the first fared with what both got."""
    turns = _turns(recorded)
    rest: list[list[Sent]] = []
    for some in turns:
        both = second.send(some, patience - second.seconds)
        first.send(both)
        if second.seconds >= patience:
            rest = [each[len(sent) :] for each, sent in zip(some, both, strict=True)]
            break
    shared = first.figures
    for some in itertools.chain([rest], turns):
        first.send(some)
    return shared


def _differing(first: Replay, second: Replay, shared: Figures) -> Fact:
    """Return what the peer was not sent, and what it answered otherwise."""
    said = [f"{times} times {what}" for what, times in second.differing.items()]
    said.append(
        f"it was sent {len(second.times):,} of {len(first.times):,} requests in "
        f"{second.seconds:.0f} s, and ours answered the same ones at {shared.rate:,.0f} a second"
    )
    return Fact(
        job="requests of that cycle that scim2-server does not carry out",
        figure=sum(second.differing.values()),
        unit="requests",
        note=", ".join(said),
    )


def _turns(recorded: Recording) -> Iterator[list[list[Sent]]]:
    """Yield what is sent to one and then to the other."""
    for part in recorded.parts:
        for first in range(0, len(part), _AT_ONCE):
            yield part[first : first + _AT_ONCE]
