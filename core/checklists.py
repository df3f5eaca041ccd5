"""A manuscript's reporting checklists: what rules found when it was measured, with people's answers laid over it.

The evaluation stays as it was measured; what people said since is in the reviews on a guideline's form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.tables import EvaluationRecord, Output, Review

if TYPE_CHECKING:
    from evaluators.manuscript.guideline import Checklist
    from evaluators.manuscript.reporting import Given
    from evaluators.manuscript.rubric import Rubric
    from evaluators.manuscript.scoring import Answer

EVALUATOR = "reporting-checklist"
REPORTING = "reporting"
Found = Mapping[str, Any]
Called = Callable[[int, Review], str]
"""How a reviewer is called, by the number of the review among all of a manuscript and the review."""


@dataclass(frozen=True)
class Filled:
    """A checklist as it stands, and people's reviews and adjudications that it rests on, oldest first."""

    checklist: Checklist
    reviews: tuple[Review, ...]


def is_checklist(row: Review) -> bool:
    """Whether a review was given on a reporting guideline's form."""
    return bool(row.scores["rubric"].get("judges") == REPORTING)


def numbered(number: int, row: Review) -> str:
    """Call who reviewed blind by a number, and everybody else by name."""
    return f"Reviewer {number}" if row.blind else row.reviewer_name


def checklists_of(
    session: Session, store: ArtifactStore, output: Output, found: Sequence[Found], called: Called = numbered
) -> tuple[Filled, ...]:
    """Return every checklist of a manuscript: those that were measured (`found`), then those that only people filled.

    Language models' answers change nothing. An item on which people differ waits until somebody settles it.
    """
    from evaluators.manuscript.reporting import kept_checklist, unfilled

    by_form = _by_form(session, output)
    measured = {_key(one["guideline"]): kept_checklist(one) for one in found}
    alone = {
        key: unfilled(form_of(store, rows[-1][1].rubric_sha256)) for key, rows in by_form.items() if key not in measured
    }
    return tuple(_filled(one, by_form.get(key, []), called) for key, one in {**measured, **alone}.items())


def measured_lists(session: Session, store: ArtifactStore, output: Output) -> list[Found]:
    """Return the checklists as they were measured, empty where nobody has measured any."""
    import json

    query = sa.select(EvaluationRecord.sha256).where(
        EvaluationRecord.output_id == output.id, EvaluationRecord.evaluator == EVALUATOR
    )
    newest = session.scalar(query.order_by(EvaluationRecord.created_at.desc(), EvaluationRecord.id).limit(1))
    return list(json.loads(store.read(newest)).get("checklists") or ()) if newest else []


def form_of(store: ArtifactStore, sha256: str) -> Rubric:
    """Return the form that a review was given on, verified."""
    from evaluators.manuscript.datafile import read
    from evaluators.manuscript.rubric import Rubric, RubricFile

    return Rubric(*read(store.read(sha256), "rubric.yaml", RubricFile))


def _key(guideline: Found) -> tuple[str, str]:
    return str(guideline["id"]), str(guideline["version"])


def _by_form(session: Session, output: Output) -> dict[tuple[str, str], list[tuple[int, Review]]]:
    """People's checklists by guideline and version; reviews are counted over all of the manuscript."""
    found: dict[tuple[str, str], list[tuple[int, Review]]] = {}
    query = sa.select(Review).where(Review.output_id == output.id).order_by(Review.submitted_at, Review.id)
    for number, row in enumerate(session.scalars(query), 1):
        if row.kind != "judge" and is_checklist(row):
            found.setdefault((row.rubric_id, row.rubric_version), []).append((number, row))
    return found


def _filled(checklist: Checklist, rows: Sequence[tuple[int, Review]], called: Called) -> Filled:
    from evaluators.manuscript.reporting import Given, heard

    given = [(row.kind, Given(called(number, row), dict(_answers(row)))) for number, row in rows]
    # An adjudication stands until somebody reviews after it: then what people differ on is open anew.
    settled: Given | None = given[-1][1] if given and given[-1][0] == "adjudication" else None
    people = [one for kind, one in given if kind == "person"]
    return Filled(heard(checklist, people, settled), tuple(row for _, row in rows))


def _answers(row: Review) -> Iterator[tuple[str, Answer]]:
    from evaluators.manuscript.scoring import Answer

    for item, given in row.answers.items():
        yield item, Answer(given["value"], given.get("reason") or "", given.get("quote") or "")
