"""Is the object gone? What of it is left in the output: shape, opacity, motion, shadow, and a rim at the mask.

Every share is a least-squares slope: how much of the input's pattern is found again in the output. A copied input
scores 1, a half-transparent ghost 0.5, and a fill that has nothing to do with the object about 0.

    removal_residue   edges inside R, on their own scale; needs nothing but the two clips
    ghost             difference from the clean plate inside R, where the input shows the background at other times
    shadow_residue    the same for what darkens the plate without hiding it, in R and a ring around it
    object_motion     motion inside R that follows the object rather than what surrounds it
    halo              a bright or dark rim along the mask's outline
    fill_detail       whether the fill is as detailed as what surrounds it, or a smear
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Image, affine_flow
from evaluators.frames import Moment, band_width
from evaluators.video.channels import largest_channel
from evaluators.video.intervals import block_bootstrap, mean_interval, ratio_interval, series
from evaluators.video.plate import Seen, Small, Stack, around
from evaluators.video.shadow import RING, SHADOW, shadow_residue
from evaluators.video.step import Motion, Outcome, Step, VideoOptions

VERSION = "2"
HOUSE = "this package's definition"
LEAST_PIXELS = 100
SCALES = (1.0, 2.0, 4.0)
MOST = 0.5
"""Share of R that the clean plate must show to settle what is background in it."""
CORE = 0.15
"""Outer share of the object's half-width that the edge measure leaves out: masks are wider than their object."""
OBJECT_SPEED = 0.5
BESIDE = 24
"""Pixels around R whose motion is that of the background behind the object."""

RESIDUE = Measure(
    "removal_residue", "The object's structure still visible", "share of its edges", Direction.LOWER, 0, 1,
    f"least-squares share of the input's luma gradient found again in R, largest of three scales, at most "
    f"`ghost` where the clean plate shows most of R; {HOUSE}", VERSION,
    "0 is gone, 0.5 a half-transparent ghost, 1 the object untouched.",
)  # fmt: skip
GHOST = Measure(
    "ghost", "Opacity of the object left", "share of its contrast", Direction.LOWER, 0, 1,
    f"least-squares share of (input - clean plate) found again in (output - clean plate) within R; {HOUSE}", VERSION,
    "How opaque the removed object still is against the background that the clip shows at other times.",
)  # fmt: skip
OBJECT_MOTION = Measure(
    "object_motion", "Motion that follows the object", "share of its motion", Direction.LOWER, 0, 1,
    f"least-squares share of the object's flow relative to the background found again in R; {HOUSE}", VERSION,
    "Whether the repaired area still moves as the removed object did: 0 no, 1 exactly so.",
)  # fmt: skip
HALO = Measure(
    "halo", "Rim along the mask", "grey levels", Direction.LOWER, 0, 255,
    f"mean |rim - mean of both sides| of the output's luma, each averaged along the outline; {HOUSE}", VERSION,
    "How much a bright or dark line traces the removed object's outline.",
)  # fmt: skip
FILL_DETAIL = Measure(
    "fill_detail", "Detail of the fill", "ratio", Direction.TARGET, 0, None,
    f"mean |Laplacian| of the output's luma in R over that in the band around it; {HOUSE}", VERSION,
    "1 is as detailed as the surroundings; far below it, the object was only smeared over.", 1.0,
)  # fmt: skip
MEASURES = (RESIDUE, GHOST, SHADOW, OBJECT_MOTION, HALO, FILL_DETAIL)
NO_OBJECT = "the mask marks no object to remove (under 100 pixels in every frame)"
NO_MOTION = f"the object never moves {OBJECT_SPEED} pixels per frame against its background"
NO_PLATE = "the input never shows what is behind the object, so there is no clean plate to compare with"


class Trace(NamedTuple):
    """What one frame shows."""

    frame: int
    structure: tuple[float, ...] | None
    """Per scale: gradient products output x input and input x input."""
    motion: tuple[float, float] | None
    """Flow products output x input and input x input, relative to the camera."""
    halo: float | None
    detail: tuple[float, float] | None
    """Mean |Laplacian| in R, and around it."""


class Removal:
    """Evaluator of the removed object's traces."""

    name = "removal"
    version = VERSION
    measures = MEASURES

    def watch(self, case: Case, options: VideoOptions) -> RemovalWatcher:
        """Return a fresh watcher for one clip."""
        return RemovalWatcher(band_width(case.working), options.seed)


