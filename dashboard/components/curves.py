"""One measure over the frames, as a Vega-Lite chart: the curve, its limit, its worst frames."""

from __future__ import annotations

from typing import Any

from core.reports.document import MeasurementRow
from core.reports.wording import BLUE, RUST
from dashboard.appearance import INK, LINE

WORST_SHOWN = 3
HEIGHT = 170
AXIS = {"gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "labelColor": INK, "titleColor": INK}

Spec = dict[str, Any]


def chart(row: MeasurementRow) -> Spec | None:
    """Return the chart of a measurement, or None where no value was taken in any frame; a gap stays a gap."""
    if row.curve is None or not any(value is not None for value in row.curve.values):
        return None
    worst = set(row.curve.worst[:WORST_SHOWN])
    points = [
        {"frame": frame, "value": value, "worst": frame in worst}
        for frame, value in zip(row.curve.frames, row.curve.values, strict=True)
    ]
    layers = [_line(), _rings(), _numbers()]
    if row.threshold is not None:
        layers.append(_limit(row.threshold))
    return {
        "height": HEIGHT,
        "data": {"values": points},
        "encoding": {
            "x": {
                "field": "frame",
                "type": "quantitative",
                "title": "Frame",
                "axis": {"grid": False, "tickMinStep": 1},
                "scale": {"nice": False, "zero": False},
            },
            "y": _values(row),
        },
        "layer": layers,
        "config": {"axis": AXIS, "view": {"strokeWidth": 0}},
    }


def _values(row: MeasurementRow) -> Spec:
    unit = row.unit if row.unit not in ("", "1") else None
    scale = {"zero": False, "nice": True}
    return {"field": "value", "type": "quantitative", "title": unit, "scale": scale, "axis": {"tickCount": 4}}


def _line() -> Spec:
    tooltip = [
        {"field": "frame", "type": "quantitative", "title": "Frame"},
        {"field": "value", "type": "quantitative", "title": "Value", "format": ".4~g"},
    ]
    return {"mark": {"type": "line", "color": BLUE, "strokeWidth": 1.8}, "encoding": {"tooltip": tooltip}}


def _rings() -> Spec:
    ring = {"type": "point", "color": RUST, "size": 90, "strokeWidth": 2, "filled": False}
    return {"transform": [{"filter": "datum.worst && isValid(datum.value)"}], "mark": ring}


def _numbers() -> Spec:
    return {
        "transform": [{"filter": "datum.worst && isValid(datum.value)"}],
        "mark": {"type": "text", "color": RUST, "dy": -13, "fontSize": 11},
        "encoding": {"text": {"field": "frame", "type": "quantitative"}},
    }


def _limit(threshold: float) -> Spec:
    return {
        "data": {"values": [{"value": threshold}]},
        "mark": {"type": "rule", "color": RUST, "strokeDash": [5, 4], "strokeWidth": 1.3},
        "encoding": {"x": None, "y": {"field": "value", "type": "quantitative"}},
    }
