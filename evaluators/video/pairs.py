"""What one pair of neighbouring frames shows of temporal consistency."""

from __future__ import annotations

import threading
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.flow import Flow, Image, affine_flow, inside, motion_boundary, sample, squared_length, strips, targets
from evaluators.frames import Moment
from evaluators.video.step import Motion

LEAST_PIXELS = 200
_OWN = threading.local()


class Pair(NamedTuple):
    """What one frame pair shows; None where its region is too small."""

    frame: int
    valid: float
    """Share of the frame in which K's flow can be used."""
    errors: tuple[float, float] | None
    """Warp error of output and of input."""
    flow_gap: tuple[float, float] | None
    """Mean L2 and L1 norm of the flow difference."""
    motion: tuple[float, float] | None
    """Mean length of the output's and of the input's flow."""
    shift: tuple[float, float] | None
    """Median flow difference, x and y."""
    gain_step: float | None
    fill_error: float | None
    own_error: float | None


def observe_pair(before: Moment, now: Moment, motion: Motion | None) -> Pair:
    """Measure one frame pair."""
    still = before.regions.kept & now.regions.kept
    pixels = cv2.countNonZero(still)
    gain = None
    if pixels >= LEAST_PIXELS:
        frames = (now.output, now.input, before.output, before.input)
        levels = [cv2.norm(frame.luma, cv2.NORM_L1, still) for frame in frames]
        gain = ((levels[0] - levels[1]) - (levels[2] - levels[3])) / pixels
    if motion is None:
        return Pair(before.index, 0.0, None, None, None, None, gain, None, None)
    valid = cv2.countNonZero(motion.kept) / motion.kept.size
    errors = gap = moved = shift = None
    if valid * motion.kept.size >= LEAST_PIXELS:
        flow = motion.input.forward
        where = targets(flow)
        errors = (
            warp_error(before.output.bgr, now.output.bgr, where, motion.kept),
            warp_error(before.input.bgr, now.input.bgr, where, motion.kept),
        )
        gap, moved = _compare_flows(motion.output, flow, motion.kept)
        shift = _median_gap(motion.output, flow, motion.kept)
    fill = _fill_error(before, now, motion)
    return Pair(before.index, valid, errors, gap, moved, shift, gain, fill, _own_error(before, now, motion))


def warp_error(before: Image, now: Image, where: Flow, region: Image) -> float:
    """Return the mean over `region` of (W(now) - before)^2 with intensities in [0, 1] (Lai et al.).

    `before` and `now` are uint8 of equal shape, `where` holds the (h, w, 2) positions in `now`.
    """
    total, later = 0.0, _floats(_padded(now))
    for rows in strips(len(before)):
        total += _squared_error(later, _padded(before[rows]), where[rows], region[rows])
    values = cv2.countNonZero(region) * (before.size // region.size)
    return total / (values * 255**2)


def _padded(image: Image) -> Image:
    """Give colour a fourth channel, always 255: OpenCV reads four twice as fast as three."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)


def _floats(image: Image) -> NDArray[np.float32]:
    """Return the image as floats in this thread's buffer, good until the next call: fresh pages cost more than it."""
    buffer: NDArray[np.float32] | None = getattr(_OWN, "buffer", None)
    if buffer is None or buffer.shape != image.shape:
        _OWN.buffer = buffer = np.empty(image.shape, np.float32)
    np.copyto(buffer, image)
    return buffer


def _squared_error(later: NDArray[np.float32], before: Image, where: Flow, region: Image) -> float:
    """Return the sum over `region` and channels of (W(later) - before)^2, in grey levels squared."""
    gap = np.subtract(sample(later, where), before, dtype=np.float32)
    if gap.ndim == 3:
        region = np.asarray(cv2.merge([region] * gap.shape[2]), np.uint8)
    return cv2.norm(gap.reshape(len(gap), -1), cv2.NORM_L2SQR, region.reshape(len(gap), -1))


def _compare_flows(output: Flow, reference: Flow, region: Image) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the mean L2 and L1 norm of the flows' difference, and both flows' mean length, over `region`."""
    totals = np.zeros(4)
    for rows in strips(len(region)):
        gap = output[rows] - reference[rows]
        l2, moved_out, moved_in = (_total_length(flow, region[rows]) for flow in (gap, output[rows], reference[rows]))
        l1 = sum(cv2.norm(part, cv2.NORM_L1, region[rows]) for part in cv2.split(gap))
        totals += l2, l1, moved_out, moved_in
    means = totals / cv2.countNonZero(region)
    return (float(means[0]), float(means[1])), (float(means[2]), float(means[3]))


def _total_length(flow: Flow, region: Image) -> float:
    # Not cv2.magnitude: its last bit depends on where the arrays lie in memory, and equal clips must read alike.
    return cv2.norm(np.sqrt(squared_length(flow)), cv2.NORM_L1, region)


def _median_gap(output: Flow, reference: Flow, region: Image) -> tuple[float, float]:
    every = (slice(None, None, 4), slice(None, None, 4))
    gap = (output[every] - reference[every])[region[every] > 0]
    if len(gap) == 0:
        gap = (output - reference)[region > 0]
    return float(np.median(gap[:, 0])), float(np.median(gap[:, 1]))


def _fill_error(before: Moment, now: Moment, motion: Motion) -> float | None:
    fill = before.regions.removed & now.regions.removed & (1 - (before.regions.affected | now.regions.affected))
    if motion.camera is None or cv2.countNonZero(fill) < LEAST_PIXELS:
        return None
    x, y, width, height = cv2.boundingRect(fill)
    window = (slice(y, y + height), slice(x, x + width))
    rows, columns = fill.shape[:2]
    where = affine_flow(motion.camera + np.eye(2, 3), rows, columns, window)
    region = fill[window] & inside(where, fill.shape)
    if cv2.countNonZero(region) < LEAST_PIXELS:
        return None
    return warp_error(before.output.bgr[window], now.output.bgr, where, region)


def _own_error(before: Moment, now: Moment, motion: Motion) -> float | None:
    total, pixels, later = 0.0, 0, _floats(now.output.luma)
    for rows in strips(len(later)):
        where = targets(motion.output, rows)
        usable = inside(where, later.shape) & ~motion_boundary(motion.output, rows)
        total += _squared_error(later, before.output.luma[rows], where, usable)
        pixels += cv2.countNonZero(usable)
    return total / (pixels * 255**2) if pixels >= LEAST_PIXELS else None