class RemovalWatcher:
    """Collects one `Trace` per frame, and the clean plate."""

    def __init__(self, band: int, seed: int) -> None:
        self._band, self._seed = band, seed
        self._traces: list[Trace] = []
        self._stack = Stack()

    def observe(self, step: Step) -> Trace:
        """Compare structure, motion and rim of one frame."""
        structure = structure_products(step.current)
        motion = None if step.previous is None else motion_products(step.previous, step.motion)
        detail = fill_detail(step.current, self._band)
        return Trace(step.index, structure, motion, halo(step.current, self._band), detail)

    def absorb(self, step: Step, observation: Trace) -> None:
        """Keep the frame's figures and lay the frame onto the plate."""
        self._stack.add(step.small, step.motion.camera if step.motion else None)
        self._traces.append(observation)

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the measurements of the clip."""
        ghost, shadow = _against_plate(self._stack, any(t.motion for t in self._traces), self._seed)
        residue = _bounded(_residue(self._traces, self._seed), ghost)
        measurements = (residue, ghost, shadow, _object_motion(self._traces, self._seed),
                        _halo(self._traces, self._seed), _detail(self._traces, self._seed))  # fmt: skip
        parameters = {
            "working_size": list(outcome.case.working),
            "scales": list(SCALES),
            "band": self._band,
            "flow": outcome.parameters.get("flow"),
        }
        return Evaluation(Removal.name, VERSION, measurements, parameters=parameters)


def structure_products(moment: Moment) -> tuple[float, ...] | None:
    """Return, per scale, the mean gradient products output x input and input x input inside R's core."""
    removed = moment.regions.removed
    if cv2.countNonZero(removed) < LEAST_PIXELS:
        return None
    window = _window(removed, 16)
    depth = cv2.distanceTransform(np.pad(removed[window], 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    core = np.asarray(depth > max(1.0, CORE * float(depth.max())), np.uint8)
    if cv2.countNonZero(core) < LEAST_PIXELS // 2:
        return None
    output, source = (moment.output.luma[window].astype(np.float32), moment.input.luma[window].astype(np.float32))
    return tuple(product for sigma in SCALES for product in _products(output, source, core, sigma))


def _products(
    output: NDArray[np.float32], source: NDArray[np.float32], region: Image, sigma: float
) -> tuple[float, float]:
    smooth = [cv2.GaussianBlur(image, (0, 0), sigma) for image in (output, source)]
    across = [cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1) for image in smooth]
    down = [cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1) for image in smooth]
    both = cv2.mean(across[0] * across[1] + down[0] * down[1], region)[0]
    return both, cv2.mean(across[1] * across[1] + down[1] * down[1], region)[0]


def motion_products(before: Moment, motion: Motion | None) -> tuple[float, float] | None:
    """Return the flow products inside R relative to the background, or None where the object does not move by itself.

    The background's motion is the camera's, corrected by the median of what K beside R shows: a scene has depth.
    """
    removed = before.regions.removed
    if motion is None or motion.camera is None or cv2.countNonZero(removed) < LEAST_PIXELS:
        return None
    core = cv2.erode(removed, np.ones((7, 7), np.uint8)) > 0
    if np.count_nonzero(core) < LEAST_PIXELS:
        return None
    window = _window(removed, BESIDE)
    core, camera = core[window], affine_flow(motion.camera, removed.shape[0], removed.shape[1], window)
    source, output = (flow[window] - camera for flow in (motion.input.forward, motion.output))
    beside = (motion.kept[window] & around(removed[window], BESIDE)) > 0
    if np.count_nonzero(beside) >= LEAST_PIXELS:
        local = np.median(source[beside], axis=0)
        source, output = source - local, output - local
    source, output = source[core], output[core]
    if float(np.mean(np.hypot(source[:, 0], source[:, 1]))) < OBJECT_SPEED:
        return None
    return float(np.mean(np.sum(output * source, axis=1))), float(np.mean(np.sum(source * source, axis=1)))


