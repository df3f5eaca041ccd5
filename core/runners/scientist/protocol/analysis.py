"""Nested cross-validation: what every model predicts for patients that took no part in fitting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from core.runners.scientist.protocol.cohort import Cohort
from core.runners.scientist.protocol.folds import Split, largest_count, split
from core.runners.scientist.protocol.metrics import Array
from core.runners.scientist.protocol.models import Fitted, fit, sound
from core.runners.scientist.protocol.schema import ModelPlan, Protocol

BASELINE = "baseline"
Watch = Callable[[int, int, str], None]
"""Told before each fit: how many are done, how many there are, what comes next. It may raise to stop."""


@dataclass(frozen=True)
class FoldRecord:
    """One model in one outer fold."""

    model: str
    repeat: int
    fold: int
    fitted_on: int
    predicted: int
    chosen: dict[str, float]
    unconverged: int
    scaled_rows: int
    loss_before: float
    """Training loss of the constant prediction, from which fitting starts."""
    loss_after: float
    sound: bool
    """Whether every weight and every prediction is finite."""


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions of each model and of the baseline, shape (repeats, n), with the folds behind them."""

    folds: tuple[tuple[Split, ...], ...]
    """The outer folds of each repetition."""
    values: dict[str, Array]
    records: tuple[FoldRecord, ...]
    final: dict[str, Fitted] = field(repr=False)
    """Each model fitted on everybody: the one that would be used. Its performance is not measured."""
    deviations: tuple[tuple[str, str], ...]


def seeds(protocol: Protocol, *place: int) -> int:
    """A seed of its own for each repetition, fold and model, all from the protocol's."""
    return int(np.random.SeedSequence([protocol.validation.seed, *place]).generate_state(1)[0])


def outer_folds(protocol: Protocol, cohort: Cohort) -> tuple[tuple[Split, ...], ...]:
    """The outer folds of each repetition; fewer than planned where a class is too small."""
    count = largest_count(cohort.y, cohort.patient, protocol.binary, protocol.validation.outer_folds)
    return tuple(
        tuple(split(cohort.y, cohort.patient, protocol.binary, count, seeds(protocol, 1, repeat)))
        for repeat in range(protocol.validation.repeats)
    )


def run(protocol: Protocol, cohort: Cohort, watch: Watch) -> Predictions:
    """Fit every model in every fold and predict the rows left out of it; then fit each on everybody."""
    folds = outer_folds(protocol, cohort)
    names = [plan.name for plan in protocol.models]
    values = {name: np.full((len(folds), cohort.n), np.nan) for name in [*names, BASELINE]}
    records: list[FoldRecord] = []
    done, total = 0, len(names) * (len(folds) * len(folds[0]) + 1)
    for repeat, fold, (train, test) in ((r, f, pair) for r, pairs in enumerate(folds) for f, pair in enumerate(pairs)):
        values[BASELINE][repeat, test] = cohort.y[train].mean()
        for number, plan in enumerate(protocol.models):
            watch(done, total, f"{plan.title}: repetition {repeat + 1}, fold {fold + 1}")
            fitted = _fit(protocol, cohort, plan, train, seeds(protocol, 2, repeat, fold, number))
            predicted = fitted.predict(cohort.x[test], protocol.binary)
            values[plan.name][repeat, test] = predicted
            records.append(_record(protocol, cohort, fitted, (plan.name, repeat, fold), train, predicted))
            done += 1
    final = {}
    for number, plan in enumerate(protocol.models):
        watch(done, total, f"{plan.title}: fitting on everybody")
        final[plan.name] = _fit(protocol, cohort, plan, np.arange(cohort.n), seeds(protocol, 3, number))
        done += 1
    return Predictions(folds, values, tuple(records), final, _deviations(protocol, records, len(folds[0])))


def _fit(protocol: Protocol, cohort: Cohort, plan: ModelPlan, train: np.ndarray, seed: int) -> Fitted:
    y, patient = cohort.y[train], cohort.patient[train]
    count = largest_count(y, patient, protocol.binary, protocol.validation.inner_folds)
    inner = split(y, patient, protocol.binary, max(count, 2), seed)
    return fit(plan, cohort.x[train], y, inner, protocol.binary, seed)


def _record(
    protocol: Protocol, cohort: Cohort, fitted: Fitted, place: tuple[str, int, int], train: np.ndarray, predicted: Array
) -> FoldRecord:
    y = cohort.y[train]
    before = loss(y, np.full(len(y), y.mean()), protocol.binary)
    after = loss(y, fitted.predict(cohort.x[train], protocol.binary), protocol.binary)
    whole = sound(fitted) and bool(np.isfinite(predicted).all())
    sizes = len(train), len(predicted)
    return FoldRecord(*place, *sizes, fitted.chosen, fitted.unconverged, fitted.scaled_rows, before, after, whole)


def loss(y: Array, p: Array, binary: bool) -> float:
    """Log loss of risks, or mean squared error."""
    if not binary:
        return float(np.mean((y - p) ** 2))
    kept = np.clip(p, 1e-12, 1 - 1e-12)
    return float(-np.mean(y * np.log(kept) + (1 - y) * np.log(1 - kept)))


def _deviations(protocol: Protocol, records: list[FoldRecord], folds: int) -> tuple[tuple[str, str], ...]:
    found = []
    planned = protocol.validation.outer_folds
    if folds < planned:
        found.append((f"{folds} outer folds instead of {planned}", "the rarer class has too few patients for more"))
    for plan in protocol.models:
        count = sum(record.unconverged for record in records if record.model == plan.name)
        if count:
            found.append(
                (f"{plan.title} did not converge in {count} fits", "the step limit was reached; kept as it is")
            )
    return tuple(found)
