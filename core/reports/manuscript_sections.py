"""The dossier's pages on a manuscript: what the rules found, with the quoted line, and what people said of it."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import CondPageBreak, Flowable, Spacer

from core.reports import manuscript_wording as say
from core.reports.layout import Badge, Cell, facts, heading, ruled
from core.reports.manuscript import ChecklistItem, CheckRow, FindingRow, FormRow, ItemRow, ManuscriptPage
from core.reports.typeset import CONTENT_WIDTH, text


def manuscript_sections(page: ManuscriptPage) -> Iterator[Flowable]:
    """The flowables of a manuscript, in reading order."""
    yield from _findings(page)
    yield from _checks(page)
    yield from _checklists(page)
    yield from _forms(page)


def _findings(page: ManuscriptPage) -> Iterator[Flowable]:
    yield from heading("Integrity of the manuscript", 160)
    yield text(say.counts(page), "strong", limit=400)
    if page.unread:
        return
    yield text(say.traced(page), limit=500)
    yield Spacer(1, 4)
    if not page.findings:
        yield text(say.NO_FINDING)
        return
    yield text(say.FINDINGS_NOTE, "intro")
    rows = [_finding(one) for one in page.findings]
    yield ruled(("Severity", "What was found"), rows, [92, CONTENT_WIDTH - 92])


def _finding(row: FindingRow) -> list[Cell]:
    mark: list[Flowable] = [Badge(say.finding_tone(row)), Spacer(1, 4), text(say.MEANS.get(row.severity, ""), "small")]
    found: list[Flowable] = [text(row.message, "strong", limit=400), text(f"“{row.quote}”", limit=420)]
    if row.expected:
        found.append(text(f"Expected: {row.expected}", limit=300))
    found.append(text(say.about(row), "small", limit=200))
    return [mark, found]


def _checks(page: ManuscriptPage) -> Iterator[Flowable]:
    if not page.checks:
        return
    yield CondPageBreak(140)
    yield text("Rules", "group")
    rows = [_check(one) for one in sorted(page.checks, key=lambda one: (one.status == "checked", not one.findings))]
    yield ruled(("Rule", "What was looked at, or why not", ""), rows, [170, CONTENT_WIDTH - 270, 100])


def _check(row: CheckRow) -> list[Cell]:
    named: list[Flowable] = [text(row.title, "strong", limit=120), text(row.rule, "small", limit=60)]
    return [named, text(row.reason, limit=240), Badge(say.check_tone(row))]


def _checklists(page: ManuscriptPage) -> Iterator[Flowable]:
    if not page.checklists:
        return
    yield from heading("Reporting checklists", 110)
    yield text(say.CHECKLIST_NOTE, "intro")
    yield facts([(one.title, say.coverage_from(one)) for one in page.checklists], label=150)
    for one in page.checklists:
        if one.said:
            yield CondPageBreak(110)
            yield text(f"{one.title}: what people said", "group", limit=160)
            rows = [_said(item) for item in one.said]
            yield ruled(("Item", "Stands at", "By", "Where, or why"), rows, [165, 92, 90, CONTENT_WIDTH - 347])


def _said(row: ChecklistItem) -> list[Cell]:
    return [
        text(say.item_asks(row), "strong", limit=340),
        Badge(say.stands(row)),
        text(row.by or "nobody yet", limit=200),
        text(say.item_found(row), limit=920),
    ]


def _forms(page: ManuscriptPage) -> Iterator[Flowable]:
    yield from heading("What reviewers said", 140)
    if waiting := say.open_reviews(page):
        yield text(waiting)
    if not page.forms:
        yield text(say.NO_REVIEW)
    for form in page.forms:
        yield from _form(form)


def _form(form: FormRow) -> Iterator[Flowable]:
    yield CondPageBreak(150)
    yield text(f"{form.title}, version {form.version}", "group", limit=160)
    yield text(say.raters(form), limit=200)
    if form.judges:
        yield text(say.JUDGES_NOTE, "small")
    yield text(say.agreement(form), limit=300)
    if dispute := say.disputed(form):
        yield text(dispute, "strong", limit=300)
    if form.items:
        rows = [_item(one) for one in form.items]
        yield ruled(("Item", "Stands at", "Interval", "Given"), rows, [130, 70, 150, CONTENT_WIDTH - 350])


def _item(row: ItemRow) -> list[Cell]:
    return [
        text(row.title, "strong", limit=100),
        text(say.item_mean(row), "strong", limit=40),
        text(say.item_spread(row), limit=120),
        text(say.item_values(row), limit=200),
    ]
