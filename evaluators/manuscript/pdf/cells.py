"""The cells of a table that was found: by its lattice, else by the gaps between columns and the baselines of rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from evaluators.manuscript.build import guess_header_rows, make_cell, squared
from evaluators.manuscript.document import Box, Cell, Place
from evaluators.manuscript.pdf.lattice import Lattice, find_lattice
from evaluators.manuscript.pdf.lines import Run, joined, rows_of, segments_of
from evaluators.manuscript.pdf.page import Area, Page
from evaluators.manuscript.pdf.tables import Grid


def read_grid(grid: Grid, page: Page, section: str) -> tuple[tuple[Cell, ...], ...]:
    """The cells of a table. Pieces over several columns are repeated in each; second lines join their cell."""
    lattice = find_lattice(page, grid.area)
    if lattice is not None:
        return _read_lattice(lattice, page, section)
    columns = _columns(grid)
    bands = _bands(grid)
    header = sum(row[0].base < grid.inner for row in grid.rows) if grid.inner is not None else None
    table: list[list[list[Run]]] = []
    for index, row in enumerate(grid.rows):
        cells = _placed(row, columns, spanning=header is not None and index < header)
        if header is not None and index + 1 < header:
            _spread(row, cells, columns, grid, grid.rows[index + 1][0].base)
        same_band = index > 0 and bands is not None and bands[index] == bands[index - 1]
        if table and (same_band or (bands is None and _continues(cells, table, grid.rows, index))):
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


def with_continued(
    cells: tuple[tuple[Cell, ...], ...], more: tuple[tuple[Cell, ...], ...]
) -> tuple[tuple[Cell, ...], ...]:
    """A table with the rows it has on the next page; a header that is repeated there is left out."""
    if not cells or not more or len(cells[0]) != len(more[0]):
        return cells
    head = [[cell.text for cell in row] for row in cells[:3]]
    same = 0
    while same < min(len(head), len(more)) and [cell.text for cell in more[same]] == head[same]:
        same += 1
    added = [
        tuple(replace(cell, row=len(cells) + i, header=False) for cell in row) for i, row in enumerate(more[same:])
    ]
    return (*cells, *added)


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


def _bands(grid: Grid) -> list[int] | None:
    """Per row the number of rules above it, where rules part rows and not groups of rows; else None."""
    if len(grid.levels) < 5:
        return None
    bands = [sum(level < row[0].base for level in grid.levels) for row in grid.rows]
    alone = sum(bands.count(band) == 1 for band in set(bands))
    return bands if alone >= 0.6 * len(set(bands)) else None


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
_CLOSING = re.compile(r"^[^(\[]*[)\]]")


def _open(text: str) -> bool:
    return text.count("(") + text.count("[") > text.count(")") + text.count("]")


def _continues(
    cells: Sequence[list[Run]], table: Sequence[Sequence[list[Run]]], rows: Sequence[Sequence[Run]], index: int
) -> bool:
    """Whether a row only goes on with the cells above: deviations set below the values, or the rest of a long name."""
    told = [runs for runs in cells if runs]
    texts = ["".join(run.text for run in runs).strip() for runs in told]
    above = table[-1]
    if all(_ADDED.match(text) for text in texts) and all(a for a, c in zip(above, cells, strict=True) if c):
        return True
    closing = [(c, a) for a, c in zip(above, cells, strict=True) if a and c]
    if any(
        _open("".join(run.text for run in a)) and _CLOSING.search("".join(run.text for run in c)) for c, a in closing
    ):
        return True
    step = rows[index][0].base - rows[index - 1][0].base
    after = rows[index + 1][0].base - rows[index][0].base if index + 1 < len(rows) else 1e9
    lone = len(told) == 1 and not cells[0]
    close = step < (1.6 if lone else 1.3) * rows[index][0].size and step < (0.97 if lone else 0.85) * after
    wordy = (lone or not any(_FIGURE.search(text) for text in texts)) and all(
        a for a, c in zip(above, cells, strict=True) if c
    )
    return close and wordy and len(told) < sum(1 for runs in above if runs)


def _cell(runs: Sequence[Run], row: int, column: int, page: Page, section: str) -> Cell:
    if not runs:
        return make_cell("", row, column, place=Place(section, page.number))
    run = joined(sorted(runs, key=lambda r: (round(r.base), r.area.x0)))
    boxes = tuple(Box(page.number, *r.area) for r in runs)
    return make_cell(run.text.strip(), row, column, bold=run.bold > 0.5, place=Place(section, page.number, None, boxes))
