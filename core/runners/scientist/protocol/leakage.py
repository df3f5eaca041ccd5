"""Checks for information that reaches a model although it must not: each passes, fails or says why it was not made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from core.runners.scientist.protocol.analysis import FoldRecord
from core.runners.scientist.protocol.cohort import Cohort
from core.runners.scientist.protocol.folds import Split
from core.runners.scientist.protocol.metrics import Array, roc_auc
from core.runners.scientist.protocol.schema import Protocol

SUSPECT_AUC = 0.995
"""A single predictor that separates the classes this well, in either direction, is looked at."""
SUSPECT_CORRELATION = 0.99
SHOWN = 3
FEWEST_DISTINCT = 10
"""Distinct values that a column needs before its mean and spread say whether it was scaled."""
EXACT = 1e-6


@dataclass(frozen=True)
class Check:
    """One check: what was looked for, how it ended, and the evidence in a sentence."""

    check: Literal["patient_overlap", "duplicates", "target_leakage", "scaling_before_split", "preparation", "time"]
    status: Literal["pass", "fail", "not_checked"]
    detail: str

    def to_json(self) -> dict[str, object]:
        """The check as plain JSON."""
        return asdict(self)


def before_fitting(protocol: Protocol, cohort: Cohort, folds: Sequence[Sequence[Split]]) -> tuple[Check, ...]:
    """The checks that need no model."""
    return (
        patient_overlap(protocol, cohort, folds),
        duplicates(cohort, folds),
        target_leakage(protocol, cohort),
        scaling_before_split(cohort),
        time(protocol),
    )


def time(protocol: Protocol) -> Check:
    """Whether a predictor is known only after the prediction would be used, as far as the card tells."""
    late = set(protocol.card.known_after_use)
    if not late:
        detail = "The dataset card does not say which columns are known only after use, and the data hold no dates."
        return Check("time", "not_checked", detail)
    used = sorted(late & set(protocol.predictors))
    if used:
        return Check("time", "fail", f"Known only after the prediction would be used: {', '.join(used[:SHOWN])}.")
    return Check("time", "pass", "No predictor is among the columns that the dataset card names as known after use.")


def patient_overlap(protocol: Protocol, cohort: Cohort, folds: Sequence[Sequence[Split]]) -> Check:
    """Whether a patient is both fitted on and predicted in some fold."""
    shared: set[int] = set()
    for train, test in (pair for pairs in folds for pair in pairs):
        shared |= set(cohort.patient[train].tolist()) & set(cohort.patient[test].tolist())
    if shared:
        return Check("patient_overlap", "fail", f"{len(shared)} patients are on both sides of a split.")
    column = protocol.card.split_by.column
    basis = f"patients are told apart by the column {column}" if column else "the dataset card states a row per patient"
    return Check("patient_overlap", "pass", f"No patient is on both sides of any split; {basis}.")


def duplicates(cohort: Cohort, folds: Sequence[Sequence[Split]]) -> Check:
    """Whether rows of different patients hold the same predictors on both sides of some split."""
    known = np.nan_to_num(cohort.x, nan=np.finfo(np.float64).min)
    _, group = np.unique(known, axis=0, return_inverse=True)
    group = np.ravel(group)
    crossing: set[int] = set()
    for train, test in (pair for pairs in folds for pair in pairs):
        # Rows of one patient may repeat: they are on one side anyway.
        crossing |= set(group[train].tolist()) & set(group[test].tolist())
    if crossing:
        rows = np.flatnonzero(np.isin(group, list(crossing)))
        shown = ", ".join(str(int(cohort.rows[row]) + 1) for row in rows[: 2 * SHOWN])
        return Check("duplicates", "fail", f"{len(rows)} rows equal another on the other side, such as rows {shown}.")
    return Check("duplicates", "pass", "No row equals another on the other side of any split.")


def target_leakage(protocol: Protocol, cohort: Cohort) -> Check:
    """Whether a single predictor, or that it is missing, all but tells the outcome: a suspicion, with its evidence."""
    strength = _separation if protocol.binary else _correlation
    limit = SUSPECT_AUC if protocol.binary else SUSPECT_CORRELATION
    columns = [(name, cohort.x[:, number]) for number, name in enumerate(cohort.names)]
    columns += [(f"{name} missing", np.isnan(x).astype(float)) for name, x in columns if np.isnan(x).any()]
    found = sorted(((strength(cohort.y, x), name) for name, x in columns), reverse=True)
    word = "area under the curve" if protocol.binary else "rank correlation"
    suspects = [(value, name) for value, name in found if value >= limit]
    if suspects:
        shown = "; ".join(f"{name} ({word} {value:.3f})" for value, name in suspects[:SHOWN])
        return Check("target_leakage", "fail", f"Suspected, as they alone nearly tell the outcome: {shown}.")
    value, name = found[0]
    return Check("target_leakage", "pass", f"The strongest single predictor is {name} ({word} {value:.3f}).")


def _separation(y: Array, x: Array) -> float:
    """AUC of one column in the better direction, in [0.5, 1]; rows without a value are left out."""
    there = ~np.isnan(x)
    if len(np.unique(y[there])) < 2:
        return 0.5
    area = float(roc_auc(y[there], x[there], np.ones((1, int(there.sum()))))[0])
    return max(area, 1 - area)


def _correlation(y: Array, x: Array) -> float:
    """Spearman's correlation of one column with the outcome, its size only."""
    from scipy.stats import rankdata

    there = ~np.isnan(x)
    if len(np.unique(x[there])) < 2 or len(np.unique(y[there])) < 2:
        return 0.0
    return float(abs(np.corrcoef(rankdata(x[there]), rankdata(y[there]))[0, 1]))


def scaling_before_split(cohort: Cohort) -> Check:
    """Whether the data came scaled: mean 0 and spread 1 (or sum of squares 1), or minimum 0 and maximum 1, over all."""
    columns = [(name, cohort.x[:, number]) for number, name in enumerate(cohort.names)]
    columns = [(name, x[~np.isnan(x)]) for name, x in columns]
    columns = [(name, x) for name, x in columns if len(np.unique(x)) >= FEWEST_DISTINCT]
    if not columns:
        return Check("scaling_before_split", "not_checked", "No predictor has enough distinct values to tell.")
    standardised = [name for name, x in columns if _standardised(x)]
    stretched = [name for name, x in columns if (float(x.min()), float(x.max())) == (0.0, 1.0)]
    # One column that spans 0 to 1 may be a share; several are no accident.
    found = standardised + (stretched if len(stretched) > 1 else [])
    if found:
        shown = ", ".join(found[:SHOWN])
        return Check("scaling_before_split", "fail", f"{len(found)} predictors came scaled over all rows: {shown}.")
    return Check("scaling_before_split", "pass", "No predictor was standardised or stretched over all rows beforehand.")


def _standardised(x: Array) -> bool:
    spread = float(x.std())
    if spread == 0 or abs(float(x.mean())) > EXACT * spread:
        return False
    n = len(x)
    return any(abs(spread / unit - 1) < EXACT for unit in (1.0, ((n - 1) / n) ** 0.5, n**-0.5))


def preparation(records: Sequence[FoldRecord]) -> Check:
    """Whether each pipeline's imputation and scaling saw the rows it was fitted on and no others."""
    wrong = [record for record in records if record.scaled_rows != record.fitted_on]
    if not records:
        return Check("preparation", "not_checked", "No model was fitted.")
    if wrong:
        return Check("preparation", "fail", f"In {len(wrong)} fits the scaler saw other rows than the model.")
    return Check("preparation", "pass", f"In all {len(records)} fits the scaler saw the rows that the model saw.")
