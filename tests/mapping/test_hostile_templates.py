"""The benchmark of hostile templates, small, with room for a machine that does other things too."""

from __future__ import annotations

from benchmarks.templates import LIMIT_MS, measure


def test_hostile_templates_cost_little() -> None:
    cost = measure(3000, seed=7)
    assert cost.p99 < LIMIT_MS
    assert cost.p999 < 4 * LIMIT_MS
    assert cost.refused > 500
    assert cost.stopped > 50
