"""`python -m benchmarks.gate`: whether ours has become slower, beside the ceiling.

What is compared is the CPU time that each server takes for an answer, threads and kernel included,
while all run on the same CPU: other work on the machine then changes the ratios by some percent,
where rates, or CPU times of threads that meet on several CPUs, change by a factor. The ratios that
were recorded are in `recorded.json`; `python -m benchmarks.gate --record` records them anew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.driver import Driver
from benchmarks.seeding import fill_ceiling, seed
from benchmarks.sides import Ceiling, Ours, Stream, served

RECORDED = Path(__file__).with_name("recorded.json")
LEAST = 0.7
"""What part of its recorded ratio a job has to reach."""

_USERS = 1_000
_REQUESTS = 32
_ROUNDS = 5
_SECONDS = 1.2


class Gate:
    """Measures jobs beside the ceiling.

    Args:
        ours: What is measured.
        ceiling: What it is compared with.
    """

    def __init__(self, ours: Ours, ceiling: Ceiling) -> None:
        self._ours = ours
        self._ceiling = ceiling

    def ratios(self, jobs: Iterable[str]) -> dict[str, float]:
        """Return for each job the ceiling's CPU time for an answer, as a part of ours."""
        return {job: self._ratio(job) for job in jobs}

    def _ratio(self, job: str) -> float:
        turns: list[list[float]] = [[], []]
        sides = self._ours.server, self._ceiling.server
        drivers = [Driver(server.port, 1) for server in sides]
        deadline = time.monotonic() + _SECONDS
        both = list(zip(sides, drivers, self._streams(job), turns, strict=True))
        while time.monotonic() < deadline or len(turns[0]) < _ROUNDS:
            for server, driver, requests, found in both:
                before = server.cpu_seconds()
                driver.send(itertools.islice(requests, _REQUESTS), math.inf)
                found.append(server.cpu_seconds() - before)
        for driver in drivers:
            driver.close()
        ours, ceiling = map(median, turns)
        return ceiling / ours

    def _streams(self, job: str) -> tuple[Stream, Stream]:
        ours, ceiling = self._ours, self._ceiling
        match job:
            case "get":
                return ours.get_user(), ceiling.read()
            case "filter":
                return ours.find_user(), ceiling.read()
            case "post":
                return ours.create_user(), ceiling.write()
            case "active":
                return ours.set_active(), ceiling.write()
            case "six":
                return ours.change_six(), ceiling.write()
        return ours.get_group(10), ceiling.read()


JOBS = ("get", "filter", "post", "active", "six", "group")


@contextmanager
def gate(folder: Path) -> Iterator[Gate]:
    """Serve both on small databases, made anew in a folder, until the context ends."""
    database, documents = folder / "ours.db", folder / "ceiling.db"
    asyncio.run(seed(database, _USERS))
    fill_ceiling(documents, _USERS)
    with _on_one_cpu(), served(database, documents, _USERS) as (ours, ceiling):
        yield Gate(ours, ceiling)


@contextmanager
def _on_one_cpu() -> Iterator[None]:
    """Let this process, and those that it starts, run on one CPU only until the context ends."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def recorded() -> dict[str, float]:
    """Return the ratios that were recorded."""
    return msgspec.json.decode(RECORDED.read_bytes(), type=dict[str, float])


def main() -> int:
    """Measure and print, or record; the exit status says whether everything passes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write recorded.json anew")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, gate(Path(folder)) as measuring:
        if options.record:
            several = [measuring.ratios(JOBS) for _ in range(5)]
            found = {job: round(median(each[job] for each in several), 3) for job in JOBS}
            RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        else:
            found = measuring.ratios(JOBS)
    known = recorded()
    for job, ratio in found.items():
        print(f"{job:8} {ratio:.3f} of the ceiling; {known[job]:.3f} was recorded")
    return 0 if all(found[job] >= LEAST * known[job] for job in JOBS) else 1


if __name__ == "__main__":
    sys.exit(main())
