"""Measurements as the dossier shows them: each with its interval, its curve and the limit that judged it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.reports import document as doc

LIMIT = re.compile(r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?")


def measurement_rows(
    evaluation: Mapping[str, Any] | None, assessments: Sequence[Mapping[str, Any]]
) -> Iterator[doc.MeasurementRow]:
    """Yield each measurement of a full evaluation with the limit that a rule held it to, judged ones first."""
    if evaluation is None:
        return
    limits = dict(_limits(assessments))
    rows = [
        _measurement(found, part, limits.get(found["measure"]["name"]))
        for part in (*([evaluation["summary"]] if "summary" in evaluation else []), *evaluation["evaluations"])
        for found in part["measurements"]
    ]
    # What a rule judged comes first, what only explains comes last.
    yield from sorted(rows, key=lambda row: (row.name not in limits, row.direction == "diagnostic"))


def _limits(assessments: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each measure that a rule judged, with the trace node that judged it."""
    for assessment in assessments:
        for verdict in assessment["verdicts"]:
            for node in _nodes(verdict["trace"]["passes_when"]):
                path = str(node.get("path") or "")
                if node.get("limit") and path.startswith("measurements."):
                    yield path.removeprefix("measurements.").removesuffix(".value"), node


def _nodes(node: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if node:
        yield node
        for child in node.get("children") or ():
            yield from _nodes(child)


def _measurement(
    found: Mapping[str, Any], part: Mapping[str, Any], judged: Mapping[str, Any] | None
) -> doc.MeasurementRow:
    measure, interval, series = found["measure"], found["interval"], found["series"]
    return doc.MeasurementRow(
        name=measure["name"],
        title=measure["title"],
        unit=measure["unit"],
        direction=measure["direction"],
        meaning=measure["meaning"],
        value=found["value"],
        reason=found["reason"],
        low=interval["low"] if interval else None,
        high=interval["high"] if interval else None,
        interval=f"{interval['level']:.0%} {interval['method']}" if interval else None,
        threshold=_threshold(judged, found["value"]),
        meets={"true": True, "false": False}.get(str(judged["result"]).lower()) if judged else None,
        count=found["count"],
        count_of=found["count_of"],
        evaluator=part["evaluator"],
        evaluator_version=part["version"],
        citation=measure["citation"],
        curve=doc.Curve(tuple(series["frames"]), tuple(series["values"]), tuple(series["worst"])) if series else None,
    )


def _threshold(judged: Mapping[str, Any] | None, value: float | None) -> float | None:
    """The limit that a rule held the measure to; of two limits, the one that the value is nearer to."""
    limits = [float(text) for text in LIMIT.findall(str(judged["limit"]))] if judged else []
    if not limits:
        return None
    return min(limits, key=lambda limit: abs(limit - value)) if value is not None else limits[0]
