"""Servers as processes of their own: uvicorn with uvloop and httptools, all with the same options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

_OPTIONS = "--port 0 --loop uvloop --http httptools --no-access-log --timeout-keep-alive 3600"
_LISTENS = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
_PATIENCE = 60.0


class Server:
    """A server that runs.

    Args:
        process: Its process.
        port: Where it listens, on loopback.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._folder = Path("/proc") / str(process.pid)
        self.pid = process.pid
        self.port = port

    def cpu_seconds(self) -> float:
        """Return the CPU time that its threads have taken so far, in the kernel too."""
        each = (path.read_text().split() for path in self._folder.glob("task/*/schedstat"))
        return sum(int(running) for running, *_ in each) / 1e9

    def memory(self) -> tuple[float, float]:
        """Return the MiB of memory that it has now, and those that it had at most."""
        found = dict(
            line.split(":", 1) for line in (self._folder / "status").read_text().splitlines()
        )
        now, most = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most


@contextmanager
def serving(factory: str, **environment: str) -> Iterator[Server]:
    """Serve what a factory makes until the context ends.

    Args:
        factory: The module and the name of a function that returns an ASGI application.
        environment: Environment variables that it reads.

    Raises:
        RuntimeError: It does not start.
    """
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, *_OPTIONS.split()]
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        try:
            yield Server(process, _port(process, Path(log.name)))
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := _LISTENS.search(log.read_text()):
            return int(found[1])
        time.sleep(0.02)
    msg = f"A server did not start:\n{log.read_text()}"
    raise RuntimeError(msg)
