"""The dossier's sections on the record itself: signatures, provenance, audit proof, evidence, notes."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from core.reports.document import Asset, AuditProof, Dossier, Job, Model, SignatureRow
from core.reports.layout import Badge, Cell, facts, grid, heading, panel, ruled
from core.reports.typeset import CONTENT_WIDTH, text
from core.reports.wording import (
    SIGNATURES_BIND,
    asset_facts,
    attempt,
    audit_facts,
    job_facts,
    known,
    model_facts,
    moment,
    signature_match,
    signature_tone,
    size_in_words,
)

CARD = (CONTENT_WIDTH - 14) / 2


def record_sections(document: Dossier) -> Iterator[Flowable]:
    """The flowables from the signatures to the end."""
    yield from _signatures(document)
    yield from _model(document.model)
    yield from _asset(document.asset)
    yield from _job(document.job)
    yield from _audit(document.audit)
    yield from _evidence(document)


def _signatures(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Signatures", 240)
    if not document.signatures:
        yield text("Nobody has signed this record.")
        return
    yield text(SIGNATURES_BIND, "intro")
    cards: list[Cell] = [_card(one, document.record_sha256) for one in document.signatures]
    for index in range(0, len(cards), 2):
        pair = [*cards[index : index + 2], *[""] * (2 - len(cards[index : index + 2]))]
        yield KeepTogether([grid([pair], [CARD + 14, CARD]), Spacer(1, 10)])


def _card(row: SignatureRow, record: str) -> Flowable:
    content: list[Flowable] = [
        text(row.printed_name, "figure", limit=160),
        text(row.role, "small", limit=80),
        Spacer(1, 6),
        Badge(signature_tone(row)),
        Spacer(1, 6),
        text(f"Meaning: {row.meaning}", "strong", limit=120),
        text(moment(row.at)),
        text(f"Identity proven anew at {moment(row.authenticated_at)}", "small"),
    ]
    if row.remark:
        content.append(text(row.remark, limit=300))
    content += [Spacer(1, 5), text(signature_match(row, record), "small"), text(row.record_sha256, "mono", limit=64)]
    return panel(content, None, signature_tone(row).colour, CARD)


def _model(model: Model) -> Iterator[Flowable]:
    yield from heading("Model and licences")
    yield facts(model_facts(model))
    if not model.lineage:
        yield text("No base model is on record.", "small")
        return
    yield Spacer(1, 6)
    rows: list[list[Cell]] = [
        [
            [text(f"{one.name} {one.version or ''}", "strong", limit=160), text(known(one.digest), "mono", limit=64)],
            text(known(one.licence), limit=120),
        ]
        for one in model.lineage
    ]
    yield ruled(("Built on", "Licence"), rows, [CONTENT_WIDTH - 150, 150])


def _asset(asset: Asset) -> Iterator[Flowable]:
    yield from heading("Asset")
    yield facts(asset_facts(asset))


def _job(job: Job | None) -> Iterator[Flowable]:
    yield from heading("Job")
    if job is None:
        yield text("No job is on record.")
        return
    yield facts(job_facts(job))
    yield Spacer(1, 4)
    for one in job.attempts:
        yield text(attempt(one), limit=400)


def _audit(audit: AuditProof | None) -> Iterator[Flowable]:
    yield from heading("Audit proof")
    if audit is None:
        yield text("No audit proof was taken.")
        return
    yield facts(audit_facts(audit))
    if audit.inclusion_path:
        yield text("Inclusion path, from the event up", "label")
        yield from (text(one, "mono", limit=64) for one in audit.inclusion_path)
        yield Spacer(1, 6)
    yield text("Checkpoint", "label")
    yield panel([text(audit.checkpoint, "mono", limit=1500, lines=20)])
    yield Spacer(1, 8)
    yield CondPageBreak(60)
    yield text("How to check this without trusting this file", "group")
    yield from (text(f"{index}. {step}", limit=500) for index, step in enumerate(audit.how_to_verify, 1))


def _evidence(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Evidence")
    yield facts((("Record digest", document.record_sha256), ("Document schema", document.schema)))
    if document.evidence:
        yield Spacer(1, 4)
        rows: list[list[Cell]] = [
            [
                [text(one.name, "strong", limit=160), text(one.what, limit=200)],
                [text(one.sha256, "mono", limit=64), text(size_in_words(one.size), "small")],
            ]
            for one in document.evidence
        ]
        yield ruled(("File", "SHA-256"), rows, [CONTENT_WIDTH - 270, 270])
    if document.notes:
        yield from heading("Before you rely on this")
        yield from (text(f"–  {one}", limit=900) for one in document.notes)
