"""A study's manuscript and figures as pictures, drawn on demand in a limited child and kept for a while."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.canonical import digest
from core.reading import Clip
from core.reports.annotated import annotate
from core.reports.picture import Picture
from core.reports.study_case import figures_of
from core.reports.study_pages import Drawn, draw_pages
from dashboard.components.frames import local_file
from dashboard.installation import installation

TOGETHER, WIDTH = 6, 1000
"""Pages drawn at once, since starting the child takes longer than a page; pixels across."""
KEPT = 12
"""Such groups kept in memory; each is about 3 MB."""


def pages(sha256: str, first: int, count: int, marked: str | None = None) -> tuple[list[Picture], Drawn]:
    """Return `count` pages of a PDF from page `first` (from 1) on, and what is known of it all.

    `marked` is the path of a copy to draw instead, as `with_marks` returns it.
    """
    shown: list[Picture] = []
    drawn = _group(sha256, 0, marked)
    for number in range(first, min(first + count, (drawn.count or 0) + 1)):
        group, place = divmod(number - 1, TOGETHER)
        pictures = _group(sha256, group, marked).pictures
        data = pictures[place] if place < len(pictures) else None
        if data:
            shown.append(Picture(data, f"Page {number}", f"Page {number} of the manuscript"))
    return shown, drawn


@lru_cache(maxsize=KEPT)
def _group(sha256: str, number: int, marked: str | None) -> Drawn:
    return draw_pages(
        Path(marked) if marked else local_file(sha256), range(number * TOGETHER, (number + 1) * TOGETHER), WIDTH
    )


def with_marks(sha256: str, findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the path of a copy with the findings highlighted, or None where none can be made."""
    return _marked(sha256, json.dumps(list(findings))) if findings else None


@lru_cache(maxsize=KEPT)
def _marked(sha256: str, findings: str) -> str | None:
    made = annotate(local_file(sha256), json.loads(findings))
    if made.pdf is None:
        return None
    path = Path(_copies().name) / f"{digest(findings)}-{sha256}.pdf"
    path.write_bytes(made.pdf)
    return str(path)


@cache
def _copies() -> TemporaryDirectory[str]:
    """The folder of the copies, gone with this process."""
    return TemporaryDirectory(prefix="greenlight-marked-")


def figures(files: Mapping[str, Clip]) -> tuple[Picture, ...]:
    """Return a study's figures, the flow of participants first."""
    return _figures(tuple((role, file.sha256) for role, file in files.items() if role.startswith("figure_")))


@lru_cache(maxsize=KEPT)
def _figures(outputs: tuple[tuple[str, str], ...]) -> tuple[Picture, ...]:
    with TemporaryDirectory(prefix="greenlight-figures-") as folder:
        return figures_of(installation().store, dict(outputs), Path(folder))
