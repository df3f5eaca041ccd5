"""Who is analysed, in numbers: the flow, the outcome, the predictors, what is missing."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from core.runners.scientist.protocol.cohort import Cohort
from core.runners.scientist.protocol.metrics import Array
from core.runners.scientist.protocol.schema import Protocol

Record = dict[str, object]


def flow(cohort: Cohort) -> Record:
    """CONSORT-style counts of rows: assessed, left out by reason, analysed."""
    return {
        "assessed": cohort.assessed,
        "excluded": [asdict(step) for step in cohort.excluded],
        "analysed": cohort.n,
        "patients": cohort.patients,
    }


def outcome(protocol: Protocol, cohort: Cohort) -> Record:
    """The outcome's frequency or distribution, and how much there is of it per candidate column."""
    y = cohort.y
    if not protocol.binary:
        return {
            **_spread(y),
            "mean": float(y.mean()),
            "sd": float(y.std(ddof=1)),
            "rows_per_column": cohort.n / _k(cohort),
        }
    events = int(y.sum())
    rarer = min(events, cohort.n - events)
    return {
        "events": events,
        "others": cohort.n - events,
        "share": events / cohort.n,
        "rarer": rarer,
        "rarer_per_column": rarer / _k(cohort),
    }


def _k(cohort: Cohort) -> int:
    return len(cohort.names)


def participants(protocol: Protocol, cohort: Cohort) -> list[Record]:
    """Each predictor over everybody and, for a binary outcome, by outcome; categories as counts."""
    groups = {"all": np.ones(cohort.n, dtype=bool)}
    if protocol.binary:
        groups |= {"event": cohort.y == 1, "other": cohort.y == 0}
    return [_participant(cohort, name, groups) for name in protocol.predictors]


def _participant(cohort: Cohort, name: str, groups: dict[str, np.ndarray]) -> Record:
    table = cohort.table
    card, values, missing = table.cards[name], table.values[name], table.missing(name)
    found: Record = {"name": name, "unit": card.unit, "title": card.title, "missing": int(missing.sum())}
    if table.numeric(name):
        numbers = values.astype(np.float64)
        return found | {"groups": {key: _spread(numbers[rows & ~missing]) for key, rows in groups.items()}}
    levels = [
        {"level": level, **{key: _counted(values, level, rows & ~missing) for key, rows in groups.items()}}
        for level in card.levels
    ]
    return found | {"levels": levels}


def _spread(x: Array) -> Record:
    """Quartiles and range; all None where there is no value."""
    names = ("minimum", "q1", "median", "q3", "maximum")
    if not len(x):
        return dict.fromkeys(names)
    return dict(zip(names, (float(v) for v in np.quantile(x, [0, 0.25, 0.5, 0.75, 1])), strict=True))


def _counted(values: np.ndarray, level: str, rows: np.ndarray) -> Record:
    count, of = int((values[rows] == level).sum()), int(rows.sum())
    return {"count": count, "of": of, "share": count / of if of else None}


def missing(cohort: Cohort, protocol: Protocol) -> Record:
    """How much of the predictors is missing among who is analysed."""
    gaps = np.column_stack([cohort.table.missing(name) for name in protocol.predictors])
    return {
        "values": int(gaps.sum()),
        "rows": int(gaps.any(axis=1).sum()),
        "predictors": int(gaps.any(axis=0).sum()),
    }
