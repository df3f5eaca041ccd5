"""Does the output part from the truth as another lawful course of events would, or all at once?

Bodies that began a little differently, or bounced a little higher, part from the truth by and by, while they move,
and never faster than they move. A body that jumps, vanishes or starts from rest parts at once and out of nothing. So
what is held against the output is how much its difference from the truth grows in one frame beyond what moves then.
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
from evaluators.video.intervals import series
from evaluators.video.lags import LEAST_PIXELS, masked
from evaluators.video.order import MOVED
from evaluators.video.plate import Small, Stack

VERSION = "1"
HOUSE = "this package's definition"
LAWFUL = 0.75
"""Share of what moves by which another lawful course may part from the truth in one frame."""
AROUND = 2
"""Frames before in which motion still explains a difference: the truth may have come to rest a little earlier."""

DEPARTURE = Measure(
    "reference_departure", "Sudden departure from the truth", "share of A", Direction.LOWER, 0, None,
    f"largest growth in a frame of the area that differs from the truth, less {LAWFUL} of what moves then; {HOUSE}",
    VERSION, "Near 0 when things part from the truth by and by, as after another beginning; a jump gives 0.2 and more.",
)  # fmt: skip


class Parting(NamedTuple):
    """One frame against the one before it, in pixels at quarter size."""

    growth: int
    """How much the area that differs from the truth grew."""
    output: int
    """Area that changes in the output, the camera's motion taken out."""
    truth: int
    """Area that changes in the truth."""
    affected: int
    """Area of A."""


def parting(before: tuple[Small, Image], now: tuple[Small, Image], camera: NDArray[np.float64] | None) -> Parting:
    """Compare two neighbouring quarter-size frames, each with the truth's; `camera` is the motion between them."""
    stack = Stack()
    stack.add(before[0]._replace(input=before[1]), None)
    stack.add(now[0]._replace(input=now[1]), camera)
    then, (small, truth) = stack.earlier(1, 1), now
    region = masked(then) | masked(small)
    growth = _area(small.output, truth, region) - _area(then.output, then.input, region)
    output, true = _area(small.output, then.output, region), _area(truth, then.input, region)
    return Parting(growth, output, true, cv2.countNonZero(small.affected))


def _area(first: Image, second: Image, region: Image) -> int:
    change = largest_channel(np.asarray(cv2.absdiff(first, second)))
    return int(np.count_nonzero((change > MOVED) & (region > 0)))


def departure(partings: Sequence[Parting]) -> Measurement:
    """Return the measurement of `reference_departure`."""
    if not partings:
        return absent(DEPARTURE, "the clip has one frame; to part from the truth takes two")
    areas = [p.affected for p in partings if p.affected >= LEAST_PIXELS]
    if not areas:
        return absent(DEPARTURE, "the mask names no affected region, so the removal sets nothing free")
    size = float(np.median(areas))
    shares = [excess / size for excess in unexplained(partings)]
    return Measurement(
        DEPARTURE,
        max(shares),
        count=len(partings),
        count_of="frame pairs",
        series=series(range(1, len(partings) + 1), shares, DEPARTURE.direction),
        evidence={"region": "R and A", "frame": int(np.argmax(shares)) + 1, "affected_pixels": size * 16},
    )


def unexplained(partings: Sequence[Parting]) -> list[float]:
    """Return per frame pair the growth that no motion explains, in pixels.

    What explains it: the output's motion just before, and the truth's from just before to one frame later.
    """
    found = []
    for index, pair in enumerate(partings):
        earlier = partings[max(index - AROUND, 0) : index]
        moving = [p.output for p in earlier] + [p.truth for p in (*earlier, *partings[index : index + 2])]
        found.append(max(pair.growth - LAWFUL * max(moving), 0.0))
    return found
