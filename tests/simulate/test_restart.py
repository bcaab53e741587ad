"""A server that is killed in the middle of a cycle and started again some seconds later."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from scim_asgi.simulate import SIMULATORS, Exchange
from tests.commands import command
from tests.waiting import PATIENCE


def free_port() -> int:
    """Return a free port that the system gives to nobody who does not ask for it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def started(folder: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    """Start a server and return it with its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scim_asgi", "serve", "--port", str(port), "--database", "scim.db"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    match = re.search(r"http\S+", process.stdout.readline())
    assert match is not None
    return process, match[0]


@pytest.mark.parametrize("name", ["entra", "okta", "keycloak"])
async def test_nothing_differs_after_a_server_was_away_for_seconds(
    name: str, tmp_path: Path
) -> None:
    issued = command(tmp_path, "token", "issue", "acme", "--name", "x", "--database", "scim.db")
    port = free_port()
    process, url = started(tmp_path, port)
    written = unanswered = 0
    missed = asyncio.Event()

    def kill(exchange: Exchange) -> None:
        nonlocal written, unanswered
        written += exchange.method == "POST"
        if written == 5:
            process.kill()
        unanswered += exchange.status == 0
        if unanswered == 2:
            missed.set()

    run = SIMULATORS[name](
        url, issued.stdout.splitlines()[-1], users=30, groups=3, cycles=2, on_exchange=kill
    )
    running = asyncio.create_task(run.run())
    try:
        await asyncio.to_thread(process.wait)
        await asyncio.wait_for(missed.wait(), PATIENCE)
        process_again, _ = await asyncio.to_thread(started, tmp_path, port)
        try:
            report = await running
        finally:
            process_again.kill()
            process_again.communicate()
    finally:
        process.kill()
        process.communicate()
    assert [] == report.differences
    assert any(each.status == 0 for each in report.refused)
