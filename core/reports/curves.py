"""Curves over frames as vector graphics: a ReportLab drawing for the PDF, the same as SVG for HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor

from core.reports.document import MeasurementRow
from core.reports.typeset import HAIRLINE, INK, MUTED, SANS, register_fonts
from core.reports.wording import number

LINE, LIMIT = HexColor("#1F5E9E"), HexColor("#A83600")
LEFT, RIGHT, BOTTOM, TOP = 36.0, 8.0, 20.0, 8.0
WORST_SHOWN = 3
LABEL_SIZE = 6.2


@dataclass(frozen=True)
class _Plot:
    """Maps frames and values to points of a drawing."""

    width: float
    height: float
    frames: tuple[float, float]
    values: tuple[float, float]

    def x(self, frame: float) -> float:
        span = self.frames[1] - self.frames[0] or 1
        return LEFT + (frame - self.frames[0]) / span * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        span = self.values[1] - self.values[0]
        return BOTTOM + (value - self.values[0]) / span * (self.height - BOTTOM - TOP)


def curve(row: MeasurementRow, width: float = 240, height: float = 96) -> Drawing | None:
    """Draw one measure over frames, with its limit dashed and its worst frames marked; sizes in points.

    Returns None where no value was taken. Frames without a value leave a gap, never a bridge.
    """
    values = [value for value in row.curve.values if value is not None] if row.curve else []
    if row.curve is None or not values:
        return None
    register_fonts()
    plot = _Plot(width, height, (row.curve.frames[0], row.curve.frames[-1]), _range(values, row.threshold))
    drawing = Drawing(width, height)
    for shape in (*_axes(plot), *_limit(plot, row.threshold), *_lines(plot, row), *_worst(plot, row)):
        drawing.add(shape)
    return drawing


def curve_svg(row: MeasurementRow, width: float = 420, height: float = 150) -> bytes | None:
    """Return the same curve as an SVG file, or None where no value was taken."""
    drawing = curve(row, width, height)
    if drawing is None:
        return None
    return str(renderSVG.drawToString(drawing)).replace(SANS, "DejaVu Sans, Verdana, sans-serif").encode()


def _range(values: list[float], threshold: float | None) -> tuple[float, float]:
    everything = [*values, threshold] if threshold is not None else values
    low, high = min(everything), max(everything)
    margin = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[float]:
    """Round values between the bounds, about three of them."""
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step)
    return [index * step for index in range(first, math.floor(high / step) + 1)]


def _label(x: float, y: float, words: str, anchor: str = "start", colour: Color = MUTED) -> String:
    return String(x, y, words, fontName=SANS, fontSize=LABEL_SIZE, fillColor=colour, textAnchor=anchor)


def _axes(plot: _Plot) -> Iterator[Rect | Line | String]:
    yield Rect(
        LEFT,
        BOTTOM,
        plot.width - LEFT - RIGHT,
        plot.height - BOTTOM - TOP,
        fillColor=None,
        strokeColor=HAIRLINE,
        strokeWidth=0.5,
    )
    low, high = plot.values
    for value in _ticks(low, high):
        yield Line(LEFT, plot.y(value), plot.width - RIGHT, plot.y(value), strokeColor=HAIRLINE, strokeWidth=0.3)
        yield _label(LEFT - 4, plot.y(value) - 2, number(value), "end")
    first, last = (int(frame) for frame in plot.frames)
    yield _label(LEFT, 10, f"frame {first}")
    yield _label(plot.width - RIGHT, 10, f"frame {last}", "end")


def _limit(plot: _Plot, threshold: float | None) -> Iterator[Line | String]:
    if threshold is None:
        return
    level = plot.y(threshold)
    yield Line(LEFT, level, plot.width - RIGHT, level, strokeColor=LIMIT, strokeWidth=0.8, strokeDashArray=[3, 2])
    yield _label(plot.width - RIGHT - 2, level + 2.5, f"limit {number(threshold)}", "end", LIMIT)


def _lines(plot: _Plot, row: MeasurementRow) -> Iterator[PolyLine | Circle]:
    assert row.curve is not None  # noqa: S101 - `curve` looked
    run: list[float] = []
    for frame, value in [*zip(row.curve.frames, row.curve.values, strict=True), (0, None)]:
        if value is not None:
            run += [plot.x(frame), plot.y(value)]
            continue
        if len(run) == 2:
            yield Circle(run[0], run[1], 0.9, fillColor=LINE, strokeColor=None)
        elif run:
            yield PolyLine(run, strokeColor=LINE, strokeWidth=1.1, strokeLineJoin=1)
        run = []


def _worst(plot: _Plot, row: MeasurementRow) -> Iterator[Circle | String]:
    assert row.curve is not None  # noqa: S101 - `curve` looked
    values = dict(zip(row.curve.frames, row.curve.values, strict=True))
    for rank, frame in enumerate(row.curve.worst[:WORST_SHOWN]):
        value = values.get(frame)
        if value is None:
            continue
        yield Circle(plot.x(frame), plot.y(value), 2.2, fillColor=HexColor("#FFFFFF"), strokeColor=INK, strokeWidth=0.9)
        if rank == 0:
            anchor = "end" if plot.x(frame) > plot.width / 2 else "start"
            shift = -4 if anchor == "end" else 4
            lift = -8 if plot.y(value) > plot.height - TOP - 14 else 9
            yield _label(plot.x(frame) + shift, plot.y(value) + lift, f"worst: {frame}", anchor, INK)
