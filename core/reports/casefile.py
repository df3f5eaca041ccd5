"""Fill the dossier's document from the database and the frozen evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.audit.merkle import inclusion_proof
from core.lookup import output_of, signatures_of
from core.reports import document as doc
from core.reports.evaluations import evaluation_of, read_json
from core.reports.manuscript_case import manuscript_page, review_rows
from core.reports.measured import measurement_rows
from core.reports.study import Study
from core.reports.study_case import study_of
from core.signatures import open_slots
from core.tables import (
    Artifact,
    AssessmentRecord,
    Asset,
    Attempt,
    AuditCheckpoint,
    AuditEvent,
    EvaluationRecord,
    Job,
    Output,
    Release,
    SignatureRecord,
)

OUTCOMES = {
    "approved": doc.Outcome.APPROVED,
    "refused": doc.Outcome.REFUSED,
    "declined": doc.Outcome.REFUSED,
    "suspended": doc.Outcome.SUSPENDED,
    "revoked": doc.Outcome.REVOKED,
}


def build_document(
    session: Session,
    store: ArtifactStore,
    release: Release,
    *,
    at: datetime,
    checkpoint: AuditCheckpoint | None = None,
    verified: bool = False,
    frames: tuple[doc.FrameRow, ...] = (),
    study: Study | None = None,
) -> doc.Dossier:
    """Return the document of a release as it stands; the judged facts are those frozen at its proposal.

    Without a checkpoint there is no audit proof in it; without `study`, one is filled without pictures.
    """
    evidence = read_json(store, release.evidence_sha256)
    facts = evidence["facts"]
    job = session.get_one(Job, release.job_id)
    asset = session.get_one(Asset, job.asset_id)
    exports = later_assessments(session, release)
    study = study or study_of(store, evidence)
    evaluation = evaluation_of(session, store, job)
    return doc.Dossier(
        id=release.id,
        title=_title(asset, job, study),
        headline=headline_of(session, release),
        outcome=OUTCOMES.get(release.state, doc.Outcome.OPEN),
        state=release.state,
        gate="release",
        purpose=str(job.purpose).replace("_", " "),
        made_at=at,
        record_sha256=release.evidence_sha256,
        project=_project(facts["project"]),
        model=_model(facts["model"]),
        asset=_asset(asset, facts["asset"]),
        job=_job(session, job, facts),
        summary=_summary(evidence),
        study=study,
        manuscript=manuscript_page(session, store, job, evaluation),
        outstanding=tuple(_outstanding(session, release)),
        frames=frames,
        measurements=tuple(measurement_rows(evaluation, evidence["assessments"])),
        packs=tuple(_pack(assessment) for assessment in [*evidence["assessments"], *exports]),
        persons=_persons(facts),
        reviews=tuple(_reviews(session, job)),
        signatures=tuple(_signature(row) for row in signatures_of(session, release)),
        audit=_audit(session, release, checkpoint, verified) if checkpoint else None,
        evidence=tuple(_evidence(session, release, evidence)),
        notes=tuple(_notes(session, job, asset, evidence["assessments"])),
    )


def _title(asset: Asset, job: Job, study: Study | None) -> str:
    if study is None:
        return f"{asset.name}: {_use(job)}"
    return f"{asset.name}: {study.mode or ('made elsewhere' if study.backend == 'elsewhere' else 'a study')}"


def _use(job: Job) -> str:
    return str(job.ai_use.get("kind", "edit")).replace("_", " ").lower()


def headline_of(session: Session, release: Release) -> str:
    """Say in one sentence how a release stands now."""
    match release.state:
        case "approved":
            return "Approved for release: no rule stands in the way and everybody who must sign has signed."
        case "declined":
            last = signatures_of(session, release)[-1]
            return f"Not released: {last.printed_name} declined as {last.role.replace('_', ' ')}. {last.reason}"
        case "candidate":
            waiting = " and ".join(f"the {slot.role.replace('_', ' ')}" for slot in open_slots(session, release))
            return f"Not decided yet: the rules allow the release; {waiting} must sign."
    # What to do next stands below, with each rule; the headline says only what is in the way.
    return release.headline.partition(". ")[0].rstrip(".") + "."


def _summary(evidence: Mapping[str, Any]) -> str:
    verdicts = [verdict for assessment in evidence["assessments"] for verdict in assessment["verdicts"]]
    closing = sum(bool(verdict["closes"]) for verdict in verdicts)
    packs = len(evidence["assessments"])
    judged = f"{len(verdicts)} rules of {packs} policy packs were judged"
    if closing:
        return f"{judged}; {closing} of them keep{'s' if closing == 1 else ''} it closed."
    return f"{judged}; none of them stands in the way."


def _project(facts: Mapping[str, Any]) -> doc.Project:
    return doc.Project(
        facts["id"], facts["name"], facts["kind"], tuple(facts["agreements"]), tuple(facts["jurisdictions"])
    )


def _model(facts: Mapping[str, Any]) -> doc.Model:
    return doc.Model(
        id=facts["id"],
        name=facts["name"],
        version=facts["version"],
        digest=facts["digest"],
        licence=facts["licence"],
        licence_cleared=facts["licence_cleared"],
        origin=facts["origin"],
        weights_format=facts["weights_format"],
        lineage=tuple(
            doc.Ancestor(parent["name"], parent["version"], parent["digest"], parent["licence"])
            for parent in facts["lineage"]
        ),
    )


def _asset(asset: Asset, facts: Mapping[str, Any]) -> doc.Asset:
    shares = facts.get("mask", {}).get("shares", {})
    words = {"0": "removed", "63": "removed and affected", "127": "affected", "255": "kept"}
    parts = ", ".join(f"{shares[value] * 100:.1f} % {word}" for value, word in words.items() if value in shares)
    return doc.Asset(
        id=asset.id,
        name=asset.name,
        kind=asset.kind,
        sha256=asset.digest,
        frames=facts.get("frames"),
        width=facts.get("width"),
        height=facts.get("height"),
        fps=facts.get("fps"),
        prompt=facts.get("prompt"),
        mask=f"{parts}; every value is one of the four that are allowed." if parts else None,
    )


def _job(session: Session, job: Job, facts: Mapping[str, Any]) -> doc.Job:
    attempts = list(session.scalars(sa.select(Attempt).where(Attempt.job_id == job.id).order_by(Attempt.number)))
    environment = attempts[-1].environment if attempts else {}
    runner, _, version = str(environment.get("runner", job.runner)).partition(" ")
    return doc.Job(
        id=job.id,
        runner=runner,
        runner_version=version,
        origin=job.origin,
        status=job.status,
        attempts=tuple(
            doc.Attempt(row.number, row.status, row.worker, row.started_at, row.finished_at, row.reason or None)
            for row in attempts
        ),
        environment=tuple((name, str(value)) for name, value in environment.items() if name != "runner"),
        output_sha256=(facts.get("output") or {}).get("sha256"),
    )


def _outstanding(session: Session, release: Release) -> Iterator[doc.Outstanding]:
    if release.state == "candidate":
        for slot in open_slots(session, release):
            role = slot.role.replace("_", " ")
            yield doc.Outstanding(f"The {role} has not signed ({slot.meaning}).", f"Ask the {role} to sign or decline.")


def _pack(assessment: Mapping[str, Any]) -> doc.PackVerdicts:
    pack = assessment["pack"]
    return doc.PackVerdicts(
        pack["id"],
        pack["title"] + ("" if assessment["gate"] == "release" else f" (gate {assessment['gate']})"),
        pack["version"],
        pack["status"],
        tuple(_verdict(verdict) for verdict in assessment["verdicts"]),
    )


def _verdict(verdict: Mapping[str, Any]) -> doc.VerdictRow:
    return doc.VerdictRow(
        control=verdict["control_id"],
        title=verdict["title"],
        status=doc.Status(verdict["status"]),
        sentence=verdict["sentence"],
        next_step=verdict["next_step"] or None,
        severity=verdict["severity"],
        blocks=verdict["closes"],
        citations=tuple(
            doc.Citation(
                str(citation["instrument"]),
                str(citation["pinpoint"]),
                str(citation["confidence"]),
                str(citation["verified_on"]) if citation.get("verified_on") else None,
            )
            for citation in verdict["citations"]
        ),
    )


def later_assessments(session: Session, release: Release) -> list[Mapping[str, Any]]:
    """Return the newest assessments at the gate `export`, one for each pack, in the form of the evidence."""
    from policies import load_builtin

    query = sa.select(AssessmentRecord).where(
        AssessmentRecord.release_id == release.id, AssessmentRecord.gate == "export"
    )
    newest = {row.pack_id: row for row in session.scalars(query.order_by(AssessmentRecord.judged_at))}
    return [
        {
            "pack": {
                "id": row.pack_id,
                "title": load_builtin(row.pack_id).title,
                "version": row.pack_version,
                "status": load_builtin(row.pack_id).status,
            },
            "gate": row.gate,
            "verdicts": row.verdicts,
        }
        for row in newest.values()
    ]


def _persons(facts: Mapping[str, Any]) -> tuple[doc.Person, ...] | None:
    declared = facts["persons"]
    if declared is None:
        return None
    return tuple(
        doc.Person(
            subject=person["subject"],
            shown_as=person["name_shown"],
            treatment=person["treatment"],
            covered_by=tuple(_coverage(consent, facts["at"]) for consent in person["consents"]),
            note=f"Declared on this basis: {declared['basis']}",
        )
        for person in declared["list"]
    )


def _coverage(consent: Mapping[str, Any], at: str) -> doc.Coverage:
    expired = consent["expires_at"] is not None and consent["expires_at"] <= at
    return doc.Coverage(
        consent_id=consent["id"],
        instrument=consent["instrument"],
        given_by=consent["given_by"],
        given_by_role=consent["given_by_role"].replace("_", " "),
        scope=f"{', '.join(consent['uses'])}: {consent['description']}",
        state="revoked" if consent["revoked_at"] else "expired" if expired else "in force",
        signed_at=datetime.fromisoformat(consent["signed_at"]),
        expires=consent["expires_at"],
        evidence_sha256=consent["evidence_sha256"],
    )


def _signature(row: SignatureRecord) -> doc.SignatureRow:
    return doc.SignatureRow(
        printed_name=row.printed_name,
        role=row.role.replace("_", " "),
        meaning=row.meaning,
        decision=row.decision,
        at=row.signed_at,
        record_sha256=row.record_sha256,
        authenticated_at=row.authenticated_at,
        id=row.id,
        remark=row.reason or None,
    )


def _reviews(session: Session, job: Job) -> Iterator[doc.Review]:
    output = output_of(session, job.id)
    return review_rows(session, output) if output is not None else iter(())


def _audit(session: Session, release: Release, checkpoint: AuditCheckpoint, verified: bool) -> doc.AuditProof:
    """Prove that the newest event of this release is in the tree that the checkpoint signs."""
    query = sa.select(AuditEvent).where(AuditEvent.subject == release.id, AuditEvent.index < checkpoint.size)
    event = session.scalars(query.order_by(AuditEvent.index.desc()).limit(1)).one()
    leaves = session.scalars(
        sa.select(AuditEvent.leaf_sha256).where(AuditEvent.index < checkpoint.size).order_by(AuditEvent.index)
    )
    path = inclusion_proof([bytes.fromhex(leaf) for leaf in leaves], event.index)
    return doc.AuditProof(
        log_size=checkpoint.size,
        root_hash=checkpoint.root_sha256,
        event_index=event.index,
        event_sha256=event.leaf_sha256,
        inclusion_path=tuple(node.hex() for node in path),
        checkpoint=checkpoint.note,
        how_to_verify=(
            "Run 'greenlight audit verify' where the log is kept: it recomputes every event, record and artifact.",
            "Run 'greenlight report check FILE' on this file: it checks the seal over every byte.",
            "The checkpoint above is a C2SP signed note; any tool that reads such notes checks it with the log's key.",
            "The path leads from the event's hash to the root as RFC 6962, section 2.1.1, describes.",
        ),
        verified=verified,
    )


def _evidence(session: Session, release: Release, evidence: Mapping[str, Any]) -> Iterator[doc.Evidence]:
    yield _file(session, "evidence.json", "The frozen record that is signed", release.evidence_sha256)
    yield _file(session, "facts.json", "The facts that were judged", evidence["facts_sha256"])
    for role, sha256 in evidence["inputs"].items():
        yield _file(session, role, "Input", sha256)
    names = {row.role: row.name for row in session.scalars(sa.select(Output).where(Output.job_id == release.job_id))}
    for role, sha256 in evidence["outputs"].items():
        yield _file(session, names.get(role, role), f"Output ({role})", sha256)
    for sha256 in evidence["evaluations"]:
        yield _file(session, "evaluation.json", "Every measurement with its series", sha256)


def _file(session: Session, name: str, what: str, sha256: str) -> doc.Evidence:
    artifact = session.get(Artifact, sha256)
    return doc.Evidence(name, what, sha256, artifact.size if artifact else None)


def _notes(session: Session, job: Job, asset: Asset, assessments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from asset.notes
    query = sa.select(EvaluationRecord).where(EvaluationRecord.job_id == job.id)
    measured = [note for row in session.scalars(query) for note in row.notes]
    runner = output_of(session, job.id)
    for note in dict.fromkeys([*(runner.facts.get("notes", []) if runner else []), *measured]):
        yield str(note)
    drafts = [a["pack"]["title"] for a in assessments if "draft" in str(a["pack"]["status"])]
    if drafts:
        yield f"Draft packs that counsel has not signed: {'; '.join(drafts)}. They are not legal advice."
