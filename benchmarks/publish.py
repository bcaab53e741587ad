"""`make performance`: the results of the latest run put into docs/performance.md, with the plots.

Nobody types a figure: what stands between the markers is written from `docs/performance.json`,
which is the run, and a test compares the two.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import report
from benchmarks.plot import growth
from benchmarks.report import Run
from benchmarks.servers import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PUBLISHED = ROOT / "docs" / "performance.json"
IMAGES = {
    "latency-by-users.svg": ("users", "Median time of an answer, one request at once"),
    "latency-by-members.svg": ("members", "Median time of an answer, one request at once"),
}
BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"


def images(run: Run) -> dict[Path, str]:
    """Return the plots of a run, by file."""
    folder = ROOT / "docs" / "images"
    return {folder / name: growth(run, *what) for name, what in IMAGES.items()}


def results(run: Run) -> str:
    """Return what stands between the markers."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    yield f"Measured at {run.at} on commit {run.commit}, in {run.took / 60:.0f} minutes: the"
    yield f"medians of {run.rounds} rounds of {run.seconds:g} s for each side."
    yield ""
    yield f"Machine: {run.machine}. {versions}."
    yield ""
    yield _cells(report.HEAD)
    yield _cells("---" if number == 0 else "--:" for number in range(len(report.HEAD)))
    for row in run.rows:
        yield _cells(report.cells(row))
    yield ""
    for fact in run.facts:
        yield f"- {report.fact_line(fact)}"


def _cells(values: object) -> str:
    assert isinstance(values, Iterator | tuple)
    return f"| {' | '.join(values)} |"


def with_results(document: str, run: Run) -> str:
    """Return the document with the results of a run between its markers."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{results(run)}{END}{after}"


def main() -> None:
    """Publish a run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    add = parser.add_argument
    add("run", type=Path, nargs="?", default=report.LATEST, help="the JSON of a run")
    options = parser.parse_args()
    shutil.copyfile(options.run, PUBLISHED)
    run = report.load(PUBLISHED)
    DOCUMENT.write_text(with_results(DOCUMENT.read_text(), run))
    for path, image in images(run).items():
        path.write_text(image)
    print(f"{DOCUMENT} and {len(IMAGES)} images show the run of {run.at}")


if __name__ == "__main__":
    main()
