"""What of the reviews a person may see: never others' before their own is in, nor names across a blind review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission, Role
from core.errors import Denied
from core.lookup import find
from core.reviews.giving import newest_review, reviews_on
from core.reviews.queue import manuscript_of
from core.tables import Asset, EvaluationRecord, Job, Output, Release, Review, ReviewAssignment


@dataclass(frozen=True)
class Assigned:
    """A review that somebody was asked for. `job` and `asset` are None for a reviewer who must not know whose it is."""

    id: str
    title: str
    rubric: str
    rubric_version: str
    rubric_sha256: str
    reviewer: str
    yours: bool
    state: str
    blind: bool
    due_at: datetime | None
    overdue: bool
    assigned_at: datetime
    reason: str | None
    manuscript_sha256: str
    job: str | None
    asset: str | None


@dataclass(frozen=True)
class Seen:
    """One review as a person may see it; `reviewer` is a number where names are hidden."""

    id: str
    kind: str
    reviewer: str
    role: str
    rubric: str
    rubric_version: str
    rubric_sha256: str
    answers: Mapping[str, Any]
    scores: Mapping[str, Any]
    statement: str
    parameters: Mapping[str, Any]
    submitted_at: datetime


def assignments_for(session: Session, actor: Actor, at: datetime, *, job: str | None = None) -> tuple[Assigned, ...]:
    """Return the actor's own assignments; everybody's to those who assign and to auditors. Open and due ones first."""
    query = sa.select(ReviewAssignment)
    if job is not None:
        query = query.where(ReviewAssignment.job_id == find(session, Job, job).id)
    rows = [row for row in session.scalars(query) if oversees(actor) or row.reviewer_id == actor.id]
    found = [_assigned(session, row, actor, at) for row in rows]
    return tuple(
        sorted(found, key=lambda one: (one.state != "open", one.due_at is None, one.due_at or one.assigned_at))
    )


def assignment_for(session: Session, actor: Actor, at: datetime, assignment: str) -> Assigned:
    """Return one assignment; `Denied` unless it is the actor's own or the actor oversees reviews."""
    row = find(session, ReviewAssignment, assignment)
    if row.reviewer_id != actor.id and not oversees(actor):
        raise Denied("somebody else was asked for this review", "see 'greenlight review list' for yours")
    return _assigned(session, row, actor, at)


def refuse_blind(session: Session, actor: Actor, asset: str) -> None:
    """Raise `Denied` where the actor still owes a blind review of what came of an asset: its record is closed to them.

    Whatever shows who made a study, or what others say of it, asks this first.
    """
    if session.scalar(_closed_assets(actor).where(Job.asset_id == asset).limit(1)) is not None:
        raise Denied(
            "you still owe a blind review of this manuscript, and its record opens to you once it is given",
            "see 'greenlight review list'",
        )


def closed_releases(session: Session, actor: Actor) -> frozenset[str]:
    """Return the releases whose record is closed to the actor, so that a list tells nothing of them but that."""
    query = sa.select(Release.id).join(Job, Job.id == Release.job_id)
    return frozenset(session.scalars(query.where(Job.asset_id.in_(_closed_assets(actor)))))


def _closed_assets(actor: Actor) -> sa.Select[str]:
    return (
        sa.select(Job.asset_id)
        .join(ReviewAssignment, Job.id == ReviewAssignment.job_id)
        .where(
            ReviewAssignment.reviewer_id == actor.id,
            ReviewAssignment.state == "open",
            ReviewAssignment.blind,
        )
    )


def reviews_for(session: Session, actor: Actor, job: str) -> tuple[Seen, ...]:
    """Return the reviews of what a job wrote that the actor may see, oldest first.

    Who still owes a review of it sees only their own; its authors see blind reviews without names.
    """
    row = find(session, Job, job)
    output = manuscript_of(session, row)
    owes = _owes(session, actor, output)
    author = actor.id in (row.submitted_by, session.get_one(Asset, row.asset_id).created_by)
    found = enumerate(session.scalars(reviews_on(output)), 1)
    return tuple(
        _seen(review, number, hidden=author and review.blind)
        for number, review in found
        if not owes or review.reviewer_id == actor.id
    )


def disputes(session: Session, actor: Actor, job: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return by rubric on which items people's reviews differ too much and nobody has decided.

    Empty for somebody who still owes a review.
    """
    row = find(session, Job, job)
    output = manuscript_of(session, row)
    if _owes(session, actor, output):
        return {}
    rubrics = sorted({review.rubric_id for review in session.scalars(reviews_on(output))})
    newest = {rubric: newest_review(session, output, rubric) for rubric in rubrics}
    return {rubric: list(last.disputed) for rubric, last in newest.items() if last is not None and last.disputed}


def oversees(actor: Actor) -> bool:
    """Whether a person sees everybody's reviews with their names: who assigns them, and auditors."""
    return actor.may(Permission.REVIEW_ASSIGN) or Role.AUDITOR in actor.roles


def _owes(session: Session, actor: Actor, output: Output) -> bool:
    query = sa.select(ReviewAssignment.id).where(
        ReviewAssignment.output_id == output.id,
        ReviewAssignment.reviewer_id == actor.id,
        ReviewAssignment.state == "open",
    )
    return session.scalar(query.limit(1)) is not None


def _assigned(session: Session, row: ReviewAssignment, actor: Actor, at: datetime) -> Assigned:
    job = session.get_one(Job, row.job_id)
    asset = session.get_one(Asset, job.asset_id)
    hidden = row.blind and row.reviewer_id == actor.id and row.state == "open"
    return Assigned(
        id=row.id,
        title=str(asset.facts.get("title") or _read_title(session, row.output_id) or "A manuscript"),
        rubric=row.rubric_id,
        rubric_version=row.rubric_version,
        rubric_sha256=row.rubric_sha256,
        reviewer=row.reviewer_name,
        yours=row.reviewer_id == actor.id,
        state=row.state,
        blind=row.blind,
        due_at=row.due_at,
        overdue=row.state == "open" and row.due_at is not None and row.due_at < at,
        assigned_at=row.assigned_at,
        reason=row.reason,
        manuscript_sha256=session.get_one(Output, row.output_id).sha256,
        job=None if hidden else row.job_id,
        asset=None if hidden else asset.name,
    )


def _read_title(session: Session, output: str) -> str | None:
    """The title that the manuscript itself prints, where it was measured."""
    query = sa.select(EvaluationRecord.parameters).where(EvaluationRecord.output_id == output)
    found = [parameters.get("title") for parameters in session.scalars(query.order_by(EvaluationRecord.created_at))]
    return next((title for title in found if isinstance(title, str) and title), None)


def _seen(row: Review, number: int, *, hidden: bool) -> Seen:
    return Seen(
        id=row.id,
        kind=row.kind,
        reviewer=f"Reviewer {number}" if hidden else row.reviewer_name,
        role=row.role,
        rubric=row.rubric_id,
        rubric_version=row.rubric_version,
        rubric_sha256=row.rubric_sha256,
        answers=row.answers,
        scores=row.scores,
        statement=row.statement,
        parameters=row.parameters,
        submitted_at=row.submitted_at,
    )
