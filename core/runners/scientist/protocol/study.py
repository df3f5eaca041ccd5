"""A protocol carried out on its data: the recorded results, everything that a manuscript may state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.runners.scientist.protocol.analysis import Predictions, outer_folds, run, seeds
from core.runners.scientist.protocol.cohort import Cohort, select
from core.runners.scientist.protocol.data import Table, load
from core.runners.scientist.protocol.describing import flow, missing, outcome, participants
from core.runners.scientist.protocol.folds import largest_count
from core.runners.scientist.protocol.intervals import BOOTSTRAP
from core.runners.scientist.protocol.leakage import Check, before_fitting, preparation
from core.runners.scientist.protocol.metrics import CLIP
from core.runners.scientist.protocol.performance import Assessment, fold_records, success
from core.runners.scientist.protocol.schema import Protocol, ReadProtocol

SCHEMA = "greenlight.study-results/1"
MOST_NAMED = 5
Tell = Callable[[float, str], None]
"""Told the share done in [0, 1] and what comes next; it may raise to stop."""
Record = dict[str, object]


@dataclass(frozen=True)
class Study:
    """A study that was carried out, or that its stopping rule ended before any model was fitted."""

    plan: ReadProtocol
    cohort: Cohort
    leakage: tuple[Check, ...]
    deviations: tuple[tuple[str, str], ...]
    predictions: Predictions | None
    stopped: str | None
    results: Record
    """Plain JSON; the same protocol, data and library versions give the same."""

    @property
    def success(self) -> dict[str, bool | None]:
        """The criteria of a run that went as it should; None where a question does not arise."""
        if self.predictions is None:
            unknown: dict[str, bool | None] = dict.fromkeys(("loss_falls", "no_gradient_explosion", "valid_weights"))
            return {"no_error": True, **unknown, "quantitative_results": False}
        return success(self.predictions, self.plan.protocol)


def carry_out(plan: ReadProtocol, data: Path | None, tell: Tell = lambda _done, _what: None) -> Study:
    """Load the data, check them, fit and predict, and assess; `InputError` for data that do not fit the protocol."""
    protocol = plan.protocol
    tell(0.02, "loading the data")
    table = load(protocol.card, data)
    cohort = select(protocol, table)
    stopped = _too_few(protocol, cohort)
    checks: tuple[Check, ...] = ()
    if stopped is None:
        tell(0.05, "checking for leakage")
        checks = before_fitting(protocol, cohort, outer_folds(protocol, cohort))
        stopped = _leaking(protocol, checks)
    predictions = None
    if stopped is None:
        predictions = run(protocol, cohort, lambda done, total, what: tell(0.05 + 0.75 * done / total, what))
        checks = (*checks, preparation(predictions.records))
    return _study(plan, table, cohort, checks, predictions, stopped, tell)


def _study(
    plan: ReadProtocol,
    table: Table,
    cohort: Cohort,
    checks: tuple[Check, ...],
    predictions: Predictions | None,
    stopped: str | None,
    tell: Tell,
) -> Study:
    deviations = (*_deviations(table, stopped), *(predictions.deviations if predictions else ()))
    results = _described(plan, table, cohort, checks) | {
        "deviations": [{"what": what, "why": why} for what, why in deviations],
        "stopped": stopped,
    }
    if predictions is not None:
        tell(0.82, "computing performance and intervals")
        results |= Assessment(plan.protocol, cohort, predictions, seeds(plan.protocol, 4)).results()
        results["fits"] = fold_records(predictions)
    return Study(plan, cohort, checks, deviations, predictions, stopped, results)


def _described(plan: ReadProtocol, table: Table, cohort: Cohort, checks: tuple[Check, ...]) -> Record:
    protocol, card = plan.protocol, plan.protocol.card
    passed = [check.status for check in checks]
    return {
        "schema": SCHEMA,
        "protocol": {"id": protocol.id, "sha256": plan.sha256, "mode": protocol.mode},
        "data": {
            "name": card.name,
            "source": card.source,
            "sha256": table.sha256,
            "rows": table.rows,
            "columns": len(table.cards),
            "ignored_columns": list(table.ignored),
        },
        "settings": _settings(protocol, cohort),
        "flow": flow(cohort),
        "outcome": outcome(protocol, cohort),
        "predictors": {"declared": len(protocol.predictors), "columns": len(cohort.names)},
        "missing": missing(cohort, protocol),
        "participants": participants(protocol, cohort),
        "leakage": [check.to_json() for check in checks],
        "leakage_counts": {status: passed.count(status) for status in ("pass", "fail", "not_checked")},
    }


def _settings(protocol: Protocol, cohort: Cohort) -> Record:
    """What was used, defaults written out."""
    validation, statistics, stopping = protocol.validation, protocol.statistics, protocol.stopping
    return {
        "outer_folds": largest_count(cohort.y, cohort.patient, protocol.binary, validation.outer_folds),
        "inner_folds": validation.inner_folds,
        "repetitions": validation.repeats,
        "seed": validation.seed,
        "level": statistics.level,
        "replicates": statistics.replicates,
        "interval": BOOTSTRAP,
        "primary": statistics.primary,
        "threshold": statistics.threshold,
        "decision_thresholds": list(statistics.decision_thresholds),
        "smallest_subgroup": statistics.smallest_subgroup,
        "logit_clip": CLIP,
        "models": len(protocol.models),
        "fewest_patients": stopping.fewest_patients,
        "fewest_events": stopping.fewest_events if protocol.binary else None,
        "on_leakage": stopping.on_leakage,
    }


def _too_few(protocol: Protocol, cohort: Cohort) -> str | None:
    """Why the stopping rule ends the study before the data are looked at more closely."""
    rule = protocol.stopping
    if cohort.patients < rule.fewest_patients:
        return (
            f"{cohort.patients} patients are eligible, fewer than the {rule.fewest_patients} that the protocol demands"
        )
    if protocol.binary:
        rarer = int(min(cohort.y.sum(), cohort.n - cohort.y.sum()))
        if rarer < rule.fewest_events:
            return f"the rarer class has {rarer} rows, fewer than the {rule.fewest_events} that the protocol demands"
    elif len(set(cohort.y.tolist())) < 2:
        return "the outcome is the same for everybody"
    return None


def _leaking(protocol: Protocol, checks: tuple[Check, ...]) -> str | None:
    failed = [check.check.replace("_", " ") for check in checks if check.status == "fail"]
    if failed and protocol.stopping.on_leakage == "stop":
        return f"a check for leakage failed ({', '.join(failed)}) and the protocol ends the study then"
    return None


def _deviations(table: Table, stopped: str | None) -> tuple[tuple[str, str], ...]:
    found = []
    if table.ignored:
        found.append(
            (
                f"these columns of the file were not used: {', '.join(table.ignored[:MOST_NAMED])}",
                "the dataset card does not describe them",
            )
        )
    if stopped:
        found.append(("no model was fitted", stopped))
    return tuple(found)
