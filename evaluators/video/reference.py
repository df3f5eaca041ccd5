"""How close is the output to the true counterfactual, where that is known (simulated or filmed twice)?

The Physics-IQ figures (Motamed et al., 2025) are taken in R and A together over the whole clip, the only place where
output and input may differ. Their motion mask needs a camera that stands still; a quiet frame counts as IoU 1, so
the figure over moving frames alone stands in the evidence. One reference is one take: no variance between takes
is divided out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Image
from evaluators.frames import Moment
from evaluators.video.departure import DEPARTURE, Parting, departure, parting
from evaluators.video.intervals import block_bootstrap, mean_interval, series
from evaluators.video.lags import masked
from evaluators.video.order import moved
from evaluators.video.plate import Small, quarter
from evaluators.video.preservation import WINDOW, decibel, mean_ssim
from evaluators.video.step import Outcome, Step, VideoOptions

VERSION = "3"
IQ = "Motamed et al., Physics-IQ, arXiv 2501.09038"
HOUSE = "this package's definition"
MEMORY, THRESHOLD = 0.3, 10.0
LEAST_PIXELS = 100
LEAST_SMALL, GRAIN = 20, 0.1

ST = Measure(
    "reference_st_iou", "Where and when things move", "IoU", Direction.HIGHER, 0, 1,
    f"{IQ}: mean over frames of the motion masks' IoU, in R and A", VERSION,
    "Whether the same places move at the same moments as in the truth.",
)  # fmt: skip
S = Measure(
    "reference_s_iou", "Where things move", "IoU", Direction.HIGHER, 0, 1,
    f"{IQ}: IoU of the places that ever move, in R and A", VERSION, "Whether the same places move as in the truth.",
)  # fmt: skip
WS = Measure(
    "reference_ws_iou", "Where and how much things move", "IoU", Direction.HIGHER, 0, 1,
    f"{IQ}: sum of smaller over sum of larger share of moving frames, pixel by pixel, in R and A", VERSION,
    "Whether the same places move for as long as in the truth.",
)  # fmt: skip
MSE = Measure(
    "reference_mse", "Squared difference", "squared intensity, RGB in [0, 1]", Direction.LOWER, 0, 1,
    f"{IQ}: mean squared error, in R and A", VERSION, "How much removed and affected areas differ from the truth.",
)  # fmt: skip
SCORE = Measure(
    "reference_physics_iq", "Physics-IQ score against one take", "points", Direction.HIGHER, 0, 100,
    f"{IQ}: 100 ((ST + S + WS) / 3 - MSE), cut to [0, 100]; no variance between takes divided out", VERSION,
    "100 moves exactly as the truth does.",
)  # fmt: skip
TRAJECTORY = Measure(
    "reference_trajectory", "Distance from the true path", "pixels", Direction.LOWER, 0, None,
    f"mean distance of the motion masks' centroids in R and A over frames where both move; {HOUSE}", VERSION,
    "How far what moves strays from where it should be, in pixels at the working size.",
)  # fmt: skip
PSNR = Measure(
    "reference_psnr", "Fidelity of the fill (PSNR)", "dB", Direction.HIGHER, 0, 100,
    "10 log10(255^2 / MSE), MSE pooled over R's pixels, channels and frames; identical clips read 100 dB", VERSION,
    "How closely the repaired area matches the truth.",
)  # fmt: skip
SSIM = Measure(
    "reference_ssim", "Structure of the fill (SSIM)", "index", Direction.HIGHER, -1, 1,
    "Wang et al., IEEE TIP 2004; RGB mean over R, Gaussian window 11x11, sigma 1.5", VERSION,
    "How well structure and contrast of the repaired area match the truth.",
)  # fmt: skip
ACTIVITY = Measure(
    "reference_activity", "Amount of change against the truth's", "log ratio", Direction.TARGET, None, None,
    f"ln of the change from frame to frame in R and A over the truth's, beyond grain, quarter size; {HOUSE}", VERSION,
    "0 is as lively as the truth; far below it things stand still that should move, far above it they are restless.",
    0.0,
)  # fmt: skip
MEASURES = (ST, S, WS, MSE, SCORE, TRAJECTORY, PSNR, SSIM, ACTIVITY, DEPARTURE)
NO_REFERENCE = "no reference clip was given"


class Truth(NamedTuple):
    """One frame against the truth: sums over R and A, and over R; None where R is too small."""

    frame: int
    error: float
    """Sum of squared differences over R and A, all channels."""
    pixels: int
    fill_error: float | None
    fill_pixels: int
    fill_ssim: float | None
    smooth: tuple[Image, Image]
    """Smoothed luma of output and reference."""
    small: Image
    """The reference frame at a quarter of the working size, BGR."""


class Reference:
    """Evaluator of the output against the true counterfactual."""

    name = "reference"
    version = VERSION
    measures = MEASURES

    def watch(self, _case: Case, options: VideoOptions) -> ReferenceWatcher:
        """Return a fresh watcher for one clip."""
        return ReferenceWatcher(options.seed)


class ReferenceWatcher:
    """Collects sums per frame and packed motion masks."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._frames: list[Truth] = []
        self._movers = (MotionMask(), MotionMask())
        self._moving: list[tuple[Image, Image]] = []
        self._region: Image | None = None
        self._small: tuple[Small, Image] | None = None
        self._changes: list[tuple[float, float, int]] = []
        """Change of output and truth in R and A since the frame before, and pixels."""
        self._partings: list[Parting] = []

    def observe(self, step: Step) -> Truth | None:
        """Compare one frame with the truth; None without a reference."""
        return None if step.current.reference is None else compare(step.current)

    def absorb(self, step: Step, observation: Truth | None) -> None:
        """Follow the motion masks in frame order."""
        if observation is None:
            return
        regions = step.current.regions
        masked = regions.removed | regions.affected
        self._region = masked if self._region is None else self._region | masked
        masks = [mover(luma) for mover, luma in zip(self._movers, observation.smooth, strict=True)]
        self._moving.append((np.packbits(masks[0]), np.packbits(masks[1])))
        self._frames.append(observation._replace(smooth=(), small=observation.small[:0]))  # type: ignore[arg-type]
        self._compare_changes(step.small, observation.small, step.motion.camera if step.motion else None)

    def _compare_changes(self, small: Small, truth: Image, camera: NDArray[np.float64] | None) -> None:
        before, self._small = self._small, (small, truth)
        if before is None:
            return
        self._partings.append(parting(before, (small, truth), camera))
        region = masked(small) | masked(before[0])
        pixels = cv2.countNonZero(region)
        pairs = ((small.output, before[0].output), (truth, before[1]))
        output, true = (cv2.mean(moved(now, then), region)[0] * pixels for now, then in pairs)
        self._changes.append((output, true, pixels))

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the measurements of the clip."""
        if self._region is None:
            reason = NO_REFERENCE if "reference" not in outcome.streams else "the reference holds no frame"
            return Evaluation(Reference.name, VERSION, tuple(absent(m, reason) for m in MEASURES))
        parameters = {
            "working_size": list(outcome.case.working),
            "region": "R and A, over the whole clip",
            "motion_mask": f"Gaussian 5x5, exponential mean {MEMORY}, difference > {THRESHOLD:g}, open and close 5x5",
        }
        return Evaluation(Reference.name, VERSION, self._measure(self._region), parameters=parameters)

    def _measure(self, region: Image) -> tuple[Measurement, ...]:
        fill = (_psnr(self._frames, self._seed), _ssim(self._frames, self._seed))
        if cv2.countNonZero(region) < LEAST_PIXELS:
            reason = "the mask marks nothing as removed or affected"
            path = (absent(measure, reason) for measure in MEASURES[:6])
            return (*path, *fill, absent(ACTIVITY, reason), absent(DEPARTURE, reason))
        motion = _Motion(list(_unpacked(self._moving, region)), [f.frame for f in self._frames], self._seed)
        error = _mse(self._frames, self._seed)
        rest = (self._activity(), departure(self._partings))
        return (*motion.figures(), error, motion.score(error), motion.trajectory(), *fill, *rest)

    def _activity(self) -> Measurement:
        """Return the measurement of `reference_activity`."""
        changes = np.array(self._changes)
        if len(changes) == 0 or changes[:, 2].sum() < LEAST_SMALL:
            return absent(ACTIVITY, "fewer than two frames mark anything as removed or affected")

        def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            totals = rows.sum(axis=1)
            floor = GRAIN * totals[:, 2]
            return np.asarray(np.log((totals[:, 0] + floor) / (totals[:, 1] + floor)))

        return Measurement(
            ACTIVITY,
            float(statistic(changes[None])[0]),
            interval=block_bootstrap(changes, statistic, self._seed),
            count=len(changes),
            count_of="frame pairs",
            evidence={"region": "R and A", "floor": f"{GRAIN} grey levels squared per small pixel"},
        )


class MotionMask:
    """Physics-IQ's motion mask, frame after frame."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None

    def __call__(self, smooth: Image) -> Image:
        """Return 1 where a smoothed luma frame differs from the running mean of those before it."""
        level = smooth.astype(np.float32)
        if self._mean is None:
            self._mean = level
        moving = (np.abs(level - self._mean) > THRESHOLD).astype(np.uint8)
        self._mean = MEMORY * level + (1 - MEMORY) * self._mean
        kernel = np.ones((5, 5), np.uint8)
        opened = cv2.morphologyEx(moving, cv2.MORPH_OPEN, kernel)
        return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel), np.uint8)


