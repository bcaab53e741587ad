"""``make torture``: kill a server under load for a while, and check every promise each time."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.torture.migration import (
    assert_migrates_whole,
    kill_while_migrating,
    make_first_version,
)
from tests.torture.rounds import PLACES, Torture

_RUNS = 4
_ROUNDS = 25
"""How many times a product is killed before a new one begins with empty files."""


def main() -> None:
    """Torture until the time is over; the exit status is 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    arguments = parser.parse_args()
    _say(f"seed {arguments.seed}, {arguments.minutes:g} minutes")
    folder = Path(tempfile.mkdtemp(prefix="scim-asgi-torture-"))
    deadline = time.monotonic() + arguments.minutes * 60
    total: Counter[str] = Counter()
    try:
        with ThreadPoolExecutor(_RUNS + 1) as pool:
            runs = [
                pool.submit(_kills, folder / str(run), f"{arguments.seed}-{run}", deadline)
                for run in range(_RUNS)
            ]
            runs.append(pool.submit(_migrations, folder / "m", arguments.seed, deadline))
            for run in runs:
                total.update(run.result())
    except BaseException:
        _say(f"FAILED with seed {arguments.seed}; the files are in {folder}")
        raise
    shutil.rmtree(folder)
    for what, times in sorted(total.items()):
        _say(f"{times:8}  {what}")
    _say("Nothing was lost.")


def _kills(folder: Path, seed: str, deadline: float) -> Counter[str]:
    """Kill products until the time is over."""
    chance = random.Random(seed)
    total: Counter[str] = Counter()
    for number in range(10**6):
        place = folder / str(number)
        place.mkdir(parents=True)
        torture = Torture(place, f"{seed}-{number}")
        try:
            for _ in range(_ROUNDS):
                torture.round(chance.choice(PLACES))
                if time.monotonic() > deadline:
                    break
        finally:
            torture.close()
        total.update(_counted(torture))
        shutil.rmtree(place)
        _say(f"run {seed}-{number}: {dict(torture.counted)}")
        if time.monotonic() > deadline:
            break
    return total


def _counted(torture: Torture) -> Counter[str]:
    total = Counter({f"kills: {place}": times for place, times in torture.counted.items()})
    total.update({f"answers {status}": times for status, times in torture.answers().items()})
    calls, deliveries = torture.deliveries()
    total.update({"calls that the host carried out": calls, "deliveries of them": deliveries})
    return total


def _migrations(folder: Path, seed: str, deadline: float) -> Counter[str]:
    """Kill processes that migrate until the time is over."""
    chance = random.Random(seed)
    total: Counter[str] = Counter()
    while time.monotonic() < deadline:
        folder.mkdir()
        make_first_version(folder / "scim.db")
        was_done = kill_while_migrating(folder, chance)
        total["kills: migration, " + ("done" if was_done else "not done")] += 1
        assert_migrates_whole(folder)
        shutil.rmtree(folder)
    return total


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
