"""One page parted into lines of running text, captions, tables, figures, algorithms and footnotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.manuscript.pdf.captions import Caption, find_captions
from evaluators.manuscript.pdf.figures import place_figures
from evaluators.manuscript.pdf.lines import Line, Run, find_gutter, lines_of
from evaluators.manuscript.pdf.page import Area, Page
from evaluators.manuscript.pdf.tables import Grid, find_continued, find_grid, ruled_area

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
    continued: dict[int, list[tuple[Page, Grid]]] = field(default_factory=dict)
    """By the place of a caption, the rows of its table on the pages that follow."""


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


def join_continued(layouts: Sequence[Layout]) -> None:
    """Give the rows with which a page begins to the table that ended the page before."""
    open_table: tuple[Layout, int, Grid] | None = None
    for layout in layouts:
        if open_table is not None:
            owner, index, grid = open_table
            more = find_continued(layout.page, grid, layout.lines, layout.captions)
            open_table = None
            if more is not None:
                owner.continued.setdefault(index, []).append((layout.page, more))
                layout.lines = [line for line in layout.lines if not _inside(line.run, more.area)]
                if not _below(layout, more.area):
                    open_table = (owner, index, more)
        last = max(layout.grids, key=lambda i: layout.grids[i].area.y1, default=None)
        if last is not None and not _below(layout, layout.grids[last].area):
            open_table = (layout, last, layout.grids[last])


def _below(layout: Layout, area: Area) -> bool:
    """Whether anything of the page stands below an area."""
    floats = [*(c.area for c in layout.captions), *layout.figures.values()]
    return any(line.run.base > area.y1 + 1 for line in layout.lines) or any(a.y1 > area.y1 + 1 for a in floats)


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
