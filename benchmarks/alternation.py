"""Two things measured in alternation, so that whatever the machine does meanwhile meets both."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple

from benchmarks.driver import Driver, Request
from benchmarks.servers import Server


class Side(Struct, frozen=True):
    """One of the two.

    Attributes:
        title: What it is.
        server: Where it is sent to.
        requests: What it is sent; it goes on where it was in every round.
    """

    title: str
    server: Server
    requests: Iterator[Request]


class Comparison(Struct, frozen=True, kw_only=True):
    """What is to be compared with what.

    Attributes:
        job: What is measured, in words.
        size: Among how many users, or with how many members.
        of: Which of the two.
        measured: The side that is measured.
        reference: The side that it is compared with.
        connections: How many requests are under way at once.
        by: ``rate``, which has to be at least `goal` of the reference's; or ``time`` that an
            answer takes, which may be at most `goal` times that.
        goal: The ratio that is wanted; None where it is just to be known.
    """

    job: str
    size: int
    of: Literal["users", "members"] = "users"
    measured: Side
    reference: Side
    connections: int = 1
    by: Literal["rate", "time"] = "rate"
    goal: float | None = None


class Figures(Struct, frozen=True):
    """How one side fared, as medians of the rounds.

    Attributes:
        rate: Answers in a second.
        p50: Milliseconds that half of the answers took at most.
        p99: Milliseconds that 99 of 100 answers took at most.
        cpu: Microseconds of CPU that the server took for an answer, all its threads together.
    """

    rate: float
    p50: float
    p99: float
    cpu: float


class Row(Struct, frozen=True, kw_only=True):
    """What came of a comparison.

    Attributes:
        job: What was measured.
        size: Among how many users, or with how many members.
        of: Which of the two.
        connections: How many requests were under way at once.
        figures: How it fared.
        against: What it was compared with.
        reference: How that fared.
        by: What was compared.
        ratio: The median of the rounds' ratios.
        least: The smallest of them; None where there was one round.
        most: The largest, likewise.
        goal: What the ratio has to reach, or to stay below.
    """

    job: str
    size: int
    of: Literal["users", "members"]
    connections: int
    figures: Figures
    against: str
    reference: Figures
    by: Literal["rate", "time"]
    ratio: float
    least: float | None
    most: float | None
    cpu_ratio: float
    goal: float | None

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.by == "rate" else self.ratio <= self.goal


def compare(comparison: Comparison, *, rounds: int, seconds: float) -> Row:
    """Measure both sides in turn, A B A B ….

    Args:
        comparison: What with what.
        rounds: How many times each.
        seconds: How long each time.
    """
    both = comparison.measured, comparison.reference
    drivers = [Driver(each.server.port, comparison.connections) for each in both]
    turns: list[list[Figures]] = [[], []]
    try:
        for number in range(-1, rounds):
            for side, driver, found in zip(both, drivers, turns, strict=True):
                # The first round only warms up.
                lasts = seconds if number >= 0 else min(seconds, 0.5)
                figures = _measured(side, driver, lasts)
                if number >= 0:
                    found.append(figures)
    finally:
        for driver in drivers:
            driver.close()
    return _row(comparison, *turns)


def _measured(side: Side, driver: Driver, seconds: float) -> Figures:
    before = side.server.cpu_seconds()
    answered = driver.send(side.requests, seconds)
    cpu = (side.server.cpu_seconds() - before) / answered.answers * 1e6
    return Figures(answered.rate, answered.at(0.5), answered.at(0.99), cpu)


def _row(comparison: Comparison, measured: list[Figures], reference: list[Figures]) -> Row:
    pairs = list(zip(measured, reference, strict=True))
    cpu = [ours.cpu / other.cpu for ours, other in pairs]
    if comparison.by == "rate":
        ratios = [ours.rate / other.rate for ours, other in pairs]
        cpu = [1 / each for each in cpu]
    else:
        # The median does not notice the few answers that wait for a checkpoint or the scheduler.
        ratios = [ours.p50 / other.p50 for ours, other in pairs]
    return Row(
        job=comparison.job,
        size=comparison.size,
        of=comparison.of,
        connections=comparison.connections,
        figures=_medians(measured),
        against=comparison.reference.title,
        reference=_medians(reference),
        by=comparison.by,
        ratio=median(ratios),
        least=min(ratios),
        most=max(ratios),
        cpu_ratio=median(cpu),
        goal=comparison.goal,
    )


def _medians(turns: list[Figures]) -> Figures:
    return Figures(*(median(each) for each in zip(*map(astuple, turns), strict=True)))
