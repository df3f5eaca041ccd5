"""Tables drawn as a lattice: level and upright rules that close cells, with cells over several rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.manuscript.pdf.page import Area, Page

_SAME = 3.0
"""Points within which two rules are one line of the lattice."""
_CLOSED = 0.75
"""The share of possible cell sides that must be drawn for rules to be a lattice."""
_MOST_LINES = 120


@dataclass(frozen=True)
class Lattice:
    """The lines of a lattice. `cells[row][column]` is the area of the cell there; a wide cell stands in each place."""

    cells: tuple[tuple[Area, ...], ...]


def find_lattice(page: Page, area: Area) -> Lattice | None:
    """The lattice that fills an area, or None when its rules close no cells."""
    inside = area.grown(_SAME)
    level = [r for r in page.rules if inside.holds(r.x0, r.y0) and inside.holds(r.x1, r.y1)]
    upright = [r for r in page.uprights if inside.holds(r.x0, r.y0) and inside.holds(r.x1, r.y1)]
    ys = _positions([(r.y0 + r.y1) / 2 for r in level])
    xs = _positions([(r.x0 + r.x1) / 2 for r in upright])
    if not 3 <= len(ys) <= _MOST_LINES or not 3 <= len(xs) <= _MOST_LINES:
        return None
    rows, columns = len(ys) - 1, len(xs) - 1
    right = [[_drawn_upright(upright, xs[c + 1], ys[r], ys[r + 1]) for c in range(columns)] for r in range(rows)]
    below = [[_drawn_level(level, ys[r + 1], xs[c], xs[c + 1]) for c in range(columns)] for r in range(rows)]
    sides = [side for row in right for side in row] + [side for row in below for side in row]
    if sum(sides) < _CLOSED * len(sides):
        return None
    return Lattice(_cells(xs, ys, right, below))


def _positions(values: Sequence[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _SAME:
            found.append(value)
    return found


def _drawn_upright(rules: Sequence[Area], x: float, top: float, bottom: float) -> bool:
    middle = (top + bottom) / 2
    return any(abs((r.x0 + r.x1) / 2 - x) <= _SAME and r.y0 - _SAME <= middle <= r.y1 + _SAME for r in rules)


def _drawn_level(rules: Sequence[Area], y: float, left: float, right: float) -> bool:
    middle = (left + right) / 2
    return any(abs((r.y0 + r.y1) / 2 - y) <= _SAME and r.x0 - _SAME <= middle <= r.x1 + _SAME for r in rules)


def _cells(
    xs: Sequence[float], ys: Sequence[float], right: Sequence[Sequence[bool]], below: Sequence[Sequence[bool]]
) -> tuple[tuple[Area, ...], ...]:
    """The area of the cell at each place: it reaches as far as no side is drawn."""
    rows, columns = len(ys) - 1, len(xs) - 1
    made: list[list[Area | None]] = [[None] * columns for _ in range(rows)]
    for row in range(rows):
        for column in range(columns):
            if made[row][column] is not None:
                continue
            last = column
            while last + 1 < columns and not right[row][last]:
                last += 1
            foot = row
            while foot + 1 < rows and not below[foot][column]:
                foot += 1
            area = Area(xs[column], ys[row], xs[last + 1], ys[foot + 1])
            for r in range(row, foot + 1):
                for c in range(column, last + 1):
                    made[r][c] = area
    return tuple(tuple(cell or Area(0, 0, 0, 0) for cell in row) for row in made)
