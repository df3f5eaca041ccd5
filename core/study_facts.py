"""The part of the judged facts that only studies have: protocol, data, approval, decisions, and what else was run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.canonical import timestamp
from core.lookup import approval_of
from core.tables import Asset, Job, Output, Rerun, Task

Facts = dict[str, object]
PASSED = {"pass": True, "fail": False}


def study_facts(session: Session, job: Job, asset: Asset, output: Output | None) -> Facts:
    """What is known of a job as a study; for a clip all of it is null or empty."""
    study = _study(output)
    return {
        "study": study,
        "datasets": _datasets(study, asset),
        "approval": _approval(session, asset),
        "decisions": list(_decisions(session, job)),
        "other_runs": list(_other_runs(session, job, asset)),
    }


def _study(output: Output | None) -> Facts | None:
    """What a study's runner says of it; null for a clip. What it did not check counts as not known."""
    runner = output.facts.get("runner") if output else None
    told = runner.get("study") if isinstance(runner, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    return {**told, "leakage": [_check(check) for check in told.get("leakage") or []] or None}


def _check(check: Mapping[str, object]) -> Facts:
    name = str(check.get("check")).replace("_", " ")
    return {"name": name, **check, "passed": PASSED.get(str(check.get("status")))}


def _datasets(study: Facts | None, asset: Asset) -> list[object] | None:
    """The dataset cards: of the study as it was run, before that of the protocol; None where nobody knows of any."""
    found = (study or asset.facts).get("datasets")
    return list(found) or None if isinstance(found, list) else None


def _approval(session: Session, asset: Asset) -> Facts | None:
    """The newest approval of the protocol, with the digests that it was given for."""
    row = approval_of(session, asset)
    if row is None:
        return None
    return {
        "by": row.approved_by,
        "by_name": row.printed_name,
        "role": row.role,
        "at": timestamp(row.approved_at),
        "statement": row.statement,
        "asset_sha256": row.asset_sha256,
        "protocol_sha256": row.protocol_sha256,
    }


def _decisions(session: Session, job: Job) -> Iterator[Facts]:
    """What people were asked on the way, and what they decided; nulls while a question is open."""
    for row in session.scalars(sa.select(Task).where(Task.job_id == job.id).order_by(Task.asked_at, Task.id)):
        yield {
            "gate": row.gate,
            "decision": row.decision,
            "by": row.decided_by,
            "by_name": row.decided_by_name,
            "role": row.role,
            "at": timestamp(row.decided_at) if row.decided_at else None,
        }


def _other_runs(session: Session, job: Job, asset: Asset) -> Iterator[Facts]:
    """What else was run on the same files, in whatever project; not the repetitions of a job from its record."""
    query = (
        sa.select(Job)
        .join(Asset, Asset.id == Job.asset_id)
        .where(Asset.digest == asset.digest, Job.id != job.id, Job.attempt > 0, Job.id.not_in(sa.select(Rerun.job_id)))
    )
    for row in session.scalars(query.order_by(Job.submitted_at, Job.id)):
        yield {"id": row.id, "runner": row.runner, "status": row.status, "seed": row.seed}
