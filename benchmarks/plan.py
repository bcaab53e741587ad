"""What `make bench` compares, and with what: a line of the goals for each job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.alternation import Comparison, Side
from benchmarks.seeding import sizes_of_groups
from benchmarks.sides import FILTERS, Ceiling, Ours, Stream
from benchmarks.walk import walk

CONNECTIONS = (1, 64)

Pair = tuple[Ours, Ceiling]


def get(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """GET /Users/{id}, against the ceiling's read."""
    return _hot(pairs, "GET /Users/{id}", Ours.get_user, Ceiling.read, 0.6)


def post(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """POST /Users, against the ceiling's write."""
    return _hot(pairs, "POST /Users", Ours.create_user, Ceiling.write, 0.4)


def active(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """PATCH `active`, against the ceiling's write."""
    return _hot(pairs, "PATCH active", Ours.set_active, Ceiling.write, 0.35)


def six(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """PATCH with six operations, against the ceiling's write."""
    return _hot(pairs, "PATCH six operations", Ours.change_six, Ceiling.write, 0.35)


def _hot(
    pairs: Sequence[Pair],
    job: str,
    measured: Callable[[Ours], Stream],
    reference: Callable[[Ceiling], Stream],
    goal: float,
) -> Iterator[Comparison]:
    """Compare in the smallest and in the largest database."""
    for ours, ceiling in dict.fromkeys((pairs[0], pairs[-1])):
        for connections in CONNECTIONS:
            yield Comparison(
                job=job,
                size=ours.users,
                measured=_side("ours", ours, measured(ours)),
                reference=_side("ceiling", ceiling, reference(ceiling)),
                connections=connections,
                goal=goal,
            )


def find(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """Look-ups by userName: against the ceiling's read, and the largest against the smallest."""
    job = "filter userName eq"
    for ours, ceiling in pairs:
        for connections in CONNECTIONS:
            yield Comparison(
                job=job,
                size=ours.users,
                measured=_side("ours", ours, ours.find_user()),
                reference=_side("ceiling", ceiling, ceiling.read()),
                connections=connections,
                goal=0.5,
            )
    (smallest, _), (largest, _) = pairs[0], pairs[-1]
    for connections in CONNECTIONS if smallest is not largest else ():
        yield Comparison(
            job=job,
            size=largest.users,
            measured=_side("ours", largest, largest.find_user()),
            reference=_side(f"{smallest.users:,} users", smallest, smallest.find_user()),
            connections=connections,
            by="time",
            goal=1.2,
        )


def attributes(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """Look-ups by other attributes, against those by userName."""
    for ours, _ in pairs:
        for attribute in FILTERS:
            if attribute != "userName":
                yield Comparison(
                    job=f"filter {attribute} eq",
                    size=ours.users,
                    measured=_side("ours", ours, ours.find_user(attribute)),
                    reference=_side("userName", ours, ours.find_user()),
                    by="time",
                    goal=1.2,
                )


def member(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """PATCH one member into groups: the smallest against the ceiling, others against it."""
    ours, ceiling = pairs[-1]
    against = _side("ceiling", ceiling, ceiling.write())
    return _groups("PATCH add member", ours, ours.add_member, against, 1.2)


def group(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """GET groups without their members, likewise."""
    ours, ceiling = pairs[-1]
    against = _side("ceiling", ceiling, ceiling.read())
    return _groups("GET group without members", ours, ours.get_group, against, 1.1)


def _groups(
    job: str, ours: Ours, requests: Callable[[int], Stream], ceiling: Side, goal: float
) -> Iterator[Comparison]:
    smallest, *others = sizes_of_groups(ours.users)
    measured = _side("ours", ours, requests(smallest))
    yield Comparison(job=job, size=smallest, of="members", measured=measured, reference=ceiling)
    for size in others:
        yield Comparison(
            job=job,
            size=size,
            of="members",
            measured=_side("ours", ours, requests(size)),
            reference=_side(f"{smallest:,} members", ours, requests(smallest)),
            by="time",
            goal=goal if size == others[-1] else None,
        )


def pages(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """The last pages of a walk through everybody, against the first."""
    yield walk(pairs[-1][0])


JOBS: dict[str, Callable[[Sequence[Pair]], Iterator[Comparison]]] = {
    "get": get,
    "filter": find,
    "attributes": attributes,
    "post": post,
    "active": active,
    "six": six,
    "member": member,
    "group": group,
    "walk": pages,
}
"""What can be measured alone, by name."""


def _side(title: str, at: Ours | Ceiling, requests: Stream) -> Side:
    return Side(title, at.server, requests)
