"""A whole directory read by cursor, and the last pages compared with the first."""

from __future__ import annotations

import itertools

from benchmarks.alternation import Comparison, Side
from benchmarks.driver import Request
from benchmarks.sides import Ours

COUNT = 200
GOAL = 1.1

_ENDS = 50


def walk(ours: Ours) -> Comparison:
    """Read every page once, and return the comparison of both ends of the walk.

    A cursor can be used again, so that the pages at both ends can be read in alternation.

    Raises:
        RuntimeError: The pages do not have every user once.
    """
    pages: list[Request] = []
    seen: set[str] = set()
    read, cursor, total = 0, "", 0
    while True:
        page = ours.api.get(f"/Users?count={COUNT}&cursor={cursor}")
        answer = ours.ask(page)
        total = answer["totalResults"]
        ids = [each["id"] for each in answer["Resources"]]
        read += len(ids)
        seen.update(ids)
        if "nextCursor" not in answer:
            break
        # The last page may have fewer, so it is left out.
        pages.append(page)
        cursor = answer["nextCursor"]
    if not len(seen) == read == total:
        msg = f"{read} users were on the pages, {len(seen)} different ones, of {total}."
        raise RuntimeError(msg)
    ends = max(1, min(_ENDS, len(pages) // 2))
    return Comparison(
        job=f"last {ends} of {len(pages) + 1:,} pages by cursor",
        size=ours.users,
        measured=Side("ours", ours.server, itertools.cycle(pages[-ends:])),
        reference=Side(f"first {ends} pages", ours.server, itertools.cycle(pages[:ends])),
        by="time",
        goal=GOAL,
    )
