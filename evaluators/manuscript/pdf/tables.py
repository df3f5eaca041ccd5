"""Where tables stand: beside their captions, told by rules or by aligned columns; and on the pages they run on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.manuscript.pdf.captions import Caption
from evaluators.manuscript.pdf.lines import CELL_GAP, Line, Run, rows_of, segments_of
from evaluators.manuscript.pdf.page import Area, Page

_NEAR = 60.0
"""Points between a caption and the first rule or row of its table."""
_PROSE = 55
"""Characters: a row of one piece that is longer than this is text, not part of a table without rules."""


@dataclass(frozen=True)
class Grid:
    """Where a table stands and its rows; `inner` is the height of the first rule inside it."""

    area: Area
    inner: float | None
    rows: tuple[tuple[Run, ...], ...]
    parts: tuple[Area, ...] = ()
    """Rules over some columns only, which say what a title in the header spans."""
    levels: tuple[float, ...] = ()
    """The heights of the rules from edge to edge."""


def find_grid(page: Page, caption: Caption, lines: Sequence[Line], others: Sequence[Caption]) -> Grid | None:
    """The table that a caption names, or None when no rows can be told."""
    rules = _ruled(page, caption, others)
    if rules:
        grid = _between(page, rules)
        return grid if len(grid.rows) > 1 else None
    return _unruled(page, caption, lines)


def _between(page: Page, rules: Sequence[Area]) -> Grid:
    area = Area(min(r.x0 for r in rules) - 2, rules[0].y0, max(r.x1 for r in rules) + 2, rules[-1].y1)
    rows = _rows(page, area)
    inner = next((r.y0 for r in rules[1:-1] if _above(rows, r.y0)), None)
    parts = tuple(r for r in page.rules if r.width < 0.9 * area.width and area.holds(r.x0, r.y0) and r.width > 15)
    return Grid(area, inner, rows, parts, tuple(r.y0 for r in rules))


def find_continued(page: Page, before: Grid, lines: Sequence[Line], captions: Sequence[Caption]) -> Grid | None:
    """The rows with which a table of the page before goes on at the top of this one, or None."""
    alike = [
        r for r in _merged(page.rules) if abs(r.x0 - before.area.x0 - 2) <= 6 and abs(r.x1 - before.area.x1 + 2) <= 6
    ]
    for first in alike:
        above = [line for line in lines if line.run.base < first.y0]
        if above:
            return None
        chain = _chain(first, [r for r in alike if r.y0 >= first.y0], page, captions)
        if chain and any(first.y0 < line.run.base < chain[-1].y0 for line in lines):
            return _between(page, chain)
    return None


def ruled_area(page: Page, caption: Caption, others: Sequence[Caption]) -> Area | None:
    """The area between the first and last rule beside a caption (an algorithm's box)."""
    rules = _ruled(page, caption, others)
    return Area(min(r.x0 for r in rules), rules[0].y0, max(r.x1 for r in rules), rules[-1].y1) if rules else None


def _above(rows: Sequence[Sequence[Run]], y: float) -> bool:
    return bool(rows) and rows[0][0].base < y < rows[-1][0].base


def _ruled(page: Page, caption: Caption, others: Sequence[Caption]) -> list[Area]:
    """The level rules of the caption's table from its first to its last; empty when it has none."""
    rules = _merged(page.rules)
    box = caption.area
    beside = [r for r in rules if r.width > 40 and r.x0 < box.x1 and box.x0 < r.x1]
    below = [r for r in beside if -2 <= r.y0 - box.y1 <= _NEAR and not _prose_between(page, box.y1, r)]
    above = [r for r in beside if -2 <= box.y0 - r.y1 <= _NEAR and not _prose_between(page, r.y1, box)]
    below_gap = below[0].y0 - box.y1 if below else 1e9
    above_gap = box.y0 - above[-1].y1 if above else 1e9
    if below and below_gap <= above_gap + 8:
        return _chain(below[0], [r for r in beside if r.y0 >= below[0].y0], page, others)
    if above:
        last = above[-1]
        upwards = _chain(last, [r for r in reversed(beside) if r.y0 <= last.y0], page, others)
        return upwards[::-1]
    return []


def _prose_between(page: Page, y: float, other: Area) -> bool:
    """Whether more than a line of text stands between a height and a rule or caption."""
    y0, y1 = min(y, other.y0), max(y, other.y0)
    bases = {round(c.base) for c in page.chars if y0 + 1 < c.base < y1 - 1 and other.x0 <= c.left <= other.x1}
    return len(bases) > 2


def _merged(rules: Sequence[Area]) -> list[Area]:
    """Rules with the pieces of one line joined, top to bottom."""
    merged: list[Area] = []
    for rule in sorted(rules, key=lambda r: (round(r.y0), r.x0)):
        last = merged[-1] if merged else None
        if last is not None and abs(last.y0 - rule.y0) <= 1.5 and rule.x0 - last.x1 <= 4:
            merged[-1] = last.joined(rule)
        else:
            merged.append(rule)
    return sorted(merged, key=lambda r: r.y0)


def _chain(first: Area, rules: Sequence[Area], page: Page, others: Sequence[Caption]) -> list[Area]:
    """The rules that belong to the table of the first: of its width, with no caption and no text column between."""
    chain = [first]
    for rule in rules:
        if abs(rule.y0 - chain[-1].y0) <= 1.5:
            continue
        y0, y1 = sorted((chain[-1].y0, rule.y0))
        if any(y0 < c.area.y0 < y1 and c.area.x0 < first.x1 and first.x0 < c.area.x1 for c in others):
            break
        if abs(rule.x0 - first.x0) > 6 or abs(rule.x1 - first.x1) > 6:
            continue
        if _reads_as_text(page, Area(first.x0, y0, first.x1, y1)):
            break
        chain.append(rule)
    return chain if len(chain) > 1 else []


def _reads_as_text(page: Page, area: Area) -> bool:
    """Whether the area holds paragraphs: most of its rows are one piece from edge to edge."""
    rows = _rows(page, area)
    full = [row for row in rows if len(row) == 1 and row[0].area.width > 0.9 * area.width and len(row[0].text) > _PROSE]
    return len(full) >= 2 and 2 * len(full) > len(rows)


def _rows(page: Page, area: Area) -> tuple[tuple[Run, ...], ...]:
    inside = [c for c in page.chars if area.y0 + 2.5 <= c.base <= area.y1 + 1 and area.x0 - 1 <= c.left <= area.x1 + 1]
    return tuple(tuple(row) for row in rows_of(segments_of(inside, CELL_GAP)))


def _unruled(page: Page, caption: Caption, lines: Sequence[Line]) -> Grid | None:
    """Rows of several pieces next to the caption, below it or else above it."""
    box = caption.area
    for rows in (_below(page, box, lines), _above_caption(page, box, lines)):
        if len(rows) >= 2 and sum(len(row) > 1 for row in rows) >= 2:
            runs = [run for row in rows for run in row]
            area = runs[0].area
            for run in runs[1:]:
                area = area.joined(run.area)
            return Grid(area.grown(1), None, tuple(rows))
    return None


def _below(page: Page, box: Area, lines: Sequence[Line]) -> list[tuple[Run, ...]]:
    column = _column_of(box, lines)
    rows = _rows(page, Area(column[0], box.y1 + 1, column[1], page.height * 0.94))
    return _while_tabular(rows, box.y1, 1)


def _above_caption(page: Page, box: Area, lines: Sequence[Line]) -> list[tuple[Run, ...]]:
    column = _column_of(box, lines)
    rows = _rows(page, Area(column[0], page.height * 0.05, column[1], box.y0 - 1))
    return _while_tabular(rows[::-1], box.y0, -1)[::-1]


def _column_of(box: Area, lines: Sequence[Line]) -> tuple[float, float]:
    near = box.grown(60)
    beside = [line for line in lines if line.area.meets(near)]
    edges = [line.column for line in beside if line.column[0] - 2 <= box.x0 <= line.column[1]]
    return min([box.x0, *(edge[0] for edge in edges)]), max([box.x1, *(edge[1] for edge in edges)])


def _while_tabular(rows: Sequence[tuple[Run, ...]], y: float, direction: int) -> list[tuple[Run, ...]]:
    taken: list[tuple[Run, ...]] = []
    for row in rows:
        step = direction * (row[0].base - y)
        single = len(row) == 1 and (len(row[0].text) > _PROSE or (not taken and direction > 0 and step > 30))
        if step > (_NEAR if not taken else 3.2 * row[0].size) or single:
            break
        taken.append(row)
        y = row[0].base
    while taken and len(taken[-1]) == 1:
        taken.pop()
    return taken
