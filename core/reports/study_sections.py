"""The dossier's pages on a study: what was asked, the manuscript, the data, the results and what vouches for them."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from core.reports import study_wording as say
from core.reports.layout import Badge, Cell, facts, grid, heading, image, panel, pictures, ruled
from core.reports.study import Card, Check, Result, ResultGroup, Study
from core.reports.typeset import CONTENT_HEIGHT, CONTENT_WIDTH, text
from core.reports.wording import known

HALF = (CONTENT_WIDTH - 18) / 2
TALL_FIGURE = 190.0


def study_sections(study: Study) -> Iterator[Flowable]:
    """The flowables of a study, in reading order."""
    # A first page that ran over is gone on with; one that did not is left to itself.
    yield CondPageBreak(CONTENT_HEIGHT * 0.6)
    yield from _question(study)
    yield from _results(study)
    yield from _figures(study)
    yield from _data(study)
    yield from _checks(study)
    yield from _numbers(study)
    yield from _people(study)
    yield from _making(study)
    yield from _manuscript(study)


def _question(study: Study) -> Iterator[Flowable]:
    yield from heading("The study")
    if study.title:
        yield text(study.title, "figure", limit=300)
        yield Spacer(1, 8)
    yield facts(say.question_facts(study), limit=900)
    yield from heading("Protocol")
    protocol = say.protocol_facts(study)
    yield facts(protocol, limit=600) if protocol else text(say.NO_PROTOCOL)
    yield Spacer(1, 4)
    yield text("Deviations from the protocol", "group")
    if study.deviations is None:
        yield text(say.UNKNOWN_DEVIATIONS)
    elif not study.deviations:
        yield text(say.NO_DEVIATIONS)
    for one in study.deviations or ():
        yield text(f"–  {one.what}: {one.why}", limit=500)


def _results(study: Study) -> Iterator[Flowable]:
    yield from heading("Results")
    if not study.results:
        yield text(say.NO_RESULTS)
    for group in study.results:
        yield CondPageBreak(110)
        yield text(group.title, "group", limit=160)
        if how := say.intervals(group):
            yield text(how, "small", limit=200)
        yield _group(group)
        if group.left_out:
            yield text(f"and {group.left_out:,} more in the results file", "small")


def _group(group: ResultGroup) -> Flowable:
    rows = [_result(row) for row in group.rows]
    return ruled(("What", "Measure", "Value", "Interval"), rows, [186, 110, 84, CONTENT_WIDTH - 380])


def _result(row: Result) -> list[Cell]:
    spread = [say.spread(row)] if say.spread(row) else []
    spread += [f"{row.count:,} rows"] if row.count is not None else []
    return [
        text(row.what, "strong", limit=160),
        text(row.measure, limit=120),
        text(say.value(row), "strong" if row.value is not None else "body", limit=200),
        text("  ·  ".join(spread), limit=200),
    ]


def _figures(study: Study) -> Iterator[Flowable]:
    if not study.figures and not study.flow:
        return
    yield from heading("Participants and figures", 200)
    for sentence in study.flow:
        yield text(sentence, limit=300)
    if not study.figures:
        return
    yield text(say.FIGURES_NOTE, "intro")
    cells: list[Cell] = [
        [image(one, HALF, TALL_FIGURE), text(one.caption, "caption", limit=120)] for one in study.figures
    ]
    for index in range(0, len(cells), 2):
        pair = [*cells[index : index + 2], *[""] * (2 - len(cells[index : index + 2]))]
        yield KeepTogether([grid([pair], [HALF + 18, HALF]), Spacer(1, 10)])


def _data(study: Study) -> Iterator[Flowable]:
    yield from heading("Data", 160)
    if not study.cards:
        yield text(say.NO_CARDS)
    for card in study.cards or ():
        yield KeepTogether([_card(card), Spacer(1, 8)])


def _card(card: Card) -> Flowable:
    content: list[Flowable] = [text(card.title or card.name, "strong", limit=200), Spacer(1, 4)]
    return panel([*content, facts(say.card_facts(card), CONTENT_WIDTH - 32)])


def _checks(study: Study) -> Iterator[Flowable]:
    yield from heading("Checks for leakage", 140)
    if not study.checks:
        yield text(say.NO_CHECKS)
    else:
        rows = [_check(one) for one in study.checks]
        yield ruled(("Check", "Finding", ""), rows, [130, CONTENT_WIDTH - 230, 100])
    if study.success:
        yield Spacer(1, 6)
        yield text("Did the run go as it should?", "group")
        yield facts([(say.criterion(name), known(value)) for name, value in study.success], label=190)


def _check(one: Check) -> list[Cell]:
    return [text(one.name.capitalize(), "strong", limit=80), text(one.detail, limit=400), Badge(say.check_tone(one))]


def _numbers(study: Study) -> Iterator[Flowable]:
    yield from heading("Numbers in the manuscript")
    yield text(say.traced(study), "strong")
    for one in study.untraced:
        yield text(f"–  {one.text} ({one.where})", limit=200)


def _people(study: Study) -> Iterator[Flowable]:
    yield from heading("What people determined", 120)
    rows: list[list[Cell]] = [
        [
            [text(one.kind.capitalize(), "strong", limit=80), text(say.determination(one), "small", limit=200)],
            text(one.statement, limit=600),
        ]
        for one in study.determinations
    ]
    ethics = [text(one, limit=500) for one in study.ethics.notes] or [text("Nothing is noted.")]
    mark: list[Flowable] = [text("Ethics in the study", "strong"), Spacer(1, 3)]
    mark.append(Badge(say.ethics_tone(study.ethics)))
    if study.ethics.by:
        mark.append(text(study.ethics.by, "small", limit=120))
    rows.append([mark, ethics])
    for step in study.decisions:
        gate: list[Flowable] = [text(f"Gate: {step.gate}", "strong", limit=80), Spacer(1, 3)]
        rows.append([[*gate, Badge(say.decision_tone(step))], text(say.decision(step), limit=300)])
    rows.append([text("Other runs", "strong"), text(say.other_runs(study))])
    yield ruled(("What", "What was said"), rows, [170, CONTENT_WIDTH - 170])


def _making(study: Study) -> Iterator[Flowable]:
    yield from heading("Models, cost and environment", 140)
    yield facts(say.cost_facts(study.cost))
    if study.asked:
        rows: list[list[Cell]] = [
            [
                [text(one.role, "strong", limit=80), text(one.model, "small", limit=120)],
                text(f"{one.calls:,}"),
                text(say.tokens(one)),
                text(say.price(one.usd)),
                text(say.seconds(one.seconds)),
            ]
            for one in study.asked
        ]
        widths = [170, 44, 130, 80, CONTENT_WIDTH - 424]
        yield ruled(("Role and model", "Calls", "Tokens", "Price", "Time"), rows, widths)
    else:
        yield text(say.NO_CALLS)
    yield Spacer(1, 6)
    yield facts(study.environment) if study.environment else text(say.NO_ENVIRONMENT)
    if study.missing:
        yield text("Looked for and not found", "group")
        yield from (text(f"–  {one}", limit=300) for one in study.missing)


def _manuscript(study: Study) -> Iterator[Flowable]:
    yield from heading("The manuscript", 260)
    if study.unseen:
        yield text(f"The manuscript cannot be shown: {study.unseen}.")
        return
    yield text(f"{say.pages_title(study)}. {say.PAGES_NOTE}", "intro")
    yield pictures(study.pages)
