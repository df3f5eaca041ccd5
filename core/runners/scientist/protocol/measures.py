"""Which measures a study reports, under which title, and which of them exist for the constant baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.runners.scientist.protocol import metrics
from core.runners.scientist.protocol.metrics import Array, Metric


class Measure(NamedTuple):
    """A measure of prediction; `ideal` is its best value where that is a target rather than a direction."""

    title: str
    metric: Metric
    baseline: bool
    """Whether it says something of a constant prediction."""
    decimals: int | None
    """Decimals in print; None for a measure in the outcome's unit."""


BINARY: Mapping[str, Measure] = {
    "roc_auc": Measure("ROC AUC", metrics.roc_auc, False, 3),
    "average_precision": Measure("Average precision", metrics.average_precision, False, 3),
    "brier": Measure("Brier score", metrics.brier, True, 3),
    "scaled_brier": Measure("Scaled Brier score", metrics.scaled_brier, False, 3),
    "calibration_intercept": Measure("Calibration in the large", metrics.calibration_intercept, False, 2),
    "calibration_slope": Measure("Calibration slope", metrics.calibration_slope, False, 2),
}
CONTINUOUS: Mapping[str, Measure] = {
    "rmse": Measure("Root mean squared error", metrics.rmse, True, None),
    "mae": Measure("Mean absolute error", metrics.mae, True, None),
    "r_squared": Measure("Explained variance", metrics.r_squared, False, 3),
    "mean_error": Measure("Mean of observed less predicted", metrics.mean_error, False, None),
    "calibration_slope": Measure("Calibration slope", metrics.linear_slope, False, 2),
}


def measures(binary: bool) -> Mapping[str, Measure]:
    """The measures of a kind of outcome."""
    return BINARY if binary else CONTINUOUS


def operating_point(threshold: float) -> dict[str, Metric]:
    """Sensitivity, specificity and predictive values where a risk of at least the threshold counts as positive."""

    def flagged(_y: Array, p: Array) -> Array:
        return (p >= threshold).astype(np.float64)

    def passed(_y: Array, p: Array) -> Array:
        return (p < threshold).astype(np.float64)

    def event(y: Array, _p: Array) -> Array:
        return y

    def other(y: Array, _p: Array) -> Array:
        return 1 - y

    return {
        "sensitivity": metrics.share(flagged, event),
        "specificity": metrics.share(passed, other),
        "positive_predictive_value": metrics.share(event, flagged),
        "negative_predictive_value": metrics.share(other, passed),
    }
