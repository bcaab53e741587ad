"""`make bench` as a whole, on a small scale, and what is published of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from benchmarks import profile, publish, report
from benchmarks.footprint import imported, optional_modules
from benchmarks.plan import JOBS
from benchmarks.report import Run

ROOT = Path(__file__).parents[2]
SMALL = "--users 600 --rounds 1 --seconds 0.03 --people 12 --groups 2"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Everything, measured on a small scale."""
    path = tmp_path_factory.mktemp("bench") / "run.json"
    command = [sys.executable, "-m", "benchmarks", *SMALL.split(), "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, check=False, text=True, capture_output=True)
    assert not done.returncode, done.stdout + done.stderr
    return report.load(path)


def test_every_job_is_measured_beside_something(run: Run) -> None:
    assert len(JOBS) <= len({row.job for row in run.rows})
    for row in run.rows:
        for figures in (row.figures, row.reference):
            assert figures.rate > 0
            assert 0 < figures.p50 <= figures.p99
            assert figures.cpu > 0
        assert row.ratio > 0
        if row.least is not None and row.most is not None:
            assert 0 < row.least <= row.ratio <= row.most


def test_a_run_says_on_what_it_was_made(run: Run) -> None:
    assert "cores" in run.machine
    assert {"Python", "SQLite", "scim2-server", "uvicorn", "uvloop"} <= set(run.versions)
    assert run.commit
    assert run.took > 0


def test_memory_import_time_and_the_load_are_figures_of_a_run(run: Run) -> None:
    units = [fact.unit for fact in run.facts]
    assert ["MiB", "requests", "ms", "µs", "µs"] == units


def test_a_job_in_two_sizes_is_a_line_of_a_well_formed_plot(run: Run) -> None:
    larger = [replace(row, size=row.size * 1000) for row in run.rows]
    for image in publish.images(replace(run, rows=run.rows + larger)).values():
        lines = ET.fromstring(image).findall("{http://www.w3.org/2000/svg}polyline")
        assert len(lines) > 1
    for image in publish.images(run).values():
        assert not ET.fromstring(image).findall("{http://www.w3.org/2000/svg}polyline")


def test_the_published_figures_are_those_of_the_published_run() -> None:
    run = report.load(publish.PUBLISHED)
    document = publish.DOCUMENT.read_text()
    assert publish.published(document, run, profile.load()) == document
    for path, image in publish.images(run).items():
        assert image == path.read_text(), path


def test_a_sample_belongs_to_the_innermost_part_that_is_ours() -> None:
    loop = "Loop__run (loop.c:1);run_asgi (uvicorn/protocols/http/httptools_impl.py:4)"
    ours = "insert (scim_asgi/store/sqlite/resources.py:7)"
    stacks = "\n".join(
        [
            f"{loop};{ours};dict_get (dictobject.c:1) 2",
            f"{loop};{ours};sqlite3_step (libsqlite3.so.0);fdatasync (libc.so.6) 3",
            f"{loop};{ours};sqlite3_step (libsqlite3.so.0) 1",
            f"{loop};malloc (libc.so.6) 4",
            "Loop__run (loop.c:1);uv__io_poll (linux.c:2);epoll_pwait (libc.so.6) 90",
        ]
    )
    found = {part.name: round(part.share, 3) for part in profile.parts(stacks)}
    own = {"scim_asgi/store/sqlite/resources": 0.2, "SQLite": 0.1}
    assert own | {"SQLite, waiting for the disk": 0.3, "uvicorn": 0.4} == found


def test_importing_it_brings_in_no_optional_package() -> None:
    optional = optional_modules()
    assert {"jinja2", "httpx", "click", "uvicorn"} <= optional
    assert not optional & imported()
