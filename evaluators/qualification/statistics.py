"""The figures of a qualification: rank agreement, separation, detection power, with bootstrap intervals over scenes.

Scenes, not clips, are drawn with replacement: clips of one scene share its look and its paths and are no
independent evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

REPLICATES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Figure:
    """An estimate with its bootstrap interval over `scenes` scenes; None where nothing could be estimated."""

    value: float | None
    low: float | None
    high: float | None
    scenes: int
    clips: int


def kendall_tau(severities: Sequence[float], badness: Sequence[float]) -> float | None:
    """Return Kendall's tau-b between severity and badness; None when either never changes.

    1 means that every worse clip has a worse figure.
    """
    x, y = np.asarray(severities, float), np.asarray(badness, float)
    if len(x) < 2:
        return None
    upper = np.triu_indices(len(x), 1)
    dx, dy = np.sign(x[:, None] - x[None])[upper], np.sign(y[:, None] - y[None])[upper]
    scale = float(np.sqrt((dx**2).sum() * (dy**2).sum()))
    return float((dx * dy).sum() / scale) if scale > 0 else None


def roc_auc(good: Sequence[float], bad: Sequence[float]) -> float | None:
    """Return the chance that a good clip has a lower badness than a bad one, ties counting half."""
    if not len(good) or not len(bad):
        return None
    ordered = np.sort(np.asarray(good, float))
    values = np.asarray(bad, float)
    below = np.searchsorted(ordered, values, "left")
    level = np.searchsorted(ordered, values, "right") - below
    return float((below + level / 2).mean() / len(ordered))


Scene = str
Groups = Mapping[Scene, Sequence[float]]
"""Badness of the clips of each scene."""


def auc_figure(good: Groups, bad: Groups, seed: int = 0) -> Figure:
    """Return the ROC-AUC between the clips of two groups, scenes resampled together."""

    def statistic(scenes: Sequence[Scene]) -> float | None:
        return roc_auc(_pool(good, scenes), _pool(bad, scenes))

    return _figure(statistic, sorted(set(good) | set(bad)), sum(map(len, bad.values())), seed)


def rate_figure(groups: Groups, threshold: float, seed: int = 0) -> Figure:
    """Return the share of clips whose badness is above a threshold: power on bad clips, false alarms on good ones."""

    def statistic(scenes: Sequence[Scene]) -> float | None:
        values = _pool(groups, scenes)
        return float(np.mean(np.asarray(values) > threshold)) if values else None

    return _figure(statistic, sorted(groups), sum(map(len, groups.values())), seed)


def mean_figure(values: Mapping[Scene, float], clips: int, seed: int = 0) -> Figure:
    """Return the mean of one value per scene."""

    def statistic(scenes: Sequence[Scene]) -> float | None:
        return float(np.mean([values[scene] for scene in scenes])) if scenes else None

    return _figure(statistic, sorted(values), clips, seed)


def threshold_for(good: Groups, false_alarms: float) -> float | None:
    """Return the badness that at most this share of good clips exceeds."""
    values = _pool(good, sorted(good))
    return float(np.quantile(values, 1 - false_alarms, method="higher")) if values else None


def _pool(groups: Groups, scenes: Sequence[Scene]) -> list[float]:
    return [value for scene in scenes for value in groups.get(scene, ())]


def _figure(
    statistic: Callable[[Sequence[Scene]], float | None], scenes: Sequence[Scene], clips: int, seed: int
) -> Figure:
    value = statistic(scenes)
    if value is None or len(scenes) < 2:
        return Figure(value, None, None, len(scenes), clips)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(REPLICATES):
        again = statistic([scenes[i] for i in rng.integers(0, len(scenes), len(scenes))])
        if again is not None:
            drawn.append(again)
    if not drawn:
        return Figure(value, None, None, len(scenes), clips)
    low, high = (float(v) for v in np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)))
    return Figure(value, low, high, len(scenes), clips)
