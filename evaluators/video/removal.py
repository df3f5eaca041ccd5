"""Is the object gone? What of it is left in the output, by shape, by motion, by shadow and at the mask's rim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Image
from evaluators.frames import Moment
from evaluators.video.intervals import block_bootstrap, series
from evaluators.video.step import Outcome, Step, VideoOptions

VERSION = "1"
HOUSE = "this package's definition"
LEAST_PIXELS = 100
SCALES = (1.0, 2.0, 4.0)

RESIDUE = Measure(
    "removal_residue", "The object still visible", "share of its contrast", Direction.LOWER, 0, 1,
    f"least-squares share of the input's edges found again in R, largest of three scales; {HOUSE}", VERSION,
    "0 is gone, 0.5 a half-transparent ghost, 1 the object untouched.",
)  # fmt: skip
MEASURES = (RESIDUE,)
NO_OBJECT = "the mask marks no object to remove (under 100 pixels in every frame)"


class Trace(NamedTuple):
    """Per scale, the products of gradients in R: output x input, input x input, output x output."""

    frame: int
    products: tuple[tuple[float, float, float], ...] | None


class Removal:
    """Evaluator of the removed object's traces."""

    name = "removal"
    version = VERSION
    measures = MEASURES

    def watch(self, _case: Case, options: VideoOptions) -> RemovalWatcher:
        """Return a fresh watcher for one clip."""
        return RemovalWatcher(options.seed)


class RemovalWatcher:
    """Collects one `Trace` per frame."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._traces: list[Trace] = []

    def observe(self, step: Step) -> Trace:
        """Compare structure inside R."""
        return Trace(step.index, structure_products(step.current))

    def absorb(self, _step: Step, observation: Trace) -> None:
        """Keep the frame's figures."""
        self._traces.append(observation)

    def conclude(self, _outcome: Outcome) -> Evaluation:
        """Return the measurements of the clip."""
        return Evaluation(Removal.name, VERSION, (_residue(self._traces, self._seed),))


def structure_products(moment: Moment) -> tuple[tuple[float, float, float], ...] | None:
    """Return the gradient products inside R for each scale."""
    removed = moment.regions.removed
    if cv2.countNonZero(removed) < LEAST_PIXELS:
        return None
    x, y, w, h = cv2.boundingRect(removed)
    window = (slice(max(y - 16, 0), y + h + 16), slice(max(x - 16, 0), x + w + 16))
    region = np.ascontiguousarray(removed[window])
    pair = [np.ascontiguousarray(f.luma[window], np.float32) for f in (moment.output, moment.input)]
    return tuple(_products(pair, region, sigma) for sigma in SCALES)


def _products(pair: Sequence[NDArray[np.float32]], region: Image, sigma: float) -> tuple[float, float, float]:
    smooth = [cv2.GaussianBlur(image, (0, 0), sigma) for image in pair]
    across = [cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1) for image in smooth]
    down = [cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1) for image in smooth]
    out, ref = (a * a + d * d for a, d in zip(across, down, strict=True))
    both = across[0] * across[1] + down[0] * down[1]
    return tuple(cv2.mean(cv2.merge([both, ref, out]), region)[:3])  # type: ignore[return-value]


def _residue(traces: Sequence[Trace], seed: int) -> Measurement:
    taken = [t for t in traces if t.products is not None]
    if not taken:
        return absent(RESIDUE, NO_OBJECT)
    columns = np.array([np.ravel(t.products) for t in taken if t.products is not None])

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = rows.sum(axis=1)
        shares = totals[:, 0::3] / np.maximum(totals[:, 1::3], 1e-9)
        return np.clip(shares.max(axis=1), 0, 1)

    values: list[float | None] = [float(statistic(row[None, None])[0]) for row in columns]
    return Measurement(
        RESIDUE,
        float(statistic(columns[None])[0]),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(taken),
        series=series([t.frame for t in taken], values, RESIDUE.direction),
        evidence={"scales": list(SCALES)},
    )