def halo(moment: Moment, band: int) -> float | None:
    """Return how far the rim's luma stands out from the mean of both its sides along R's outline, in grey levels."""
    if cv2.countNonZero(moment.regions.removed) < LEAST_PIXELS:
        return None
    window = _window(moment.regions.removed, 3 * band)
    removed = np.ascontiguousarray(moment.regions.removed[window])
    luma = moment.output.luma[window].astype(np.float32)
    outward = cv2.distanceTransform(1 - removed, cv2.DIST_L2, 3)
    inward = cv2.distanceTransform(removed, cv2.DIST_L2, 3)
    rim = (outward <= 2) & (inward <= 2)
    outside = (outward > 3) & (outward <= 3 + band)
    within = (inward > 3) & (inward <= 3 + band)
    local = [_local_mean(luma, region, 2 * band + 1) for region in (rim, outside, within)]
    usable = rim & np.isfinite(local[1]) & np.isfinite(local[2])
    if np.count_nonzero(usable) < 30:
        return None
    return float(np.mean(np.abs(local[0] - (local[1] + local[2]) / 2)[usable]))


def fill_detail(moment: Moment, band: int) -> tuple[float, float] | None:
    """Return the mean |Laplacian| of the output's luma inside R, and in the band around it."""
    removed = moment.regions.removed
    if cv2.countNonZero(removed) < LEAST_PIXELS:
        return None
    window = _window(removed, 3 * band)
    region = np.ascontiguousarray(removed[window])
    inner = cv2.erode(region, np.ones((5, 5), np.uint8))
    grown = (cv2.dilate(region, np.ones((2 * reach + 1,) * 2, np.uint8)) for reach in (2 * band, 2))
    band_around = cast(Image, next(grown)) & (1 - cast(Image, next(grown)))
    if min(cv2.countNonZero(inner), cv2.countNonZero(band_around)) < LEAST_PIXELS // 2:
        return None
    sharp = np.abs(cv2.Laplacian(np.ascontiguousarray(moment.output.luma[window]), cv2.CV_32F))
    return cv2.mean(sharp, inner)[0], cv2.mean(sharp, band_around)[0]


