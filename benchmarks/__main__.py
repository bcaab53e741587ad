"""`make bench`: every goal of docs/performance.md measured; a table, and JSON.

Rates hold only within a run. What can be compared are the ratios: each is to something that was
measured in the same run, in alternation.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.alternation import Row, compare
from benchmarks.plan import JOBS
from benchmarks.sides import sides

SIZES = (1_000, 100_000, 1_000_000)


def measure(folder: Path, names: Sequence[str], options: argparse.Namespace) -> list[Row]:
    """Measure jobs and print a line for each."""
    rows: list[Row] = []
    with ExitStack() as stack:
        pairs = [stack.enter_context(sides(users, folder)) for users in sorted(options.users)]
        print(report.line(report.HEAD), flush=True)
        for name in names:
            for comparison in JOBS[name](pairs):
                row = compare(comparison, rounds=options.rounds, seconds=options.seconds)
                rows.append(row)
                print(report.line(report.cells(row)), flush=True)
    return rows


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - set(JOBS)
    if unknown:
        msg = f"there is no {', '.join(sorted(unknown))}; there are {', '.join(JOBS)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _sizes(text: str) -> list[int]:
    return [int(each.replace("_", "")) for each in text.split(",")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", type=_names, default=[*JOBS], help=f"some of {','.join(JOBS)}")
    add("--users", type=_sizes, default=[*SIZES], help="sizes of the databases (1000,…)")
    add("--rounds", type=int, default=5, help="of each comparison (5)")
    add("--seconds", type=float, default=1.0, help="for each side in each round (1)")
    add("--quick", action="store_true", help="1,000 users, 3 rounds of 0.3 s")
    add("--json", type=Path, default=report.LATEST, help="where the results are written")
    options = parser.parse_args()
    if options.quick:
        options.users, options.rounds, options.seconds = [1_000], 3, 0.3
    return options


def main() -> None:
    """Run what is asked for, print the table and write the results."""
    options = _options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scim-asgi-bench-") as folder:
        rows = measure(Path(folder), options.only, options)
    took = time.monotonic() - began
    run = report.Run(
        machine=report.machine(),
        versions=report.versions(),
        commit=report.commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        rounds=options.rounds,
        seconds=options.seconds,
        took=took,
        rows=rows,
        facts=[],
    )
    report.save(run, options.json)
    print(f"\n{took:.0f} s; {options.json} has it all")


if __name__ == "__main__":
    main()
