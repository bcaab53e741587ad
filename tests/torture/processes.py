"""The host product started, asked, killed and looked at from outside."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import until

MOUNT = "/scim/v2"


class Host:
    """A host product that runs.

    Args:
        folder: Where its files are.
        options: See :func:`tests.torture.host.build`.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.torture.host", str(folder), json.dumps(options)]
        self.errors = folder / "host.log"
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.started = bool(line.strip())
        self.url = f"http://127.0.0.1:{line.strip()}"
        self.base_url = f"{self.url}{MOUNT}"

    def ask(self, path: str, body: Any = None) -> Any:
        """GET what a path of the host has, or POST to it."""
        if body is None:
            return httpx.get(f"{self.url}{path}", timeout=30).raise_for_status().json()
        return httpx.post(f"{self.url}{path}", json=body, timeout=30).raise_for_status().json()

    def kill(self) -> None:
        """End it by SIGKILL, whether it has died already or not."""
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """Tell it to stop, and return its exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self, seconds: float = 60) -> int:
        """Wait until it has ended, and return its exit status."""
        self.process.communicate(timeout=seconds)
        return self.process.returncode

    def until_settled(self, seconds: float = 120) -> None:
        """Wait until the host has confirmed everything."""

        def settled() -> bool:
            status = self.ask("/status")
            return not status["pending"] and not status["to_map"]

        until(settled, seconds)


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Host]:
    """Run the host product; it ends with the context."""
    host = Host(folder, **options)
    try:
        assert host.started, host.errors.read_text()
        yield host
    finally:
        host.kill()


def rows(path: Path, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query of a SQLite file."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return database.execute(query, parameters).fetchall()


def assert_sound(path: Path) -> None:
    """Check that a SQLite file is not damaged."""
    assert [("ok",)] == rows(path, "PRAGMA integrity_check")
    assert [] == rows(path, "PRAGMA foreign_key_check")


def assert_each_delivery_had_one_effect(folder: Path) -> None:
    """Check that repeats of a delivery said the same and changed nothing at the host."""
    repeated = rows(
        folder / "host.db",
        "SELECT delivery_id, count(DISTINCT content || change), sum(has_effect) FROM deliveries "
        "GROUP BY delivery_id HAVING count(DISTINCT content || change) > 1 OR sum(has_effect) > 1",
    )
    assert [] == repeated
