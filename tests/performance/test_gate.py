"""Nothing has become slower than it was, beside the smallest program that does the same."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gate import JOBS, LEAST, gate, recorded


def test_every_job_reaches_seven_tenths_of_the_ratio_that_was_recorded(tmp_path: Path) -> None:
    known = recorded()
    assert set(JOBS) == set(known)
    with gate(tmp_path) as measuring:
        found = measuring.ratios(JOBS)
        # Once more, because a machine may do something else just then.
        found |= measuring.ratios([job for job in JOBS if found[job] < LEAST * known[job]])
    slow = {job: (found[job], known[job]) for job in JOBS if found[job] < LEAST * known[job]}
    assert not slow, "slower than recorded (now, then); see python -m benchmarks.gate"
