"""Releases: a candidate with frozen evidence, signatures, approval, and the export of what was approved.

refused      the gate `release` stayed closed: kept with its reasons, nothing can be signed
candidate -> approved     every signature was given
          -> declined     somebody declined
approved  -> (exported)   the gate `export` opened and the output left
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission
from core.audit.verify import AuditReport, verify
from core.canonical import new_id, timestamp
from core.errors import Conflict, InputError, NotFound, Refused, Unavailable
from core.facts import Facts
from core.gates import GateDecision, judge_case
from core.identity import Proof
from core.lookup import asset_files, find, output_of
from core.platform import Platform, Work, expect
from core.signatures import add_signature, next_slot, open_slots
from core.tables import Asset, EvaluationRecord, Job, Output, Release, SignatureRecord

EVIDENCE_SCHEMA = "greenlight.evidence/1"


@dataclass(frozen=True)
class Proposal:
    """A release and what the gate said."""

    release: Release
    decision: GateDecision


def propose(platform: Platform, actor: Actor, job: str) -> Proposal:
    """Put a finished job's output up for release: verify the log, judge the gate `release`, freeze the evidence."""
    actor.require(Permission.RELEASE_PROPOSE)
    audit = verified(platform, job)
    with platform.work(actor) as work:
        row = find(work.session, Job, job)
        expect(row.status, ("succeeded",), f"the job {row.id}")
        if output_of(work.session, row.id) is None:
            raise Conflict(f"the job {row.id} made nothing that could be released", "propose a job that did")
        decision = judge_case(work, row, "release", audit=audit)
        release_id = new_id("rel")
        evidence = work.keep_json(_evidence(work, row, release_id, decision))
        release = work.add(
            Release(
                id=release_id,
                project_id=row.project_id,
                job_id=row.id,
                state="candidate" if decision.opens else "refused",
                headline=decision.headline,
                evidence_sha256=evidence.sha256,
                proposed_by=actor.id,
                proposed_at=work.at,
            )
        )
        work.record("release.proposed", release.id, job=row.id, state=release.state, evidence_sha256=evidence.sha256)
        return Proposal(release, decision)


def sign(platform: Platform, proof: Proof, release: str, *, decision: str = "signed", reason: str = "") -> Release:
    """Sign or decline as the next signer.

    Before a signature the gate is judged again, in the same transaction: facts may have changed. When it stays
    closed, its judgement is kept, nothing is signed, and `Refused` says why.
    """
    proof.actor.require(Permission.RELEASE_SIGN)
    audit = verified(platform, _job_of(platform, release)) if decision == "signed" else None
    with platform.work(proof.actor) as work:
        row = _locked(work, release)
        expect(row.state, ("candidate",), f"the release {row.id}")
        next_slot(work, row, proof)
        closed = _closed_again(work, row, audit) if decision == "signed" else None
        if closed is None:
            signature = add_signature(work, row, proof, decision, reason)
            row.state = _next_state(work, row, signature)
            if row.state != "candidate":
                row.decided_at = work.at
            work.record(f"release.{row.state}", row.id, row)
    if closed is not None:
        raise Refused(closed, "resolve what changed since the release was proposed, then propose it again")
    return row


def export(platform: Platform, actor: Actor, release: str, folder: Path) -> Path:
    """Let an approved output leave: judge the gate `export`, then copy the output; returns the file written.

    The file appears under its name only after its leaving is on record, and what fails before leaves neither.
    """
    actor.require(Permission.RELEASE_EXPORT)
    audit = verified(platform, _job_of(platform, release))
    with ExitStack() as stack:
        with platform.work(actor) as work:
            row = _locked(work, release)
            expect(row.state, ("approved",), f"the release {row.id}")
            judged = judge_case(work, work.session.get_one(Job, row.job_id), "export", release=row, audit=audit)
            output = output_of(work.session, row.job_id)
            if output is None:
                raise NotFound(f"the job {row.job_id} has no output", "run 'greenlight audit verify'")
            if judged.opens:
                target = folder / f"{row.id}-{Path(output.name).name}"
                staged = stack.enter_context(_staged(platform, output, target))
                row.exported_at = row.exported_at or work.at
                work.record("release.exported", row.id, row, output_sha256=output.sha256)
        if not judged.opens:
            raise Refused(judged.headline, "resolve what keeps the gate closed, then export again")
        return staged.rename(target)


