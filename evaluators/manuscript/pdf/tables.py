"""Tables by cell: found beside their captions by rules or aligned columns; rows by baseline, columns by gaps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.manuscript.build import guess_header_rows, make_cell, squared
from evaluators.manuscript.document import Box, Cell, Place
from evaluators.manuscript.pdf.captions import Caption
from evaluators.manuscript.pdf.lattice import Lattice, find_lattice
from evaluators.manuscript.pdf.lines import CELL_GAP, Line, Run, joined, rows_of, segments_of
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


def find_grid(page: Page, caption: Caption, lines: Sequence[Line], others: Sequence[Caption]) -> Grid | None:
    """The table that a caption names, or None when no rows can be told."""
    rules = _ruled(page, caption, others)
    if rules:
        area = Area(min(r.x0 for r in rules) - 2, rules[0].y0, max(r.x1 for r in rules) + 2, rules[-1].y1)
        rows = _rows(page, area)
        inner = next((r.y0 for r in rules[1:-1] if _above(rows, r.y0)), None)
        parts = tuple(r for r in page.rules if r.width < 0.9 * area.width and area.holds(r.x0, r.y0) and r.width > 15)
        return Grid(area, inner, rows, parts) if len(rows) > 1 else None
    return _unruled(page, caption, lines)


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


def read_grid(grid: Grid, page: Page, section: str) -> tuple[tuple[Cell, ...], ...]:
    """The cells of a table. Pieces over several columns are repeated in each; second lines join their cell."""
    lattice = find_lattice(page, grid.area)
    if lattice is not None:
        return _read_lattice(lattice, page, section)
    columns = _columns(grid)
    header = sum(row[0].base < grid.inner for row in grid.rows) if grid.inner is not None else None
    table: list[list[list[Run]]] = []
    for index, row in enumerate(grid.rows):
        cells = _placed(row, columns, spanning=header is not None and index < header)
        if header is not None and index + 1 < header:
            _spread(row, cells, columns, grid, grid.rows[index + 1][0].base)
        if table and _continues(cells, table, grid.rows, index):
            for column, more in enumerate(cells):
                table[-1][column] += more
        else:
            table.append(cells)
            continue
        if header is not None and index < header:
            header -= 1
    table, header = _without_shifts(table, header)
    rows = [[_cell(runs, r, c, page, section) for c, runs in enumerate(row)] for r, row in enumerate(table)]
    place = Place(section, page.number, None, (Box(page.number, *grid.area),))
    return squared(rows, guess_header_rows(rows, header), place)


def _read_lattice(lattice: Lattice, page: Page, section: str) -> tuple[tuple[Cell, ...], ...]:
    """The text inside each closed cell, its lines joined; a cell over several places is repeated in each."""
    read: dict[Area, list[Run]] = {}
    for area in {cell for row in lattice.cells for cell in row}:
        inside = [c for c in page.chars if area.x0 - 1 <= (c.left + c.right) / 2 <= area.x1 + 1]
        inside = [c for c in inside if area.y0 <= c.base <= area.y1 + 1]
        read[area] = [joined(row) for row in rows_of(segments_of(inside))]
    rows = [[_cell(read[a], r, c, page, section) for c, a in enumerate(row)] for r, row in enumerate(lattice.cells)]
    rows = [row for row in rows if any(cell.text for cell in row)]
    top = lattice.cells[0][0]
    area = top.joined(lattice.cells[-1][-1])
    header = next((i for i, row in enumerate(rows) if any(_FIGURE.search(cell.text) for cell in row[1:])), None)
    place = Place(section, page.number, None, (Box(page.number, *area),))
    return squared(rows, guess_header_rows(rows, header), place)


def _without_shifts(table: list[list[list[Run]]], header: int | None) -> tuple[list[list[list[Run]]], int | None]:
    """Rows closer than type is high are one row, whose cells of one line are centred beside cells of two."""
    kept: list[list[list[Run]]] = []
    last = 0.0
    for index, row in enumerate(table):
        runs = [run for cell in row for run in cell]
        base, size = min(r.base for r in runs), max(r.size for r in runs)
        if kept and base - last < 0.85 * size:
            for column, more in enumerate(row):
                kept[-1][column] = [*kept[-1][column], *(run for run in more if run not in kept[-1][column])]
            if header is not None and index < header:
                header -= 1
        else:
            kept.append([list(cell) for cell in row])
        last = max(r.base for r in runs)
    return kept, header


def _columns(grid: Grid) -> list[tuple[float, float]]:
    """The stretches that the pieces of the body's rows cover; a stretch covered by few rows does not join two."""
    body = [row for row in grid.rows if len(row) > 1 and (grid.inner is None or row[0].base > grid.inner)]
    if not body:
        body = [row for row in grid.rows if len(row) > 1] or list(grid.rows)
    most = max(len(row) for row in body)
    full = [row for row in body if len(row) >= max(2, 0.6 * most)]
    stretches = [(run.area.x0, run.area.x1) for row in full for run in row]
    allowed = int(0.08 * len(full))
    columns = _covered(stretches, allowed)
    lone = [(run.area.x0, run.area.x1) for row in body for run in row if not _met(run.area, columns)]
    return sorted([*columns, *_covered(lone, 0)])


