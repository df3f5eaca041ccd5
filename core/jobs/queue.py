"""The queue in the database: claim, heartbeat, finish, fail; at-least-once runs, exactly-once results.

The attempt number is the fencing token. Whoever lost the lease finds that its update touches no row, and what it
made is discarded. *failed* means that the job said so; *lost* that contact was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import WORKER, Permission
from core.canonical import new_id, now
from core.errors import Conflict
from core.lookup import find
from core.platform import Platform, Work
from core.runners.base import RunOutput
from core.tables import Attempt, Job, Output, Task

FINISHED = ("succeeded", "failed", "cancelled", "lost", "refused")
BACKOFF_S = 5.0
UNFINISHED = ("queued", "running", "waiting")
QUESTION_LIMIT = 10_000


@dataclass(frozen=True)
class Claim:
    """A job that this worker runs now, under this attempt number."""

    job_id: str
    attempt: int
    worker: str


@dataclass(frozen=True)
class Beat:
    """What a heartbeat learned: whether the lease is still held, and whether somebody asked to stop."""

    held: bool
    cancel: bool


@dataclass(frozen=True)
class Made:
    """A file that an attempt made, already in the store: role, name, digest and facts."""

    role: str
    name: str
    sha256: str
    facts: Mapping[str, object]


def claim(platform: Platform, worker: str) -> Claim | None:
    """Take the oldest job that waits, after giving up on leases that ran out; None when nothing waits."""
    with platform.work(WORKER) as work:
        work.require(Permission.JOB_WORK)
        for abandoned in _expired(work):
            _lose(work, abandoned, "its worker stopped answering")
        job = work.session.scalar(
            sa.select(Job)
            .where(Job.status == "queued", sa.or_(Job.not_before.is_(None), Job.not_before <= work.at))
            .order_by(Job.submitted_at, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if job is None:
            return None
        job.status, job.worker, job.attempt = "running", worker, job.attempt + 1
        job.progress, job.message = 0.0, "started"
        job.lease_expires_at = work.at + timedelta(seconds=platform.settings.lease_s)
        work.add(
            Attempt(
                job_id=job.id, number=job.attempt, worker=worker, status="running", started_at=work.at, environment={}
            )
        )
        work.record("job.started", job.id, attempt=job.attempt, worker=worker)
        return Claim(job.id, job.attempt, worker)


def recover(platform: Platform, worker: str) -> int:
    """Give up on every running job at once; only for a worker that knows no other is alive. Returns how many."""
    with platform.work(WORKER) as work:
        jobs = list(work.session.scalars(sa.select(Job).where(Job.status == "running").with_for_update()))
        for job in jobs:
            _lose(work, job, f"its worker was gone when {worker} started")
        return len(jobs)


def heartbeat(platform: Platform, held: Claim, progress: float, message: str) -> Beat:
    """Renew the lease and tell how far the work is. Not an audit event: it changes nothing that counts."""
    with platform.database.writing() as session:
        moment = now()
        renewed = _update(
            session,
            _fenced(held).values(
                lease_expires_at=moment + timedelta(seconds=platform.settings.lease_s),
                progress=min(max(progress, 0.0), 1.0),
                message=message[:500],
            ),
        )
        cancel = session.scalar(sa.select(Job.cancel_requested_at).where(Job.id == held.job_id))
        return Beat(renewed, cancel is not None)


def finish(work: Work, held: Claim, made: list[Made], environment: Mapping[str, object]) -> bool:
    """Store an attempt's outputs and end the job as succeeded, in the caller's transaction; False if fenced off."""
    if not _end(work, held, "succeeded", "done", 1.0):
        return False
    for item in made:
        work.add(
            Output(
                id=new_id("out"),
                job_id=held.job_id,
                attempt=held.attempt,
                role=item.role,
                name=item.name,
                sha256=item.sha256,
                facts=dict(item.facts),
                created_at=work.at,
            )
        )
    attempt = _close_attempt(work, held, "succeeded", "", environment)
    work.record("job.succeeded", held.job_id, attempt, outputs={item.role: item.sha256 for item in made})
    return True


def fail(
    platform: Platform, held: Claim, reason: str, *, transient: bool, environment: Mapping[str, object] | None = None
) -> bool:
    """End an attempt that said it failed; a transient failure is tried again while attempts are left."""
    with platform.work(WORKER) as work:
        job = _held(work, held)
        if job is None:
            return False
        again = transient and job.attempt < job.max_attempts and job.cancel_requested_at is None
        stopped = transient and job.cancel_requested_at is not None
        _end(work, held, "queued" if again else "cancelled" if stopped else "failed", reason, 0.0)
        if again:
            work.session.refresh(job)
            job.not_before = work.at + timedelta(seconds=BACKOFF_S * 2 ** (held.attempt - 1))
        attempt = _close_attempt(work, held, "failed", reason, environment or {})
        work.record("job.failed", held.job_id, attempt, attempt=held.attempt, transient=transient, retried=again)
        return True


def give_up(platform: Platform, held: Claim, reason: str) -> bool:
    """End an attempt whose child was lost (killed, machine gone); tried again while attempts are left."""
    with platform.work(WORKER) as work:
        job = _held(work, held)
        if job is None:
            return False
        _lose(work, job, reason)
        return True


def hand_back(platform: Platform, held: Claim) -> bool:
    """Put a job back because its worker was stopped on purpose; that never makes it lost."""
    with platform.work(WORKER) as work:
        job = _held(work, held)
        if job is None:
            return False
        _lose(work, job, "its worker was stopped", again=True)
        return True


def end_cancelled(platform: Platform, held: Claim) -> bool:
    """End an attempt that stopped because somebody asked."""
    with platform.work(WORKER) as work:
        return _end_cancelled(work, held)


def suspend(platform: Platform, held: Claim, gate: str, question: str, documents: Sequence[RunOutput]) -> Task | None:
    """End an attempt that asks a person something; the job waits until the task is decided. None if fenced off.

    A job that somebody asked to stop ends instead, with None.
    """
    if len(question) > QUESTION_LIMIT:
        question = f"{question[: QUESTION_LIMIT - 1]}…"
    with platform.work(WORKER) as work:
        job = _held(work, held)
        if job is None:
            return None
        if job.cancel_requested_at is not None:
            _end_cancelled(work, held)
            return None
        _end(work, held, "waiting", f"waits for a decision: {question}", job.progress)
        task = work.add(
            Task(
                id=new_id("tsk"),
                job_id=held.job_id,
                attempt=held.attempt,
                gate=gate[:40],
                question=question,
                documents={
                    item.role: {
                        "name": item.path.name,
                        "sha256": work.keep(item.path, item.media_type).sha256,
                        "media_type": item.media_type,
                    }
                    for item in documents
                },
                asked_at=work.at,
            )
        )
        attempt = _close_attempt(work, held, "waiting", question, {})
        work.record("job.waits", held.job_id, attempt, task=task.id, gate=task.gate)
        return task


def resume(job: Job) -> None:
    """Put a job that waited for a decision back into the queue, locked by the caller; asking has cost no attempt."""
    job.status, job.message = "queued", "waiting for a worker"
    job.max_attempts += 1


def cancel(work: Work, job: str) -> Job:
    """Ask a job to stop: one that waits ends now, with its open questions; a running one at its next step."""
    work.require(Permission.JOB_CANCEL)
    row = find(work.session, Job, job)
    work.session.refresh(row, with_for_update=True)
    if row.status in FINISHED:
        raise Conflict(f"the job is already {row.status}", "nothing needs to be stopped")
    row.cancel_requested_at = work.at
    withdrawn = []
    if row.status in ("queued", "waiting"):
        row.status, row.finished_at, row.message = "cancelled", work.at, "cancelled"
        withdrawn = list(work.session.scalars(sa.select(Task).where(Task.job_id == row.id, Task.decision.is_(None))))
    for task in withdrawn:
        task.decision, task.reason, task.decided_at = "withdrawn", "the job was cancelled", work.at
        task.decided_by, task.decided_by_name = work.actor.id, work.actor.name
    work.record("job.cancel_requested", row.id, *withdrawn)
    return row


def _end_cancelled(work: Work, held: Claim) -> bool:
    if not _end(work, held, "cancelled", "cancelled", 0.0):
        return False
    attempt = _close_attempt(work, held, "cancelled", "somebody asked it to stop", {})
    work.record("job.cancelled", held.job_id, attempt)
    return True


def _expired(work: Work) -> list[Job]:
    query = sa.select(Job).where(Job.status == "running", Job.lease_expires_at < work.at)
    return list(work.session.scalars(query.with_for_update(skip_locked=True)))


def _held(work: Work, held: Claim) -> Job | None:
    """Return the job, locked, while the claim on it still stands."""
    query = sa.select(Job).where(Job.id == held.job_id, Job.attempt == held.attempt, Job.status == "running")
    return work.session.scalar(query.with_for_update())


def _lose(work: Work, job: Job, reason: str, *, again: bool = False) -> None:
    """Close the attempt; the job waits again while attempts are left, or in any case with `again`."""
    stopped = job.cancel_requested_at is not None
    again = (again or job.attempt < job.max_attempts) and not stopped
    held = Claim(job.id, job.attempt, job.worker or "")
    job.status = "cancelled" if stopped else "queued" if again else "lost"
    job.lease_expires_at, job.worker = None, None
    job.message, job.progress = reason, 0.0
    job.finished_at = None if again else work.at
    attempt = _close_attempt(work, held, "lost", reason, {})
    work.record("job.lost", job.id, attempt, attempt=held.attempt, retried=again)


def _fenced(held: Claim) -> sa.Update:
    return sa.update(Job).where(Job.id == held.job_id, Job.attempt == held.attempt, Job.status == "running")


def _end(work: Work, held: Claim, status: str, message: str, progress: float) -> bool:
    return _update(
        work.session,
        _fenced(held).values(
            status=status,
            message=message[:500],
            progress=progress,
            lease_expires_at=None,
            worker=None,
            finished_at=work.at if status in FINISHED else None,
        ),
    )


def _update(session: Session, statement: sa.Update) -> bool:
    """Run a fenced update; False when it touched no row, because the lease is somebody else's now."""
    return cast("sa.CursorResult[tuple[()]]", session.execute(statement)).rowcount == 1


def _close_attempt(work: Work, held: Claim, status: str, reason: str, environment: Mapping[str, object]) -> Attempt:
    attempt = work.get(Attempt, (held.job_id, held.attempt), "attempt")
    attempt.status, attempt.reason, attempt.finished_at = status, reason[:2000], work.at
    attempt.environment = dict(environment)
    return attempt
