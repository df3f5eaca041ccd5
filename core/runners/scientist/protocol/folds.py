"""Folds that keep a patient on one side: dealt like cards, by stratum, the same for a seed on every machine."""

from __future__ import annotations

import numpy as np

from core.runners.scientist.protocol.data import Indices
from core.runners.scientist.protocol.metrics import Array

Split = tuple[Indices, Indices]
"""Row numbers to fit on, and row numbers to predict."""


def largest_count(y: Array, patient: Indices, binary: bool, wanted: int) -> int:
    """How many folds the data allow, at most `wanted`: each holds a patient of each stratum."""
    return min(wanted, int(np.bincount(_strata(y, patient, binary)).min()))


def split(y: Array, patient: Indices, binary: bool, folds: int, seed: int) -> list[Split]:
    """Divide the rows into `folds` folds by patient, with about equal shares of events where `binary`.

    `y` and `patient` have shape (n,). Each row is predicted exactly once.
    """
    _, inverse = np.unique(patient, return_inverse=True)
    strata = _strata(y, patient, binary)
    random = np.random.default_rng(seed)
    of_patient = np.empty(len(strata), dtype=np.intp)
    dealt = 0
    for stratum in range(strata.max() + 1):
        members = random.permutation(np.flatnonzero(strata == stratum))
        # Dealing goes on where the last stratum ended, so that the folds' sizes differ by one patient at most.
        of_patient[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    fold = of_patient[inverse]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _strata(y: Array, patient: Indices, binary: bool) -> Indices:
    """The stratum of each patient: whether one of the rows holds an event; one for all where that divides nobody."""
    _, inverse = np.unique(patient, return_inverse=True)
    events = np.zeros(inverse.max() + 1)
    if binary:
        np.maximum.at(events, inverse, y)
    strata = events.astype(np.intp)
    return strata if min(strata.sum(), len(strata) - strata.sum()) > 1 else np.zeros_like(strata)
