"""A study's manuscript and figures as pictures, drawn on demand in a limited child and kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.reading import Clip
from core.reports.picture import Picture
from core.reports.study_case import figures_of
from core.reports.study_pages import Drawn, draw_pages
from dashboard.components.frames import local_file
from dashboard.installation import installation

TOGETHER, WIDTH = 6, 1000
"""Pages drawn at once, since starting the child takes longer than a page; pixels across."""
KEPT = 12
"""Such groups kept in memory; each is about 3 MB."""


def pages(sha256: str, first: int, count: int) -> tuple[list[Picture], Drawn]:
    """Return `count` pages of a PDF from page `first` (from 1) on, and what is known of it all."""
    shown: list[Picture] = []
    drawn = _group(sha256, 0)
    for number in range(first, min(first + count, (drawn.count or 0) + 1)):
        group, place = divmod(number - 1, TOGETHER)
        pictures = _group(sha256, group).pictures
        data = pictures[place] if place < len(pictures) else None
        if data:
            shown.append(Picture(data, f"Page {number}", f"Page {number} of the manuscript"))
    return shown, drawn


@lru_cache(maxsize=KEPT)
def _group(sha256: str, number: int) -> Drawn:
    return draw_pages(local_file(sha256), range(number * TOGETHER, (number + 1) * TOGETHER), WIDTH)


def figures(files: Mapping[str, Clip]) -> tuple[Picture, ...]:
    """Return a study's figures, the flow of participants first."""
    return _figures(tuple((role, file.sha256) for role, file in files.items() if role.startswith("figure_")))


@lru_cache(maxsize=KEPT)
def _figures(outputs: tuple[tuple[str, str], ...]) -> tuple[Picture, ...]:
    with TemporaryDirectory(prefix="greenlight-figures-") as folder:
        return figures_of(installation().store, dict(outputs), Path(folder))
