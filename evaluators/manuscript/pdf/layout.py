"""One page parted into lines of running text, captions, tables, figures, algorithms and footnotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.manuscript.pdf.captions import Caption, find_captions
from evaluators.manuscript.pdf.figures import place_figures
from evaluators.manuscript.pdf.lines import Line, Run, find_gutter, lines_of
from evaluators.manuscript.pdf.page import Area, Page
from evaluators.manuscript.pdf.tables import Grid, find_grid, ruled_area

_FOOTNOTE = re.compile(r"\^?\d{1,2}\s?[A-Z“\"h(]|[*†‡§¶∗]")


@dataclass
class Layout:
    """The parts of a page. `grids` and `figures` are by the place of their caption in the list."""

    page: Page
    lines: list[Line] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    grids: dict[int, Grid] = field(default_factory=dict)
    figures: dict[int, Area] = field(default_factory=dict)
    footnotes: list[Line] = field(default_factory=list)


def usual_gutter(pages: Sequence[Page], segments: Sequence[Sequence[Run]]) -> float | None:
    """Where most pages of a paper of two columns part, or None."""
    found = [find_gutter(page, runs) for page, runs in zip(pages, segments, strict=True)]
    told = sorted(x for x in found if x is not None)
    full = sum(len(runs) > 40 for runs in segments)
    return told[len(told) // 2] if len(told) >= 0.5 * max(1, full) and told else None


def lay_out(page: Page, segments: Sequence[Run], usual: float | None = None) -> Layout:
    """Find the floats of a page and leave the rest as lines in reading order."""
    lines = lines_of(page, segments, usual=usual)
    made = Layout(page, captions=find_captions(page, lines))
    taken: list[Area] = []
    for index, caption in enumerate(made.captions):
        taken += [line.area for line in caption.lines]
        if caption.kind == "Table" and (grid := find_grid(page, caption, lines, made.captions)) is not None:
            made.grids[index] = grid
            taken.append(grid.area)
        elif caption.kind == "Algorithm" and (area := ruled_area(page, caption, made.captions)) is not None:
            taken.append(area)
    made.figures = place_figures(page, made.captions, [grid.area for grid in made.grids.values()])
    taken += [_with_labels(area, made.captions[i], segments) for i, area in made.figures.items()]
    left = [s for s in segments if not any(_inside(s, area) for area in taken)]
    made.lines = lines_of(page, left, taken, usual)
    return made


def _inside(segment: Run, area: Area) -> bool:
    box = segment.area
    return area.grown(1).holds((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)


def _with_labels(area: Area, caption: Caption, segments: Sequence[Run]) -> Area:
    """A figure's area with the short texts right beside it: names of panels and axes."""
    grown = area.grown(9)
    for segment in segments:
        box = segment.area
        short = len(segment.text) < 60 and box.width < 0.8 * area.width
        if short and box.meets(grown) and not box.meets(caption.area):
            area = area.joined(box)
    return area


def part_footnotes(layout: Layout, body: float) -> None:
    """Move the small lines at the foot of each column, from the first with a mark on, out of the running text."""
    columns: dict[tuple[float, float], list[Line]] = {}
    for line in layout.lines:
        columns.setdefault(line.column, []).append(line)
    for lines in columns.values():
        ordered = sorted(lines, key=lambda line: line.run.base)
        small = len(ordered)
        while small > 0 and ordered[small - 1].run.size < body - 0.9:
            small -= 1
        starts = [i for i in range(small, len(ordered)) if _FOOTNOTE.match(ordered[i].text)]
        if small > 0 and starts:
            layout.footnotes += ordered[starts[0] :]
    moved = set(map(id, layout.footnotes))
    layout.lines = [line for line in layout.lines if id(line) not in moved]
