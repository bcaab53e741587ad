"""Whenever the process is killed, what was answered is there, and the host agrees in the end."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.torture.migration import (
    assert_migrates_whole,
    kill_while_migrating,
    make_first_version,
)
from tests.torture.rounds import PLACES, Torture

_ROUNDS = 5


def test_nothing_is_lost_when_a_server_under_load_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    sys.stdout.write(f"seed {seed}\n")
    places = list(PLACES) * 3
    random.Random(seed).shuffle(places)
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(_torture, tmp_path / str(run), f"{seed}-{run}", places[run::4][:_ROUNDS])
            for run in range(4)
        ]
        assert 20 == sum(run.result() for run in runs)


def _torture(folder: Path, seed: str, places: list[str]) -> int:
    folder.mkdir()
    torture = Torture(folder, seed)
    try:
        for place in places:
            torture.round(place)
    finally:
        torture.close()
    return len(places)


def test_a_migration_that_is_killed_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        make_first_version(folder / "scim.db")
        kill_while_migrating(folder, chance)
    assert_migrates_whole(folder)
