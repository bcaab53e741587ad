"""What the Entra simulator sends in its first cycle, recorded once and then kept.

The simulator is a client of httpx and takes longer for a request than the server does. So its
requests are recorded while it talks to a ScimApp in memory, and sent by the load afterwards, with
the ids that the server at hand has given out in the place of the recorded ones. What was sent for
one person or group stays in its order, and a later part of the cycle begins when the one before has
ended, as with the simulator itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.types import Message, Receive, Scope, Send

from benchmarks.hooks import Idle
from scim_asgi import ScimApp
from scim_asgi.simulate import Entra, simulator

_CACHE = Path(__file__).parent / "results" / "recordings"
_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Piece = bytes | int
"""Bytes as they are sent, or the number of the resource whose id stands there."""


class Sent(Struct, frozen=True, array_like=True):
    """One request.

    Attributes:
        method: The HTTP method.
        target: Path and query behind the base URL, with the ids taken out.
        body: The body, likewise; empty where there is none.
        status: What it was answered.
        made: The number of the resource that it created, or None.
    """

    method: str
    target: list[Piece]
    body: list[Piece]
    status: int
    made: int | None


class Recording(Struct, frozen=True):
    """A cycle: parts, each of which has what was sent for each person or group.

    Attributes:
        parts: They follow each other.
        resources: How many resources are created in all.
    """

    parts: list[list[list[Sent]]]
    resources: int


def recording(users: int, groups: int) -> Recording:
    """Return the first cycle of a company of so many; recorded unless it was before."""
    sources = sorted(Path(simulator.__file__).parent.glob("*.py"))
    sources.append(Path(__file__))
    state = hashlib.sha256(b"\0".join(each.read_bytes() for each in sources)).hexdigest()[:12]
    kept = _CACHE / f"entra-{users}-{groups}-{state}.msgpack"
    if not kept.exists():
        made = asyncio.run(record(users, groups))
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent) as written:
            written.write(msgspec.msgpack.encode(made))
            written.flush()
            with suppress(FileExistsError):  # Another process was first.
                os.link(written.name, kept)
    return msgspec.msgpack.decode(kept.read_bytes(), type=Recording)


async def record(users: int, groups: int) -> Recording:
    """Let a simulated Entra push its first cycle to a ScimApp in memory.

    Raises:
        RuntimeError: Something is wrong with what was pushed.
    """
    app = ScimApp("sqlite:///:memory:", hooks=Idle(), rate_limit=None)
    async with app.lifespan():
        issued = await app.tokens.issue("recorded", name="recorded")
        tape = _Tape(app)
        entra = _Recorded(
            token=issued.token, app=tape, users=users, groups=groups, cycles=1, concurrency=1
        )
        entra.tape = tape
        report = await entra.run()
    if not report.ok:
        msg = f"The recorded cycle is not clean: {report.failures[:3]} {report.differences[:3]}"
        raise RuntimeError(msg)
    parts = [list(part.values()) for part in tape.parts if part]
    return Recording([half for part in parts for half in _untangled(part)], len(tape.numbers))


def _untangled(part: list[list[Sent]]) -> list[list[list[Sent]]]:
    """Return a part in two, where something in it needs what something else in it creates."""
    early: list[list[Sent]] = []
    late: list[list[Sent]] = []
    made = {sent.made for sequence in part for sent in sequence} - {None}
    for sequence in part:
        others = made - {sent.made for sent in sequence}
        needs = [bool(others.intersection(sent.target + sent.body)) for sent in sequence]
        first = needs.index(True) if True in needs else len(sequence)
        early.append(sequence[:first])
        late.append(sequence[first:])
    return [half for half in ([s for s in each if s] for each in (early, late)) if half]


class _Tape:
    """An application that writes down what another one is asked, for each task that asks.

    Attributes:
        parts: What was asked in each part of the cycle, by task.
        numbers: The resources that were created, by id.
    """

    def __init__(self, app: ScimApp) -> None:
        self._app = app
        self.is_running = False
        self.parts: list[dict[Any, list[Sent]]] = []
        self.numbers: dict[bytes, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, answer, status = b"", b"", 0

        async def heard() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        async def told(message: Message) -> None:
            nonlocal answer, status
            status = message.get("status", status)
            answer += message.get("body", b"")
            await send(message)

        await self._app(scope, heard, told)
        if self.is_running:
            self._write_down(scope, body, status, answer)

    def _write_down(self, scope: Scope, body: bytes, status: int, answer: bytes) -> None:
        made = None
        if status == 201:
            made = self.numbers[msgspec.json.decode(answer)["id"].encode()] = len(self.numbers)
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        target = self._pieces(scope["raw_path"] + query)
        sent = Sent(scope["method"], target, self._pieces(body), status, made)
        self.parts[-1].setdefault(asyncio.current_task(), []).append(sent)

    def _pieces(self, text: bytes) -> list[Piece]:
        """Take the ids of resources out of a text."""
        pieces: list[Piece] = []
        begin = 0
        for found in _ID.finditer(text):
            number = self.numbers.get(found[0])
            if number is not None:
                pieces += [text[begin : found.start()], number]
                begin = found.end()
        return [*pieces, text[begin:]]


class _Recorded(Entra):
    """Entra, telling the tape which part of the cycle is on."""

    tape: _Tape

    async def begin_cycle(self) -> None:
        self.tape.parts.append({})
        self.tape.is_running = True
        await super().begin_cycle()

    async def each(self, things: Iterable[Any], work: Callable[[Any], Awaitable[None]]) -> None:
        self.tape.parts.append({})
        await super().each(things, work)

    async def finish_cycle(self) -> None:
        await super().finish_cycle()
        self.tape.is_running = False
