"""`python -m benchmarks.templates`: what hostile templates cost, in CPU time of one evaluation.

Random expressions of all filters, with arguments and values that are chosen to grow, to match
everywhere or nearly, and to be of the characters that cost most. What is refused when it is saved
is counted and drawn anew.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Any

from msgspec import Struct

from scim_asgi.mapping.errors import ExpressionError, ExpressionFailure
from scim_asgi.mapping.expression import MAX_FILTERS, MAX_LITERAL, MAX_SOURCE, Expression
from scim_asgi.mapping.filters import ARGUMENTS, MAX_ITEMS, MAX_VALUE

LIMIT_MS = 0.5
"""What 999 of 1,000 evaluations have to stay below."""

_LETTERS = ["a", "A", "ß", "İ", "ΐ", "Σ", "😀", " ", "\u2003", "."]


class Cost(Struct, frozen=True):
    """What evaluations took, in milliseconds of CPU.

    Attributes:
        refused: How many templates were refused when they were compiled.
        stopped: How many evaluations were stopped with an error.
        timed_out: How many of those for taking longer than 1 ms.
    """

    evaluated: int
    refused: int
    stopped: int
    timed_out: int
    median: float
    p99: float
    p999: float
    worst: float


def template(source: random.Random) -> str:
    """Return a random expression of at most the length that is allowed."""
    while True:
        steps = [_step(source) for _ in range(source.randint(1, MAX_FILTERS))]
        text = " | ".join(["{{ value", *steps]) + " }}"
        if len(text) <= MAX_SOURCE:
            return text


def _step(source: random.Random) -> str:
    name = source.choice([*ARGUMENTS, "replace", "replace", "upcase", "append"])
    count = source.randint(*ARGUMENTS[name])
    arguments = ", ".join(_argument(source) for _ in range(count))
    return f"{name}: {arguments}" if count else name


def _argument(source: random.Random) -> str:
    if source.random() < 0.3:
        return "value"
    length = source.choice([1, 1, 1, 2, 3, 10, 60, MAX_LITERAL])
    return f"'{_text(source, length)}'"


def _text(source: random.Random, length: int) -> str:
    """Return a text of one letter, with another one in it now and then, so that it nearly matches."""
    letter = source.choice(_LETTERS)
    text = letter * length
    if length > 1 and source.random() < 0.5:
        place = source.randrange(length)
        text = text[:place] + source.choice(_LETTERS) + text[place + 1 :]
    return text


def value(source: random.Random) -> Any:
    """Return a value that is as large as is allowed, most of the time."""
    length = source.choice([MAX_VALUE, MAX_VALUE, MAX_VALUE, 1, 60])
    if source.random() < 0.1:
        return [_text(source, length) for _ in range(MAX_ITEMS)]
    if source.random() < 0.2:
        return "".join(source.choice(_LETTERS) for _ in range(length))
    return _text(source, length)


def measure(count: int, seed: int) -> Cost:
    """Evaluate random templates until so many were evaluated."""
    source = random.Random(seed)
    times: list[int] = []
    refused = stopped = timed_out = 0
    while len(times) < count:
        try:
            expression = Expression(template(source))
        except ExpressionError:
            refused += 1
            continue
        given = value(source)
        began = time.thread_time_ns()
        try:
            expression.evaluate(given)
        except ExpressionFailure as error:
            stopped += 1
            timed_out += "1 ms" in str(error)
        times.append(time.thread_time_ns() - began)
    times.sort()
    median, p99, p999, worst = (
        times[min(len(times) - 1, int(len(times) * part))] / 1e6 for part in (0.5, 0.99, 0.999, 1)
    )
    return Cost(count, refused, stopped, timed_out, median, p99, p999, worst)


def main() -> int:
    """Measure and print; the exit status says whether the limit is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.templates", description=__doc__)
    parser.add_argument("--templates", type=int, default=30_000, help="how many (30000)")
    parser.add_argument("--seed", type=int, default=1, help="for the random numbers (1)")
    options = parser.parse_args()
    cost = measure(options.templates, options.seed)
    print(
        f"{cost.evaluated} hostile templates evaluated, {cost.refused} more refused when compiled; "
        f"{cost.stopped} stopped with an error, {cost.timed_out} of them for their time"
    )
    print(
        f"CPU of one evaluation in ms: median {cost.median:.3f}, p99 {cost.p99:.3f}, "
        f"p99.9 {cost.p999:.3f}, worst {cost.worst:.3f}; p99.9 has to stay below {LIMIT_MS}"
    )
    return 0 if cost.p999 < LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
