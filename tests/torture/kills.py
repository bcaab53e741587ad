"""Places in a process where it kills itself, as the kernel would: without any goodbye."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from typing import Any

from scim_asgi.store.sqlite import connection as module


def die() -> None:
    """End this process by SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


class Kills:
    """Counts down the times that a place is reached, and dies there."""

    def __init__(self) -> None:
        self._place = ""
        self._left = 0

    def arm(self, place: str, times: int) -> None:
        """Die when a place is reached for this many times from now on."""
        self._place, self._left = place, times

    def reached(self, place: str) -> None:
        """Say that a place is reached."""
        if place == self._place:
            self._left -= 1
            if self._left == 0:
                die()

    def committing(self) -> None:
        """Say that a commit begins: the process dies at a random instant of it."""
        if self._place == "in commit":
            self._left -= 1
            if self._left == 0:
                threading.Thread(target=_die_soon, daemon=True).start()


def _die_soon() -> None:
    time.sleep(random.uniform(0, 0.003))
    die()


def watch_statements(kills: Kills) -> None:
    """Make each statement and each commit of the store a place where the process may die."""

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                kills.committing()
            kills.reached("statement")
            return super().execute(sql, *parameters)

    module.Connection.factory = Watched
