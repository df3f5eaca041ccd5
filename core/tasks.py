"""What jobs ask people: a run that stopped at a human gate goes on, or ends, by a named person's decision."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import ROLE_PERMISSIONS, Permission
from core.errors import Conflict, Denied, InputError
from core.identity import Proof
from core.jobs.queue import resume
from core.lookup import find
from core.platform import Work
from core.registry import clean_text
from core.tables import Job, Task

DECISIONS = ("approve", "reject")


def open_tasks(session: Session) -> list[Task]:
    """Return the questions that nobody has decided, oldest first."""
    return list(session.scalars(sa.select(Task).where(Task.decision.is_(None)).order_by(Task.asked_at, Task.id)))


def tasks_of(session: Session, job: str) -> list[Task]:
    """Return every question of a job, oldest first."""
    return list(session.scalars(sa.select(Task).where(Task.job_id == job).order_by(Task.asked_at, Task.id)))


def decide(work: Work, proof: Proof, task: str, decision: str, reason: str) -> Task:
    """Decide a job's question, the password just given; the job goes back to the queue and its runner is told.

    Whoever submitted the job cannot decide for it. A rejection needs a reason; the runner then ends the job with it.
    """
    work.require(Permission.TASK_DECIDE)
    proof.require_fresh(work.at)
    if proof.actor.id != work.actor.id:
        raise Denied("the password belongs to somebody else", "decide with your own")
    if decision not in DECISIONS:
        raise InputError(f"'{decision[:40]}' is no decision", f"use {' or '.join(DECISIONS)}")
    if decision == "reject" and not reason.strip():
        raise InputError("a rejection needs a reason", "say what must change")
    row = find(work.session, Task, task)
    job = work.session.get_one(Job, row.job_id)
    # The job first, as everybody who changes both does.
    work.session.refresh(job, with_for_update=True)
    work.session.refresh(row, with_for_update=True)
    if row.decision is not None or job.status != "waiting":
        raise Conflict(f"the task {row.id} is closed ({row.decision or job.status})", "see 'greenlight task list'")
    if work.actor.id == job.submitted_by:
        raise Denied("whoever submitted a job cannot decide for it", "ask another clinical lead")
    row.decision, row.reason = decision, clean_text(reason, "reason") if reason.strip() else ""
    row.decided_by, row.decided_by_name, row.decided_at = work.actor.id, work.actor.name, work.at
    row.role = next(role for role in work.actor.roles if Permission.TASK_DECIDE in ROLE_PERMISSIONS[role])
    row.authenticated_at = proof.at
    resume(job)
    work.record("task.decided", row.id, row, job=job.id, gate=row.gate, decision=decision)
    return row
