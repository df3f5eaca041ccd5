"""A comparison as one self-contained HTML file: no script, no link, no outside file; readable without the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.comparison import Comparison, sentences
from core.reports import wording
from core.reports.wording import Tone, inert
from evaluators.base import Direction
from evaluators.comparison import SIGN_TEST, Paired, Verdict

TONES = {
    Verdict.FIRST: Tone("better", "◀", wording.BLUE, "#E5EDF8"),
    Verdict.SECOND: Tone("better", "▶", wording.RUST, "#FBE9E0"),
    Verdict.CANNOT_TELL: Tone("cannot tell", "?", wording.GREY, "#EDF0F3"),
    Verdict.NOT_JUDGED: Tone("not judged", "–", wording.GREY, "#EDF0F3"),
}
WIDTH, ROW, LEFT, RIGHT, TOP = 960.0, 34.0, 190.0, 190.0, 40.0
"""Sizes of the plot in its own units."""


@dataclass(frozen=True)
class Mark:
    """One line of the plot: the dot, its interval and the single assets, as places along the axis."""

    pair: Paired
    y: float
    dot: float
    low: float | None
    high: float | None
    assets: tuple[float, ...]
    tone: Tone


@dataclass(frozen=True)
class Plot:
    """The marks of one pair of candidates; left of the middle the first is better, right of it the second."""

    first: str
    second: str
    height: float
    middle: float
    marks: tuple[Mark, ...]


def render_comparison(comparison: Comparison) -> str:
    """Return the report as HTML; equal comparisons give equal text."""
    return (
        _environment()
        .get_template("comparison.html")
        .render(
            comparison=comparison,
            letters=comparison.letters,
            plots=tuple(_plots(comparison)),
            tones=TONES,
            say=sentences,
            words=wording,
            test=SIGN_TEST,
            width=WIDTH,
            left=LEFT,
            right=RIGHT,
            top=TOP,
        )
    )


def _plots(comparison: Comparison) -> Iterator[Plot]:
    pairs = [pair for question in comparison.questions for pair in question.pairs]
    for first, second in dict.fromkeys((pair.first, pair.second) for pair in pairs):
        drawn = [one for one in pairs if (one.first, one.second) == (first, second) and one.advantage is not None]
        if drawn:
            marks = tuple(_mark(one, place, _reach(one, drawn)) for place, one in enumerate(drawn))
            yield Plot(first, second, TOP + ROW * len(drawn) + 12, (LEFT + WIDTH - RIGHT) / 2, marks)


def _reach(pair: Paired, drawn: Sequence[Paired]) -> float:
    """The value at the plot's edge: measures that are scores share one scale, every other has its own."""
    peers = [one for one in drawn if one.measure.unit == pair.measure.unit == "score"] or [pair]
    ends = [abs(value) for one in peers for value in (*one.differences, *_ends(one))]
    return max(ends) or 1.0


def _ends(pair: Paired) -> tuple[float, ...]:
    return (pair.interval.low, pair.interval.high) if pair.interval else ()


def _mark(pair: Paired, place: int, reach: float) -> Mark:
    sign = -1 if pair.measure.direction is Direction.HIGHER else 1
    half = (WIDTH - LEFT - RIGHT) / 2 - 14
    middle = (LEFT + WIDTH - RIGHT) / 2

    def x(value: float) -> float:
        return round(middle + sign * value / reach * half, 2)

    low, high = sorted(x(value) for value in _ends(pair)) if pair.interval else (None, None)
    return Mark(
        pair=pair,
        y=TOP + ROW * (place + 0.5),
        dot=x(pair.difference or 0.0),
        low=low,
        high=high,
        assets=tuple(x(value) for value in pair.differences),
        tone=TONES[pair.verdict],
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("core.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else inert(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
