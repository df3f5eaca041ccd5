"""Two marks that frames repeated or mixed leave in the removed and affected area, seen in the output alone.

A stall: the area repeats itself for some frames and then jumps. What starts to move gains speed, so it changes more
from frame to frame at first; after repeated frames the first change makes up for all of them and is the largest.
An afterimage: where something has just left, it still shows faintly, and fades some frames later.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure, Measurement, absent
from evaluators.video.intervals import block_bootstrap
from evaluators.video.lags import LEAST_PIXELS, masked
from evaluators.video.order import LIVELY, moved
from evaluators.video.plate import Small, Stack

VERSION = "1"
HOUSE = "this package's definition"
REPEATED = 0.1
"""A frame repeats the one before it if it changes less than this share of the jump, root mean square."""
RUN = 2
"""Repeated frames before a jump: a single one also stands at the top of a throw or a bounce."""
SUDDEN = 1.25
"""How many times the next change a jump must be, root mean square: what was pushed keeps its speed at first."""
SOON, LATER = 3, 9
"""Frames after something left at which it may still show, and at which a trail of up to 8 frames has faded."""
LEFT = 30.0
"""Grey levels at quarter size by which a place changes when something leaves it."""
LEAST_LEFT = 100

STALLS = Measure(
    "stalls", "Stalls in the affected area", "stalls", Direction.LOWER, 0, None,
    f"changes that follow {RUN} repeated frames and are the largest of what follows, the input's own left out; {HOUSE}",
    VERSION, "How often things stand still for some frames and then jump to where they would have been.",
)  # fmt: skip
AFTERIMAGE = Measure(
    "afterimage", "Afterimage in the affected area", "share of its contrast", Direction.LOWER, 0, 1,
    f"least-squares share of what left a place that shows {SOON} frames later and no more after {LATER}; {HOUSE}",
    VERSION, "Above about 0.03, what moves leaves a faint copy of itself behind.",
)  # fmt: skip
MEASURES = (STALLS, AFTERIMAGE)


def marks(stack: Stack, seed: int) -> tuple[Measurement, Measurement]:
    """Return `stalls` and `afterimage` of the output in R and A."""
    return stalls(stack), afterimage(stack, seed)


def stalls(stack: Stack) -> Measurement:
    """Return the measurement of `stalls`; the camera's motion stays in, as a repeated frame repeats that too."""
    pairs = [_changes(now, then) for then, now in zip(stack.frames, stack.frames[1:], strict=False)]
    output, source = (np.array([pair[i] for pair in pairs], float) for i in (0, 1))
    if len(pairs) <= RUN or output.max() < LIVELY**2:
        return absent(STALLS, "nothing moves in the output's removed and affected area, so nothing can stall in it")
    found = sorted(set(jumps(output)) - set(jumps(source)))
    return Measurement(
        STALLS,
        float(len(found)),
        count=len(pairs),
        count_of="frame pairs",
        evidence={"frames": [pair + 1 for pair in found], "region": "R and A"},
    )


def jumps(changes: NDArray[np.float64]) -> list[int]:
    """Return the indices of the jumps that end a stall, in (n,) mean squared changes from frame to frame."""
    return [
        index
        for index in range(RUN, len(changes) - 1)
        if changes[index] >= LIVELY**2
        and changes[index - RUN : index].max() < REPEATED**2 * changes[index]
        and changes[index] > SUDDEN**2 * changes[index + 1]
    ]


def _changes(now: Small, then: Small) -> tuple[float, float]:
    """Return the mean squared change of the output in R and A, and of the input there or in K, whichever is more."""
    region, kept = masked(now) | masked(then), now.kept & then.kept
    if cv2.countNonZero(region) < LEAST_PIXELS:
        return 0.0, 0.0
    source = moved(now.input, then.input)
    inside = float(cv2.mean(moved(now.output, then.output), region)[0])
    return inside, max(float(cv2.mean(source, where)[0]) for where in (region, kept))


class _Left(NamedTuple):
    """What left its place at one moment: sums over pixels and channels."""

    shown: float
    """Product of what still shows and what was there, in grey levels squared."""
    whole: float
    pixels: int


def afterimage(stack: Stack, seed: int) -> Measurement:
    """Return the measurement of `afterimage`, the camera's motion taken out."""
    places = [_left(stack, index) for index in range(LATER, len(stack.frames))]
    if sum(place.pixels for place in places) < LEAST_LEFT:
        return absent(AFTERIMAGE, "too little leaves its place in the output's removed and affected area")
    columns = np.array([(place.shown, place.whole) for place in places])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        return np.asarray(np.clip(totals[:, 0] / np.maximum(totals[:, 1], 1e-9), 0, 1))

    return Measurement(
        AFTERIMAGE,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(places),
        count_of="moments",
        evidence={"region": "R and A", "pixels": sum(place.pixels for place in places)},
    )


def _left(stack: Stack, index: int) -> _Left:
    """Look at what left its place `LATER` frames before frame `index`.

    A place that shows half of it or more `SOON` frames on was taken again by a body, which is no afterimage.
    """
    late = stack.frames[index].output
    before, after, soon = (stack.earlier(index, LATER - frames) for frames in (0, 1, SOON))
    where = np.nonzero(masked(before) | masked(after))
    was, then, shows, gone = (p[where].astype(np.float32) for p in (before.output, after.output, soon.output, late))
    whole, rest = was - gone, shows - gone
    size = np.abs(whole).max(axis=1, initial=0)
    left = (np.abs(was - then).max(axis=1, initial=0) > LEFT) & (size > LEFT)
    left &= np.abs(rest).max(axis=1, initial=0) < size / 2
    return _Left(float((rest * whole)[left].sum()), float((whole**2)[left].sum()), int(left.sum()))