def compare(moment: Moment) -> Truth:
    """Compare one output frame with the reference frame; raises ValueError when there is none."""
    if moment.reference is None:
        raise ValueError("the moment has no reference frame")
    output, truth, removed = moment.output.bgr, moment.reference.bgr, moment.regions.removed
    masked = removed | moment.regions.affected
    fill_pixels = cv2.countNonZero(removed)
    fill_error = similarity = None
    if fill_pixels >= LEAST_PIXELS:
        fill_error = cv2.norm(output, truth, cv2.NORM_L2SQR, removed)
        if min(removed.shape) >= WINDOW:
            similarity = mean_ssim(output, truth, removed)
    smooth = tuple(
        np.asarray(cv2.GaussianBlur(frame.luma, (5, 5), 0), np.uint8) for frame in (moment.output, moment.reference)
    )
    error, pixels = cv2.norm(output, truth, cv2.NORM_L2SQR, masked), cv2.countNonZero(masked)
    small = quarter(truth)
    return Truth(moment.index, error, pixels, fill_error, fill_pixels, similarity, (smooth[0], smooth[1]), small)


def _unpacked(moving: Sequence[tuple[Image, Image]], region: Image) -> Iterator[tuple[Image, Image]]:
    for pair in moving:
        output, truth = (np.unpackbits(bits, count=region.size).reshape(region.shape) & region for bits in pair)
        yield output, truth


