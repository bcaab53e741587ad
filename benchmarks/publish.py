"""`make performance`: the results of the latest run put into docs/performance.md, with the plots.

Nobody types a figure: what stands between the markers is written from `docs/performance.json`,
which is the run, and from `docs/performance-profiles.json`; a test compares them.
"""

from __future__ import annotations

import argparse
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.plot import growth
from benchmarks.profile import Profile, Profiles, load
from benchmarks.report import Run
from benchmarks.servers import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PUBLISHED = ROOT / "docs" / "performance.json"
IMAGES = {
    "latency-by-users.svg": ("users", "Median time of an answer, one request at once"),
    "latency-by-members.svg": ("members", "Median time of an answer, one request at once"),
}
_LEAST = 0.01


def images(run: Run) -> dict[Path, str]:
    """Return the plots of a run, by file."""
    folder = ROOT / "docs" / "images"
    return {folder / name: growth(run, *what) for name, what in IMAGES.items()}


def published(document: str, run: Run, profiles: Sequence[Profiles]) -> str:
    """Return the document with what was measured between its markers."""
    document = _between(document, "results", _results(run))
    return _between(document, "profiles", _profiles(profiles))


def _between(document: str, name: str, lines: Iterable[str]) -> str:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = document.split(begin)
    _, after = rest.split(end)
    text = "\n".join(lines)
    return f"{before}{begin}{text}\n{end}{after}"


def _results(run: Run) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    yield f"Measured at {run.at} on commit {run.commit}, in {run.took / 60:.0f} minutes: the"
    yield f"medians of {run.rounds} rounds of {run.seconds:g} s for each side."
    yield ""
    yield f"Machine: {run.machine}. {versions}."
    yield ""
    yield _line(report.HEAD)
    yield _line("---" if number == 0 else "--:" for number in range(len(report.HEAD)))
    yield from (_line(report.cells(row)) for row in run.rows)
    yield ""
    yield from (f"- {report.fact_line(fact)}" for fact in run.facts)


def _profiles(profiles: Sequence[Profiles]) -> Iterator[str]:
    for job in dict.fromkeys(found.job for each in profiles for found in each.jobs):
        found = [next(one for one in each.jobs if one.job == job) for each in profiles]
        shares = [_by_package(each) for each in found]
        names = sorted({*shares[0], *shares[-1]}, key=lambda name: (-shares[-1][name], name))
        yield f"**{job}**, {profiles[-1].at_once} at once: microseconds of CPU for an answer"
        yield ""
        yield _line(["", *(f"{each.title}, {each.commit}" for each in profiles)])
        yield _line(["---", *("--:" for _ in profiles)])
        yield _line(["all of it", *(f"{each.cpu:,.0f}" for each in found)])
        for name in names:
            if any(share[name] >= _LEAST for share in shares):
                times = (share[name] * each.cpu for share, each in zip(shares, found, strict=True))
                yield _line([name, *(f"{time:,.0f}" for time in times)])
        yield ""


def _by_package(profile: Profile) -> defaultdict[str, float]:
    """Return the share of each package of ours, and of each library."""
    shares: defaultdict[str, float] = defaultdict(float)
    for part in profile.parts:
        own, _, rest = part.name.partition("/")
        name = f"{own}.{rest.partition('/')[0]}" if "/" in rest else part.name.replace("/", ".")
        shares[name] += part.share
    return shares


def _line(values: Iterable[str]) -> str:
    return f"| {' | '.join(values)} |"


def main() -> None:
    """Publish a run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    add = parser.add_argument
    add("run", type=Path, nargs="?", default=report.LATEST, help="the JSON of a run")
    options = parser.parse_args()
    shutil.copyfile(options.run, PUBLISHED)
    run = report.load(PUBLISHED)
    DOCUMENT.write_text(published(DOCUMENT.read_text(), run, load()))
    for path, image in images(run).items():
        path.write_text(image)
    print(f"{DOCUMENT} and {len(IMAGES)} images show the run of {run.at}")


if __name__ == "__main__":
    main()
