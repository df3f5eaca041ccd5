"""The results that can stand side by side: one job per asset and version, one version of each evaluator."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.tables import Asset, EvaluationRecord, Job, MeasurementRecord, ModelVersion, Output
from evaluators.base import Direction, Measure
from evaluators.comparison import Panel, Reading

SETTINGS = ("working_size", "flow", "ssim_window", "band")
"""Evaluation parameters that change a figure; candidates on one asset must share them."""
SUMMARY = "summary"


@dataclass(frozen=True)
class Found:
    """What one evaluator stored for an output. A summary's version names those of the evaluators it sums up."""

    id: str
    evaluator: str
    version: str
    settings: str
    created_at: datetime
    sha256: str


@dataclass(frozen=True)
class Result:
    """The job of a model version on an asset that counts, with its evaluations."""

    job: Job
    asset: Asset
    evaluations: tuple[Found, ...]

    def by(self, evaluator: str, version: str) -> Found | None:
        """Return the evaluation of that evaluator and version, if there is one."""
        return next((one for one in self.evaluations if (one.evaluator, one.version) == (evaluator, version)), None)

    def versions(self, evaluator: str) -> list[str]:
        """The versions of an evaluator that measured this result, oldest first."""
        return [one.version for one in self.evaluations if one.evaluator == evaluator]


Results = Mapping[str, Mapping[str, Result]]
"""Results by candidate label and then by the asset's digest."""


def results_of(
    session: Session, version: ModelVersion, project: str | None, digests: set[str] | None
) -> dict[str, Result]:
    """Return the newest succeeded and measured job of a version on each asset, by the asset's digest."""
    measured = sa.exists().where(EvaluationRecord.output_id == Output.id)
    query = (
        sa.select(Job, Asset, Output)
        .join(Asset, Asset.id == Job.asset_id)
        .join(Output, sa.and_(Output.job_id == Job.id, Output.role == "video"))
        .where(Job.version_id == version.id, Job.status == "succeeded", measured)
        .order_by(Job.finished_at, Job.id)
    )
    if project is not None:
        query = query.where(Job.project_id == project)
    newest = {asset.digest: (job, asset, output) for job, asset, output in session.execute(query)}
    return {
        key: Result(job, asset, tuple(_evaluations(session, output)))
        for key, (job, asset, output) in newest.items()
        if digests is None or key in digests
    }


def _evaluations(session: Session, output: Output) -> Iterator[Found]:
    query = sa.select(EvaluationRecord).where(EvaluationRecord.output_id == output.id)
    parts: dict[str, str] = {}
    rows = session.scalars(query.order_by(EvaluationRecord.created_at)).all()
    for row in sorted(rows, key=lambda one: (one.created_at, one.evaluator == SUMMARY, one.evaluator)):
        version = row.version
        if row.evaluator == SUMMARY:
            version += f" of {', '.join(f'{name} {parts[name]}' for name in sorted(parts))}" if parts else ""
        else:
            parts[row.evaluator] = version
        settings = {name: row.parameters[name] for name in SETTINGS if name in row.parameters}
        yield Found(row.id, row.evaluator, version, json.dumps(settings, sort_keys=True), row.created_at, row.sha256)


def common_versions(results: Results) -> dict[str, str]:
    """Choose one version of each evaluator: the one that most assets share, then the most used, then the newest."""
    ranks: dict[tuple[str, str], list[tuple[str, datetime]]] = defaultdict(list)
    for found in results.values():
        for key, result in found.items():
            for one in result.evaluations:
                ranks[one.evaluator, one.version].append((key, one.created_at))

    def rank(version: tuple[str, str]) -> tuple[int, int, datetime]:
        uses = ranks[version]
        shared = [key for key, count in Counter(key for key, _ in uses).items() if count == len(results)]
        return len(shared), len(uses), max(moment for _, moment in uses)

    chosen: dict[str, str] = {}
    for evaluator, version in sorted(ranks, key=rank):
        chosen[evaluator] = version
    return dict(sorted(chosen.items(), key=lambda item: (item[0] != SUMMARY, item[0])))


def panels(session: Session, store: ArtifactStore, results: Results, evaluator: str, version: str) -> list[Panel]:
    """Return the readings of each measure of one evaluator version; what cannot stand side by side has a reason."""
    used = {
        (label, key): one
        for label, found in results.items()
        for key, result in found.items()
        if (one := result.by(evaluator, version))
    }
    values = _values(session, [one.id for one in used.values()])
    gaps = _gaps(results, used, evaluator, version)
    return [
        Panel(
            measure,
            {label: _column(label, found, measure.name, used, values, gaps) for label, found in results.items()},
        )
        for measure in _measures(store, used.values())
    ]


Place = tuple[str, str]
"""A candidate's label and an asset's digest."""


def _column(
    label: str,
    found: Mapping[str, Result],
    measure: str,
    used: Mapping[Place, Found],
    values: Mapping[tuple[str, str], Reading],
    gaps: Mapping[Place, str],
) -> dict[str, Reading]:
    absent = Reading(None, "the stored evaluation does not hold this measure")
    return {
        key: Reading(None, gaps[label, key])
        if (label, key) in gaps
        else values.get((used[label, key].id, measure), absent)
        for key in found
    }


def _gaps(results: Results, used: Mapping[Place, Found], evaluator: str, version: str) -> dict[Place, str]:
    """Why a result cannot be used at all: another evaluator version, or other settings on the same asset."""
    gaps = {}
    for label, found in results.items():
        for key, result in found.items():
            if (label, key) not in used:
                gaps[label, key] = _other_version(result.versions(evaluator), evaluator, version)
    for key in {key for _, key in used}:
        here = {label: one for (label, asset), one in used.items() if asset == key}
        usual = Counter(one.settings for one in here.values()).most_common(1)[0][0]
        for label, one in here.items():
            if one.settings != usual:
                gaps[label, key] = f"measured with the settings {one.settings}, the others with {usual}"
    return gaps


def _other_version(versions: Sequence[str], evaluator: str, version: str) -> str:
    if not versions:
        return f"not measured by {evaluator}"
    return (
        f"measured by {evaluator} {versions[-1]}, the comparison uses {evaluator} {version}; measure it with that one"
    )


def _values(session: Session, evaluations: Sequence[str]) -> dict[tuple[str, str], Reading]:
    query = sa.select(MeasurementRecord).where(MeasurementRecord.evaluation_id.in_(evaluations))
    return {(row.evaluation_id, row.name): Reading(row.value, row.reason) for row in session.scalars(query)}


def _measures(store: ArtifactStore, evaluations: Iterable[Found]) -> list[Measure]:
    """The measures of an evaluator version, as one of its stored evaluations describes them (verified)."""
    for one in sorted(evaluations, key=lambda found: found.created_at, reverse=True):
        content = json.loads(store.read(one.sha256))
        for evaluation in (content[SUMMARY], *content["evaluations"]):
            if evaluation["evaluator"] == one.evaluator:
                return [_measure(measurement["measure"]) for measurement in evaluation["measurements"]]
    return []


def _measure(described: Mapping[str, Any]) -> Measure:
    names = {field.name for field in fields(Measure)}
    known = {name: value for name, value in described.items() if name in names}
    return Measure(**{**known, "direction": Direction(described["direction"])})
