"""The dossier's first page: the decision in one sentence, the pictures, what keeps it closed, what it is about."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import Flowable, KeepTogether, Spacer

from core.reports import study_wording
from core.reports.document import Dossier, Status
from core.reports.layout import Badge, MaskLegend, facts, grid, panel, pictures
from core.reports.typeset import CONTENT_WIDTH, HAIRLINE, text
from core.reports.wording import OUTCOME_TONES, known, moment, signature_tone

SHOWN_BLOCKERS = 5
SHOWN_SIGNERS = 4


def front_page(document: Dossier) -> Iterator[Flowable]:
    """The flowables of the first page, in reading order."""
    yield _masthead(document)
    yield Spacer(1, 14)
    yield _decision(document)
    yield Spacer(1, 14)
    if document.frames:
        yield pictures(document.frames[0].pictures)
        yield MaskLegend()
        yield Spacer(1, 10)
    if document.study and (shown := [*document.study.pages[:1], *document.study.figures[:3]]):
        # Smaller where there is much to read below them.
        yield pictures(shown, columns=6 if document.blocking else 4)
        yield Spacer(1, 12)
    yield _figures(document)
    yield from _blockers(document)
    yield from _signers(document)
    yield Spacer(1, 16)
    yield _about(document)


def _masthead(document: Dossier) -> Flowable:
    left: list[Flowable] = [text("Release dossier", "label"), text(document.title, "figure", limit=160)]
    right: list[Flowable] = [text("Made", "label"), text(moment(document.made_at), "body")]
    return grid([[left, right]], [CONTENT_WIDTH - 130, 130], [("RIGHTPADDING", (0, 0), (0, 0), 16)])


def _decision(document: Dossier) -> Flowable:
    tone = OUTCOME_TONES[document.outcome]
    content: list[Flowable] = [
        Badge(tone, 9.5, solid=True),
        Spacer(1, 8),
        text(document.headline, "headline", limit=240),
    ]
    if document.summary:
        content += [Spacer(1, 4), text(document.summary, "lead", limit=600)]
    return panel(content, tone.tint, tone.colour)


def _figures(document: Dossier) -> Flowable:
    tally = document.tally()
    signed = [one for one in document.signatures if one.decision == "signed"]
    verified = document.audit.verified if document.audit else None
    tiles = (
        (f"{tally.get(Status.PASS, 0)} of {sum(tally.values())}", "controls pass"),
        (f"{len(document.blocking)}", "verdicts keep it closed"),
        *_found(document),
        (f"{len(signed)}", "signatures given"),
        ({True: "verified", False: "broken", None: "not checked"}[verified], "audit log"),
    )
    cells = [[text(value, "figure"), text(words, "caption")] for value, words in tiles]
    style = [
        ("LINEABOVE", (0, 0), (-1, 0), 0.5, HAIRLINE),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, HAIRLINE),
        ("TOPPADDING", (0, 0), (-1, -1), 7),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ("RIGHTPADDING", (0, 0), (-1, -1), 8),
    ]
    return grid([cells], [CONTENT_WIDTH / len(tiles)] * len(tiles), style)


def _found(document: Dossier) -> Iterator[tuple[str, str]]:
    """What was measured, or for a study what vouches for its numbers."""
    if document.study is not None:
        yield study_wording.traced_share(document.study, document.manuscript), "numbers traced"
        yield study_wording.checks_share(document.study), "leakage checks pass"
        return
    judged = [row for row in document.measurements if row.meets is not None]
    yield f"{sum(row.meets is True for row in judged)} of {len(judged)}", "judged measures within limit"


def _blockers(document: Dossier) -> Iterator[Flowable]:
    reasons = [(one.sentence, one.next_step, one.control) for one in document.blocking]
    reasons += [(one.sentence, one.next_step, "") for one in document.outstanding]
    if not reasons:
        return
    yield text("What keeps it closed", "section")
    for index, (sentence, next_step, control) in enumerate(reasons[:SHOWN_BLOCKERS], 1):
        words: list[Flowable] = [text(sentence, "strong", limit=400)]
        if next_step:
            words.append(text(f"Next: {next_step}", "body", limit=300))
        row = grid([[text(index, "figure"), words, text(control, "label", limit=24)]], [22, CONTENT_WIDTH - 82, 60])
        yield KeepTogether([row, Spacer(1, 7)])
    if len(reasons) > SHOWN_BLOCKERS:
        yield text(f"and {len(reasons) - SHOWN_BLOCKERS} more, under Policy verdicts", "small")


def _signers(document: Dossier) -> Iterator[Flowable]:
    if not document.signatures:
        return
    yield text("Who signed", "section")
    for one in document.signatures[:SHOWN_SIGNERS]:
        words = f"{one.printed_name}, {one.role}"
        row = [
            Badge(signature_tone(one)),
            text(words, "strong", limit=120),
            text(f"{one.meaning}, {moment(one.at)}", limit=90),
        ]
        yield grid([row], [76, CONTENT_WIDTH - 296, 220], [("BOTTOMPADDING", (0, 0), (-1, -1), 6)])
    if len(document.signatures) > SHOWN_SIGNERS:
        yield text(f"and {len(document.signatures) - SHOWN_SIGNERS} more, under Signatures", "small")


def _about(document: Dossier) -> Flowable:
    model, asset, job = document.model, document.asset, document.job
    left = (
        ("Project", f"{document.project.name} ({document.project.kind})"),
        ("Agreements", ", ".join(document.project.agreements) or "none recorded"),
        ("Jurisdictions", ", ".join(document.project.jurisdictions) or "none recorded"),
        ("State", document.state),
    )
    right = (
        ("Model", f"{model.name} {model.version}"),
        ("Licence", known(model.licence)),
        ("Asset", asset.name),
        ("Job", f"{job.runner} {job.runner_version}, {job.status}" if job else "no job on record"),
    )
    half = (CONTENT_WIDTH - 20) / 2
    row = [facts(left, half, 90), facts(right, half, 90)]
    return grid([row], [half + 20, half], [("RIGHTPADDING", (0, 0), (0, 0), 20)])
