"""Fill the manuscript's page from its evaluation, which was frozen as an artifact, and from the reviews on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.checklists import checklists_of, is_checklist
from core.lookup import find, output_of
from core.reports import document as doc
from core.reports.evaluations import evaluation_of
from core.reports.manuscript import CheckRow, FindingRow, FormRow, ItemRow, ManuscriptPage
from core.reports.manuscript_checklists import checklist_row, found_by_rule, word_scores
from core.reviews.forms import kept_rubric
from core.reviews.giving import reviews_on
from core.tables import Job, Output, Review, ReviewAssignment

if TYPE_CHECKING:
    from evaluators.manuscript.rubric import Rubric
    from evaluators.manuscript.scoring import Answer

SHOWN_FINDINGS, LONGEST_QUOTE = 60, 400
ONE_PERSON = "it takes two people"
NOT_MEASURED = "nobody has measured it"
PROVENANCE = "provenance_share"
Found = Mapping[str, Any]


def manuscript_page(
    session: Session, store: ArtifactStore, job: Job, evaluation: Found | None
) -> ManuscriptPage | None:
    """Return what is known of a job's manuscript, with what people said of it; None for a clip."""
    output = output_of(session, job.id)
    page = _measured(output, evaluation)
    if page is None or output is None:
        return None
    lists = checklists_of(session, store, output, _lists(evaluation))
    return replace(
        page,
        checklists=tuple(checklist_row(one.checklist) for one in lists),
        forms=tuple(_forms(session, store, output)),
        open_reviews=_open(session, output),
    )


def _lists(evaluation: Found | None) -> Sequence[Found]:
    return (evaluation or {}).get("checklists") or ()


def _measured(output: Output | None, evaluation: Found | None) -> ManuscriptPage | None:
    """What rules found, and nothing that anybody said."""
    from evaluators.manuscript.reporting import kept_checklist

    if output is None or output.role != "manuscript":
        return None
    found: Found = evaluation if evaluation and "checks" in evaluation else {}
    paper = found.get("manuscript") or {}
    findings = found.get("findings") or []
    traced = _measurement(found, PROVENANCE)
    return ManuscriptPage(
        title=paper.get("title") or None,
        pages=paper.get("pages"),
        findings=tuple(_finding(one) for one in findings[:SHOWN_FINDINGS]),
        left_out=max(0, len(findings) - SHOWN_FINDINGS),
        checks=tuple(_check(one) for one in found.get("checks") or ()),
        traced_share=traced.get("value"),
        traced_of=int(traced.get("count") or 0),
        traced_reason=traced.get("reason") or (None if traced else NOT_MEASURED),
        checklists=tuple(checklist_row(kept_checklist(one)) for one in found.get("checklists") or ()),
        forms=(),
        open_reviews=0,
        unread=None if paper else str((found.get("notes") or [NOT_MEASURED])[0]),
    )


class AssignedPage(NamedTuple):
    """What somebody who was asked for a review may know: what rules found, and nothing that anybody said.

    `findings` are the page's as data; `hints` are what a rule found for an item of a checklist, by the form's id.
    """

    page: ManuscriptPage
    findings: list[Found]
    hints: Mapping[str, str]


def page_for(session: Session, store: ArtifactStore, assignment: str) -> AssignedPage:
    """Return the page of the manuscript that an assignment is about, as whoever was asked may see it."""
    row = find(session, ReviewAssignment, assignment)
    evaluation = evaluation_of(session, store, session.get_one(Job, row.job_id))
    page = _measured(session.get_one(Output, row.output_id), evaluation)
    assert page is not None  # noqa: S101 - only manuscripts are assigned
    hints = found_by_rule(_lists(evaluation), row.rubric_id, row.rubric_version)
    return AssignedPage(page, list((evaluation or {}).get("findings") or ()), hints)


def findings_of(session: Session, store: ArtifactStore, job: str) -> list[Found]:
    """Return what rules found in the manuscript that a job made, as data; nothing where it was not measured."""
    return list((evaluation_of(session, store, session.get_one(Job, job)) or {}).get("findings") or ())


def review_rows(session: Session, output: Output) -> Iterator[doc.Review]:
    """Yield every review of a manuscript, oldest first; who reviewed blind has a number instead of a name."""
    for number, row in enumerate(session.scalars(reviews_on(output)), 1):
        scores = word_scores(row.answers) if is_checklist(row) else _scores(row)
        yield doc.Review(
            reviewer=f"Reviewer {number}, blind" if row.blind else row.reviewer_name,
            kind={"judge": "language model, no right to approve", "adjudication": "settles a dispute"}.get(
                row.kind, row.role.replace("_", " ")
            ),
            rubric=f"{row.rubric_id} {row.rubric_version}",
            summary=_summary(row),
            at=row.submitted_at,
            scores=tuple(scores),
            sha256=row.rubric_sha256,
        )


