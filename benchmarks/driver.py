"""The load: one thread, raw sockets and requests that are bytes already.

A client that parses and checks takes longer for a request than the server does, and on a machine
of few cores it would be measured instead. This one looks for the end of an answer and at its
status; the figures of a run say what that takes.
"""

from __future__ import annotations

import gc
import select
import socket
import struct
import time
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

Worker = Generator["Request", bytes, None]
"""Yields requests and is sent their answers, as they came."""

_LENGTH = b"content-length: "
_CHUNKED = b"transfer-encoding: chunked"
_END = b"\r\n\r\n"
_MOST = 1 << 16
_PATIENCE = 120

clock = time.perf_counter


class Request(NamedTuple):
    """One request.

    Attributes:
        wire: Its bytes.
        status: What it has to be answered.
        counted: Whether its time counts, or it only brings back what another one has changed.
    """

    wire: bytes
    status: bytes = b"200"
    counted: bool = True


class Answered(Struct, frozen=True):
    """What came of a time of load.

    Attributes:
        times: The seconds that each answer took, in the order of the answers.
        seconds: How long it all took, what does not count left out.
        answers: How many there were, with those that do not count.
    """

    times: list[float]
    seconds: float
    answers: int

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return len(self.times) / self.seconds

    def at(self, part: float) -> float:
        """Return the milliseconds that a part of the answers took at most."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e3


class Unexpected(RuntimeError):
    """An answer has another status than it has to have."""


class _Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        # A timeout of Python's own would cost a system call for every send and receive.
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _PATIENCE, 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.worker: Worker
        self.request: Request
        self.began = 0.0
        self._received = b""

    def send(self, request: Request) -> None:
        self.request = request
        self._received = b""
        self.began = clock()
        self.socket.sendall(request.wire)

    def receive(self) -> bytes | None:
        """Return the answer once it is whole, None before."""
        received = self.socket.recv(_MOST)
        if not received:
            msg = f"The server closed the connection instead of answering {self.request.wire[:200]!r}."
            raise ConnectionError(msg)
        answer = self._received = self._received + received if self._received else received
        return answer if _is_whole(answer) else None


def _is_whole(answer: bytes) -> bool:
    end = answer.find(_END)
    if end < 0:
        return False
    at = answer.find(_LENGTH, 0, end)
    if at >= 0:
        at += len(_LENGTH)
        return len(answer) >= end + 4 + int(answer[at : answer.find(b"\r", at)])
    if _CHUNKED in answer[:end]:
        return answer.endswith(b"0" + _END)
    return True


class Driver:
    """Connections to a server, over which requests are sent and timed.

    Args:
        port: Where the server listens, on loopback.
        connections: How many requests are under way at once.
    """

    def __init__(self, port: int, connections: int) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]
        self._by_number = {each.socket.fileno(): each for each in self._connections}
        self._epoll = select.epoll()
        for number in self._by_number:
            self._epoll.register(number, select.EPOLLIN)

    def close(self) -> None:
        """Close the connections."""
        self._epoll.close()
        for each in self._connections:
            each.socket.close()

    def send(self, requests: Iterator[Request], seconds: float) -> Answered:
        """Send requests one after the other over each connection for a time.

        Raises:
            Unexpected: An answer has another status.
        """
        deadline = clock() + seconds
        return self.run(_steadily(requests, deadline) for _ in self._connections)

    def run(self, workers: Iterable[Worker]) -> Answered:
        """Let workers go on until they end, as many at once as there are connections.

        Raises:
            Unexpected: An answer has another status.
        """
        waiting = iter(workers)
        times: list[float] = []
        uncounted: list[float] = []
        began = clock()
        gc.disable()
        try:
            under_way = sum(self._begin(each, waiting) for each in self._connections)
            while under_way:
                for connection in self._ready():
                    answer = connection.receive()
                    if answer is None:
                        continue
                    taken = times if connection.request.counted else uncounted
                    taken.append(clock() - connection.began)
                    under_way -= not self._go_on(connection, answer, waiting)
        finally:
            gc.enable()
        elapsed = clock() - began - sum(uncounted) / len(self._connections)
        return Answered(times, elapsed, len(times) + len(uncounted))

    def _ready(self) -> list[_Connection]:
        """Return connections that have received something; a single one waits by itself."""
        if len(self._connections) == 1:
            return self._connections
        ready = self._epoll.poll(_PATIENCE)
        if not ready:
            msg = f"The server has not answered anything for {_PATIENCE} seconds."
            raise TimeoutError(msg)
        return [self._by_number[number] for number, _ in ready]

    @staticmethod
    def _begin(connection: _Connection, waiting: Iterator[Worker]) -> bool:
        """Give a connection its next worker that has anything to send; return whether there is."""
        for worker in waiting:
            request = next(worker, None)
            if request is not None:
                connection.worker = worker
                connection.send(request)
                return True
        return False

    def _go_on(self, connection: _Connection, answer: bytes, waiting: Iterator[Worker]) -> bool:
        """Send what follows an answer; return whether anything does."""
        expected = connection.request.status
        if expected and answer[9:12] != expected:
            msg = (
                f"{connection.request.wire[:300]!r} was answered {answer[9:12].decode()} and not "
                f"{expected.decode()}: {body_of(answer)[:500]!r}"
            )
            raise Unexpected(msg)
        try:
            connection.send(connection.worker.send(answer))
        except StopIteration:
            return self._begin(connection, waiting)
        return True


def _steadily(requests: Iterator[Request], deadline: float) -> Worker:
    for request in requests:
        yield request
        if request.counted and clock() > deadline:
            return


def body_of(answer: bytes) -> bytes:
    """Return the body of an answer."""
    head, _, body = answer.partition(_END)
    if _CHUNKED not in head:
        return body
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(rest[:length])
        body = rest[length + 2 :] if length else b""
    return b"".join(pieces)


class Client:
    """One connection, for what is asked beside the measuring."""

    def __init__(self, port: int) -> None:
        self._driver = Driver(port, 1)

    def ask(self, request: Request) -> bytes:
        """Send a request and return the body of its answer.

        Raises:
            Unexpected: It has another status.
        """
        return self.ask_all([request])[0]

    def ask_all(self, requests: Iterable[Request]) -> list[bytes]:
        """Send requests one after the other and return the bodies of their answers."""
        bodies: list[bytes] = []

        def work() -> Worker:
            for request in requests:
                answer = yield request
                bodies.append(body_of(answer))

        self._driver.run([work()])
        return bodies

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()
