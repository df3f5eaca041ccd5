"""Figures: what is painted above (or below) a caption, as an area of the page and as a picture of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from evaluators.manuscript.pdf.captions import Caption
from evaluators.manuscript.pdf.page import Area, Page

IMAGE_SIDE = 1_000
"""Pixels on the longer side of a figure's picture."""
_SCALE = 2.0
_SMALL = 18.0
"""Points: what is smaller in both directions is a mark in the text, not a figure."""
_APART = 14.0
_MOST_DRAWINGS = 4_000


def painted_areas(page: Page) -> list[Area]:
    """Pictures and drawings of a page, joined where they touch; small marks, page frames and margins left out."""
    found = [a for a in page.images + page.drawings[:_MOST_DRAWINGS] + page.uprights[:400] if a.meets(page.area)]
    found = [_clipped(a, page) for a in found if a.width * a.height < 0.92 * page.width * page.height]
    joined = _clusters(found)
    body = Area(0, 0.055 * page.height, page.width, 0.95 * page.height)
    return [a for a in joined if max(a.width, a.height) > _SMALL and min(a.width, a.height) > 6 and a.meets(body)]


def _clipped(area: Area, page: Page) -> Area:
    return Area(max(area.x0, 0), max(area.y0, 0), min(area.x1, page.width), min(area.y1, page.height))


def _clusters(areas: Sequence[Area]) -> list[Area]:
    """Areas that touch within a few points as one."""
    clusters: list[Area] = []
    for area in sorted(areas, key=lambda a: (a.y0, a.x0)):
        current = area
        changed = True
        while changed:
            near = [c for c in clusters if c.grown(_APART / 2).meets(current.grown(_APART / 2))]
            changed = bool(near)
            for cluster in near:
                current = current.joined(cluster)
                clusters.remove(cluster)
        clusters.append(current)
    return clusters


def place_figures(page: Page, captions: Sequence[Caption], tables: Sequence[Area]) -> dict[int, Area]:
    """Per caption (by its place in the list) the area painted for it; tables' shading is not a figure."""
    figures = {i: c for i, c in enumerate(captions) if c.kind == "Figure"}
    placed: dict[int, Area] = {}
    for area in painted_areas(page):
        if any(table.grown(3).meets(area) and _shares(table, area) > 0.5 for table in tables) or not figures:
            continue
        nearest = min(figures, key=lambda i: _distance(area, figures[i].area))
        if _distance(area, figures[nearest].area) > 0.6 * page.height or _parted(area, nearest, captions):
            continue
        placed[nearest] = placed[nearest].joined(area) if nearest in placed else area
    return placed


def _shares(outer: Area, inner: Area) -> float:
    width = min(outer.x1, inner.x1) - max(outer.x0, inner.x0)
    height = min(outer.y1, inner.y1) - max(outer.y0, inner.y0)
    return max(0.0, width) * max(0.0, height) / max(1.0, inner.width * inner.height)


def _distance(area: Area, caption: Area) -> float:
    """From a painted area to a caption; above it counts less than below or beside, where captions are rarer."""
    aside = max(0.0, area.x0 - caption.x1, caption.x0 - area.x1)
    if area.y1 <= caption.y1:
        return max(0.0, caption.y0 - area.y1) + 3 * aside
    return 60 + max(0.0, area.y0 - caption.y1) + 3 * aside


def _parted(area: Area, nearest: int, captions: Sequence[Caption]) -> bool:
    """Whether another caption stands between."""
    own = captions[nearest].area
    y0, y1 = sorted((area.y1, own.y0))
    return any(i != nearest and y0 < c.area.y0 < y1 and c.area.meets(area.joined(own)) for i, c in enumerate(captions))


def picture_of(page: Any, area: Area, width: float, height: float) -> bytes | None:
    """The area of an open page as a PNG of at most `IMAGE_SIDE` pixels a side."""
    from PIL import Image

    side = max(area.width, area.height)
    if side < _SMALL:
        return None
    scale = min(_SCALE, IMAGE_SIDE / side)
    crop = (max(0.0, area.x0), max(0.0, height - area.y1), max(0.0, width - area.x1), max(0.0, area.y0))
    image = page.render(scale=scale, crop=crop).to_pil().convert("RGB")
    image.thumbnail((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
