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

from benchmarks import footprint, report
from benchmarks.alternation import Row, compare
from benchmarks.cycle import cycle
from benchmarks.plan import JOBS
from benchmarks.sides import sides

SIZES = (1_000, 100_000, 1_000_000)
OTHERS = ("memory", "entra", "import", "load")


class Bench:
    """Measures jobs, and prints a line for each.

    Args:
        options: The options of the command line.

    Attributes:
        rows: The comparisons so far.
        facts: The other figures so far.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.rows: list[Row] = []
        self.facts: list[report.Fact] = []

    def run(self, folder: Path) -> None:
        """Measure what is asked for.

        Args:
            folder: Where databases are put.
        """
        names = self._options.only
        print(report.line(report.HEAD), flush=True)
        if set(names) - set(OTHERS[1:]):
            self._measure(folder, [name for name in names if name in JOBS])
        if "entra" in names:
            for_peer = self._options.patience
            row, fact = cycle(folder, self._options.people, self._options.groups, for_peer)
            self._add(row)
            self._note(fact)
        if "import" in names:
            self._note(footprint.import_time(self._options.rounds * 2))
        if "load" in names:
            for fact in footprint.load(self._options.seconds):
                self._note(fact)

    def _measure(self, folder: Path, names: Sequence[str]) -> None:
        options = self._options
        with ExitStack() as stack:
            pairs = [stack.enter_context(sides(users, folder)) for users in sorted(options.users)]
            for name in names:
                for comparison in JOBS[name](pairs):
                    self._add(compare(comparison, rounds=options.rounds, seconds=options.seconds))
            if "memory" in options.only:
                self._note(footprint.memory(pairs[-1][0]))

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(report.line(report.cells(row)), flush=True)

    def _note(self, fact: report.Fact) -> None:
        self.facts.append(fact)
        print(report.fact_line(fact), flush=True)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - {*JOBS, *OTHERS}
    if unknown:
        msg = f"there is no {', '.join(sorted(unknown))}; there are {', '.join((*JOBS, *OTHERS))}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _sizes(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    everything = [*JOBS, *OTHERS]
    add("--only", type=_names, default=everything, help=f"some of {','.join(everything)}")
    sizes = ",".join(map(str, SIZES))
    add("--users", type=_sizes, default=[*SIZES], help=f"sizes of the databases ({sizes})")
    add("--people", type=int, default=10_000, help="in Entra's first cycle (10000)")
    add("--groups", type=int, default=50, help="in Entra's first cycle (50)")
    add("--patience", type=float, default=240, help="seconds that the peer has for that (240)")
    add("--rounds", type=int, default=5, help="of each comparison (5)")
    add("--seconds", type=float, default=1.0, help="for each side in each round (1)")
    add("--quick", action="store_true", help="1,000 users, 100 people, 3 rounds of 0.3 s")
    add("--json", type=Path, default=report.LATEST, help="where the results are written")
    options = parser.parse_args()
    if options.quick:
        options.users, options.rounds, options.seconds = [1_000], 3, 0.3
        options.people, options.groups = 100, 5
    return options


def main() -> None:
    """Run what is asked for, print the table and write the results."""
    options = _options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scim-asgi-bench-") as folder:
        bench = Bench(options)
        bench.run(Path(folder))
    took = time.monotonic() - began
    run = report.Run(
        machine=report.machine(),
        versions=report.versions(),
        commit=report.commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        rounds=options.rounds,
        seconds=options.seconds,
        took=took,
        rows=bench.rows,
        facts=bench.facts,
    )
    report.save(run, options.json)
    print(f"\n{took:.0f} s; {options.json} has it all")


if __name__ == "__main__":
    main()
