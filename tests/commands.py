"""The command line as real processes, on a real file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from click.testing import CliRunner

from scim_asgi.cli import main
from tests.servers import until_stored
from tests.waiting import until


def command(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a `scim-asgi` command in a folder and check its exit status."""
    done = attempt(folder, *arguments)
    assert status == done.returncode, done.stderr
    return done


def attempt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a `scim-asgi` command in a folder, however it ends."""
    return subprocess.run(
        [sys.executable, "-m", "scim_asgi", *arguments],
        cwd=folder,
        env={**os.environ, "SCIM_ASGI_DATABASE": "sqlite:///scim.db"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def command_here(
    folder: Path, *arguments: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command in this process and check its exit status."""
    done = attempt_here(folder, *arguments)
    assert status == done.returncode, done.stderr
    return done


def attempt_here(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: faster, and for those that import nothing of a product's."""
    runner = CliRunner(env={"SCIM_ASGI_DATABASE": "sqlite:///scim.db"})
    until_stored()
    with chdir(folder):
        done = runner.invoke(main, arguments, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `scim-asgi serve` on a free port and yield its base URL; its log is `serve.log`."""
    log = folder / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "scim_asgi", "serve", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, "SCIM_ASGI_DATABASE": "sqlite:///scim.db"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(r"Serving SCIM 2\.0 at (http\S+)\n", line)
        assert match is not None, log.read_text() or line
        yield match[1], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@contextmanager
def uvicorn(folder: Path, target: str, **environment: str) -> Iterator[str]:
    """Run `uvicorn TARGET` in a folder, as a product does, and yield its URL."""
    log = folder / "uvicorn.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", target, "--port", "0", "--lifespan", "on"],
            cwd=folder,
            env={**os.environ, **environment},
            stderr=errors,
            stdout=errors,
        )
    try:
        until(lambda: "Uvicorn running" in log.read_text() or process.poll() is not None)
        match = re.search(r"Uvicorn running on (http\S+)", log.read_text())
        assert match is not None, log.read_text()
        yield match[1]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM), log.read_text()
