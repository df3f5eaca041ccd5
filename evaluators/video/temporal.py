"""Is the output as steady, and as lively, as the input?

Where the removal changes nothing (K), the output must move exactly as the input does, so the input's flow is the
reference there. In R the input's flow belongs to the object that is gone, and in A the removal changes motion on
purpose: there the input's flow proves nothing. Each measure therefore says which region it looks at:

    K              warp_error, warp_error_ratio, tof, motion_ratio, gain_flicker, jitter, freeze, lag_imbalance
    R and A        disorder, echo, reversal: the order of the output's own changes, camera and noise taken out
                   stalls, afterimage: what repeated and mixed frames leave behind
    A outside R    affected_response, affected_beside: against the input, as something must differ there
    R outside A    fill_warp_error, along the background motion that K shows (affine)
    whole frame    own_flow_warp_error, along the output's own flow: a diagnostic, since a frozen picture wins it
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.video import marks, order, response
from evaluators.video.intervals import block_bootstrap, mean_interval, ratio_interval, series
from evaluators.video.lags import FLOOR, LAGS, Structure, imbalance, structure
from evaluators.video.order import LIVELY
from evaluators.video.pairs import LEAST_PIXELS, Pair, observe_pair
from evaluators.video.plate import Stack
from evaluators.video.step import Outcome, Step, VideoOptions

VERSION = "3"
LAI = "Lai et al., Learning blind video temporal consistency, ECCV 2018"
HOUSE = "this package's definition"
STILL = 0.05
"""Pixels per frame below which DIS flow over K is sensor noise rather than motion."""
FROZEN_SHARE = 0.1
STIRRING = 2.0
"""Root mean square change over 1 to 8 frames, grey levels at quarter size, above which more than grain changes."""

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
    "The share of frames that repeat the one before although the input's kept area moves on.",
)  # fmt: skip
LAG_IMBALANCE = Measure(
    "lag_imbalance", "Echo, blur and disorder in the kept area", "log ratio", Direction.LOWER, 0, None,
    f"temporal structure function (Kolmogorov, 1941) against the input's, lags 1 to 8; {HOUSE}", VERSION,
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
    *order.MEASURES, *marks.MEASURES, *response.MEASURES, FILL_WARP_ERROR, OWN_FLOW_WARP_ERROR,
)  # fmt: skip


class Temporal:
    """Evaluator of temporal consistency; see the module's words for the region of each measure."""

    name = "temporal"
    version = VERSION
    measures = MEASURES

    def watch(self, _case: Case, options: VideoOptions) -> TemporalWatcher:
        """Return a fresh watcher for one clip."""
        return TemporalWatcher(options.seed)


class TemporalWatcher:
    """Collects frame pairs, and small frames for what shows only over several frames."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pairs: list[Pair] = []
        self._answers: list[response.Answer] = []
        self._stack = Stack()

    def observe(self, step: Step) -> tuple[Pair | None, response.Answer]:
        """Measure one frame pair (None on the first frame) and the answer in A."""
        pair = None if step.previous is None else observe_pair(step.previous, step.current, step.motion)
        return pair, response.answer(step.small)

    def absorb(self, step: Step, observation: tuple[Pair | None, response.Answer]) -> None:
        """Keep the pair and the small frame."""
        if observation[0] is not None:
            self._pairs.append(observation[0])
        self._answers.append(observation[1])
        self._stack.add(step.small, step.motion.camera if step.motion else None)

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the measurements of the clip."""
        if not self._pairs:
            reason = "the clip has one frame; consistency in time needs two"
            return Evaluation(Temporal.name, VERSION, tuple(absent(m, reason) for m in MEASURES))
        take = _Taker(self._pairs, self._seed)
        found = structure(self._stack)
        measurements = (
            take.warp_error(), take.warp_ratio(), take.tof(), take.motion_ratio(), take.gain_flicker(), take.jitter(),
            kept_freeze(found, self._seed), kept_imbalance(found, self._seed),
            *order.order(self._stack, found, self._seed), *marks.marks(self._stack, self._seed),
            *response.affected_change(self._answers, self._seed), take.fill(), take.own_flow(),
        )  # fmt: skip
        parameters = {
            "working_size": list(outcome.case.working),
            "flow": outcome.parameters.get("flow"),
            "lags": list(LAGS),
            "least_pixels": LEAST_PIXELS,
        }
        return Evaluation(Temporal.name, VERSION, measurements, parameters=parameters)


def kept_freeze(found: Structure, seed: int) -> Measurement:
    """Return the share of frame pairs that repeat in K where the input moves (quarter size, so noise is out of it)."""
    pixels = np.maximum(found.kept_pixels[:, 0], 1)
    changes = [np.sqrt(total[:, 0] / pixels) for total in (found.kept_output, found.kept_input)]
    moving = changes[1] > LIVELY
    if not moving.any():
        return absent(FREEZE, "the input's kept area is still, so a frozen output cannot be told from a living one")
    shares: list[float | None] = [
        float(out / reference) if moves else None for out, reference, moves in zip(*changes, moving, strict=True)
    ]
    frozen = [float(share < FROZEN_SHARE) for share in shares if share is not None]
    return Measurement(
        FREEZE,
        float(np.mean(frozen)),
        interval=mean_interval(frozen, seed),
        count=len(frozen),
        count_of="frame pairs",
        series=series(range(len(shares)), shares, Direction.HIGHER),
        evidence={"rule": f"changes less than {FROZEN_SHARE} times as much as the input", "region": "K"},
    )


def kept_imbalance(found: Structure, seed: int) -> Measurement:
    """Return the measurement of `lag_imbalance`."""
    usable = found.kept_pixels.sum(axis=0) > 0
    if np.count_nonzero(usable) < 3:
        return absent(LAG_IMBALANCE, "fewer than three lags could be compared in the kept area")
    if (found.kept_input.sum(axis=0) / np.maximum(found.kept_pixels.sum(axis=0), 1)).max() < STIRRING**2:
        reason = "the input's kept area is still, so there is no motion whose order could be lost"
        return absent(LAG_IMBALANCE, reason)
    columns = np.stack([found.kept_output, found.kept_input, found.kept_pixels], axis=-1)[:, usable]
    totals = columns.sum(axis=0)
    ratios = (totals[:, 0] + FLOOR * totals[:, 2]) / (totals[:, 1] + FLOOR * totals[:, 2])
    return Measurement(
        LAG_IMBALANCE,
        float(imbalance(columns[None])[0]),
        interval=block_bootstrap(columns, imbalance, seed),
        count=len(columns),
        count_of="frame pairs",
        evidence={
            "region": "K",
            "change_ratio_by_lag": {str(k): float(r) for k, r in zip(np.array(LAGS)[usable], ratios, strict=True)},
        },
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
            evidence={
                "region": "K",
                "floor": floor,
                "floor_is": "a quarter of a grey level, squared, added to both sides",
            },
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
            evidence={"region": "K", "statistic": "root mean square of the median flow difference"},
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
