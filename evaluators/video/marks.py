"""Two marks that frames repeated or mixed leave in the removed and affected area, seen in the output alone.

A stall: what moved repeats itself for some frames and then jumps. What starts to move gains speed, so it changes more
and more from frame to frame; after repeated frames the first change makes up for all of them and is the largest. What
never moved before may have been pushed or come into the picture, and is no stall.
An afterimage: where something has just left, it still shows faintly, and fades some frames later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure, Measurement, absent
from evaluators.flow import Image
from evaluators.video.channels import largest_channel
from evaluators.video.intervals import block_bootstrap
from evaluators.video.lags import LEAST_PIXELS, masked
from evaluators.video.order import LIVELY, MOVED, moved
from evaluators.video.plate import Small, Stack

VERSION = "1"
HOUSE = "this package's definition"
REPEATED = 0.1
"""A frame repeats the one before it if it changes less than this share of the jump, root mean square."""
RUN = 2
"""Repeated frames before a jump: a single one also stands at the top of a throw or a bounce."""
SUDDEN = 1.25
"""How many times the next change a jump must be, root mean square: what was pushed keeps its speed at first."""
SOON, SETTLED, LATER = 3, 9, 10
"""Frames after something left: it may still show, a trail of up to 8 frames has faded, and the place stays as it is."""
LEFT = 30.0
"""Grey levels at quarter size by which a place changes when something leaves it."""
LEAST_LEFT = 100

STALLS = Measure(
    "stalls", "Stalls in the affected area", "stalls", Direction.LOWER, 0, None,
    f"changes that follow {RUN} repeated frames and are the largest of what follows, the input's own left out; {HOUSE}",
    VERSION, "How often what moved stands still for some frames and then jumps to where it would have been.",
)  # fmt: skip
AFTERIMAGE = Measure(
    "afterimage", "Afterimage in the affected area", "share of its contrast", Direction.LOWER, 0, 1,
    f"share of what left a place that shows {SOON} frames later, not after {SETTLED}, less the input's in K; {HOUSE}",
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
    pixels = np.array([pair[2] for pair in pairs], float)
    if len(pairs) <= RUN or not (output >= LIVELY**2 * pixels)[pixels > 0].any():
        return absent(STALLS, "nothing moves in the output's removed and affected area, so nothing can stall in it")
    lively = {index for index in jumps(output) if output[index] >= LIVELY**2 * pixels[index]}
    found = sorted(lively - set(jumps(source)))
    return Measurement(
        STALLS,
        float(len(found)),
        count=len(pairs),
        count_of="frame pairs",
        evidence={"frames": [pair + 1 for pair in found], "region": "R and A"},
    )


def jumps(changes: NDArray[np.float64]) -> list[int]:
    """Return the indices of the jumps that end a stall, in (n,) summed squared changes from frame to frame.

    Beside the largest change of all, one that is less than a repeated frame's share of it is no jump.
    """
    least = REPEATED**2 * changes.max(initial=0)
    return [
        index
        for index in range(RUN, len(changes) - 1)
        if changes[index] > least
        and changes[: index - RUN].max(initial=0) > least
        and changes[index - RUN : index].max() < REPEATED**2 * changes[index]
        and changes[index] > SUDDEN**2 * changes[index + 1]
    ]


def _changes(now: Small, then: Small) -> tuple[float, float, int]:
    """Return the summed squared change of the output in R and A, of the input there and in K, and R and A's pixels.

    Sums, not means: the region grows as something comes into the picture.
    """
    region, kept = masked(now) | masked(then), now.kept & then.kept
    pixels = cv2.countNonZero(region)
    if pixels < LEAST_PIXELS:
        return 0.0, 0.0, 0
    source = moved(now.input, then.input)
    own = float(cv2.mean(source, region | kept)[0]) * cv2.countNonZero(region | kept)
    return float(cv2.mean(moved(now.output, then.output), region)[0]) * pixels, own, pixels


class _Left(NamedTuple):
    """What left its place at one moment: sums over pixels and channels."""

    shown: float
    """Product of what still shows and what was there, in grey levels squared."""
    whole: float
    pixels: int


def afterimage(stack: Stack, seed: int) -> Measurement:
    """Return the measurement of `afterimage`, the camera's motion taken out.

    What shimmers or flows shows something like it by nature; so the share of the input's kept ground is taken off.
    """
    moments = [_left(stack, index) for index in range(LATER, len(stack.frames))]
    if sum(output.pixels for output, _source in moments) < LEAST_LEFT:
        return absent(AFTERIMAGE, "too little leaves its place in the output's removed and affected area")
    columns = np.array([(output.shown, output.whole, source.shown, source.whole) for output, source in moments])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        output, own = (np.clip(totals[:, i] / np.maximum(totals[:, i + 1], 1e-9), 0, 1) for i in (0, 2))
        return np.asarray(np.maximum(output - own, 0))

    return Measurement(
        AFTERIMAGE,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(moments),
        count_of="moments",
        evidence={"region": "R and A", "pixels": sum(output.pixels for output, _source in moments)},
    )


def _left(stack: Stack, index: int) -> tuple[_Left, _Left]:
    """Look at what left its place `LATER` frames before frame `index`, in the output's R and A and in the input's K.

    Where the input changes at that moment too, it flows or sways, and what the output shows there is no mark.
    """
    frames = [stack.earlier(index, LATER - later) for later in (0, 1, SOON, SETTLED)] + [stack.frames[index]]
    own = _changes_much(frames[0].input, frames[1].input)
    masks = (masked(frames[0]) | masked(frames[1])) > 0
    where = np.nonzero(masks & ~own & _changes_much(frames[0].output, frames[1].output))
    ground = np.nonzero(np.logical_and.reduce([own, *(f.kept for f in frames)]))
    seen = (frames[0], *frames[2:])
    return _share([f.output[where] for f in seen]), _share([f.input[ground] for f in seen])


def _changes_much(first: Image, second: Image) -> NDArray[np.bool_]:
    return np.asarray(largest_channel(np.asarray(cv2.absdiff(first, second))) > LEFT)


def _share(pixels: Sequence[NDArray[np.uint8]]) -> _Left:
    """Compare (n, 3) pixels that changed much when something left: just before, soon after, settled and later.

    A place that shows half of it or more soon after was taken again by a body, which is no afterimage.
    """
    was, soon, settled, gone = (p.astype(np.float32) for p in pixels)
    whole, rest = was - gone, soon - gone
    size = _largest(whole)
    left = (size > LEFT) & (_largest(rest) < size / 2)
    left &= _largest(settled - gone) < MOVED
    return _Left(float((rest * whole)[left].sum()), float((whole**2)[left].sum()), int(left.sum()))


def _largest(change: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.abs(change).max(axis=1, initial=0), np.float32)