def _local_mean(luma: NDArray[np.float32], region: NDArray[np.bool_], reach: int) -> NDArray[np.float32]:
    """Mean of `luma` over `region` in a square window; NaN where the region is not in it."""
    weight = region.astype(np.float32)
    size = (2 * reach + 1, 2 * reach + 1)
    total = cv2.boxFilter(luma * weight, -1, size, normalize=False)
    count = cv2.boxFilter(weight, -1, size, normalize=False)
    return np.where(count >= 3, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _window(region: Image, margin: int) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(region)
    return slice(max(y - margin, 0), y + height + margin), slice(max(x - margin, 0), x + width + margin)


def _against_plate(stack: Stack, moves: bool, seed: int) -> tuple[Measurement, Measurement]:
    """Return ghost and shadow_residue."""
    if not any(int(small.removed.sum()) >= 8 for small in stack.frames):
        return absent(GHOST, NO_OBJECT), absent(SHADOW, NO_OBJECT)
    views, clear = stack.views(), stack.views(clear=RING)
    if views is None or clear is None:
        reason = "the camera travels too far to lay the clip onto one clean plate"
        return absent(GHOST, reason), absent(SHADOW, reason)
    pairs = zip(stack.frames, views, strict=True)
    rows = [_plate_products(small, view) for small, view in pairs]
    shown = sum(row[3] for row in rows) / sum(max(int(small.removed.sum()), 0) for small in stack.frames)
    ghost = _share(GHOST, [row[:3] for row in rows], NO_PLATE, seed, shown)
    # Where the object stands still its shadow does too: what the plate seems to show there is misalignment.
    return ghost, shadow_residue(stack.frames, clear, seed) if moves else absent(SHADOW, f"{NO_MOTION}, nor its shadow")


def _plate_products(small: Small, view: Seen) -> tuple[float, float, int, int]:
    """Return output x input and input x input against the plate it hides, the pixels it hides, and those of R known."""
    known = (small.removed > 0) & view.known
    where = known & (largest_channel(np.abs(view.input)) > 8)
    output, source = view.output[where], view.input[where]
    products = float(np.sum(output * source)), float(np.sum(source * source))
    return *products, int(np.count_nonzero(where)), int(np.count_nonzero(known))


def _bounded(residue: Measurement, ghost: Measurement) -> Measurement:
    """Return the residue, not above the ghost where the plate shows most of R.

    A mask that is wider than its object lets the background itself be found again: the plate tells it from the object.
    """
    if residue.value is None or ghost.value is None or ghost.value >= residue.value:
        return residue
    if cast(float, ghost.evidence["share_of_removed"]) < MOST:
        return residue
    evidence = {**residue.evidence, "structure": residue.value, "bounded_by": GHOST.name}
    return replace(residue, value=ghost.value, interval=ghost.interval, evidence=evidence)


def _share(
    measure: Measure, rows: Sequence[tuple[float, float, int]], missing: str, seed: int, shown: float
) -> Measurement:
    """The pooled least-squares slope of output on input over all frames, cut to [0, 1]."""
    pixels = sum(row[2] for row in rows)
    if pixels < LEAST_PIXELS:
        return absent(measure, missing, pixels=pixels)
    columns = np.array([row[:2] for row in rows])

    def statistic(sample: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = sample.sum(axis=1)
        share: NDArray[np.float64] = np.clip(totals[:, 0] / np.maximum(totals[:, 1], 1e-9), 0, 1)
        return share

    values = [float(np.clip(a / b, 0, 1)) if n >= 8 and b > 0 else None for a, b, n in rows]
    return Measurement(
        measure,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=sum(value is not None for value in values),
        series=series(range(len(rows)), values, measure.direction),
        evidence={
            "small_pixels": pixels,
            "share_of_removed": shown,
            "plate": "mean of kept pixels as they are most of the time, along the camera's motion, quarter size",
        },
    )


def _residue(traces: Sequence[Trace], seed: int) -> Measurement:
    taken = [t for t in traces if t.structure is not None]
    if not taken:
        return absent(RESIDUE, NO_OBJECT)
    columns = np.array([t.structure for t in taken])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        shares = (totals[:, 0::2] / np.maximum(totals[:, 1::2], 1e-9)).max(axis=1)
        residue: NDArray[np.float64] = np.clip(shares, 0, 1)
        return residue

    values: list[float | None] = [float(statistic(row[None, None])[0]) for row in columns]
    totals = columns.sum(axis=0)
    shares = {f"sigma {s:g}": float(totals[2 * i] / max(totals[2 * i + 1], 1e-9)) for i, s in enumerate(SCALES)}
    return Measurement(
        RESIDUE,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(taken),
        series=series([t.frame for t in taken], values, RESIDUE.direction),
        evidence={"share_by_scale": shares, "region": "R less its outer rim"},
    )


def _object_motion(traces: Sequence[Trace], seed: int) -> Measurement:
    taken = [t for t in traces if t.motion is not None]
    if not taken:
        return absent(OBJECT_MOTION, NO_MOTION)
    columns = np.array([t.motion for t in taken])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        share: NDArray[np.float64] = np.clip(totals[:, 0] / totals[:, 1], 0, 1)
        return share

    values: list[float | None] = [float(np.clip(a / b, 0, 1)) for a, b in columns]
    return Measurement(
        OBJECT_MOTION,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(taken),
        count_of="frame pairs",
        series=series([t.frame - 1 for t in taken], values, OBJECT_MOTION.direction),
        evidence={"region": "R, eroded by 3 pixels", "least_speed": OBJECT_SPEED},
    )


def _halo(traces: Sequence[Trace], seed: int) -> Measurement:
    taken = [(t.frame, t.halo) for t in traces if t.halo is not None]
    if not taken:
        return absent(HALO, "the removed object has no outline in the picture (none, too small, or all of it)")
    values = [value for _, value in taken]
    return Measurement(
        HALO,
        float(np.mean(values)),
        interval=mean_interval(values, seed),
        count=len(taken),
        series=series([frame for frame, _ in taken], values, HALO.direction),
    )


def _detail(traces: Sequence[Trace], seed: int) -> Measurement:
    taken = [t for t in traces if t.detail is not None]
    if not taken:
        return absent(FILL_DETAIL, "the removed area, or what surrounds it, is too small to compare its detail")
    columns = np.array([t.detail for t in taken]) + 0.25
    totals = columns.sum(axis=0)
    values: list[float | None] = [float(inner / around) for inner, around in columns]
    return Measurement(
        FILL_DETAIL,
        float(totals[0] / totals[1]),
        interval=ratio_interval(columns[:, 0].tolist(), columns[:, 1].tolist(), seed),
        count=len(taken),
        series=series([t.frame for t in taken], values, FILL_DETAIL.direction, 1.0),
        evidence={"floor": "a quarter of a grey level, added to both sides"},
    )
