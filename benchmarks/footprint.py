"""What scim-asgi takes before it does anything, and what it keeps: import time and memory."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions, requires
from statistics import median

from benchmarks.driver import Driver
from benchmarks.people import Api
from benchmarks.plan import CONNECTIONS
from benchmarks.report import Fact
from benchmarks.servers import serving
from benchmarks.sides import Ours

MOST_MILLISECONDS = 150.0
MOST_MEMORY = 150.0

_SHOW = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
_WHOLE = "import scim_asgi"
_NEEDED = "import asyncio, msgspec, aiosqlite, ssl"
_BARE = "pass"


def import_time(rounds: int) -> Fact:
    """Return how long `python -c "import scim_asgi"` takes, the interpreter's own start included.

    The bytecode is there, as pip writes it when it installs a package.
    """
    times: dict[str, list[float]] = {_WHOLE: [], _NEEDED: [], _BARE: []}
    for number in range(-1, rounds):
        for code, found in times.items():
            took = _time(code)
            if number >= 0:  # the first one may have to compile
                found.append(took)
    whole, needed, bare = (median(found) for found in times.values())
    optional = sorted(imported() & optional_modules())
    brought = f"optional packages imported: {', '.join(optional) or 'none'}"
    return Fact(
        job=f'python -c "{_WHOLE}"',
        figure=whole,
        unit="ms",
        goal=MOST_MILLISECONDS,
        note=(
            f'{whole / needed:.2f} × "{_NEEDED}", which nothing of its kind can do without and '
            f"takes {needed:.0f} ms, {bare:.0f} ms of them the interpreter; {brought}"
        ),
    )


def _time(code: str) -> float:
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return (time.perf_counter() - began) * 1e3


def imported() -> set[str]:
    """Return the top-level modules that `import scim_asgi` brings in."""
    code = f"import scim_asgi; {_SHOW}"
    done = subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True)
    return set(done.stdout.split())


def optional_modules() -> set[str]:
    """Return the top-level modules of the packages that only an extra needs, or the command line."""
    needed = _names(text for text in requires("scim-asgi") or () if "extra ==" not in text)
    extra = _names(text for text in requires("scim-asgi") or () if "extra ==" in text)
    optional = (extra - needed) | {"click", "uvicorn"}
    return {
        module
        for module, packages in packages_distributions().items()
        if {_normal(each) for each in packages} <= optional
    }


def _names(requirements: Iterable[str]) -> set[str]:
    found = (re.match(r"[\w.-]+", text) for text in requirements)
    return {_normal(each[0]) for each in found if each}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def load(seconds: float) -> Iterator[Fact]:
    """Yield what the load itself takes: its CPU time for a request to an application that is bare."""
    with serving("benchmarks.bare:create") as server:
        requests = itertools.repeat(Api("", "x" * 43).get("/Users/" + "0" * 36))
        for connections in CONNECTIONS:
            driver = Driver(server.port, connections)
            before = time.process_time()
            found = driver.send(requests, seconds)
            cpu = (time.process_time() - before) / found.answers * 1e6
            driver.close()
            yield Fact(
                job=f"CPU of the load for a request, {connections} at once",
                figure=cpu,
                unit="µs",
                note=f"a bare ASGI application answers {found.rate:,.0f} a second",
            )


def memory(ours: Ours) -> Fact:
    """Return the most memory that a server has had."""
    now, most = ours.server.memory()
    return Fact(
        job=f"memory of the server at most, {ours.users:,} users stored",
        figure=most,
        unit="MiB",
        goal=MOST_MEMORY,
        note=f"{now:.0f} MiB at the end",
    )
