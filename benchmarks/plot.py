"""How the time of an answer grows with size, drawn as SVG: nothing else is needed for that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from benchmarks.report import Run

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 290, 40, 50
_COLORS = ("#2463eb", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#0f766e", "#a16207", "#334155")
_STYLE = (
    "text { font: 13px system-ui, sans-serif; fill: #1f2937 } "
    ".title { font-weight: 600 } .axis { stroke: #9ca3af } .grid { stroke: #e5e7eb }"
)

Points = list[tuple[int, float]]


def growth(run: Run, of: str, title: str) -> str:
    """Return how the median time of each job grows with size.

    Args:
        run: What was measured; jobs at one request at once, in more than one size, are drawn.
        of: Which size: ``users`` or ``members``.
        title: What stands above.
    """
    series: dict[str, Points] = {}
    for row in run.rows:
        if row.of == of and row.connections == 1:
            points = series.setdefault(row.job, [])
            if row.size not in [size for size, _ in points]:
                points.append((row.size, row.figures.p50))
    drawn = {job: sorted(points) for job, points in series.items() if len(points) > 1}
    return "\n".join(_chart(drawn, f"number of {of}, logarithmic", title)) + "\n"


def _chart(series: dict[str, Points], across: str, title: str) -> Iterable[str]:
    sizes = sorted({size for points in series.values() for size, _ in points}) or [1, 10]
    times = [ms for points in series.values() for _, ms in points] or [1.0]
    step = _step(max(times))
    most = step * math.ceil(max(times) / step)

    def x(size: int) -> float:
        span = math.log(sizes[-1] / sizes[0]) or 1
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log(size / sizes[0]) / span

    def y(ms: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * ms / most

    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    yield _text(_LEFT, 22, title, "start", "title")
    for number in range(round(most / step) + 1):
        ms = number * step
        yield f'<path class="grid" d="M{_LEFT} {y(ms):.1f}H{_WIDTH - _RIGHT}"/>'
        yield _text(_LEFT - 8, y(ms) + 4, f"{ms:g} ms", "end")
    yield f'<path class="axis" d="M{_LEFT} {y(0):.1f}H{_WIDTH - _RIGHT}"/>'
    for size in sizes:
        yield _text(x(size), _HEIGHT - _BOTTOM + 20, f"{size:,}", "middle")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, across, "middle")
    labels = _apart([y(points[-1][1]) for points in series.values()])
    for (job, points), color, at in zip(series.items(), _cycled(len(series)), labels, strict=True):
        places = [(x(size), y(ms)) for size, ms in points]
        line = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
        yield f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>'
        for left, top in places:
            yield f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{color}"/>'
        yield _text(_WIDTH - _RIGHT + 12, at + 4, job, "start", color=color)
    yield "</svg>"


def _text(
    left: float, top: float, text: str, anchor: str, kind: str = "", *, color: str = ""
) -> str:
    more = f' class="{kind}"' if kind else ""
    more += f' style="fill: {color}"' if color else ""
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _step(most: float) -> float:
    """Return a round number of milliseconds that divides the axis into a few parts."""
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= rough)


def _apart(tops: Sequence[float]) -> list[float]:
    """Move labels down until none covers another one."""
    moved = dict.fromkeys(range(len(tops)), 0.0)
    free = 0.0
    for number in sorted(moved, key=lambda each: tops[each]):
        moved[number] = max(tops[number], free)
        free = moved[number] + 17
    return list(moved.values())


def _cycled(count: int) -> list[str]:
    return [_COLORS[number % len(_COLORS)] for number in range(count)]
