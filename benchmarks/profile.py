"""`python -m benchmarks.profile before`: where the time of the hottest jobs goes, by py-spy.

The server is sampled while the load is on it. A sample belongs to the innermost of our modules that
is on its stack, or to the library that is, and to SQLite where it is in there. What was found is
put into `docs/performance-profiles.json` under the title that is given; `make performance` shows it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks import report
from benchmarks.driver import Driver
from benchmarks.servers import ROOT
from benchmarks.sides import Ours, Stream, sides

PROFILES = ROOT / "docs" / "performance-profiles.json"
JOBS = {
    "GET /Users/{id}": Ours.get_user,
    "POST /Users": Ours.create_user,
    "PATCH six operations": Ours.change_six,
}
"""The three hottest jobs."""

_CONNECTIONS = 16
_OWN = re.compile(r"\((scim_asgi/[\w/]+)\.py:\d+\)$")
_PARTS = {
    "SQLite": re.compile(r"\(libsqlite3"),
    "msgspec": re.compile(r"\((?:.*/)?(?:_core\.c|_core\.[\w-]+\.so|msgspec/)"),
    "httptools": re.compile(r"\((?:url_)?parser\.c:|\(llhttp\.c:|\(api\.c:"),
    "uvloop": re.compile(r"\((?:loop|core|linux|stream|async|loop-watcher|queue)\.[ch]:"),
    "asyncio": re.compile(r"\(_asynciomodule\.c:"),
} | {
    name: re.compile(rf"\((?:.*/)?{name}/")
    for name in ("aiosqlite", "asyncio", "limits", "starlette", "uvicorn")
}
_IDLE = re.compile(r"epoll_p?wait|acquire_lock_timed|pthread_cond_timedwait|take_gil")
_SYNC = ("fsync", "fdatasync")


class Part(Struct, frozen=True):
    """Of what the time of a job is spent in: one part, and its share of it all."""

    name: str
    share: float


class Profile(Struct, frozen=True):
    """Where the time of a job goes.

    Attributes:
        job: The job.
        cpu: Microseconds of CPU that the server took for an answer, without the profiler.
        parts: What it is spent in, most first.
    """

    job: str
    cpu: float
    parts: list[Part]


class Profiles(Struct, frozen=True):
    """The profiles of one state of the code."""

    title: str
    commit: str
    at_once: int
    jobs: list[Profile]


def profile(ours: Ours, job: str, seconds: float) -> Profile:
    """Sample the server while a job's load is on it.

    Args:
        ours: The server.
        job: One of JOBS.
        seconds: For how long.
    """
    requests: Stream = JOBS[job](ours)
    driver = Driver(ours.server.port, _CONNECTIONS)
    driver.send(requests, 0.5)
    before = ours.server.cpu_seconds()
    quiet = driver.send(requests, seconds)
    cpu = (ours.server.cpu_seconds() - before) / quiet.answers * 1e6
    with tempfile.NamedTemporaryFile() as found:
        command = [str(Path(sys.executable).with_name("py-spy")), "record", "--native"]
        command += ["--rate", "200", "--duration", f"{seconds:.0f}", "--format", "raw"]
        command += ["--output", found.name, "--pid", str(ours.server.pid)]
        sampling = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while sampling.poll() is None:
            driver.send(requests, 0.5)
        _, said = sampling.communicate()
        if sampling.returncode:
            raise RuntimeError(said.decode())
        stacks = Path(found.name).read_text()
    driver.close()
    return Profile(job, cpu, parts(stacks))


def parts(stacks: str) -> list[Part]:
    """Return what samples are spent in.

    Args:
        stacks: A line for each stack, outermost frame first, and how many samples it has.
    """
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        name = _part(stack.split(";"))
        if name is not None:
            found[name] += int(count)
    total = sum(found.values()) or 1
    return [Part(name, count / total) for name, count in found.most_common()]


def _part(frames: list[str]) -> str | None:
    """Return what a sample belongs to; None when its thread waits, for work or for the others."""
    if any(map(_IDLE.search, frames[-3:])):
        return None
    for frame in reversed(frames):
        if own := _OWN.search(frame):
            return own[1]
        name = next((name for name, mark in _PARTS.items() if mark.search(frame)), None)
        if name == "SQLite" and any(each in frames[-1] for each in _SYNC):
            return "SQLite, waiting for the disk"
        if name is not None:
            return name
    return "the interpreter"


def load() -> list[Profiles]:
    """Return what was profiled so far."""
    if not PROFILES.exists():
        return []
    return msgspec.json.decode(PROFILES.read_bytes(), type=list[Profiles])


def main() -> None:
    """Profile the hottest jobs and write down what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("title", help="such as before or after; what was there under it goes")
    parser.add_argument("--users", type=int, default=1_000, help="in the database (1000)")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each job (8)")
    options = parser.parse_args()
    jobs: list[Profile] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        sides(options.users, Path(folder)) as (ours, _),
    ):
        for job in JOBS:
            found = profile(ours, job, options.seconds)
            jobs.append(found)
            print(f"\n{job}: {found.cpu:.0f} µs of CPU for an answer")
            for part in found.parts[:15]:
                print(f"  {part.share:6.1%}  {part.name}")
    others = [each for each in load() if each.title != options.title]
    done = Profiles(options.title, report.commit(), _CONNECTIONS, jobs)
    encoded = msgspec.json.encode([*others, done])
    PROFILES.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")


if __name__ == "__main__":
    main()