def verified(platform: Platform, job: str) -> Facts:
    """Recompute the log and the artifacts of one job's case now, and return the facts about it."""
    with platform.reading() as session:
        row = find(session, Job, job)
        report = verify(session, platform.store, platform.key.public, artifacts=case_artifacts(session, row))
    return _audit_facts(report)


def case_artifacts(session: Session, job: Job) -> frozenset[str]:
    """Return the digests of a job's inputs, outputs and evaluations."""
    asset = session.get_one(Asset, job.asset_id)
    digests = {row.sha256 for row in asset_files(session, asset).values()}
    digests |= set(session.scalars(sa.select(Output.sha256).where(Output.job_id == job.id)))
    digests |= set(session.scalars(sa.select(EvaluationRecord.sha256).where(EvaluationRecord.job_id == job.id)))
    return frozenset(digests | set(job.extra_inputs.values()))


def _audit_facts(report: AuditReport) -> Facts:
    return {
        "verified": report.intact,
        "size": report.events,
        "root": report.root,
        "findings": [f"{finding.where}: {finding.what}" for finding in report.findings[:10]],
    }


def _evidence(work: Work, job: Job, release_id: str, decision: GateDecision) -> Facts:
    asset = work.session.get_one(Asset, job.asset_id)
    outputs = work.session.scalars(sa.select(Output).where(Output.job_id == job.id).order_by(Output.role))
    evaluations = work.session.scalars(sa.select(EvaluationRecord).where(EvaluationRecord.job_id == job.id))
    return {
        "schema": EVIDENCE_SCHEMA,
        "release": release_id,
        "frozen_at": timestamp(work.at),
        "job": job.id,
        "inputs": {role: row.sha256 for role, row in sorted(asset_files(work.session, asset).items())},
        "outputs": {row.role: row.sha256 for row in outputs},
        "evaluations": sorted({row.sha256 for row in evaluations}),
        "facts_sha256": decision.facts_sha256,
        "facts": decision.facts,
        "opens": decision.opens,
        "headline": decision.headline,
        "assessments": [assessment.to_json() for assessment in decision.assessments],
    }


def _job_of(platform: Platform, release: str) -> str:
    with platform.reading() as session:
        return find(session, Release, release).job_id


def _closed_again(work: Work, release: Release, audit: Facts | None) -> str | None:
    """Judge the gate `release` anew and return what keeps it closed, or None when it opens."""
    job = work.session.get_one(Job, release.job_id)
    judged = judge_case(work, job, "release", release=release, audit=audit)
    return None if judged.opens else judged.headline


def _locked(work: Work, release: str) -> Release:
    row = find(work.session, Release, release)
    work.session.refresh(row, with_for_update=True)
    return row


def _next_state(work: Work, release: Release, signature: SignatureRecord) -> str:
    if signature.decision == "declined":
        return "declined"
    return "candidate" if open_slots(work.session, release) else "approved"


@contextmanager
def _staged(platform: Platform, output: Output, target: Path) -> Iterator[Path]:
    """Copy an output, verified, beside its target; the copy is gone at the end unless it was moved."""
    if target.exists():
        raise InputError(f"{target} exists", "choose another folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent) as temporary:
            yield platform.store.fetch(output.sha256, Path(temporary) / target.name)
    except OSError as error:
        raise Unavailable(
            f"the output cannot be written to {target.parent} ({error.strerror})", "choose another folder"
        ) from error


def decided_at(release: Release) -> datetime:
    """Return when a release's state was settled: decided, or proposed where the gate refused it."""
    return release.decided_at or release.proposed_at
