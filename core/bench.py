"""Benchmarks of studies: a suite of tasks, cases and modes runs as one batch, which goes on where it was broken off.

The digest of the suite, with the protocols and data that it names, names the batch. A cell that has ended, well or
badly, is not run again; one that was refused, lost or cancelled is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission
from core.canonical import digest, new_id
from core.errors import NotFound
from core.identity import Proof
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Observer, Worker
from core.lookup import approval_of, find, find_version
from core.platform import Platform, Work
from core.studies import approve, create_study
from core.suites import Planned, Suite
from core.tables import Asset, Batch, BatchCell, Job, Project

SCHEMA = "greenlight.batch/1"
ENDED = ("succeeded", "failed")
UNDER_WAY = ("queued", "running", "waiting")
Key = tuple[str, str, str]
"""Task, case and mode of a cell."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Started:
    """What a call did: the batch, how many cells had ended before, were submitted now, and were refused now."""

    batch: str
    kept: int
    submitted: int
    refused: int


def run(
    platform: Platform,
    actor: Actor,
    suite: Suite,
    *,
    project: str,
    observer: Observer = lambda _sign: None,
    work_here: bool = True,
) -> Started:
    """Submit every cell that has not ended, as internal trials, and run what waits here; call it again to go on."""
    actor.require(Permission.JOB_SUBMIT)
    batch = register(platform, actor, suite, project)
    kept = submitted = refused = 0
    for planned in suite.cases:
        for mode in suite.modes:
            status = _status(platform, batch.id, (planned.task, planned.case, mode))
            if status in (*ENDED, *UNDER_WAY):
                kept += status in ENDED
                continue
            opened = _submit(platform, actor, batch, suite, planned, mode)
            submitted, refused = submitted + opened, refused + (not opened)
    if work_here:
        actor.require(Permission.JOB_WORK)
        Worker(platform, observer).run(drain=True)
    return Started(batch.id, kept, submitted, refused)


def register(platform: Platform, actor: Actor, suite: Suite, project: str) -> Batch:
    """Return the suite's batch in a project; a new one is added with its studies, one for each case."""
    with platform.reading() as session:
        owner = find(session, Project, project)
        content = _content(session, suite)
        named = digest(content)
        known = session.scalar(sa.select(Batch).where(Batch.project_id == owner.id, Batch.digest == named))
        taken = set(session.scalars(sa.select(Asset.name).where(Asset.project_id == owner.id)))
    with tempfile.TemporaryDirectory() as folder:
        for number, planned in enumerate(suite.cases):
            if (name := asset_name(named, planned)) not in taken:
                path = Path(folder) / str(number) / "protocol.yaml"
                path.parent.mkdir()
                path.write_bytes(planned.protocol)
                create_study(platform, actor, project=owner.id, path=path, data=planned.data, name=name)
    if known is not None:
        return known
    with platform.work(actor) as work:
        batch = work.add(
            Batch(
                id=new_id("bat"),
                project_id=owner.id,
                name=suite.name,
                digest=named,
                suite=content,
                created_by=actor.id,
                created_at=work.at,
            )
        )
        work.record("batch.created", batch.id, digest=named)
        return batch


def approve_all(platform: Platform, proof: Proof, suite: Suite, *, project: str, statement: str) -> int:
    """Approve every study of a registered suite that nobody has approved; returns how many."""
    with platform.work(proof.actor) as work:
        batch = batch_of(work.session, suite, project)
        done = 0
        for planned in suite.cases:
            asset = _study(work.session, batch, planned)
            if approval_of(work.session, asset) is None:
                approve(work, proof, asset.id, statement)
                done += 1
        return done


def batch_of(session: Session, suite: Suite, project: str) -> Batch:
    """Return the batch of a suite; `NotFound` before it was run for the first time."""
    owner = find(session, Project, project)
    named = digest(_content(session, suite))
    found = session.scalar(sa.select(Batch).where(Batch.project_id == owner.id, Batch.digest == named))
    if found is None:
        raise NotFound(f"the suite '{suite.name}' has no batch in this project", "run 'greenlight bench run' first")
    return found


def newest_cells(session: Session, batch: str) -> dict[Key, Job]:
    """The job that counts for each cell of a batch: the newest."""
    query = (
        sa.select(BatchCell, Job)
        .join(Job, Job.id == BatchCell.job_id)
        .where(BatchCell.batch_id == batch)
        .order_by(BatchCell.submitted_at, BatchCell.job_id)
    )
    return {(cell.task, cell.case_name, cell.mode): job for cell, job in session.execute(query)}


def asset_name(batch_digest: str, planned: Planned) -> str:
    """What a case's study is called in the registry."""
    return f"{planned.task}, {planned.case} ({batch_digest[:8]})"


def _content(session: Session, suite: Suite) -> dict[str, object]:
    """What decides a batch's results, by digest."""
    return {
        "schema": SCHEMA,
        "name": suite.name,
        "runner": suite.runner,
        "version": find_version(session, suite.model).digest,
        "seed": suite.seed,
        "parameters": dict(suite.parameters),
        "modes": list(suite.modes),
        "cases": [planned.to_json() for planned in suite.cases],
    }


def _status(platform: Platform, batch: str, key: Key) -> str | None:
    with platform.reading() as session:
        job = newest_cells(session, batch).get(key)
        return job.status if job else None


def _study(session: Session, batch: Batch, planned: Planned) -> Asset:
    query = sa.select(Asset).where(
        Asset.project_id == batch.project_id, Asset.name == asset_name(batch.digest, planned)
    )
    return session.scalars(query).one()


def _submit(platform: Platform, actor: Actor, batch: Batch, suite: Suite, planned: Planned, mode: str) -> bool:
    """Submit one cell; False when the gate refused it."""
    with platform.work(actor) as work:
        request = JobRequest(
            asset=_study(work.session, batch, planned).id,
            version=suite.model,
            runner=suite.runner,
            purpose="internal_trial",
            parameters={**suite.parameters, "mode": mode},
            seed=suite.seed,
        )
        submission = submit(work, request)
        _note(work, batch, planned, mode, submission.job)
        return submission.decision.opens


def _note(work: Work, batch: Batch, planned: Planned, mode: str, job: Job) -> None:
    key: Mapping[str, str] = {"task": planned.task, "case_name": planned.case, "mode": mode}
    work.add(BatchCell(batch_id=batch.id, job_id=job.id, submitted_at=work.at, **key))
    work.record("batch.cell_submitted", batch.id, job=job.id, **key)
