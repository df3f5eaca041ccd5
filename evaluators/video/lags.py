"""How much the picture changes over 1 to 8 frames: the temporal structure function, on quarter-size frames.

A steady scene changes more the longer one waits. An echo makes frames a few steps apart too alike, averaging makes
neighbours too alike, disorder makes neighbours as different as strangers, and a still does not change at all.
Quarter-size frames leave sensor noise and codec noise out of it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.flow import Image
from evaluators.video.channels import mean_channel
from evaluators.video.plate import Small, Stack

LAGS = (1, 2, 3, 4, 5, 6, 7, 8)
FLOOR = 1.0
"""Grey levels squared; changes of that order are noise."""
LEAST_PIXELS = 20


class Structure(NamedTuple):
    """Per frame pair and lag, sums of squared luma changes and pixels; (n, lags), n pairs of frames t, t - lag.

    `kept_*` over K as filmed; `masked_*` over R and A with the camera's motion taken out, `steady_*` over K likewise.
    """

    kept_output: NDArray[np.float64]
    kept_input: NDArray[np.float64]
    kept_pixels: NDArray[np.float64]
    masked_output: NDArray[np.float64]
    masked_input: NDArray[np.float64]
    masked_pixels: NDArray[np.float64]
    steady_output: NDArray[np.float64]
    steady_input: NDArray[np.float64]
    steady_pixels: NDArray[np.float64]


def structure(stack: Stack) -> Structure:
    """Return the structure function of a stack of frames."""
    rows = [[_changes(stack, index, lag) for lag in LAGS] for index in range(1, len(stack.frames))]
    table = np.array(rows, float).reshape(len(rows), len(LAGS), 9)
    return Structure(*(table[..., i] for i in range(9)))


def _changes(stack: Stack, index: int, lag: int) -> tuple[float, ...]:
    if lag > index:
        return (0.0,) * 9
    now, then = stack.frames[index], stack.frames[index - lag]
    kept = _compare(now, then, now.kept & then.kept)
    moved = stack.earlier(index, lag)
    return (
        *kept,
        *_compare(now, moved, masked(now) | masked(moved)),
        *(kept if moved is then else _compare(now, moved, now.kept & moved.kept)),
    )


def masked(small: Small) -> Image:
    """Return R and A together."""
    return small.removed | small.affected


def _compare(now: Small, then: Small, region: Image) -> tuple[float, float, float]:
    pixels = cv2.countNonZero(region)
    if pixels < LEAST_PIXELS:
        return 0.0, 0.0, 0.0
    changes = (
        cv2.norm(first, second, cv2.NORM_L2SQR, region) / 3
        for first, second in ((now.output, then.output), (now.input, then.input))
    )
    return (*changes, float(pixels))  # type: ignore[return-value]


class Activity(NamedTuple):
    """Change in R and A beyond K's, per lag, in grey levels squared per masked pixel; (replicates, lags)."""

    output: NDArray[np.float64]
    input: NDArray[np.float64]


def activity(columns: NDArray[np.float64]) -> Activity:
    """Return the activity of (replicates, n, lags, 6) columns: masked output, input, pixels; steady likewise."""
    totals = columns.sum(axis=1)
    masked_pixels, steady_pixels = np.maximum(totals[..., 2], 1), np.maximum(totals[..., 5], 1)
    return Activity(
        *(np.maximum(totals[..., i] / masked_pixels - totals[..., 3 + i] / steady_pixels, 0) for i in (0, 1))
    )


def imbalance(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return max |ln r - median ln r| over lags of (replicates, n, lags, 3) columns: output, input, pixels.

    r is the output's change over the input's, both with `FLOOR` added.
    """
    totals = columns.sum(axis=1)
    pixels = np.maximum(totals[..., 2], 1)
    logs = np.log((totals[..., 0] / pixels + FLOOR) / (totals[..., 1] / pixels + FLOOR))
    return np.asarray(np.abs(logs - np.median(logs, axis=1, keepdims=True)).max(axis=1))


def disorder(output: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (first + deepest fall) / largest of (replicates, lags) changes.

    `first` is the change from one frame to the next; a fall is how far a later lag drops below an earlier one.
    Motion in order gives about 0.5 when fast and less when slow; frames in random order give 1 and more.
    """
    fall = (np.maximum.accumulate(output, axis=1) - output).max(axis=1)
    return np.asarray((output[:, 0] + fall) / np.maximum(output.max(axis=1), 1e-9))


def echo(output: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deepest dip of (replicates, lags) changes below the chord of both neighbours, over the largest."""
    dips = (output[:, :-2] + output[:, 2:]) / 2 - output[:, 1:-1]
    return np.asarray(np.maximum(dips.max(axis=1), 0) / np.maximum(output.max(axis=1), 1e-9))


def response(small: Small) -> float | None:
    """Return how far output and input differ in A outside R beyond what they do in K: 95th percentiles, grey levels."""
    # Two pixels around R are left out: the blur and the shrinking carry into them what was done to the object itself.
    beside = np.asarray(cv2.dilate(small.removed, np.ones((5, 5), np.uint8)), np.uint8)
    affected = (small.affected & (1 - beside)) > 0
    kept = small.kept > 0
    if np.count_nonzero(affected) < LEAST_PIXELS or np.count_nonzero(kept) < LEAST_PIXELS:
        return None
    gap = np.abs(cv2.blur(mean_channel(small.output) - mean_channel(small.input), (3, 3)))
    return float(max(np.percentile(gap[affected], 95) - np.percentile(gap[kept], 95), 0.0))
