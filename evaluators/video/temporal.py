"""Is the output as steady, and as lively, as the input?

Where the removal changes nothing (K), the output must move exactly as the input does, so the input's flow is the
reference there. In R the input's flow belongs to the object that is gone, and in A the removal changes motion on
purpose: there the input's flow proves nothing. Each measure therefore says which region it looks at:

    K              warp_error, warp_error_ratio, tof, motion_ratio, gain_flicker, jitter, freeze, lag_imbalance
    R outside A    fill_warp_error, along the background motion that K shows (affine)
    whole frame    own_flow_warp_error, along the output's own flow: a diagnostic, since a frozen picture wins it
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Flow, Image, affine_flow, inside, motion_boundary, sample, squared_length, targets
from evaluators.frames import Moment
from evaluators.video.intervals import block_bootstrap, mean_interval, ratio_interval, series
from evaluators.video.step import Motion, Outcome, Step, VideoOptions

VERSION = "1"
LAI = "Lai et al., Learning blind video temporal consistency, ECCV 2018"
HOUSE = "this package's definition"
LAGS = (1, 2, 3, 4, 6, 8)
LEAST_PIXELS = 200
STILL = 0.05
"""Pixels per frame below which DIS flow over K is sensor noise rather than motion."""
FROZEN_SHARE = 0.1

WARP_ERROR = Measure(
    "warp_error", "Warp error along the input's flow", "squared intensity, RGB in [0, 1]", Direction.LOWER, 0, 1,
    LAI, VERSION, "How much a kept point changes its colour from frame to frame while it moves as in the input.",
)  # fmt: skip
WARP_RATIO = Measure(
    "warp_error_ratio", "Warp error against the input's own", "ratio", Direction.LOWER, 0, None,
    f"after {LAI}; the ratio is {HOUSE}", VERSION,
    "How many times less steady the kept area is than it was in the input, whose grain and flow errors cancel out.",
)  # fmt: skip
TOF = Measure(
    "tof", "Motion difference, L2 norm", "pixels per frame", Direction.LOWER, 0, None,
    "tOF, Chu et al., TecoGAN, ACM ToG 2020, with the L2 norm that its code computes", VERSION,
    "How far the motion in the kept area differs from the input's motion.",
)  # fmt: skip
MOTION_RATIO = Measure(
    "motion_ratio", "Amount of motion against the input's", "ratio", Direction.TARGET, 0, None,
    HOUSE, VERSION, "1 is as lively as the input; below it the picture is damped or frozen, above it restless.", 1.0,
)  # fmt: skip
GAIN_FLICKER = Measure(
    "gain_flicker", "Brightness flicker", "grey levels", Direction.LOWER, 0, 255,
    HOUSE, VERSION, "How much the kept area's brightness jumps from frame to frame where the input's does not.",
)  # fmt: skip
JITTER = Measure(
    "jitter", "Shake of the whole picture", "pixels per frame", Direction.LOWER, 0, None,
    HOUSE, VERSION, "How much the kept area shakes as one piece where the input does not.",
)  # fmt: skip
FREEZE = Measure(
    "freeze", "Frozen frames", "share of frame pairs", Direction.LOWER, 0, 1,
    f"after the static guard of VBench (CVPR 2024); {HOUSE}", VERSION,
    "The share of frames that repeat the one before although the input's kept area goes on changing.",
)  # fmt: skip
LAG_IMBALANCE = Measure(
    "lag_imbalance", "Echo, blur and disorder in time", "log ratio", Direction.LOWER, 0, None,
    f"temporal structure function (Kolmogorov, 1941), compared with the input's; {HOUSE}", VERSION,
    "Whether frames a few steps apart are more, or less, alike than in the input: trails, averaging, wrong order.",
)  # fmt: skip
FILL_WARP_ERROR = Measure(
    "fill_warp_error", "Unsteadiness of the fill", "squared intensity, RGB in [0, 1]", Direction.LOWER, 0, 1,
    f"after {LAI}", VERSION, "How much the repaired background changes while it moves with the rest of the background.",
)  # fmt: skip
OWN_FLOW_WARP_ERROR = Measure(
    "own_flow_warp_error", "Warp error along the output's own flow", "squared intensity, luma in [0, 1]",
    Direction.DIAGNOSTIC, 0, 1, f"{LAI}, motion-boundary rule only", VERSION,
    "Shown to explain the others: a frozen or averaged picture does well here.",
)  # fmt: skip
MEASURES = (
    WARP_ERROR, WARP_RATIO, TOF, MOTION_RATIO, GAIN_FLICKER, JITTER, FREEZE, LAG_IMBALANCE,
    FILL_WARP_ERROR, OWN_FLOW_WARP_ERROR,
)  # fmt: skip


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
    change: tuple[float, float] | None
    """Mean absolute luma change of output and input."""
    fill_error: float | None
    own_error: float | None


class Temporal:
    """Evaluator of temporal consistency; see the module's words for the region of each measure."""

    name = "temporal"
    version = VERSION
    measures = MEASURES

    def watch(self, _case: Case, options: VideoOptions) -> TemporalWatcher:
        """Return a fresh watcher for one clip."""
        return TemporalWatcher(options.seed)


