"""The review queue: who is asked to review which manuscript on which form, until when, and who says no."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import ROLE_PERMISSIONS, Permission, Role
from core.canonical import new_id
from core.errors import Conflict, Denied, InputError
from core.lookup import find, output_of
from core.platform import Work, expect
from core.registry import clean_text
from core.reviews.conflicts import conflict_of, person_of
from core.reviews.forms import YAML, parse_rubric, rubric_file
from core.tables import Job, Output, ReviewAssignment, User


def assign(
    work: Work, *, job: str, reviewer: str, rubric: str, due_at: datetime | None = None, blind: bool = True
) -> ReviewAssignment:
    """Ask a person to review what a job wrote, on the form of a rubric (a name, or the path of a YAML file).

    `Conflict` for somebody who was asked already; `Denied` for somebody who has an interest or no right to review.
    """
    work.require(Permission.REVIEW_ASSIGN)
    row = find(work.session, Job, job)
    work.session.refresh(row, with_for_update=True)
    output = manuscript_of(work.session, row)
    user = person_of(work.session, reviewer)
    if user.disabled_at is not None or not may_review(user):
        raise Denied(f"{user.name} may not review", "give them the role 'reviewer', or choose somebody else")
    refuse_conflict(work.session, row, user)
    if due_at is not None and due_at <= work.at:
        raise InputError("the review would be due in the past", "give a later date")
    data = rubric_file(rubric)
    form = parse_rubric(data, rubric)
    if _asked(work.session, output, user, form.id):
        raise Conflict(f"{user.name} was asked for this review already", "see 'greenlight review list'")
    assignment = work.add(
        ReviewAssignment(
            id=new_id("asg"),
            job_id=row.id,
            output_id=output.id,
            rubric_id=form.id,
            rubric_version=form.version,
            rubric_sha256=work.keep(data, YAML).sha256,
            reviewer_id=user.id,
            reviewer_name=user.name,
            blind=blind,
            assigned_by=work.actor.id,
            assigned_at=work.at,
            due_at=due_at,
            state="open",
            reason=None,
            closed_at=None,
        )
    )
    work.record("review.assigned", row.id, assignment=assignment.id, reviewer=user.id, rubric=form.id)
    return assignment


def candidates(session: Session, job: Job) -> tuple[User, ...]:
    """Return the people who may be asked to review what a job made, by name: with the right and no interest."""
    people = session.scalars(sa.select(User).where(User.disabled_at.is_(None)).order_by(User.name))
    return tuple(user for user in people if may_review(user) and conflict_of(session, job, user) is None)


def decline(work: Work, assignment: str, reason: str) -> ReviewAssignment:
    """Say no to a review that one was asked for, with the reason."""
    row = own_assignment(work, assignment)
    return _close(work, row, "declined", reason)


def withdraw(work: Work, assignment: str, reason: str) -> ReviewAssignment:
    """Take back the request for a review that was not given."""
    work.require(Permission.REVIEW_ASSIGN)
    return _close(work, locked_assignment(work, assignment), "withdrawn", reason)


def own_assignment(work: Work, assignment: str) -> ReviewAssignment:
    """Return the actor's own assignment, its job locked; `Denied` for somebody else's."""
    work.require(Permission.REVIEW_WRITE)
    row = locked_assignment(work, assignment)
    if row.reviewer_id != work.actor.id:
        raise Denied("somebody else was asked for this review", "see 'greenlight review list' for yours")
    return row


def locked_assignment(work: Work, assignment: str) -> ReviewAssignment:
    """Return an assignment; its job first is locked, as everybody who changes both does."""
    row = find(work.session, ReviewAssignment, assignment)
    work.session.refresh(work.session.get_one(Job, row.job_id), with_for_update=True)
    work.session.refresh(row)
    return row


def manuscript_of(session: Session, job: Job) -> Output:
    """Return a job's manuscript; `InputError` where it made none."""
    output = output_of(session, job.id)
    if output is None or output.role != "manuscript":
        raise InputError(f"the job {job.id} made no manuscript", "name the job of a study that did")
    return output


def may_review(user: User) -> bool:
    """Whether one of a person's roles lets them review."""
    return any(Permission.REVIEW_WRITE in ROLE_PERMISSIONS[Role(role)] for role in user.roles)


def refuse_conflict(session: Session, job: Job, user: User) -> None:
    """Raise `Denied` where a person has an interest in what a job made."""
    if why := conflict_of(session, job, user):
        raise Denied(f"{user.name} cannot review this manuscript: {user.name} {why}", "ask somebody else")


def _asked(session: Session, output: Output, user: User, rubric: str) -> bool:
    query = sa.select(ReviewAssignment.id).where(
        ReviewAssignment.output_id == output.id,
        ReviewAssignment.reviewer_id == user.id,
        ReviewAssignment.rubric_id == rubric,
        ReviewAssignment.state.in_(("open", "submitted")),
    )
    return session.scalar(query.limit(1)) is not None


def _close(work: Work, row: ReviewAssignment, state: str, reason: str) -> ReviewAssignment:
    expect(row.state, ("open",), f"the assignment {row.id}")
    row.state, row.reason, row.closed_at = state, clean_text(reason, "reason"), work.at
    work.record(f"review.{state}", row.job_id, row, assignment=row.id)
    return row