class _Motion:
    """The Physics-IQ figures of one list of motion masks (output, truth)."""

    def __init__(self, masks: Sequence[tuple[Image, Image]], frames: Sequence[int], seed: int) -> None:
        self._masks, self._frames, self._seed = masks, frames, seed
        self._shares = [np.mean([pair[i] for pair in masks], axis=0) for i in (0, 1)]

    def figures(self) -> tuple[Measurement, Measurement, Measurement]:
        both = np.array([np.count_nonzero(a & b) for a, b in self._masks], float)
        either = np.array([np.count_nonzero(a | b) for a, b in self._masks], float)
        active = either > 0
        overlaps = np.where(active, both / np.maximum(either, 1), 1.0)
        moving = float(overlaps[active].mean()) if active.any() else None
        output, truth = self._shares
        ever = (output > 0, truth > 0)
        spatial = _ratio(float(np.count_nonzero(ever[0] & ever[1])), float(np.count_nonzero(ever[0] | ever[1])))
        weighted = _ratio(float(np.minimum(output, truth).sum()), float(np.maximum(output, truth).sum()))
        count, values = len(self._masks), [float(v) for v in overlaps]
        return (
            Measurement(
                ST,
                float(overlaps.mean()),
                interval=mean_interval(values, self._seed),
                count=count,
                series=series(self._frames, values, ST.direction),
                evidence={"over_moving_frames": moving, "quiet_frames": int(np.count_nonzero(~active))},
            ),
            Measurement(S, spatial, count=count),
            Measurement(WS, weighted, count=count),
        )

    def score(self, error: Measurement) -> Measurement:
        parts = [figure.value or 0.0 for figure in self.figures()]
        points = 100 * float(np.clip(sum(parts) / 3 - (error.value or 0.0), 0, 1))
        return Measurement(SCORE, points, count=len(self._masks))

    def trajectory(self) -> Measurement:
        paths = [[_centroid(mask) for mask in side] for side in zip(*self._masks, strict=True)]
        distances: list[float | None] = [
            None if a is None or b is None else float(np.hypot(a[0] - b[0], a[1] - b[1]))
            for a, b in zip(*paths, strict=True)
        ]
        matched = [d for d in distances if d is not None]
        only = [sum(p is not None for p in path) - len(matched) for path in paths]
        evidence = {"frames_only_output_moves": only[0], "frames_only_reference_moves": only[1]}
        if not matched:
            return absent(TRAJECTORY, "output and reference never move in the same frame", **evidence)
        return Measurement(
            TRAJECTORY,
            float(np.mean(matched)),
            interval=mean_interval(matched, self._seed),
            count=len(matched),
            series=series(self._frames, distances, TRAJECTORY.direction),
            evidence=evidence,
        )


