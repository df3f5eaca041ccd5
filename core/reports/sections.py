"""The dossier's sections on results: measurements, curves, frames, policy verdicts, persons, reviews."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from core.reports.curves import curve
from core.reports.document import Dossier, MeasurementRow, PackVerdicts, Person, Review, VerdictRow
from core.reports.layout import Badge, Cell, MaskLegend, grid, heading, pictures, ruled
from core.reports.manuscript_sections import manuscript_sections
from core.reports.record import record_sections
from core.reports.study_sections import study_sections
from core.reports.typeset import CONTENT_WIDTH, text
from core.reports.wording import (
    DIRECTIONS,
    NO_PERSONS,
    NOTHING_COVERS,
    PERSONS_UNKNOWN,
    STATUS_TONES,
    by_urgency,
    citation,
    coverage,
    frame_title,
    interval,
    limit,
    measured,
    measurement_tone,
    moment,
    score,
    severity,
)


def sections(document: Dossier) -> Iterator[Flowable]:
    """The flowables of every section after the first page, in reading order."""
    if document.study is not None:
        yield from study_sections(document.study)
    if document.manuscript is not None:
        yield from manuscript_sections(document.manuscript)
    yield from _measurements(document)
    yield from _curves(document)
    yield from _frames(document)
    yield from _verdicts(document)
    # Whom a study touches stands with its data.
    if document.study is None or document.persons is not None:
        yield from _persons(document)
    yield from _reviews(document)
    yield from record_sections(document)


def _measurements(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Measurements")
    if not document.measurements:
        yield text("Nothing was measured.")
        return
    rows = [_measurement(row) for row in document.measurements]
    yield ruled(("Measure", "Value", "Limit", ""), rows, [206, 112, 90, CONTENT_WIDTH - 408])


def _measurement(row: MeasurementRow) -> list[Cell]:
    source = " · ".join(
        part for part in (row.name, f"{row.evaluator} {row.evaluator_version}".strip(), row.citation) if part
    )
    about: list[Flowable] = [
        text(row.title, "strong", limit=120),
        text(row.meaning, limit=300),
        text(source, "small", limit=200),
    ]
    value: list[Flowable] = [
        text(measured(row), "figure" if row.value is not None else "body", limit=60 if row.value is not None else 300)
    ]
    if words := interval(row):
        value.append(text(words, "small", limit=120))
    if row.value is not None and row.count:
        value.append(text(f"over {row.count} {row.count_of}", "small", limit=80))
    bound: list[Flowable] = [
        text(limit(row), limit=60),
        text(DIRECTIONS.get(row.direction, row.direction), "small", limit=60),
    ]
    return [about, value, bound, Badge(measurement_tone(row))]


def _curves(document: Dossier) -> Iterator[Flowable]:
    half = (CONTENT_WIDTH - 18) / 2
    drawn = [
        [text(f"{row.title}, {row.unit}" if row.unit not in ("", "1") else row.title, "strong", limit=90), drawing]
        for row in document.measurements
        if (drawing := curve(row, half, 104))
    ]
    if not drawn:
        return
    yield from heading("Over the frames", 190)
    yield text(
        "The dashed line is the limit; the rings are the worst frames; a gap means no value could be taken.", "intro"
    )
    for index in range(0, len(drawn), 2):
        pair: list[Cell] = [*drawn[index : index + 2], *[""] * (2 - len(drawn[index : index + 2]))]
        yield KeepTogether([grid([pair], [half + 18, half]), Spacer(1, 10)])


def _frames(document: Dossier) -> Iterator[Flowable]:
    if not document.frames:
        return
    yield from heading("Frames", 190)
    yield text("Reduced copies, for looking; the full frames are in the files named under Evidence.", "intro")
    yield MaskLegend()
    for row in document.frames:
        yield KeepTogether([text(frame_title(row), "strong"), Spacer(1, 3), pictures(row.pictures), Spacer(1, 8)])


def _verdicts(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Policy verdicts", 180)
    if not document.packs:
        yield text("No policy pack was judged.")
    for pack in document.packs:
        yield from _pack(pack)


def _pack(pack: PackVerdicts) -> Iterator[Flowable]:
    yield CondPageBreak(130)
    yield text(pack.title, "group", limit=160)
    yield text(f"{pack.id} {pack.version} · {pack.standing}", "intro", limit=200)
    yield ruled(
        ("Verdict", "What was found"), [_verdict(one) for one in by_urgency(pack.verdicts)], [112, CONTENT_WIDTH - 112]
    )


def _verdict(row: VerdictRow) -> list[Cell]:
    state: list[Flowable] = [Badge(STATUS_TONES[row.status])]
    state += [Spacer(1, 4), text(severity(row), "small", limit=40)]
    found: list[Flowable] = [text(f"{row.control}  {row.title}", "strong", limit=200), text(row.sentence)]
    if row.next_step:
        found.append(text(f"Next: {row.next_step}", limit=500))
    found += [text(citation(one), "small", limit=200) for one in row.citations]
    return [state, found]


def _persons(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Persons and consents")
    if document.persons is None:
        yield text(PERSONS_UNKNOWN)
    elif not document.persons:
        yield text(NO_PERSONS)
    else:
        rows = [_person(one) for one in document.persons]
        yield ruled(("Person", "Treatment", "What covers it"), rows, [132, 104, CONTENT_WIDTH - 236])


def _person(row: Person) -> list[Cell]:
    who: list[Flowable] = [text(row.shown_as, "strong", limit=160), text(row.subject, "small", limit=60)]
    how: list[Flowable] = [text(row.treatment, limit=80)]
    if row.where:
        how.append(text(row.where, "small", limit=160))
    what: list[Flowable] = []
    for one in row.covered_by:
        what += [text(coverage(one), limit=500)]
        if one.evidence_sha256:
            what.append(text(one.evidence_sha256, "mono"))
    if not row.covered_by:
        what.append(text(NOTHING_COVERS, "strong"))
    if row.note:
        what.append(text(row.note, "small", limit=400))
    return [who, how, what]


def _reviews(document: Dossier) -> Iterator[Flowable]:
    yield from heading("Reviews")
    if not document.reviews:
        yield text("No review is on record.")
        return
    yield ruled(("Reviewer", "Finding"), [_review(one) for one in document.reviews], [132, CONTENT_WIDTH - 132])


def _review(row: Review) -> list[Cell]:
    who: list[Flowable] = [text(row.reviewer, "strong", limit=160), text(row.kind, "small", limit=60)]
    who.append(text(moment(row.at), "small"))
    found: list[Flowable] = [text(row.rubric, "strong", limit=160), text(row.summary)]
    for one in row.scores:
        found.append(text(score(one), limit=300))
    if row.sha256:
        found.append(text(row.sha256, "mono"))
    return [who, found]
