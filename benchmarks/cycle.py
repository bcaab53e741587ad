"""The first cycle of the Entra simulator, sent to ours and to the peer in alternation.

Both get the same requests, some for one and then the same for the other, over as many connections
as the simulator has requests under way.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks import ours, peer
from benchmarks.alternation import Figures, Row
from benchmarks.driver import Driver, Request, Worker, body_of
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

    def send(self, sequences: list[list[Sent]]) -> float:
        """Send sequences, some at once, and return how many requests a second it took."""
        before = self.server.cpu_seconds()
        answered = self._driver.run(map(self._follow, sequences))
        self.cpu += self.server.cpu_seconds() - before
        self.times += answered.times
        self.seconds += answered.seconds
        return answered.rate

    @property
    def figures(self) -> Figures:
        """How the server has fared so far."""
        times = sorted(self.times)
        p50, p99 = (times[int(len(times) * part)] * 1e3 for part in (0.5, 0.99))
        return Figures(len(times) / self.seconds, p50, p99, self.cpu / len(times) * 1e6)

    def _follow(self, sequence: list[Sent]) -> Worker:
        for sent in sequence:
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

    The peer is stopped when it has taken too long; compared is what both were sent.

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
        shared, ratios = _alternate(first, second, recorded, patience)
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
        least=min(ratios),
        most=max(ratios),
        cpu_ratio=second.figures.cpu / shared.cpu,
        goal=GOAL,
    )
    return row, _differing(first, second)


def _alternate(
    first: Replay, second: Replay, recorded: Recording, patience: float
) -> tuple[Figures, list[float]]:
    """Send to one and then to the other; return how the first fared with what both were sent."""
    ratios: list[float] = []
    shared: Figures | None = None
    for some in _turns(recorded):
        rate = first.send(some)
        if second.seconds < patience:
            ratios.append(rate / second.send(some))
            shared = first.figures
    assert shared is not None
    return shared, ratios


def _differing(first: Replay, second: Replay) -> Fact:
    """Return what the peer was not sent, and what it answered otherwise."""
    count = sum(second.differing.values())
    said = [f"{times} times {what}" for what, times in second.differing.items()]
    said.append(f"it was sent {len(second.times):,} of {len(first.times):,} requests in its time")
    job = "requests of that cycle that scim2-server does not carry out"
    return Fact(job=job, figure=count, unit="requests", note=", ".join(said))


def _turns(recorded: Recording) -> Iterator[list[list[Sent]]]:
    """Yield what is sent to one and then to the other."""
    for part in recorded.parts:
        for first in range(0, len(part), _AT_ONCE):
            yield part[first : first + _AT_ONCE]
