"""Who cannot review a manuscript: who made it, who is named as its author, who has declared an interest."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Permission
from core.canonical import new_id
from core.errors import Denied
from core.lookup import find
from core.platform import Work
from core.registry import clean_text
from core.tables import Asset, Attestation, Job, ReviewAssignment, ReviewConflict, User

AUTHORSHIP = "human_authorship"


def conflict_of(session: Session, job: Job, user: User) -> str | None:
    """Return why a person cannot review what a job made, as the end of a sentence about them; None if they can."""
    asset = session.get_one(Asset, job.asset_id)
    if user.id == job.submitted_by:
        return "submitted the run that made it"
    if user.id == asset.created_by:
        return "brought the study in"
    query = sa.select(ReviewConflict).where(ReviewConflict.asset_id == asset.id, ReviewConflict.user_id == user.id)
    if session.scalar(query.limit(1)) is not None:
        return "has a declared conflict of interest"
    if any(_names(statement, user.name) for statement in _authorship(session, job, asset)):
        return "is named as an author"
    return None


def declare_conflict(work: Work, job: str, statement: str, person: str | None = None) -> ReviewConflict:
    """Record that a person has an interest in a job's study, oneself or, for who assigns reviews, somebody else.

    Their open assignments to manuscripts of that study end as declined.
    """
    row = find(work.session, Job, job)
    user = work.session.get(User, work.actor.id) if person is None else person_of(work.session, person)
    if user is None:
        raise Denied("only people have conflicts of interest", "sign in as a person")
    work.require(Permission.REVIEW_WRITE if user.id == work.actor.id else Permission.REVIEW_ASSIGN)
    work.session.refresh(row, with_for_update=True)
    conflict = work.add(
        ReviewConflict(
            id=new_id("coi"),
            asset_id=row.asset_id,
            user_id=user.id,
            statement=clean_text(statement, "statement (which interest it is)"),
            declared_by=work.actor.id,
            declared_at=work.at,
        )
    )
    ended = list(work.session.scalars(_open_on(row.asset_id, user.id)))
    for assignment in ended:
        assignment.state, assignment.closed_at = "declined", work.at
        assignment.reason = "a conflict of interest was declared"
    work.record("review.conflict_declared", row.id, *ended, user=user.id)
    return conflict


def person_of(session: Session, key: str) -> User:
    """Return a person by login, id or name."""
    return session.scalar(sa.select(User).where(User.login == key)) or find(session, User, key)


def _open_on(asset: str, user: str) -> sa.Select[ReviewAssignment]:
    return (
        sa.select(ReviewAssignment)
        .join(Job, Job.id == ReviewAssignment.job_id)
        .where(Job.asset_id == asset, ReviewAssignment.reviewer_id == user, ReviewAssignment.state == "open")
    )


def _authorship(session: Session, job: Job, asset: Asset) -> sa.ScalarResult[str]:
    return session.scalars(
        sa.select(Attestation.statement).where(
            Attestation.kind == AUTHORSHIP,
            Attestation.project_id == job.project_id,
            sa.or_(Attestation.asset_id.is_(None), Attestation.asset_id == asset.id),
        )
    )


def _names(statement: str, name: str) -> bool:
    """Whether a statement names a person in full, however it is spaced."""
    words = r"\s+".join(re.escape(word) for word in name.split())
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", statement, re.IGNORECASE) is not None
