"""What came of a run: printed as it goes, and written as JSON."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.alternation import Row
from benchmarks.servers import ROOT

LATEST = Path(__file__).parent / "results" / "latest.json"

_PACKAGES = ("aiosqlite", "httptools", "msgspec", "scim2-server", "starlette", "uvicorn", "uvloop")


class Fact(Struct, frozen=True, kw_only=True):
    """A figure that is no comparison of two sides.

    Attributes:
        job: What it is of.
        figure: What was found.
        goal: What it may be at most, or None.
        unit: What both are counted in.
        note: How it came about, in words.
    """

    job: str
    figure: float
    unit: str
    goal: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return None if self.goal is None else self.figure <= self.goal


class Run(Struct, frozen=True, kw_only=True):
    """Everything that came of a run.

    Attributes:
        machine: What it ran on.
        versions: Of what.
        commit: The commit that was checked out, with a ``+`` when files were changed.
        at: When, in UTC.
        rounds: How many rounds each comparison had.
        seconds: How long each side was measured in each of them.
        took: How many seconds it all took.
        rows: The comparisons.
        facts: The other figures.
    """

    machine: str
    versions: dict[str, str]
    commit: str
    at: str
    rounds: int
    seconds: float
    took: float
    rows: list[Row]
    facts: list[Fact]


def machine() -> str:
    """Return what this runs on, in words."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(": ")[2]
            break
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} cores of {cpu}, {pages * size / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}"
    )


def versions() -> dict[str, str]:
    """Return the versions of what is measured."""
    own = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    return own | {name: version(name) for name in _PACKAGES}


def commit() -> str:
    """Return the commit that is checked out, with a ``+`` when files were changed."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")


def save(run: Run, path: Path = LATEST) -> None:
    """Write a run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")


def load(path: Path = LATEST) -> Run:
    """Read a run."""
    return msgspec.json.decode(path.read_bytes(), type=Run)


HEAD = (
    "job",
    "at once",
    "1/s",
    "p50 ms",
    "p99 ms",
    "CPU µs",
    "against",
    "its 1/s",
    "ratio",
    "goal",
    "met",
    "by CPU",
)


def title(row: Row) -> str:
    """Return what was measured, in words."""
    return f"{row.job}, {row.size:,} {row.of}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a comparison's line."""
    sign = "≥" if row.by == "rate" else "≤"
    unit = "" if row.by == "rate" else "×"
    extent = "" if row.least is None else f" ({row.least:.2f}-{row.most:.2f})"
    return (
        title(row),
        str(row.connections),
        f"{row.figures.rate:,.0f}",
        f"{row.figures.p50:.2f}",
        f"{row.figures.p99:.2f}",
        f"{row.figures.cpu:,.0f}",
        row.against,
        f"{row.reference.rate:,.0f}",
        f"{row.ratio:.2f}{unit}{extent}",
        "" if row.goal is None else f"{sign} {row.goal:g}{unit}",
        {None: "", True: "yes", False: "no"}[row.is_met],
        f"{row.cpu_ratio:.2f}{unit}",
    )


def fact_line(fact: Fact) -> str:
    """Return a figure in words."""
    goal = "" if fact.goal is None else f"; at most {fact.goal:g} {fact.unit} are wanted"
    met = {None: "", True: ": met", False: ": not met"}[fact.is_met]
    note = f" ({fact.note})" if fact.note else ""
    figure = f"{fact.figure:,.1f}".removesuffix(".0")
    return f"{fact.job}: {figure} {fact.unit}{note}{goal}{met}"


_WIDTHS = (52, 7, 8, 8, 8, 7, 15, 8, 18, 7, 4, 7)


def line(values: Iterable[Any]) -> str:
    """Return a line of the table that is printed."""
    first, *rest = zip(values, _WIDTHS, strict=True)
    aligned = [f"{text:>{width}}" for text, width in rest]
    return " ".join([f"{first[0]:{first[1]}}", *aligned])
