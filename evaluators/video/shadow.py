"""Is the object's shadow gone too? A shadow darkens the clean plate without hiding it.

Where the object moves, the plate shows the ground without its shadow, and each frame tells which share of the
darkness is left. The share of a frame is a median, so that another shadow which falls across the same place, that of
something which the removal moved, does not count as this one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure, Measurement, absent
from evaluators.video.channels import largest_channel, mean_channel, smallest_channel
from evaluators.video.intervals import block_bootstrap, series
from evaluators.video.plate import Seen, Small, around

VERSION = "2"
RING = 6
"""Small pixels around R in which a shadow is looked for."""
LEAST_PIXELS = 100
IN_A_FRAME = 8
DARK, BLACK, TINT, ROUGH = 0.04, 0.9, 0.10, 0.06
"""Log ratios to the plate: a shadow is at least so dark, at most so black, so even over colours and neighbours."""

SHADOW = Measure(
    "shadow_residue", "Shadow left", "share of its darkness", Direction.LOWER, 0, 1,
    "weighted median per frame of ln(output / plate) / ln(input / plate) over pixels that darken the plate but keep "
    "its colour and texture, in and around R; this package's definition", VERSION,
    "How much of the object's shadow is left: 0 none, 1 all of it.",
)  # fmt: skip
NO_SHADOW = "the input shows no shadow beside the object that the clean plate could tell"


def shadow_residue(frames: Sequence[Small], views: Sequence[Seen], seed: int) -> Measurement:
    """Return the measurement; `views` show each frame against the plate that keeps `RING` clear of R."""
    rows = [_frame_share(small, view) for small, view in zip(frames, views, strict=True)]
    pixels = sum(row[2] for row in rows)
    shares: list[float | None] = [row[0] if row[2] >= IN_A_FRAME else None for row in rows]
    columns = np.array([row[:2] for row in rows if row[2] >= IN_A_FRAME])
    if pixels < LEAST_PIXELS or not len(columns):
        return absent(SHADOW, NO_SHADOW, pixels=pixels)

    def statistic(sample: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((sample[..., 0] * sample[..., 1]).sum(axis=1) / sample[..., 1].sum(axis=1))

    return Measurement(
        SHADOW,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(columns),
        series=series(range(len(rows)), shares, SHADOW.direction),
        evidence={"small_pixels": pixels, "plate": f"without what lies within {RING} small pixels of R"},
    )


def _frame_share(small: Small, view: Seen) -> tuple[float, float, int]:
    """Return the share left in a frame, in [0, 1], its weight, and the number of pixels."""
    where, darkness = shadow_pixels(small, view)
    count = int(np.count_nonzero(where))
    if count < IN_A_FRAME:
        return 0.0, 0.0, count
    left = cv2.blur(mean_channel(_against_plate(view.output, view.plate)), (3, 3))[where]
    darkness = darkness[where]
    share = weighted_median(left / darkness, darkness * darkness)
    return float(np.clip(share, 0, 1)), float(np.sum(darkness * darkness)), count


def shadow_pixels(small: Small, view: Seen) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return where the input darkens the plate as a shadow does, and ln(input / plate) over 3x3 small pixels."""
    # What the removal moves casts a shadow of its own on kept ground, in the truth as in the input: nobody's trace.
    foreign = (small.kept > 0) & (around(small.affected, RING) > 0)
    near = (around(small.removed, RING) > 0) & ~foreign
    ratio = _against_plate(view.input, view.plate)
    mean, tint = mean_channel(ratio), largest_channel(ratio) - smallest_channel(ratio)
    smooth = np.asarray(cv2.blur(mean, (3, 3)), np.float32)
    rough = np.sqrt(np.maximum(cv2.blur(mean * mean, (3, 3)) - smooth * smooth, 0))
    dark = (smooth < -DARK) & (smooth > -BLACK)
    return np.asarray(near & view.known & dark & (tint < TINT) & (rough < ROUGH)), smooth


def weighted_median(values: NDArray[np.floating], weights: NDArray[np.floating]) -> float:
    """Return the value at which half of the total weight is reached; there must be some weight."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def _against_plate(gap: NDArray[np.float32], plate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ln((plate + gap) / plate) per channel, four grey levels added to both so that black stays finite."""
    return np.asarray(np.log(np.maximum(gap + plate + 4, 1) / (plate + 4)), np.float32)
