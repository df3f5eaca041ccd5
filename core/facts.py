"""The document that policies judge: everything the registry knows of one case, schema `greenlight.facts/1`.

A missing or null value means that nobody knows; an empty list means that the registry holds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.canonical import timestamp
from core.lookup import consents_of, current_declaration, lineage, output_of, signatures_of
from core.review_facts import review_facts
from core.study_facts import study_facts
from core.tables import (
    Asset,
    Attempt,
    Attestation,
    Consent,
    EvaluationRecord,
    Job,
    MeasurementRecord,
    Model,
    ModelVersion,
    Output,
    Project,
    Qualification,
    Release,
    SignatureRecord,
    Subject,
    User,
)

SCHEMA = "greenlight.facts/1"
Facts = dict[str, object]
JUDGE = "judge"


def build_facts(
    session: Session,
    job: Job,
    gate: str,
    at: datetime,
    *,
    release: Release | None = None,
    audit: Facts | None = None,
    store: ArtifactStore | None = None,
) -> Facts:
    """Gather what is known of a job's case at a gate. `audit` is the newest verification, None if none was made.

    `store` holds what was measured; without it, how far reporting checklists are filled is not known.
    """
    project = session.get_one(Project, job.project_id)
    asset = session.get_one(Asset, job.asset_id)
    version = session.get_one(ModelVersion, job.version_id)
    output = output_of(session, job.id)
    signed = signatures_of(session, release) if release else []
    return {
        "schema": SCHEMA,
        "at": timestamp(at),
        "gate": gate,
        "project": _project(project),
        "purpose": job.purpose,
        "model": _model(session, version),
        "asset": {"id": asset.id, "name": asset.name, "sha256": asset.digest, "kind": asset.kind, **asset.facts},
        "ai_use": dict(job.ai_use),
        "persons": _persons(session, asset),
        "tools": dict(project.tools),
        "job": _job(session, job) if gate != "submit" else None,
        "output": _output(output, asset) if output else None,
        **study_facts(session, job, asset, output),
        "measurements": _measurements(session, job),
        "judge": _judge(session, job),
        "reviews": review_facts(session, output, store),
        "attestations": [_attestation(row) for row in _attestations(session, project, asset)],
        "signatures": [_signature(row) for row in signed],
        "submitter": _submitter(session, job),
        "audit": audit,
        "users": _signers(job, signed),
        "records": {"evidence_sha256": release.evidence_sha256 if release else None, "retention": None},
    }


def _project(project: Project) -> Facts:
    return {
        "id": project.id,
        "name": project.name,
        "kind": project.kind,
        "agreements": project.agreements,
        "jurisdictions": project.jurisdictions,
        "final_deliverable": project.final_deliverable,
        "first_photography": project.first_photography,
        "strikes": project.strikes,
    }


def _model(session: Session, version: ModelVersion) -> Facts:
    owner = session.get_one(Model, version.model_id)
    return {
        "id": version.id,
        "name": owner.name,
        "version": version.version,
        "digest": version.digest,
        "licence": version.licence,
        "licence_cleared": version.licence_cleared,
        "origin": owner.origin,
        "weights_format": version.weights_format,
        "lineage": [
            {
                "name": name,
                "name_shown": f"{name}@{parent.version} ({parent.licence})",
                "version": parent.version,
                "digest": parent.digest,
                "licence": parent.licence,
                "licence_cleared": parent.licence_cleared,
                "relation": relation,
            }
            for relation, parent in lineage(session, version)
            for name in [session.get_one(Model, parent.model_id).name]
        ],
    }


def _persons(session: Session, asset: Asset) -> Facts | None:
    declaration = current_declaration(session, asset)
    if declaration is None:
        return None
    return {
        "declared_by": declaration.declared_by,
        "declared_at": timestamp(declaration.declared_at),
        "basis": declaration.basis,
        "list": [
            _person(session, session.get_one(Subject, entry["subject"]), entry["treatment"])
            for entry in declaration.persons
        ],
    }


def _person(session: Session, subject: Subject, treatment: str) -> Facts:
    return {
        "subject": subject.id,
        "name_shown": subject.name,
        "kind": subject.kind,
        "treatment": treatment,
        "union": subject.union,
        "minor": subject.minor,
        "deceased": subject.deceased,
        "notice_at": _moment(subject.notice_at),
        "engaged_at": _moment(subject.engaged_at),
        "consents": [_consent(consent) for consent in consents_of(session, subject)],
    }


def _consent(consent: Consent) -> Facts:
    return {
        "id": consent.id,
        "instrument": consent.instrument,
        "separately_signed": consent.separately_signed,
        "conspicuous": consent.conspicuous,
        "signed_at": timestamp(consent.signed_at),
        "given_by": consent.given_by,
        "given_by_role": consent.given_by_role,
        "description": consent.description,
        "uses": consent.uses,
        "project": consent.project_id,
        "territory": consent.territory,
        "expires_at": _moment(consent.expires_at),
        "revoked_at": _moment(consent.revoked_at),
        "evidence_sha256": consent.evidence_sha256,
    }


def _job(session: Session, job: Job) -> Facts:
    first = session.get(Attempt, (job.id, 1))
    return {
        "id": job.id,
        "runner": job.runner,
        "origin": job.origin,
        "status": job.status,
        "attempts": job.attempt,
        "provenance": job.provenance,
        "submitted_at": timestamp(job.submitted_at),
        "started_at": timestamp(first.started_at) if first else None,
    }


def _output(output: Output, asset: Asset) -> Facts:
    facts = dict(output.facts)
    return {
        "sha256": output.sha256,
        **facts,
        "length_matches": _same(facts, asset.facts, ("frames",)),
        "size_matches": _same(facts, asset.facts, ("width", "height")),
    }


def _same(one: Facts, other: Facts, keys: tuple[str, ...]) -> bool | None:
    pairs = [(one.get(key), other.get(key)) for key in keys]
    if any(value is None for pair in pairs for value in pair):
        return None
    return all(left == right for left, right in pairs)


def _measurements(session: Session, job: Job) -> Facts:
    query = (
        sa.select(MeasurementRecord, EvaluationRecord)
        .join(EvaluationRecord, EvaluationRecord.id == MeasurementRecord.evaluation_id)
        .where(EvaluationRecord.job_id == job.id)
        .order_by(EvaluationRecord.created_at)
    )
    qualified = _qualified(session)
    return {
        row.name: _measurement(row, evaluation, (row.name, evaluation.evaluator, evaluation.version) in qualified)
        for row, evaluation in session.execute(query)
        if evaluation.evaluator != JUDGE
    }


def _judge(session: Session, job: Job) -> Facts | None:
    """Which language model looked at the output and whether frames left for it; never what it thought of it.

    A judge has no approval right: without its scores in the facts, no pack can rest on them.
    """
    query = sa.select(EvaluationRecord).where(EvaluationRecord.job_id == job.id, EvaluationRecord.evaluator == JUDGE)
    found = session.scalars(query.order_by(EvaluationRecord.created_at.desc()).limit(1)).first()
    if found is None:
        return None
    parameters = found.parameters
    return {
        "model": parameters.get("model"),
        "host": parameters.get("host"),
        "egress": parameters.get("network_egress"),
    }


def _qualified(session: Session) -> Set[tuple[str, str, str]]:
    """Which measures a full study covers, as (measure, evaluator, evaluator version)."""
    studied = session.scalars(sa.select(Qualification).where(Qualification.full))
    return {(name, row.evaluator, row.evaluator_version) for row in studied for name in row.measures}


def _measurement(row: MeasurementRecord, evaluation: EvaluationRecord, qualified: bool) -> Facts:
    return {
        "value": row.value,
        "reason": row.reason,
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
        "direction": row.direction,
        "evaluator": evaluation.evaluator,
        "evaluator_version": evaluation.version,
        "qualified": qualified,
    }


def _attestations(session: Session, project: Project, asset: Asset) -> Iterable[Attestation]:
    return session.scalars(
        sa.select(Attestation)
        .where(
            Attestation.project_id == project.id,
            sa.or_(Attestation.asset_id.is_(None), Attestation.asset_id == asset.id),
        )
        .order_by(Attestation.made_at)
    )


def _attestation(row: Attestation) -> Facts:
    return {
        "kind": row.kind,
        "statement": row.statement,
        "by": row.made_by,
        "by_name": row.made_by_name,
        "role": row.role,
        "at": timestamp(row.made_at),
    }


def _signature(row: SignatureRecord) -> Facts:
    return {
        "by": row.user_id,
        "by_name": row.printed_name,
        "role": row.role,
        "meaning": row.meaning,
        "decision": row.decision,
        "at": timestamp(row.signed_at),
        "record_sha256": row.record_sha256,
        "authenticated_at": timestamp(row.authenticated_at),
    }


def _submitter(session: Session, job: Job) -> Facts:
    user = session.get(User, job.submitted_by)
    return {
        "id": job.submitted_by,
        "name": user.name if user else job.submitted_by,
        "roles": user.roles if user else [],
    }


def _signers(job: Job, signed: list[SignatureRecord]) -> Facts:
    if not signed:
        return {"signers_distinct": None, "submitter_signed_approval": None}
    people = [row.user_id for row in signed]
    return {
        "signers_distinct": len(set(people)) == len(people),
        "submitter_signed_approval": any(
            row.user_id == job.submitted_by and row.meaning == "approval" for row in signed
        ),
    }


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
