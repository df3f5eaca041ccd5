"""Uncertainty of a figure made from neighbouring, and therefore dependent, frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Interval, Series

Columns = NDArray[np.float64]
REPLICATES = 400
LEVEL = 0.95
_NORMAL_95 = 1.959963984540054
"""97.5 % of the standard normal distribution lies below."""


def block_bootstrap(
    columns: Columns, statistic: Callable[[Columns], NDArray[np.float64]], seed: int = 0
) -> Interval | None:
    """Return the percentile interval of `statistic` under the circular block bootstrap.

    `columns` is (n, ...): n frames in order, their figures. `statistic` maps (replicates, n, ...) to (replicates,).
    Blocks are n^(1/3) frames long, as neighbouring frames depend on each other (Politis & Romano, 1992).
    None for fewer than 4 frames, or when a replicate has no finite value.
    """
    n = len(columns)
    if n < 4:
        return None
    length = max(1, round(n ** (1 / 3)))
    starts = np.random.default_rng(seed).integers(0, n, (REPLICATES, -(-n // length)))
    rows = (starts[..., None] + np.arange(length)).reshape(REPLICATES, -1)[:, :n] % n
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(columns[rows])
    if not np.all(np.isfinite(values)):
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), LEVEL, f"circular block bootstrap over frames, blocks of {length}")


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval | None:
    """Return the interval of a plain mean over frames."""
    return block_bootstrap(np.asarray(values, float)[:, None], lambda rows: rows[..., 0].mean(axis=1), seed)


def ratio_interval(over: Sequence[float], under: Sequence[float], seed: int = 0) -> Interval | None:
    """Return the interval of sum(over) / sum(under)."""
    columns = np.stack([np.asarray(over, float), np.asarray(under, float)], axis=1)
    return block_bootstrap(columns, lambda rows: rows[..., 0].sum(1) / rows[..., 1].sum(1), seed)


def theil_sen(times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the median of all pairs' slopes between its 95 % limits: low, slope, high.

    `times` are distinct. The limits are Sen's (JASA 1968, equation 2.6), ties of values included. Written out, as
    importing SciPy's statistics takes longer than measuring a short clip.
    """
    first, second = np.triu_indices(len(times), 1)
    slopes = np.sort((values[second] - values[first]) / (times[second] - times[first]))
    ties = np.unique(values, return_counts=True)[1]
    variance = (_kendall_variance(np.array([len(values)])) - _kendall_variance(ties)) / 18
    reach = _NORMAL_95 * float(np.sqrt(variance))
    low = max(round((len(slopes) - reach) / 2) - 1, 0)
    high = min(round((len(slopes) + reach) / 2), len(slopes) - 1)
    return float(slopes[low]), float(np.median(slopes)), float(slopes[high])


def _kendall_variance(counts: NDArray[np.int64]) -> float:
    return float(np.sum(counts * (counts - 1) * (2 * counts + 5)))


def series(
    frames: Sequence[int], values: Sequence[float | None], direction: Direction, target: float | None = None
) -> Series:
    """Return the series with its five worst frames, worst first, by the measure's direction."""
    present = [(value, frame) for frame, value in zip(frames, values, strict=True) if value is not None]

    def badness(item: tuple[float, int]) -> float:
        value = item[0]
        if direction is Direction.HIGHER:
            return -value
        return abs(value - (target or 0.0)) if direction is Direction.TARGET else value

    worst = sorted(present, key=badness, reverse=True)[:5]
    return Series(tuple(frames), tuple(values), tuple(frame for _, frame in worst))
