"""A real TCP proxy that cuts connections in the middle of requests and of answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from urllib.parse import urlsplit

_CHUNK = 65_536


@asynccontextmanager
async def cutting(url: str, *, share: float, random: Random) -> AsyncIterator[str]:
    """Yield the URL of a proxy in front of a server.

    Args:
        url: The server's URL.
        share: How many of the pieces that pass end their connection: before they are handed on,
            in their middle, or behind them.
        random: Where chance comes from.
    """
    target = urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up = await asyncio.open_connection(target.hostname, target.port)
        for source, sink in ((reader, up[1]), (up[0], writer)):
            task = asyncio.create_task(_pump(source, sink, [writer, up[1]], share, random))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{target.path}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    both: list[asyncio.StreamWriter],
    share: float,
    random: Random,
) -> None:
    """Hand on what comes, until an end or a cut, and then close both sides."""
    try:
        with suppress(ConnectionError):
            while piece := await source.read(_CHUNK):
                if random.random() < share:
                    sink.write(piece[: random.choice((0, len(piece) // 2, len(piece)))])
                    await sink.drain()
                    break
                sink.write(piece)
                await sink.drain()
    finally:
        for writer in both:
            writer.close()
