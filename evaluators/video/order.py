"""Do things in the removed and affected area move in order: on and on, without an echo, never back and forth?

Three neighbouring frames of an ordered motion differ most between the outer two. Where the middle one differs more
from its neighbours than they from each other, something went there and back: frames swapped, picture shaking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure, Measurement, absent
from evaluators.flow import Image
from evaluators.video.channels import largest_channel
from evaluators.video.intervals import block_bootstrap, series
from evaluators.video.lags import LAGS, LEAST_PIXELS, Structure, activity, disorder, echo, masked
from evaluators.video.plate import Stack

VERSION = "2"
HOUSE = "this package's definition"
MOVED = 10.0
"""Grey levels at quarter size that a place must change by: grain stays below."""
LIVELY = 1.0
"""Root mean square change, grey levels at quarter size, from which something moves."""
CAMERA_SHARE = 0.1
"""Share of the change over kept ground that a moving camera leaves behind although its motion is taken out."""

DISORDER = Measure(
    "disorder", "Disorder in the affected area", "ratio", Direction.LOWER, 0, 2,
    f"(change over 1 frame + deepest fall with the lag) / largest change over 1 to 8 frames; {HOUSE}", VERSION,
    "About 0.5 or less when things move on steadily; towards 1 and more when frames are out of order.",
)  # fmt: skip
ECHO = Measure(
    "echo", "Echo in the affected area", "ratio", Direction.LOWER, 0, 1,
    f"deepest dip of the change over 2 to 7 frames below the chord of its neighbours; {HOUSE}", VERSION,
    "Above about 0.05, moving things drag a copy of themselves behind.",
)  # fmt: skip
REVERSAL = Measure(
    "reversal", "Back and forth in the affected area", "share of the change", Direction.LOWER, 0, 1,
    f"sum of max(0, larger change to a neighbour - change between the neighbours) over the sum of larger changes; "
    f"{HOUSE}", VERSION,
    "Near 0 when things move on; above about 0.1, frames are out of order or the picture shakes.",
)  # fmt: skip
MEASURES = (DISORDER, ECHO, REVERSAL)
STILL = "nothing moves in the output's removed and affected area, so its order in time cannot be seen"


def order(stack: Stack, found: Structure, seed: int) -> tuple[Measurement, ...]:
    """Return `disorder`, `echo` and `reversal` of the output in R and A."""
    return (*_lagged(found, seed), reversal(stack, found, seed))


def _lagged(found: Structure, seed: int) -> tuple[Measurement, Measurement]:
    if len(found.masked_pixels) < 2 * len(LAGS):
        reason = f"order in time needs {2 * len(LAGS) + 1} frames"
        return absent(DISORDER, reason), absent(ECHO, reason)
    columns = np.stack(found[3:], axis=-1)
    shown = activity(columns[None]).output
    if shown.max() < LIVELY**2 + CAMERA_SHARE * _filmed(found):
        return absent(DISORDER, STILL), absent(ECHO, STILL)
    evidence = {"change_by_lag": {str(k): float(v) for k, v in zip(LAGS, shown[0], strict=True)}, "region": "R and A"}

    def taken(measure: Measure, statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Measurement:
        interval = block_bootstrap(columns, lambda rows: statistic(activity(rows).output), seed)
        return Measurement(
            measure,
            float(statistic(shown)[0]),
            interval=interval,
            count=len(columns),
            count_of="frame pairs",
            evidence=evidence,
        )

    return taken(DISORDER, disorder), taken(ECHO, echo)


def _filmed(found: Structure) -> float:
    """Return the input's largest change over kept ground as filmed, the camera's motion included."""
    return float((found.kept_input.sum(axis=0) / np.maximum(found.kept_pixels.sum(axis=0), 1)).max())


class Triple(NamedTuple):
    """Three neighbouring frames: sums over R and A, and the same per pixel over K."""

    back: float
    """How much larger the larger change to a neighbour is than the change between the neighbours, 0 at least."""
    larger: float
    pixels: int
    ground: float
    """The change per pixel of K, camera taken out: what alignment leaves."""


def reversal(stack: Stack, found: Structure, seed: int) -> Measurement:
    """Return the measurement of `reversal`."""
    triples = [_triple(stack, index) for index in range(2, len(stack.frames))]
    moving = [t for t in triples if t is not None]
    if len(moving) < 3:
        return absent(REVERSAL, "too few frames mark anything as removed or affected to see its order in time")
    columns = np.array([(t.back, t.larger) for t in moving])
    density = columns[:, 1].sum() / sum(t.pixels for t in moving)
    left_over = max(4 * float(np.mean([t.ground for t in moving])), CAMERA_SHARE * _filmed(found))
    if density < LIVELY**2 + left_over:
        return absent(REVERSAL, STILL)

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        return np.asarray(totals[:, 0] / np.maximum(totals[:, 1], 1e-9))

    values: Sequence[float | None] = [t.back / t.larger if t is not None and t.larger > 0 else None for t in triples]
    return Measurement(
        REVERSAL,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(moving),
        count_of="frame triples",
        series=series(range(1, len(stack.frames) - 1), values, REVERSAL.direction),
        evidence={"region": "R and A", "counts": f"what changes by more than {MOVED:g} grey levels at quarter size"},
    )


def _triple(stack: Stack, index: int) -> Triple | None:
    frames = (stack.frames[index], stack.earlier(index, 1), stack.earlier(index, 2))
    region = masked(frames[0]) | masked(frames[1]) | masked(frames[2])
    ground = frames[0].kept & frames[1].kept & frames[2].kept
    pixels = cv2.countNonZero(region)
    if pixels < LEAST_PIXELS:
        return None
    changes = [moved(frames[i].output, frames[j].output) for i, j in ((0, 1), (1, 2), (0, 2))]
    first, second, both = (cv2.mean(change, region)[0] * pixels for change in changes)
    larger = max(first, second)
    return Triple(max(larger - both, 0.0), larger, pixels, cv2.mean(changes[0], ground)[0])


def moved(first: Image, second: Image) -> NDArray[np.float32]:
    """Return (h, w): the square of the largest channel's change beyond `MOVED`, of two (h, w, 3) small frames."""
    change = largest_channel(np.asarray(cv2.absdiff(first, second))).astype(np.float32)
    return np.asarray(np.square(np.maximum(change - np.float32(MOVED), 0)), np.float32)