class TemporalWatcher:
    """Collects frame pairs and, in order, the differences over longer lags."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pairs: list[Pair] = []
        self._recent: deque[Moment] = deque(maxlen=max(LAGS))
        self._lags: list[list[float]] = []

    def observe(self, step: Step) -> Pair | None:
        """Measure one frame pair; None on the first frame."""
        return None if step.previous is None else observe_pair(step.previous, step.current, step.motion)

    def absorb(self, step: Step, observation: Pair | None) -> None:
        """Keep the pair and compare the frame with those up to eight frames back."""
        if observation is not None:
            self._pairs.append(observation)
            self._lags.append(lag_differences(self._recent, step.current))
        self._recent.append(step.current)

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the ten measurements of the clip."""
        if not self._pairs:
            reason = "the clip has one frame; consistency in time needs two"
            return Evaluation(Temporal.name, VERSION, tuple(absent(m, reason) for m in MEASURES))
        take = _Taker(self._pairs, self._seed)
        measurements = (
            take.warp_error(), take.warp_ratio(), take.tof(), take.motion_ratio(), take.gain_flicker(), take.jitter(),
            take.freeze(), _lag_imbalance(np.array(self._lags), self._seed), take.fill(), take.own_flow(),
        )  # fmt: skip
        parameters = {
            "working_size": list(outcome.case.working),
            "flow": outcome.parameters.get("flow"),
            "lags": list(LAGS),
            "least_pixels": LEAST_PIXELS,
        }
        return Evaluation(Temporal.name, VERSION, measurements, parameters=parameters)


def observe_pair(before: Moment, now: Moment, motion: Motion | None) -> Pair:
    """Measure one frame pair."""
    still = before.regions.kept & now.regions.kept
    pixels = cv2.countNonZero(still)
    gain = change = None
    if pixels >= LEAST_PIXELS:
        levels = [cv2.mean(f.luma, still)[0] for f in (now.output, now.input, before.output, before.input)]
        gain = (levels[0] - levels[1]) - (levels[2] - levels[3])
        change = (
            cv2.norm(now.output.luma, before.output.luma, cv2.NORM_L1, still) / pixels,
            cv2.norm(now.input.luma, before.input.luma, cv2.NORM_L1, still) / pixels,
        )
    if motion is None:
        return Pair(before.index, 0.0, None, None, None, None, gain, change, None, None)
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
    return Pair(before.index, valid, errors, gap, moved, shift, gain, change, fill, _own_error(before, now, motion))


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


