"""Intervals: Wilson's for a proportion of independent rows, the bootstrap over patients for everything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from core.runners.scientist.protocol.data import Indices
from core.runners.scientist.protocol.metrics import Array, Metric

MOST_FAILED = 0.01
"""Share of replicates without a value above which there is no interval."""
BLOCK = 2_000_000
"""Weights that are worked on at once."""
BOOTSTRAP, WILSON = "percentile bootstrap over patients", "Wilson score"


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, or the reason why one of them is absent. `n` counts the rows behind it."""

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    reason: str | None = None

    def to_json(self) -> dict[str, object]:
        """The estimate as plain JSON."""
        return asdict(self)


class Bootstrap:
    """Replicates that draw patients with replacement, the same for every measure, so that differences are paired."""

    def __init__(self, patient: Indices, replicates: int, level: float, seed: int) -> None:
        """`patient` is the patient of each row, shape (n,)."""
        _, inverse = np.unique(patient, return_inverse=True)
        count = int(inverse.max()) + 1
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=replicates)
        # A count above 255 is out of reach: it is Poisson of mean 1 for many patients, and few have so few draws.
        self.weights = draws.astype(np.uint8)[:, inverse]
        self.level = level

    def of(self, rows: Indices) -> Bootstrap:
        """The same replicates, seen in some of the rows only."""
        part = object.__new__(Bootstrap)
        part.weights, part.level = self.weights[:, rows], self.level
        return part

    def estimate(self, metric: Metric, y: Array, p: Array) -> Estimate:
        """A measure and its percentile interval."""
        return self.interval(lambda w: metric(y, p, w), len(y))

    def difference(self, metric: Metric, y: Array, first: Array, second: Array) -> Estimate:
        """First less second by a measure, over the same replicates."""
        return self.interval(lambda w: metric(y, first, w) - metric(y, second, w), len(y))

    def interval(self, statistic: Callable[[Array], Array], n: int) -> Estimate:
        """The statistic at equal weights and over the replicates; `statistic` maps weights (b, n) to (b,)."""
        value = float(statistic(np.ones((1, n)))[0])
        if not math.isfinite(value):
            return absent("it does not exist for these data", self.level, n)
        with np.errstate(divide="ignore", invalid="ignore"):
            replicates = np.concatenate([statistic(block) for block in self._blocks()])
        usable = replicates[np.isfinite(replicates)]
        if len(usable) < len(replicates) * (1 - MOST_FAILED):
            reason = "no interval: too many resamples have no value"
            return Estimate(value, None, None, self.level, BOOTSTRAP, n, reason)
        low, high = np.quantile(usable, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Estimate(value, float(low), float(high), self.level, BOOTSTRAP, n)

    def _blocks(self) -> Iterator[Array]:
        """The weights in blocks of bounded size, as floats."""
        size = max(1, BLOCK // self.weights.shape[1])
        for start in range(0, len(self.weights), size):
            yield self.weights[start : start + size].astype(np.float64)


def absent(reason: str, level: float, n: int) -> Estimate:
    """An estimate that is not there."""
    return Estimate(None, None, None, level, BOOTSTRAP, n, reason)


def wilson(successes: int, n: int, level: float) -> Estimate:
    """A proportion of independent rows with Wilson's score interval (JASA 1927)."""
    if n == 0:
        return Estimate(None, None, None, level, WILSON, n, "there is no such row")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach), level, WILSON, n)