def _ratio(shared: float, total: float) -> float:
    """An IoU; two empty sets are equal."""
    return float(shared / total) if total > 0 else 1.0


def _centroid(mask: Image) -> tuple[float, float] | None:
    moments = cv2.moments(mask, binaryImage=True)
    return (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]) if moments["m00"] > 0 else None


def _mse(frames: Sequence[Truth], seed: int) -> Measurement:
    columns = np.array([(f.error, f.pixels * 3 * 255**2) for f in frames])
    if columns[:, 1].sum() == 0:
        return absent(MSE, "the mask marks nothing as removed or affected")
    interval = block_bootstrap(columns, lambda rows: rows[..., 0].sum(1) / np.maximum(rows[..., 1].sum(1), 1), seed)
    values = [float(error / size) if size else None for error, size in columns]
    return Measurement(
        MSE,
        float(columns[:, 0].sum() / columns[:, 1].sum()),
        interval=interval,
        count=len(frames),
        series=series([f.frame for f in frames], values, MSE.direction),
    )


def _psnr(frames: Sequence[Truth], seed: int) -> Measurement:
    taken = [(f.frame, f.fill_error, 3.0 * f.fill_pixels) for f in frames if f.fill_error is not None]
    if not taken:
        return absent(PSNR, "the mask marks no object to remove (under 100 pixels in every frame)")
    columns = np.array([row[1:] for row in taken])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        errors = rows[..., 0].sum(axis=1) / rows[..., 1].sum(axis=1)
        return np.asarray(np.minimum(10 * np.log10(255**2 / np.maximum(errors, 1e-300)), 100.0))

    levels: list[float | None] = [decibel(error / size) for _, error, size in taken]
    return Measurement(
        PSNR,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(taken),
        series=series([row[0] for row in taken], levels, PSNR.direction),
        evidence={"region": "R"},
    )


def _ssim(frames: Sequence[Truth], seed: int) -> Measurement:
    values = [f.fill_ssim for f in frames]
    present = [value for value in values if value is not None]
    if not present:
        return absent(SSIM, "the mask marks no object to remove (under 100 pixels in every frame)")
    return Measurement(
        SSIM,
        float(np.mean(present)),
        interval=mean_interval(present, seed),
        count=len(present),
        series=series([f.frame for f in frames], values, SSIM.direction),
        evidence={"region": "R"},
    )
