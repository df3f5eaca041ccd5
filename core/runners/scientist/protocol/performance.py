"""From out-of-fold predictions to what is reported. The first repetition is analysed; the others show how much the
primary measure depends on the division into folds."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import numpy as np

from core.runners.scientist.protocol import metrics
from core.runners.scientist.protocol.analysis import BASELINE, Predictions
from core.runners.scientist.protocol.cohort import Cohort
from core.runners.scientist.protocol.data import Indices, meets
from core.runners.scientist.protocol.intervals import Bootstrap, absent, wilson
from core.runners.scientist.protocol.measures import measures, operating_point
from core.runners.scientist.protocol.metrics import Array
from core.runners.scientist.protocol.models import coefficients
from core.runners.scientist.protocol.schema import ModelPlan, Protocol, Rule

GROUPS = 10
"""Groups of the calibration curve, by rising prediction."""
Record = dict[str, object]


class Assessment:
    """One study's predictions with the replicates that all its intervals share."""

    def __init__(self, protocol: Protocol, cohort: Cohort, predictions: Predictions, seed: int) -> None:
        self.protocol, self.cohort, self.predictions = protocol, cohort, predictions
        self.statistics = protocol.statistics
        self.bootstrap = Bootstrap(cohort.patient, self.statistics.replicates, self.statistics.level, seed)
        self.measures = measures(protocol.binary)
        self.primary = self.measures[self.statistics.primary]

    def results(self) -> Record:
        """Performance by model, the baseline, paired comparisons with the primary model, and the subgroups."""
        plans = self.protocol.models
        return {
            "models": {plan.name: self._model(plan) for plan in plans},
            "baseline": self._baseline(),
            "comparisons": [self._comparison(plan) for plan in plans[1:]],
            "subgroups": [self._subgroup(rule) for rule in self.protocol.subgroups],
        }

    def first(self, name: str) -> Array:
        """A model's predictions in the repetition that is analysed; shape (n,)."""
        return np.asarray(self.predictions.values[name][0])

    def _model(self, plan: ModelPlan) -> Record:
        y, p = self.cohort.y, self.first(plan.name)
        found: Record = {
            "title": plan.title,
            "kind": plan.kind,
            "performance": {
                name: self.bootstrap.estimate(measure.metric, y, p).to_json() for name, measure in self.measures.items()
            },
            "by_repetition": self._by_repetition(plan.name),
            "calibration_curve": self._calibration_curve(p),
            "chosen_settings": self._chosen(plan.name),
            "specification": self._specification(plan.name),
        }
        if self.protocol.binary:
            found["operating_point"] = self._operating_point(y, p)
            found["decision_curve"] = [
                {"threshold": t, **self.bootstrap.estimate(metrics.net_benefit(t), y, p).to_json()}
                for t in self.statistics.decision_thresholds
            ]
        return found

    def _by_repetition(self, name: str) -> Record:
        equal = np.ones((1, self.cohort.n))
        values = [float(self.primary.metric(self.cohort.y, p, equal)[0]) for p in self.predictions.values[name]]
        return {"values": values, "lowest": min(values), "highest": max(values)}

    def _operating_point(self, y: Array, p: Array) -> Record:
        threshold = self.statistics.threshold
        assert threshold is not None  # noqa: S101 - the protocol demands it of a binary outcome
        flagged, event = p >= threshold, y == 1
        counts = {
            "true_positives": int((flagged & event).sum()),
            "false_positives": int((flagged & ~event).sum()),
            "false_negatives": int((~flagged & event).sum()),
            "true_negatives": int((~flagged & ~event).sum()),
        }
        tp, fp, fn, tn = counts.values()
        pairs = {
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "positive_predictive_value": (tp, tp + fp),
            "negative_predictive_value": (tn, tn + fn),
        }
        level = self.statistics.level
        shares = {name: wilson(*pair, level).to_json() for name, pair in pairs.items()}
        if self.cohort.clustered:
            # Wilson's interval takes rows as independent, which several rows of a patient are not.
            metric = operating_point(threshold)
            shares = {name: self.bootstrap.estimate(metric[name], y, p).to_json() for name in pairs}
        return {"threshold": threshold, **counts, **shares}

    def _calibration_curve(self, p: Array) -> list[Record]:
        """Groups of about equal size by prediction: mean predicted and observed outcome."""
        order = np.argsort(p, kind="stable")
        groups = np.array_split(order, min(GROUPS, max(2, self.cohort.n // 10)))
        return [self._group(rows, p) for rows in groups]

    def _group(self, rows: Indices, p: Array) -> Record:
        y = self.cohort.y[rows]
        if self.protocol.binary and not self.cohort.clustered:
            observed = wilson(int(y.sum()), len(y), self.statistics.level)
        else:
            observed = self.bootstrap.of(rows).estimate(lambda y, _p, w: metrics.mean(y, w), y, p[rows])
        return {"predicted": float(p[rows].mean()), "observed": observed.to_json()}

    def _chosen(self, name: str) -> list[Record]:
        """How often the inner folds chose each combination of settings, most often first."""
        chosen = [tuple(record.chosen.items()) for record in self.predictions.records if record.model == name]
        return [{"settings": dict(settings), "folds": count} for settings, count in Counter(chosen).most_common()]

    def _specification(self, name: str) -> Record:
        """The model fitted on everybody; as a formula where it is linear."""
        fitted = self.predictions.final[name]
        linear = coefficients(fitted)
        found: Record = {"settings": fitted.chosen}
        if linear is not None:
            found["intercept"] = linear[0]
            found["coefficients"] = [
                {"column": column, "value": value} for column, value in zip(self.cohort.names, linear[1], strict=True)
            ]
        return found

    def _baseline(self) -> Record:
        y, p = self.cohort.y, self.first(BASELINE)
        kept = {name: measure for name, measure in self.measures.items() if measure.baseline}
        found: Record = {
            "performance": {
                name: self.bootstrap.estimate(measure.metric, y, p).to_json() for name, measure in kept.items()
            }
        }
        if self.protocol.binary:
            everyone = np.ones_like(y)
            found["treat_all"] = [
                {"threshold": t, **self.bootstrap.estimate(metrics.net_benefit(t), y, everyone).to_json()}
                for t in self.statistics.decision_thresholds
            ]
        return found

    def _comparison(self, plan: ModelPlan) -> Record:
        first = self.protocol.models[0]
        difference = self.bootstrap.difference(
            self.primary.metric, self.cohort.y, self.first(plan.name), self.first(first.name)
        )
        return {"model": plan.name, "against": first.name, "measure": self.statistics.primary, **difference.to_json()}

    def _subgroup(self, rule: Rule) -> Record:
        """The primary model in a subgroup, with the mean of what was observed and predicted."""
        rows = np.flatnonzero(meets(self.cohort.table, rule.where))
        y, p = self.cohort.y[rows], self.first(self.protocol.models[0].name)[rows]
        found: Record = {"name": rule.name, "rows": len(rows), "model": self.protocol.models[0].name}
        if self.protocol.binary:
            found["events"] = int(y.sum())
        if reason := self._too_small(y):
            nothing = absent(reason, self.statistics.level, len(rows)).to_json()
            return found | {"performance": dict.fromkeys(self.measures, nothing)}
        part = self.bootstrap.of(rows)
        return found | {
            "performance": {name: part.estimate(one.metric, y, p).to_json() for name, one in self.measures.items()},
            "observed": float(y.mean()),
            "predicted": float(p.mean()),
        }

    def _too_small(self, y: Array) -> str | None:
        least = self.statistics.smallest_subgroup
        if len(y) < least:
            return f"fewer than {least} rows"
        if self.protocol.binary and len(np.unique(y)) < 2:
            return "one class only"
        return None


def success(predictions: Predictions, protocol: Protocol) -> dict[str, bool | None]:
    """Whether the run went as a run should; None where a question does not arise."""
    from core.runners.scientist.protocol.models import GRADIENT

    by_gradient = {plan.name for plan in protocol.models if plan.kind in GRADIENT}
    records = predictions.records
    watched = [record for record in records if record.model in by_gradient]
    return {
        "no_error": True,
        "loss_falls": all(record.loss_after < record.loss_before for record in records),
        "no_gradient_explosion": all(r.sound and not r.unconverged for r in watched) if watched else None,
        "valid_weights": all(record.sound for record in records),
        "quantitative_results": True,
    }


def fold_records(predictions: Predictions) -> list[Record]:
    """Every fit as plain JSON."""
    return [asdict(record) for record in predictions.records]
