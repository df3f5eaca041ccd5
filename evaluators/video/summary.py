"""Four scores for a reader in a hurry: temporal, preservation, removal and physics, each in [0, 1].

The rule is the same for all: 1 / (1 + the sum over its parts of (x / half)^2), x being a part's distance from perfect
and `half` the distance at which that part alone brings the score to one half. The worst fault decides, as one visible
fault spoils a shot however good the rest is, and each further fault lowers the score a little more. Distances start
where grain, coding and another take of the same truth end. Absent parts are left out and named; a summary without
any part is absent.

Clips are ranked by the lowest of temporal, preservation and removal, see `overall`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent

VERSION = "5"


RANKED = ("temporal", "preservation", "removal")
"""What the ranking looks at. Physics is judged beside it: it abstains too often to rank every clip."""


class Part(NamedTuple):
    """A measure's share in a summary: how far a value is from perfect, and where that scores one half."""

    measure: str
    distance: Callable[[float], float]
    half: float


def _above(floor: float) -> Callable[[float], float]:
    return lambda value: max(value - floor, 0.0)


def _below(top: float) -> Callable[[float], float]:
    return lambda value: max(top - value, 0.0)


def _octaves(value: float) -> float:
    return abs(math.log2(max(value, 1e-3)))


PARTS: Mapping[str, tuple[Part, ...]] = {
    "temporal": (
        Part("warp_error_ratio", lambda value: max(math.log2(max(value, 1e-9)) - 4.0, 0.0), 2.0),
        Part("tof", _above(0.15), 0.5),
        Part("motion_ratio", _octaves, 1.0),
        Part("gain_flicker", _above(0.2), 0.8),
        Part("jitter", _above(0.2), 0.3),
        Part("freeze", _above(0.0), 0.25),
        Part("lag_imbalance", _above(0.15), 0.5),
        Part("echo", _above(0.03), 0.08),
        Part("reversal", _above(0.05), 0.08),
        Part("stalls", _above(0.0), 0.5),
        Part("afterimage", _above(0.02), 0.08),
        Part("reference_activity", lambda value: max(abs(value) - 0.4, 0.0), 0.5),
    ),
    "preservation": (
        Part("preservation_psnr", _below(40.0), 12.0),
        Part("preservation_ssim", _below(1.0), 0.2),
        Part("colour_drift", _above(0.0), 6.0),
        Part("spill", _above(0.0), 16.0),
        Part("stray_change", _above(6.0), 20.0),
    ),
    "removal": (
        Part("removal_residue", _above(0.05), 0.3),
        Part("ghost", _above(0.05), 0.3),
        Part("shadow_residue", _above(0.05), 0.4),
        Part("object_motion", _above(0.2), 0.7),
        Part("fill_detail", lambda value: max(_octaves(value) - 0.5, 0.0), 1.0),
        # A clean fill over texture shows up to 2.5 times the gradient around it, which is no seam.
        Part("seam", lambda value: max(math.log2(max(value, 1e-9)) - 1.4, 0.0), 1.0),
        Part("affected_response", _below(3.0), 2.0),
        Part("affected_beside", _below(4.0), 5.0),
    ),
    "physics": (
        Part("physics_plausibility", _below(1.0), 0.5),
        Part("reference_st_iou", _below(1.0), 1.5),
        Part("reference_ws_iou", _below(1.0), 1.5),
        Part("reference_departure", _above(0.02), 0.08),
    ),
}


def _summary_measure(name: str, meaning: str) -> Measure:
    citation = "1 / (1 + sum over parts of (distance / half)^2); this package's rule"
    return Measure(name, f"Summary: {name}", "score", Direction.HIGHER, 0, 1, citation, VERSION, meaning)


SUMMARIES = (
    _summary_measure("temporal", "Whether the clip is steady and lively where nothing should change."),
    _summary_measure("preservation", "Whether everything that should stay the same has stayed the same."),
    _summary_measure("removal", "Whether the object and its traces are gone."),
    _summary_measure("physics", "Whether what the removal set in motion moves as it would in the world."),
)


def summarise(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the four summary scores of a clip's evaluations."""
    found = {m.measure.name: m for evaluation in evaluations for m in evaluation.measurements}
    scores = tuple(_summary(measure, found) for measure in SUMMARIES)
    rules = {name: {part.measure: part.half for part in parts} for name, parts in PARTS.items()}
    return Evaluation("summary", VERSION, scores, parameters={"half_points": rules})


def overall(scores: Mapping[str, float | None]) -> float | None:
    """Return the score that clips are ranked by: the lowest of `RANKED` among summary scores by name, None for none."""
    present = [score for name in RANKED if (score := scores.get(name)) is not None]
    return min(present, default=None)


def part_score(part: Part, value: float) -> float:
    """Return the score in (0, 1] of one part's value."""
    return 1.0 / (1.0 + (part.distance(value) / part.half) ** 2)


def _summary(measure: Measure, found: Mapping[str, Measurement]) -> Measurement:
    parts = PARTS.get(measure.name, ())
    scores = {
        part.measure: part_score(part, value)
        for part in parts
        if part.measure in found and (value := found[part.measure].value) is not None
    }
    missing = {p.measure: found[p.measure].reason for p in parts if p.measure in found and p.measure not in scores}
    if not scores:
        reason = next((str(why) for why in missing.values()), f"nothing that makes up {measure.name} was measured")
        return absent(measure, reason, missing=missing)
    weakest = min(scores, key=scores.__getitem__)
    return Measurement(
        measure,
        1.0 / (1.0 + sum(1.0 / score - 1.0 for score in scores.values())),
        count=len(scores),
        count_of="parts",
        evidence={"parts": scores, "weakest": weakest, "missing": missing},
    )
