"""What repeats in the margins of the pages: running heads, page numbers, numbered lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from evaluators.manuscript.pdf.lines import Run
from evaluators.manuscript.pdf.page import Page

_EDGE = 0.085
"""Of the page's height: where running heads and feet stand."""
_PAGE_NUMBER = re.compile(r"(?:[-–—(\[]?\s*\d{1,4}\s*[-–—)\]]?|[ivxlc]{1,6}|Page \d+(?: of \d+)?|\d+\s*/\s*\d+)")


def without_margins(pages: Sequence[Page], segments: Sequence[list[Run]]) -> list[list[Run]]:
    """Per page the segments that are neither running heads and feet nor page or line numbers."""
    repeated = _repeated(pages, segments)
    kept: list[list[Run]] = []
    for page, runs in zip(pages, segments, strict=True):
        numbers = _line_numbers(page, runs)
        kept.append([r for r in runs if r not in numbers and not _is_margin(page, r, repeated)])
    return kept


def _is_margin(page: Page, run: Run, repeated: set[tuple[str, int]]) -> bool:
    if not _at_edge(page, run):
        return False
    return _mark(run) in repeated or _PAGE_NUMBER.fullmatch(run.text.strip()) is not None


def _at_edge(page: Page, run: Run) -> bool:
    return run.base < _EDGE * page.height or run.base > (1 - _EDGE) * page.height


def _mark(run: Run) -> tuple[str, int]:
    return re.sub(r"\d+", "#", run.text.strip().lower()), round(run.base / 6)


def _repeated(pages: Sequence[Page], segments: Sequence[list[Run]]) -> set[tuple[str, int]]:
    """Texts that stand at one height near an edge of at least two pages and a quarter of all."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    for page, runs in zip(pages, segments, strict=True):
        for run in runs:
            if _at_edge(page, run):
                seen[_mark(run)].add(page.number)
    least = max(2, len(pages) // 4)
    return {mark for mark, numbers in seen.items() if len(numbers) >= least}


def _line_numbers(page: Page, runs: Sequence[Run]) -> set[Run]:
    """Numbers that count the lines in a margin: many of them, one under the other, rising."""
    columns: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        if re.fullmatch(r"\d{1,4}", run.text.strip()):
            for edge in {round(run.area.x0 / 4), round(run.area.x1 / 4) + 10_000}:
                columns[edge].append(run)
    found: set[Run] = set()
    for column in columns.values():
        ordered = sorted(column, key=lambda r: r.base)
        values = [int(r.text) for r in ordered]
        steps = [b - a for a, b in pairwise(values)]
        margin = ordered[0].area.x1 < 0.17 * page.width or ordered[0].area.x0 > 0.84 * page.width
        if margin and len(values) >= 8 and sum(step in {1, 5} for step in steps) >= 0.85 * len(steps):
            found.update(ordered)
    return found
