"""Load over keep-alive connections, with as little work on this side as possible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct


class Target(Struct, frozen=True):
    """Where requests go.

    Attributes:
        host: The address.
        port: The port.
        prefix: What stands in front of every path.
        token: The bearer token.
    """

    host: str
    port: int
    prefix: str = ""
    token: str = ""

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Return an HTTP request as it goes over the wire."""
        head = (
            f"{method} {self.prefix}{path} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {self.token}\r\n"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Measured(Struct, frozen=True):
    """What came out.

    Attributes:
        rate: Answers in a second.
        median: Milliseconds that half of the answers took at most.
        slow: Milliseconds that 99 of 100 answers took at most.
    """

    rate: float
    median: float
    slow: float


async def measure(
    target: Target, make: Callable[[int], bytes], *, status: int, requests: int, connections: int
) -> Measured:
    """Send numbered requests over some connections at once.

    Args:
        target: Where to.
        make: The request of a number from 0 on.
        status: What every answer has to be.
        requests: How many.
        connections: Over how many connections.

    Raises:
        RuntimeError: An answer has another status.
    """
    numbers = iter(range(requests))
    times: list[float] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection(target.host, target.port)
        for number in numbers:
            request = make(number)
            start = time.perf_counter()
            writer.write(request)
            found, body = await answer(reader)
            times.append(time.perf_counter() - start)
            if found != status:
                msg = f"{request[:200]!r} was answered {found}: {body[:300]!r}"
                raise RuntimeError(msg)
        writer.close()
        await writer.wait_closed()

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    elapsed = time.perf_counter() - start
    times.sort()
    return Measured(
        requests / elapsed, times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
    )


async def one(target: Target, request: bytes) -> tuple[int, bytes]:
    """Send one request and return status and body of its answer."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(request)
    received = await answer(reader)
    writer.close()
    await writer.wait_closed()
    return received


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer and return its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), await reader.readexactly(length)
