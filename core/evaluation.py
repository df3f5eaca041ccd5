"""Keep what evaluators found in an output: once per output, evaluator and version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from core.canonical import new_id
from core.platform import Work
from core.tables import EvaluationRecord, Job, MeasurementRecord, Output


def record_evaluations(work: Work, job: Job, output: Output, result: Mapping[str, Any]) -> list[EvaluationRecord]:
    """Store an evaluation result (the JSON form of a suite's result) of a job's output.

    An evaluation that is stored already, by the same evaluator version, is left as it is: results stand once.
    """
    artifact = work.keep_json(result)
    stored = []
    summary = [result["summary"]] if "summary" in result else []
    for evaluation in (*result["evaluations"], *summary):
        if not _known(work, output, evaluation):
            stored.append(_store(work, job, output, evaluation, list(result["notes"]), artifact.sha256))
    if stored:
        work.record("output.evaluated", output.id, job=job.id, sha256=artifact.sha256)
    return stored


def _known(work: Work, output: Output, evaluation: Mapping[str, Any]) -> bool:
    query = sa.select(EvaluationRecord.id).where(
        EvaluationRecord.output_id == output.id,
        EvaluationRecord.evaluator == evaluation["evaluator"],
        EvaluationRecord.version == evaluation["version"],
    )
    return work.session.scalar(query) is not None


def _store(
    work: Work, job: Job, output: Output, evaluation: Mapping[str, Any], notes: list[str], sha256: str
) -> EvaluationRecord:
    row = work.add(
        EvaluationRecord(
            id=new_id("evl"),
            job_id=job.id,
            output_id=output.id,
            evaluator=evaluation["evaluator"],
            version=evaluation["version"],
            parameters=dict(evaluation["parameters"]),
            notes=[*notes, *evaluation["notes"]],
            sha256=sha256,
            created_at=work.at,
        )
    )
    for measurement in evaluation["measurements"]:
        work.add(_measurement(row.id, measurement))
    return row


def _measurement(evaluation_id: str, found: Mapping[str, Any]) -> MeasurementRecord:
    measure, interval = found["measure"], found["interval"] or {}
    return MeasurementRecord(
        evaluation_id=evaluation_id,
        name=measure["name"],
        value=found["value"],
        reason=found["reason"],
        low=interval.get("low"),
        high=interval.get("high"),
        level=interval.get("level"),
        unit=measure["unit"],
        direction=measure["direction"],
        count=found["count"],
        version=measure["version"],
    )
