"""Give a review: a person's with the password anew, a judge's with its record, and the adjudication of a dispute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import ROLE_PERMISSIONS, Permission, Role
from core.canonical import new_id
from core.errors import Conflict, Denied, InputError
from core.identity import Proof
from core.lookup import find
from core.platform import Work, expect
from core.registry import clean_name, clean_text
from core.reviews.forms import YAML, explained, kept_rubric, parse_rubric
from core.reviews.queue import manuscript_of, own_assignment, refuse_conflict
from core.tables import Job, Output, Review, User

if TYPE_CHECKING:
    from evaluators.manuscript.rubric import Rubric
    from evaluators.manuscript.scoring import Answer

NO_CONFLICT = "I have no conflict of interest with this study."
Given = Mapping[str, object]


def submit_review(work: Work, proof: Proof, assignment: str, answers: Given, *, no_conflict: bool) -> Review:
    """Give the review that one was asked for, the password just given. It cannot be changed afterwards.

    `answers` are by item of the rubric, bare values or `{"value", "reason", "quote"}`; all items are needed.
    `no_conflict` is the reviewer's statement, without which nothing is kept.
    """
    row = own_assignment(work, assignment)
    _require_own(work, proof)
    expect(row.state, ("open",), f"the assignment {row.id}")
    if not no_conflict:
        raise InputError(
            "a review needs your statement that you have no conflict of interest",
            "make it, or declare the conflict with 'greenlight review conflict'",
        )
    job = work.session.get_one(Job, row.job_id)
    refuse_conflict(work.session, job, work.session.get_one(User, work.actor.id))
    rubric = kept_rubric(work.store, row.rubric_sha256)
    checked = _checked(rubric, answers)
    output = work.session.get_one(Output, row.output_id)
    work.store.verify(output.sha256)
    review = _review(work, output, rubric, row.rubric_sha256, checked, "person", row.blind)
    review.assignment_id, review.statement, review.authenticated_at = row.id, NO_CONFLICT, proof.at
    review.role = _role(work, Permission.REVIEW_WRITE)
    review.disputed = _differences(rubric, [*_answers(work.session, output, rubric, ("person",)), checked])
    row.state, row.closed_at = "submitted", work.at
    work.add(review)
    work.record("review.submitted", job.id, row, review=review.id, disputed=len(review.disputed))
    return review


def record_judge_review(
    work: Work, *, job: str, rubric: bytes, model: str, answers: Given, parameters: Mapping[str, object]
) -> Review:
    """Keep a language model's review beside people's; it opens no gate and settles no dispute.

    `rubric` is the form's file. `parameters` say how it was made: prompt version, raw answers' digest, tokens, cost.
    """
    work.require(Permission.EVALUATE)
    row = find(work.session, Job, job)
    output = manuscript_of(work.session, row)
    form = parse_rubric(rubric)
    review = _review(work, output, form, work.keep(rubric, YAML).sha256, _checked(form, answers, False), "judge", False)
    review.reviewer_id = review.reviewer_name = clean_name(model, "model")
    review.role, review.parameters = "judge", dict(parameters)
    work.add(review)
    work.record("review.judged", row.id, review=review.id, model=review.reviewer_name)
    return review


def adjudicate(work: Work, proof: Proof, *, job: str, rubric: str, answers: Given, reason: str) -> Review:
    """Settle what people's reviews on one form dispute, as a clinical lead who did not review it.

    Every disputed item is answered, and only those; what people agree on stays as they said.
    """
    work.require(Permission.REVIEW_ADJUDICATE)
    _require_own(work, proof)
    row = find(work.session, Job, job)
    work.session.refresh(row, with_for_update=True)
    output = manuscript_of(work.session, row)
    newest = newest_review(work.session, output, rubric)
    if newest is None or not newest.disputed:
        raise Conflict(f"nothing is in dispute on the form '{rubric[:60]}'", "see 'greenlight review show'")
    refuse_conflict(work.session, row, work.session.get_one(User, work.actor.id))
    if _has_reviewed(work, output):
        raise Denied("whoever reviewed a manuscript cannot settle its dispute", "ask another clinical lead")
    asked = {str(one["item"]) for one in newest.disputed}
    if set(answers) != asked:
        raise InputError(
            "an adjudication answers the disputed items and no others", f"answer {', '.join(sorted(asked))}"
        )
    form = kept_rubric(work.store, newest.rubric_sha256)
    checked = _checked(form, answers, False)
    if any(answer.value is None for answer in checked.values()):
        raise InputError("a disputed item has no answer", f"answer {', '.join(sorted(asked))}")
    work.store.verify(output.sha256)
    review = _review(work, output, form, newest.rubric_sha256, checked, "adjudication", False)
    review.statement, review.authenticated_at = clean_text(reason, "reason"), proof.at
    review.role = _role(work, Permission.REVIEW_ADJUDICATE)
    work.add(review)
    work.record("review.adjudicated", row.id, review=review.id, items=sorted(asked))
    return review


def newest_review(session: Session, output: Output, rubric: str) -> Review | None:
    """Return the last word of people on a manuscript on one form: the last review or adjudication."""
    found = list(session.scalars(reviews_on(output).where(Review.rubric_id == rubric, Review.kind != "judge")))
    return found[-1] if found else None


def reviews_on(output: Output) -> sa.Select[Review]:
    """Every review of a manuscript, oldest first."""
    return sa.select(Review).where(Review.output_id == output.id).order_by(Review.submitted_at, Review.id)


def _require_own(work: Work, proof: Proof) -> None:
    proof.require_fresh(work.at)
    if proof.actor.id != work.actor.id:
        raise Denied("the password belongs to somebody else", "give your own")


def _checked(rubric: Rubric, answers: Given, complete: bool = True) -> dict[str, Answer]:
    from evaluators.manuscript.scoring import check_answers

    with explained():
        return check_answers(rubric, answers, complete=complete)


def _review(
    work: Work, output: Output, rubric: Rubric, sha256: str, answers: Mapping[str, Answer], kind: str, blind: bool
) -> Review:
    from evaluators.manuscript.scoring import score

    return Review(
        id=new_id("rev"),
        assignment_id=None,
        job_id=output.job_id,
        output_id=output.id,
        output_sha256=output.sha256,
        kind=kind,
        rubric_id=rubric.id,
        rubric_version=rubric.version,
        rubric_sha256=sha256,
        reviewer_id=work.actor.id,
        reviewer_name=work.actor.name,
        role="",
        blind=blind,
        statement="",
        answers={name: answer.to_json() for name, answer in answers.items()},
        scores=score(rubric, answers).to_json(),
        disputed=[],
        parameters={},
        authenticated_at=None,
        submitted_at=_after_the_last(work, output),
    )


def _after_the_last(work: Work, output: Output) -> datetime:
    """This moment; the job is locked, so that the order of moments is the order of reviews."""
    last = work.session.scalar(sa.select(sa.func.max(Review.submitted_at)).where(Review.output_id == output.id))
    return max(work.at, last) if last else work.at


def _answers(session: Session, output: Output, rubric: Rubric, kinds: Sequence[str]) -> list[dict[str, Answer]]:
    from evaluators.manuscript.scoring import check_answers

    rows = session.scalars(reviews_on(output).where(Review.rubric_id == rubric.id, Review.kind.in_(kinds)))
    return [check_answers(rubric, row.answers, complete=False) for row in rows if row.rubric_version == rubric.version]


def _differences(rubric: Rubric, reviews: Sequence[Mapping[str, Answer]]) -> list[dict[str, object]]:
    from evaluators.manuscript.scoring import differences

    return [asdict(one) for one in differences(rubric, reviews)]


def _has_reviewed(work: Work, output: Output) -> bool:
    query = reviews_on(output).where(Review.reviewer_id == work.actor.id, Review.kind == "person")
    return work.session.scalar(query.limit(1)) is not None


def _role(work: Work, permission: Permission) -> str:
    """The role in which the actor speaks: the first, in the product's order, that carries the permission."""
    return next(role for role in Role if role in work.actor.roles and permission in ROLE_PERMISSIONS[role])
