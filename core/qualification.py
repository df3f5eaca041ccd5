"""Keep a study of the measures, so that packs can ask for measures that are known to measure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.access import Permission
from core.canonical import new_id
from core.platform import Work
from core.tables import Qualification

if TYPE_CHECKING:
    from evaluators.qualification.study import Row, StudyResult


def record_study(work: Work, result: StudyResult, *, full: bool) -> list[Qualification]:
    """Store a study and one qualification for each evaluator in it; a quick study is kept but qualifies nothing."""
    from evaluators.qualification.measuring import all_evaluators

    work.require(Permission.EVALUATE)
    artifact = work.keep_json(result.to_json())
    stored = []
    for evaluator in all_evaluators():
        names = {measure.name for measure in evaluator.measures}
        rows = [row for row in result.rows if row.measure in names]
        if rows:
            stored.append(
                work.add(
                    Qualification(
                        id=new_id("qua"),
                        evaluator=evaluator.name,
                        evaluator_version=evaluator.version,
                        study_version=result.version,
                        full=full,
                        measures=sorted({row.measure for row in rows}),
                        figures=list(_figures(rows)),
                        machine=result.machine,
                        study_sha256=artifact.sha256,
                        recorded_by=work.actor.id,
                        recorded_at=work.at,
                    )
                )
            )
    work.record("evaluators.qualified" if full else "evaluators.studied", artifact.sha256, count=len(stored))
    return stored


def _figures(rows: list[Row]) -> Iterator[dict[str, object]]:
    for row in rows:
        yield {
            "measure": row.measure,
            "corruption": row.corruption,
            "tau": row.tau.value,
            "auc": row.auc.value,
            "power": row.power.value,
            "abstained": row.abstained,
        }