def _met(area: Area, columns: Sequence[tuple[float, float]]) -> bool:
    return any(area.x0 < right + 2 and left - 2 < area.x1 for left, right in columns)


def _covered(stretches: Sequence[tuple[float, float]], allowed: int) -> list[tuple[float, float]]:
    """The stretches of the axis covered by more than `allowed` of the given ones."""
    edges = sorted([(x0, 1) for x0, _ in stretches] + [(x1 + 0.5, -1) for _, x1 in stretches])
    covered: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for x, step in edges:
        before, depth = depth, depth + step
        if before <= allowed < depth:
            start = x
        elif depth <= allowed < before and x > start:
            covered.append((start, x))
    return covered


def _placed(row: Sequence[Run], columns: Sequence[tuple[float, float]], *, spanning: bool) -> list[list[Run]]:
    cells: list[list[Run]] = [[] for _ in columns]
    for run in row:
        middles = [(left + right) / 2 for left, right in columns]
        middles = [(left + right) / 2 for left, right in columns]
        centres = [i for i, x in enumerate(middles) if run.area.x0 - 1 <= x <= run.area.x1 + 1]
        if len(centres) > 1 and (spanning or _over_all(run, columns, centres)):
            reached = centres
        else:
            reached = [max(range(len(columns)), key=lambda i: _overlap(run, columns[i]))] if columns else []
        for column in reached:
            cells[column].append(run)
    return cells


def _spread(
    row: Sequence[Run],
    cells: list[list[Run]],
    columns: Sequence[tuple[float, float]],
    grid: Grid,
    below: float,
) -> None:
    """Put a title of the header into all columns that the rule below it covers."""
    for run in row:
        middle = (run.area.x0 + run.area.x1) / 2
        under = [r for r in grid.parts if run.base - 1 < r.y0 < below and r.x0 <= middle <= r.x1]
        for column, (left, right) in enumerate(columns):
            if under and under[0].x0 - 3 <= (left + right) / 2 <= under[0].x1 + 3 and not cells[column]:
                cells[column].append(run)


def _over_all(run: Run, columns: Sequence[tuple[float, float]], centres: Sequence[int]) -> bool:
    """A row's name that runs on over empty columns stays in the first; a title centred over several is in each."""
    return centres[0] > 0 and run.area.x0 >= columns[centres[0]][0] - 3


def _overlap(run: Run, column: tuple[float, float]) -> float:
    shared = min(run.area.x1, column[1]) - max(run.area.x0, column[0])
    middle = abs((run.area.x0 + run.area.x1) / 2 - (column[0] + column[1]) / 2)
    return shared if shared > 0 else -middle


_ADDED = re.compile(r"[±(\[]")
_FIGURE = re.compile(r"\d")


def _continues(
    cells: Sequence[list[Run]], table: Sequence[Sequence[list[Run]]], rows: Sequence[Sequence[Run]], index: int
) -> bool:
    """Whether a row only goes on with the cells above: deviations set below the values, or the rest of a long name."""
    told = [runs for runs in cells if runs]
    texts = ["".join(run.text for run in runs).strip() for runs in told]
    above = table[-1]
    if all(_ADDED.match(text) for text in texts) and all(a for a, c in zip(above, cells, strict=True) if c):
        return True
    step = rows[index][0].base - rows[index - 1][0].base
    after = rows[index + 1][0].base - rows[index][0].base if index + 1 < len(rows) else 1e9
    lone = len(told) == 1 and not cells[0]
    close = step < (1.6 if lone else 1.3) * rows[index][0].size and step < (0.97 if lone else 0.85) * after
    wordy = not any(_FIGURE.search(text) for text in texts) and all(a for a, c in zip(above, cells, strict=True) if c)
    return close and wordy and len(told) < sum(1 for runs in above if runs)


def _cell(runs: Sequence[Run], row: int, column: int, page: Page, section: str) -> Cell:
    if not runs:
        return make_cell("", row, column, place=Place(section, page.number))
    run = joined(sorted(runs, key=lambda r: (round(r.base), r.area.x0)))
    boxes = tuple(Box(page.number, *r.area) for r in runs)
    return make_cell(run.text.strip(), row, column, bold=run.bold > 0.5, place=Place(section, page.number, None, boxes))
