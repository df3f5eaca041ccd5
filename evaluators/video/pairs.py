"""What one pair of neighbouring frames shows of temporal consistency."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from evaluators.flow import Flow, Image, affine_flow, inside, motion_boundary, sample, squared_length, targets
from evaluators.frames import Moment
from evaluators.video.step import Motion

LEAST_PIXELS = 200


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
        levels = [cv2.mean(f.luma, still)[0] for f in (now.output, now.input, before.output, before.input)]
        gain = (levels[0] - levels[1]) - (levels[2] - levels[3])
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
    warped = sample(now.astype(np.float32), where)
    total = cv2.norm(warped, before.astype(np.float32), cv2.NORM_L2SQR, region)
    values = cv2.countNonZero(region) * (before.size // region.size)
    return total / (values * 255**2)


def _compare_flows(output: Flow, reference: Flow, region: Image) -> tuple[tuple[float, float], tuple[float, float]]:
    gap = output - reference
    l2, moved_out, moved_in = (cv2.mean(np.sqrt(squared_length(flow)), region)[0] for flow in (gap, output, reference))
    l1 = cv2.norm(gap, cv2.NORM_L1, region) / cv2.countNonZero(region)
    return (l2, l1), (moved_out, moved_in)


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
    where = targets(affine_flow(motion.camera, *fill.shape))
    region = np.ascontiguousarray((fill & inside(where))[window])
    if cv2.countNonZero(region) < LEAST_PIXELS:
        return None
    return warp_error(before.output.bgr[window], now.output.bgr, where[window], region)


def _own_error(before: Moment, now: Moment, motion: Motion) -> float | None:
    where = targets(motion.output)
    usable = inside(where) & ~motion_boundary(motion.output)
    if cv2.countNonZero(usable) < LEAST_PIXELS:
        return None
    return warp_error(before.output.luma, now.output.luma, where, usable)