def lag_differences(recent: Sequence[Moment], now: Moment) -> list[float]:
    """Return, lag by lag, the mean squared luma change over K of output and of input; 0, 0 where there is none."""
    found: list[float] = []
    for lag in LAGS:
        if lag > len(recent):
            found += [0.0, 0.0]
            continue
        then = recent[-lag]
        region = then.regions.kept & now.regions.kept
        pixels = cv2.countNonZero(region)
        if pixels < LEAST_PIXELS:
            found += [0.0, 0.0]
            continue
        found.append(cv2.norm(now.output.luma, then.output.luma, cv2.NORM_L2SQR, region) / pixels)
        found.append(cv2.norm(now.input.luma, then.input.luma, cv2.NORM_L2SQR, region) / pixels)
    return found


def lag_statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return max |ln r - median ln r| over lags, r being the output's change over the input's (+ 0.01 grey^2)."""
    totals = rows.sum(axis=1)
    floor = 0.01 * rows.shape[1]
    logs = np.log((totals[:, 0::2] + floor) / (totals[:, 1::2] + floor))
    return np.abs(logs - np.median(logs, axis=1, keepdims=True)).max(axis=1)


def _lag_imbalance(lags: NDArray[np.float64], seed: int) -> Measurement:
    usable = [k for k in range(len(LAGS)) if np.any(lags[:, 2 * k + 1] > 0)]
    if len(usable) < 3:
        return absent(LAG_IMBALANCE, "fewer than three lags could be compared in the kept area")
    columns = lags[:, [c for k in usable for c in (2 * k, 2 * k + 1)]]
    totals = columns.sum(axis=0)
    ratios = {str(LAGS[k]): float(totals[2 * i] / max(totals[2 * i + 1], 1e-9)) for i, k in enumerate(usable)}
    return Measurement(
        LAG_IMBALANCE,
        float(lag_statistic(columns[None])[0]),
        interval=block_bootstrap(columns, lag_statistic, seed),
        count=len(lags),
        count_of="frame pairs",
        evidence={"change_ratio_by_lag": ratios},
    )


class _Taker:
    """Turns the list of pairs into measurements."""

    def __init__(self, pairs: Sequence[Pair], seed: int) -> None:
        self._pairs, self._seed = pairs, seed

    def _present(self, pick: Callable[[Pair], object]) -> list[Pair]:
        return [pair for pair in self._pairs if pick(pair) is not None]

    def _mean(
        self, measure: Measure, pick: Callable[[Pair], float | None], missing: str, **evidence: object
    ) -> Measurement:
        """The plain mean of a figure over the pairs that have it."""
        values = [pick(pair) for pair in self._pairs]
        present = [value for value in values if value is not None]
        if not present:
            return absent(measure, missing)
        return Measurement(
            measure,
            float(np.mean(present)),
            interval=mean_interval(present, self._seed),
            count=len(present),
            count_of="frame pairs",
            series=series([p.frame for p in self._pairs], values, measure.direction, measure.target),
            evidence=evidence,
        )

    @property
    def _no_flow(self) -> str:
        kept = max(pair.valid for pair in self._pairs)
        return (
            f"the input's flow can be used over {kept:.1%} of the frame at most; too little of it is kept and visible"
        )

    def warp_error(self) -> Measurement:
        inputs = [pair.errors[1] for pair in self._pairs if pair.errors]
        return self._mean(
            WARP_ERROR,
            lambda pair: pair.errors[0] if pair.errors else None,
            self._no_flow,
            input_value=float(np.mean(inputs)) if inputs else None,
            valid_fraction=float(np.mean([pair.valid for pair in self._pairs])),
            region="K, where both occlusion rules pass",
        )

    def warp_ratio(self) -> Measurement:
        pairs = self._present(lambda pair: pair.errors)
        if not pairs:
            return absent(WARP_RATIO, self._no_flow)
        floor = (0.25 / 255) ** 2
        over = [p.errors[0] + floor for p in pairs if p.errors]
        under = [p.errors[1] + floor for p in pairs if p.errors]
        ratios: list[float | None] = [a / b for a, b in zip(over, under, strict=True)]
        return Measurement(
            WARP_RATIO,
            sum(over) / sum(under),
            interval=ratio_interval(over, under, self._seed),
            count=len(pairs),
            count_of="frame pairs",
            series=series([p.frame for p in pairs], ratios, WARP_RATIO.direction),
            evidence={"floor": floor, "floor_is": "a quarter of a grey level, squared, added to both sides"},
        )

    def tof(self) -> Measurement:
        l1 = [pair.flow_gap[1] for pair in self._pairs if pair.flow_gap]
        return self._mean(
            TOF,
            lambda pair: pair.flow_gap[0] if pair.flow_gap else None,
            self._no_flow,
            l1_norm=float(np.mean(l1)) if l1 else None,
            region="K",
        )

    def motion_ratio(self) -> Measurement:
        pairs = self._present(lambda pair: pair.motion)
        if not pairs:
            return absent(MOTION_RATIO, self._no_flow)
        out, reference = ([p.motion[i] for p in pairs if p.motion] for i in (0, 1))
        moved = float(np.mean(reference))
        if moved < STILL:
            reason = f"the input's kept area moves {moved:.3f} pixels per frame, which is as good as still"
            return absent(MOTION_RATIO, reason, output_motion=float(np.mean(out)), input_motion=moved)
        values: list[float | None] = [a / b if b >= STILL else None for a, b in zip(out, reference, strict=True)]
        return Measurement(
            MOTION_RATIO,
            sum(out) / sum(reference),
            interval=ratio_interval(out, reference, self._seed),
            count=len(pairs),
            count_of="frame pairs",
            series=series([p.frame for p in pairs], values, MOTION_RATIO.direction, 1.0),
            evidence={"output_motion": float(np.mean(out)), "input_motion": moved, "region": "K"},
        )

    def gain_flicker(self) -> Measurement:
        return self._mean(
            GAIN_FLICKER,
            lambda pair: None if pair.gain_step is None else abs(pair.gain_step),
            "too few pixels are kept in two neighbouring frames",
            region="K in both frames",
        )

    def jitter(self) -> Measurement:
        pairs = self._present(lambda pair: pair.shift)
        if not pairs:
            return absent(JITTER, self._no_flow)
        lengths = [math.hypot(*p.shift) for p in pairs if p.shift]
        return Measurement(
            JITTER,
            float(np.sqrt(np.mean(np.square(lengths)))),
            interval=block_bootstrap(
                np.square(lengths)[:, None], lambda rows: np.sqrt(rows[..., 0].mean(axis=1)), self._seed
            ),
            count=len(pairs),
            count_of="frame pairs",
            series=series([p.frame for p in pairs], lengths, JITTER.direction),
            evidence={"statistic": "root mean square of the median flow difference over K"},
        )

    def freeze(self) -> Measurement:
        pairs = [p for p in self._pairs if p.change and p.change[1] > 0.02]
        if not pairs:
            return absent(FREEZE, "the input's kept area does not change, so a frozen output cannot be told from it")
        shares: list[float | None] = [p.change[0] / p.change[1] for p in pairs if p.change]
        frozen = [float(share < FROZEN_SHARE) for share in shares if share is not None]
        return Measurement(
            FREEZE,
            float(np.mean(frozen)),
            interval=mean_interval(frozen, self._seed),
            count=len(pairs),
            count_of="frame pairs",
            series=series([p.frame for p in pairs], shares, Direction.HIGHER),
            evidence={"rule": f"luma changes less than {FROZEN_SHARE} times as much as in the input", "region": "K"},
        )

    def fill(self) -> Measurement:
        return self._mean(
            FILL_WARP_ERROR,
            lambda pair: pair.fill_error,
            "no background is visible where the object was, or its motion is unknown",
            region="R outside A, along the background's affine motion in K",
        )

    def own_flow(self) -> Measurement:
        return self._mean(
            OWN_FLOW_WARP_ERROR,
            lambda pair: pair.own_error,
            "the frames are too small for optical flow",
            region="whole frame, motion boundaries left out",
        )
