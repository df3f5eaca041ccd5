"""Measures of prediction, vectorised over weights: one call serves the estimate and all bootstrap replicates.

`y` and `p` have shape (n,), `w` has shape (b, n) and holds how often each row counts; each returns shape (b,).
A measure that does not exist for some weights (one class only, a fit that does not converge) is NaN there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Metric = Callable[[Array, Array, Array], Array]
CLIP = 1e-6
"""Predicted risks are kept this far from 0 and 1 before their logit is taken."""
NEWTON_STEPS = 40
TOLERANCE = 1e-9
LARGEST_COEFFICIENT = 1e3


def roc_auc(y: Array, p: Array, w: Array) -> Array:
    """Area under the ROC curve: the chance that an event has the higher risk, ties counted half; in [0, 1]."""
    events, others = _tied(y, p, w)
    below = np.cumsum(others, axis=1) - others
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((events * (below + others / 2)).sum(1) / (events.sum(1) * others.sum(1)))


def average_precision(y: Array, p: Array, w: Array) -> Array:
    """Precision averaged over the recall that each threshold adds; in [0, 1], the prevalence by chance."""
    events, others = (values[:, ::-1] for values in _tied(y, p, w))
    found, flagged = np.cumsum(events, axis=1), np.cumsum(events + others, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(flagged > 0, found / flagged, 0.0)
        return np.asarray((precision * events).sum(1) / events.sum(1))


def _tied(y: Array, p: Array, w: Array) -> tuple[Array, Array]:
    """Weights of events and of others for each distinct risk, ascending; shape (b, distinct)."""
    order = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=-np.inf))
    ordered = w[:, order]
    events = np.add.reduceat(ordered * y[order], starts, axis=1)
    return events, np.add.reduceat(ordered, starts, axis=1) - events


def mean(values: Array, w: Array) -> Array:
    """The weighted mean; shape (b,)."""
    return np.asarray((w @ values) / w.sum(1))


def brier(y: Array, p: Array, w: Array) -> Array:
    """Mean squared difference of risk and event; 0 is perfect."""
    return mean((p - y) ** 2, w)


def scaled_brier(y: Array, p: Array, w: Array) -> Array:
    """One less the Brier score over that of the prevalence; 1 is perfect, 0 says no more than the prevalence."""
    prevalence = mean(y, w)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - brier(y, p, w) / (prevalence * (1 - prevalence)))


def calibration_slope(y: Array, p: Array, w: Array) -> Array:
    """Slope of a logistic regression of the event on the logit of the risk; 1 is ideal, below 1 is too extreme."""
    return _recalibrated(y, logit(p), w)[:, 1]


def calibration_intercept(y: Array, p: Array, w: Array) -> Array:
    """Calibration in the large: the intercept of the event on the logit as an offset; 0 is ideal."""
    offset = logit(p)
    level = np.zeros(len(w))
    for _ in range(NEWTON_STEPS):
        risk = _sigmoid(level[:, None] + offset)
        slope = (w * risk * (1 - risk)).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (w * (y - risk)).sum(1) / slope
        level = level + np.clip(step, -2, 2)
        if np.nanmax(np.abs(step), initial=0.0) < TOLERANCE:
            break
    return np.where((np.abs(step) < TOLERANCE) & (np.abs(level) < LARGEST_COEFFICIENT), level, np.nan)


def logit(p: Array) -> Array:
    """The log odds, with risks kept `CLIP` away from 0 and 1."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept / (1 - kept)))


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500))))


def _recalibrated(y: Array, x: Array, w: Array) -> Array:
    """Intercept and slope of weighted logistic regressions of y on x, by Newton's method; shape (b, 2)."""
    beta = np.zeros((len(w), 2))
    step = np.full_like(beta, np.inf)
    for _ in range(NEWTON_STEPS):
        risk = _sigmoid(beta[:, :1] + beta[:, 1:] * x)
        residual, curvature = w * (y - risk), w * risk * (1 - risk)
        g0, g1 = residual.sum(1), residual @ x
        h00, h01, h11 = curvature.sum(1), curvature @ x, curvature @ (x * x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            determinant = h00 * h11 - h01 * h01
            step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1) / determinant[:, None]
        beta = beta + np.clip(step, -5, 5)
        if np.nanmax(np.abs(step), initial=0.0) < TOLERANCE:
            break
    settled = (np.abs(step).max(1) < TOLERANCE) & (np.abs(beta).max(1) < LARGEST_COEFFICIENT)
    return np.where(settled[:, None], beta, np.nan)


def net_benefit(threshold: float) -> Metric:
    """Net benefit at a risk threshold: true positives less weighted false positives, per row."""

    def measure(y: Array, p: Array, w: Array) -> Array:
        flagged = (p >= threshold).astype(np.float64)
        odds = threshold / (1 - threshold)
        return mean(flagged * (y - (1 - y) * odds), w)

    return measure


def share(of: Callable[[Array, Array], Array], among: Callable[[Array, Array], Array]) -> Metric:
    """A ratio of two counts of rows, each chosen by y and p."""

    def measure(y: Array, p: Array, w: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (w @ (of(y, p) * among(y, p))) / (w @ among(y, p))

    return measure


def rmse(y: Array, p: Array, w: Array) -> Array:
    """Root of the mean squared error, in the outcome's unit."""
    return np.asarray(np.sqrt(mean((p - y) ** 2, w)))


def mae(y: Array, p: Array, w: Array) -> Array:
    """Mean absolute error, in the outcome's unit."""
    return mean(np.abs(p - y), w)


def r_squared(y: Array, p: Array, w: Array) -> Array:
    """Share of the outcome's variance that is explained: 1 - SSE/SST; negative when worse than the mean."""
    spread = mean(y * y, w) - mean(y, w) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - mean((p - y) ** 2, w) / spread)


def linear_slope(y: Array, p: Array, w: Array) -> Array:
    """Slope of the observed on the predicted outcome; 1 is ideal, below 1 is too extreme."""
    centre = mean(p, w)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((mean(p * y, w) - centre * mean(y, w)) / (mean(p * p, w) - centre**2))


def mean_error(y: Array, p: Array, w: Array) -> Array:
    """Mean of observed less predicted outcome: calibration in the large; 0 is ideal."""
    return mean(y - p, w)