def _scores(row: Review) -> list[doc.Score]:
    return [
        doc.Score(item.replace("_", " "), _shown(given["value"]), given.get("reason") or None)
        for item, given in row.answers.items()
    ]


def _summary(row: Review) -> str:
    share, accepts = row.scores["total"]["share"], row.scores["accept"]
    none = "A checklist, which has no total" if is_checklist(row) else "No total"
    words = [f"{share:.0%} of the best score" if share is not None else none]
    words += [] if accepts is None else ["recommends acceptance" if accepts else "recommends rejection"]
    words += [f"statement: {row.statement.rstrip('.')}"] if row.statement else []
    return "; ".join(words) + "."


def _shown(value: object) -> str:
    if value is None:
        return "not answered"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _measurement(found: Found, name: str) -> Found:
    for evaluation in found.get("evaluations") or ():
        for one in evaluation["measurements"]:
            if one["measure"]["name"] == name:
                return dict(one)
    return {}


def _finding(one: Found) -> FindingRow:
    return FindingRow(
        severity=str(one["severity"]),
        rule=str(one["rule"]),
        message=str(one["message"]),
        where=where(one["place"]),
        quote=str(one["quote"])[:LONGEST_QUOTE],
        expected=str(one.get("expected") or ""),
        confidence=float(one["confidence"]),
    )


def where(place: Found) -> str:
    """Where something stands in words: page, else line, and the section."""
    at = f"page {place['page']}" if place.get("page") else f"line {place['line']}" if place.get("line") else ""
    return ", ".join(part for part in (at, str(place.get("section") or "")) if part) or "the paper"


def _check(one: Found) -> CheckRow:
    return CheckRow(
        str(one["rule"]),
        str(one["title"]),
        str(one["status"]),
        str(one["reason"]),
        one["looked_at"],
        len(one["findings"]),
    )


def _open(session: Session, output: Output) -> int:
    query = sa.select(sa.func.count()).where(ReviewAssignment.output_id == output.id, ReviewAssignment.state == "open")
    return session.scalar(query) or 0


def _forms(session: Session, store: ArtifactStore, output: Output) -> Iterator[FormRow]:
    by_form: dict[tuple[str, str], list[Review]] = {}
    for row in session.scalars(reviews_on(output)):
        if is_checklist(row):
            continue  # it stands with its checklist
        by_form.setdefault((row.rubric_id, row.rubric_sha256), []).append(row)
    for (_, sha256), rows in by_form.items():
        yield _form(kept_rubric(store, sha256), rows)


def _form(rubric: Rubric, rows: Sequence[Review]) -> FormRow:
    from evaluators.manuscript.consensus import consensus

    people = [_answers(rubric, row) for row in rows if row.kind == "person"]
    judges = [_answers(rubric, row) for row in rows if row.kind == "judge"]
    said = [row for row in rows if row.kind != "judge"]
    settled = _answers(rubric, said[-1]) if said and said[-1].kind == "adjudication" else {}
    found = consensus(rubric, people, settled)
    agreement = found.agreement
    items = tuple(
        ItemRow(
            title=one.title,
            scale=(one.low, one.high),
            values=one.values,
            mean=one.mean,
            low=one.interval.low if one.interval else None,
            high=one.interval.high if one.interval else None,
            how=f"{one.interval.level:.0%} interval, {one.interval.method}" if one.interval else str(one.reason),
            settled=one.settled,
            judges=tuple(_numbers(one.item, judges)),
        )
        for one in found.items
    )
    return FormRow(
        title=rubric.content.title,
        version=rubric.version,
        people=len(people),
        judges=len(judges),
        items=items,
        agreement=agreement.value,
        agreement_low=agreement.interval.low if agreement.interval else None,
        agreement_high=agreement.interval.high if agreement.interval else None,
        agreement_how=f"{agreement.method} over {agreement.count} items"
        if agreement.value is not None
        else ONE_PERSON
        if len(people) < 2
        else str(agreement.reason),
        disputed=tuple(str(one["title"]) for one in said[-1].disputed) if said else (),
    )


def _answers(rubric: Rubric, row: Review) -> dict[str, Answer]:
    from evaluators.manuscript.scoring import check_answers

    return check_answers(rubric, row.answers, complete=False)


def _numbers(item: str, reviews: Sequence[Mapping[str, Answer]]) -> Iterator[float]:
    for answers in reviews:
        value = answers[item].value if item in answers else None
        if isinstance(value, float) and not isinstance(value, bool):
            yield value
