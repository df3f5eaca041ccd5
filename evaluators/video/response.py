"""Does anything differ from the input where the mask says that the removal has consequences?

affected_response   anywhere in A outside R: the strongest changes
affected_beside     in A right beside R, where the object's shadow and reflection lie: the usual change
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure, Measurement, absent
from evaluators.video.channels import mean_channel
from evaluators.video.intervals import mean_interval, series
from evaluators.video.lags import LEAST_PIXELS, response
from evaluators.video.plate import Small, around

VERSION = "2"
HOUSE = "this package's definition"
REACH = 6
"""Small pixels around R that count as beside it."""

RESPONSE = Measure(
    "affected_response", "Change where the mask expects it", "grey levels", Direction.HIGHER, 0, 255,
    f"95th percentile of |output - input| in A outside R beyond that in K, mean over frames; {HOUSE}", VERSION,
    "Near 0, nothing differs from the input where the removal should have had consequences: a copy or a still.",
)  # fmt: skip
BESIDE = Measure(
    "affected_beside", "Usual change right beside the object", "per cent of brightness", Direction.HIGHER, 0, None,
    f"median of |ln(output / input)| in A within {REACH} small pixels of R beyond its 90th percentile in K, mean over "
    f"frames; {HOUSE}", VERSION,
    "Near 0, most of what the mask calls affected beside the object is as before, its shadow with it.",
)  # fmt: skip
MEASURES = (RESPONSE, BESIDE)


class Answer(NamedTuple):
    """What one frame shows; None where its region is too small."""

    anywhere: float | None
    beside: float | None


def answer(small: Small) -> Answer:
    """Return how far a small frame's output and input differ in A."""
    return Answer(response(small), _beside(small))


def _beside(small: Small) -> float | None:
    # One pixel around R is left out: the blur carries into it what was done to the object itself.
    region = (small.affected & (1 - around(small.removed, 1)) & around(small.removed, REACH)) > 0
    kept = small.kept > 0
    if min(np.count_nonzero(region), np.count_nonzero(kept)) < LEAST_PIXELS or not small.removed.any():
        return None
    output, source = (np.log(cv2.blur(mean_channel(image), (3, 3)) + 4) for image in (small.output, small.input))
    change: NDArray[np.float64] = 100 * np.abs(output - source)
    return float(max(np.median(change[region]) - np.percentile(change[kept], 90), 0.0))


def affected_change(answers: Sequence[Answer], seed: int) -> tuple[Measurement, Measurement]:
    """Return `affected_response` and `affected_beside`."""
    anywhere = _mean(
        RESPONSE, [a.anywhere for a in answers], "the mask marks nothing as affected outside the removed object",
        "A outside R", seed,
    )  # fmt: skip
    beside = _mean(
        BESIDE, [a.beside for a in answers], "the mask marks nothing as affected beside the removed object",
        f"A outside R, within {REACH} small pixels of R", seed,
    )  # fmt: skip
    return anywhere, beside


def _mean(measure: Measure, values: Sequence[float | None], missing: str, region: str, seed: int) -> Measurement:
    present = [value for value in values if value is not None]
    if not present:
        return absent(measure, missing)
    return Measurement(
        measure,
        float(np.mean(present)),
        interval=mean_interval(present, seed),
        count=len(present),
        series=series(range(len(values)), values, measure.direction),
        evidence={"region": region},
    )
