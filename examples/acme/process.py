"""Acme as a process of its own, under uvicorn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_PATIENCE = 30.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run Acme with its files in a folder, and yield its URL; it ends with the context.

    Raises:
        RuntimeError: It does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "examples.acme.app:app", "--port", str(port)]
    environment = {**os.environ, "ACME_DATA": str(folder)}
    process = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    msg = f"Acme did not start at {url}."
    raise RuntimeError(msg)


def scim_asgi(folder: Path, *arguments: str) -> str:
    """Run a `scim-asgi` command on Acme's SCIM database and return what it prints."""
    command = [sys.executable, "-m", "scim_asgi", *arguments]
    environment = {**os.environ, "SCIM_ASGI_DATABASE": f"sqlite:///{folder / 'scim.db'}"}
    done = subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout
