"""Make the dossier of a release: build the document, render it twice, seal the PDF, keep both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from core.access import Actor, Permission
from core.canonical import canonical_json, new_id, now
from core.checkpoints import make_checkpoint
from core.errors import InputError, TamperingFound, Unavailable
from core.lookup import approval_of, asset_files, find, output_of, signatures_of
from core.platform import Platform
from core.releases import verified
from core.reports.casefile import build_document
from core.reports.document import FrameRow
from core.reports.evaluations import evaluation_of, read_json
from core.reports.html import render_html
from core.reports.pdf import render_pdf
from core.reports.pictures import choose_frames, frame_rows
from core.reports.sealing import Attachment, SealingKey, SealReport, seal, verify_seal
from core.reports.study import Study
from core.reports.study_bundle import attached, marked
from core.reports.study_case import study_of, with_pictures
from core.reviews.seeing import refuse_blind
from core.signatures import check_signature
from core.studies import check_approval
from core.tables import Asset, Dossier, Job, Release


@dataclass(frozen=True)
class DossierFiles:
    """A dossier's record and its two renderings."""

    record: Dossier
    pdf: bytes
    html: bytes


def make_dossier(platform: Platform, actor: Actor, release: str) -> DossierFiles:
    """Make and keep the sealed dossier of a release as it stands now."""
    actor.require(Permission.REPORT_MAKE)
    with platform.reading() as session:
        job_id = find(session, Release, release).job_id
        refuse_blind(session, actor, session.get_one(Job, job_id).asset_id)
    audit = verified(platform, job_id)
    with platform.work(actor) as work:
        checkpoint = make_checkpoint(work)
    at = now()
    with platform.reading() as session, TemporaryDirectory() as folder:
        row = find(session, Release, release)
        for signature in signatures_of(session, row):
            check_signature(signature, row, platform.key.public)
        asset = session.get_one(Asset, session.get_one(Job, job_id).asset_id)
        if (approval := approval_of(session, asset)) is not None:
            check_approval(approval, asset, platform.key.public)
        document = build_document(
            session,
            platform.store,
            row,
            at=at,
            checkpoint=checkpoint,
            verified=bool(audit["verified"]),
            frames=_frames(platform, session.get_one(Job, job_id), Path(folder)),
            study=_study(platform, row, Path(folder)),
        )
        evaluation = evaluation_of(session, platform.store, session.get_one(Job, job_id))
        evidence = platform.store.read(row.evidence_sha256)
        state, release_id, record = row.state, row.id, row.evidence_sha256
    attachments = (
        Attachment("evidence.json", evidence, "The frozen record that was judged and signed"),
        Attachment("dossier.json", canonical_json(document.to_json()), "This dossier as data"),
        *attached(platform.store, json.loads(evidence)),
        *marked(platform.store, json.loads(evidence), evaluation),
    )
    key = SealingKey.load_or_create(platform.settings.keys)
    pdf = seal(render_pdf(document), key, at=at, record_sha256=record, attachments=attachments)
    html = render_html(document).encode()
    with platform.work(actor) as work:
        stored = work.add(
            Dossier(
                id=new_id("dos"),
                release_id=release_id,
                state=state,
                pdf_sha256=work.keep(pdf, "application/pdf").sha256,
                html_sha256=work.keep(html, "text/html").sha256,
                made_by=actor.id,
                made_at=at,
            )
        )
        work.record("dossier.made", release_id, dossier=stored.id, pdf_sha256=stored.pdf_sha256, state=state)
    return DossierFiles(stored, pdf, html)


def write_dossier(files: DossierFiles, folder: Path) -> tuple[Path, Path]:
    """Write both renderings into a folder and return their paths; existing files of that name are replaced."""
    base = folder / f"dossier-{files.record.release_id}-{files.record.state}"
    paths = base.with_suffix(".pdf"), base.with_suffix(".html")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in zip(paths, (files.pdf, files.html), strict=True):
            path.write_bytes(data)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written ({error.strerror})", "choose another folder") from error
    return paths


def check_dossier(platform: Platform, path: Path) -> SealReport:
    """Check a sealed PDF against this installation's certificate; `TamperingFound` when the seal does not hold."""
    if not path.is_file():
        raise InputError(f"there is no file {path}", "check the path")
    key = SealingKey.load_or_create(platform.settings.keys)
    report = verify_seal(path.read_bytes(), key.certificate_pem())
    if not report.holds:
        raise TamperingFound(
            f"the seal of {path.name} does not hold ({' '.join(report.problems)})", "ask for the file from its source"
        )
    return report


def _frames(platform: Platform, job: Job, folder: Path) -> tuple[FrameRow, ...]:
    """Choose and decode the frames to show; none where there is no output to look at."""
    with platform.reading() as session:
        evaluation = evaluation_of(session, platform.store, job)
        output = output_of(session, job.id)
        asset = session.get_one(Asset, job.asset_id)
        files = {role: row.sha256 for role, row in asset_files(session, asset).items()}
    if evaluation is None or output is None or "video" not in files:
        return ()
    clips = {"video": files["video"], "quadmask": files["quadmask"], "output": output.sha256}
    paths = {role: platform.store.fetch(sha256, folder / f"{role}.mp4") for role, sha256 in clips.items()}
    chosen = choose_frames(evaluation, int(asset.facts["frames"]))
    return frame_rows(paths["video"], paths["quadmask"], paths["output"], chosen, asset.facts.get("fps"))


def _study(platform: Platform, release: Release, folder: Path) -> Study | None:
    """What a study was and found, with pictures; None for a clip."""
    evidence = read_json(platform.store, release.evidence_sha256)
    study = study_of(platform.store, evidence)
    return with_pictures(study, platform.store, evidence, folder) if study else None
