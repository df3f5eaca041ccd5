"""Uncertainty of a figure made from neighbouring, and therefore dependent, frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Interval, Series

Columns = NDArray[np.float64]
REPLICATES = 400
LEVEL = 0.95


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
