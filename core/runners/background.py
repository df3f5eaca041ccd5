"""The clean plate: what the background looks like where the object stood, from the frames that show it.

The plate lies on a canvas in the pixels of the reference frame. Each of its pixels is the median of its best views:
clear ones before those near the object (its shadow) before those in the affected region.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.runners.alignment import Alignment, Matrix, at_chroma
from core.runners.frames import ClipFormat, Plane, Planes, read_planes
from core.runners.holes import CLEAR, HIDDEN, Box, Mask, PackedMask, Reach, bounding_box, grown

MOST_VIEWS = 64
SAMPLE_BYTES = 384 << 20
MEDIAN_BLOCK = 1 << 18
FEW, DISAGREE = 0.35, 14
"""Share of the views below which a pixel's views must agree, and the grey levels between their quartiles."""
CANVAS_EXCESS = 0.5
"""How far the canvas may reach past the reference frame, as a share of its size."""


@dataclass(frozen=True)
class Plate:
    """The background on its canvas; `seen` is the best view's quality per luma pixel, `needed` what was asked for."""

    box: Box
    planes: Planes
    seen: Mask
    needed: Mask
    known: Mask
    """1 where `planes` holds picture (needed and seen, or simply the reference frame), else 0."""

    @property
    def holes(self) -> Mask:
        """1 where the background was asked for and never shows."""
        return np.asarray((self.needed > 0) & (self.seen == HIDDEN), np.uint8)


@dataclass(frozen=True)
class Geometry:
    """Maps between frames and the canvas."""

    form: ClipFormat
    alignment: Alignment
    box: Box

    def to_canvas(self, image: Plane, t: int, chroma: int = 1, quality: bool = False) -> Plane:
        """Resample frame t's plane on the canvas; quality maps by nearest pixel, HIDDEN outside the frame."""
        box = self.box.over(chroma)
        if self.alignment.still:
            return np.asarray(image[box.rows, box.columns])
        matrix = _shift(-box.x, -box.y) @ at_chroma(self.alignment.to_reference[t], chroma)
        return _warp(image, matrix, box, quality)

    def to_frame(self, image: Plane, t: int, region: Box, chroma: int = 1) -> Plane:
        """Resample a canvas plane on a region of frame t, both in units of that plane."""
        box, part = self.box.over(chroma), region.over(chroma)
        if self.alignment.still:
            rows = slice(part.y - box.y, part.y - box.y + part.height)
            return image[rows, part.x - box.x : part.x - box.x + part.width]
        inverse = np.linalg.inv(at_chroma(self.alignment.to_reference[t], chroma))
        return _warp(image, _shift(-part.x, -part.y) @ inverse @ _shift(box.x, box.y), part, False)


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _warp(image: Plane, matrix: Matrix, box: Box, quality: bool) -> Plane:
    flags = cv2.INTER_NEAREST if quality else cv2.INTER_CUBIC
    border = cv2.BORDER_CONSTANT if quality else cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.warpPerspective(image, matrix, (box.width, box.height), flags=flags, borderMode=border), np.uint8
    )


def lay_out(
    form: ClipFormat, alignment: Alignment, masks: Sequence[PackedMask], reach: Reach
) -> tuple[Geometry, Mask] | None:
    """Choose the canvas and mark the pixels that the plate must hold; None when nothing is removed.

    The marked pixels are every frame's hole, grown by the band and the ring that the fill is matched to.
    """
    width, height = form.width, form.height
    extra_x, extra_y = (
        (0, 0) if alignment.still else (int(width * CANVAS_EXCESS) & ~1, int(height * CANVAS_EXCESS) & ~1)
    )
    whole = Box(-extra_x, -extra_y, width + 2 * extra_x, height + 2 * extra_y)
    everywhere = Geometry(form, alignment, whole)
    needed = np.zeros((whole.height, whole.width), np.uint8)
    for t, mask in enumerate(masks):
        if mask.removed_pixels:
            hole = grown(mask.removed(), reach.band + reach.ring)
            np.maximum(needed, everywhere.to_canvas(hole, t, quality=True), out=needed)
    if not needed.any():
        return None
    _, _, hole_width, hole_height = cv2.boundingRect(needed)
    box = bounding_box(needed, max(64, (hole_width + hole_height) // 4), form.chroma)
    assert box is not None  # noqa: S101 - needed has a pixel
    canvas = Box(box.x + whole.x, box.y + whole.y, box.width, box.height)
    return Geometry(form, alignment, canvas), needed[box.rows, box.columns].copy()


def build(
    video: Path,
    geometry: Geometry,
    needed: Mask,
    masks: Sequence[PackedMask],
    reach: Reach,
    progress: Callable[[float], None],
) -> Plate:
    """Gather the views of every needed pixel in bounded memory and take their median; progress runs 0 to 1."""
    form = geometry.form
    views = np.unique(np.linspace(0, len(masks) - 1, min(len(masks), MOST_VIEWS)).round().astype(int))
    planes, known = _reference_canvas(video, geometry)
    seen = np.full(needed.shape, HIDDEN, np.uint8)
    bands = _bands(needed, len(views), form.chroma)
    for number, band in enumerate(bands):
        gathered = _Band(geometry, needed, band)
        for t, frame in enumerate(read_planes(video, form)):
            if t in views:
                gathered.add(t, frame, masks[t].quality(reach))
            progress((number + (t + 1) / len(masks)) / len(bands))
        gathered.finish(planes, seen)
    known[(needed > 0) & (seen == HIDDEN)] = 0
    known[(needed > 0) & (seen != HIDDEN)] = 1
    return Plate(geometry.box, planes, seen, needed, known)


def _reference_canvas(video: Path, geometry: Geometry) -> tuple[Planes, Mask]:
    """The reference frame on the canvas, and 1 where it covers it."""
    form, box = geometry.form, geometry.box
    for t, frame in enumerate(read_planes(video, form)):
        if t == geometry.alignment.reference:
            planes = tuple(
                geometry.to_canvas(plane, t, chroma).copy()
                for plane, chroma in zip(frame, (1, *[form.chroma] * 2), strict=True)
            )
            inside = geometry.to_canvas(np.ones((form.height, form.width), np.uint8), t, quality=True)
            return (planes[0], planes[1], planes[2]), inside.copy()
    raise ValueError(f"the clip has no frame {geometry.alignment.reference} for the canvas {box}")


def _bands(needed: Mask, views: int, chroma: int) -> list[slice]:
    """Split the canvas into row bands whose samples fit in SAMPLE_BYTES."""
    per_row = np.count_nonzero(needed, axis=1) * views * 3
    total = max(1, int(per_row.sum()))
    count = -(-total // SAMPLE_BYTES)
    edges = np.searchsorted(np.cumsum(per_row), [total * i / count for i in range(1, count)])
    rows = [0, *(int(edge) // chroma * chroma for edge in edges), needed.shape[0]]
    return [slice(first, last) for first, last in pairwise(rows) if last > first]


class _Band:
    """The views of the needed pixels in a band of canvas rows, plane by plane."""

    def __init__(self, geometry: Geometry, needed: Mask, rows: slice) -> None:
        self._geometry, self._chroma = geometry, geometry.form.chroma
        self._rows = {1: rows, self._chroma: slice(rows.start // self._chroma, rows.stop // self._chroma)}
        luma = needed[rows] > 0
        self._wanted = {self._chroma: _any(luma, self._chroma)} | {1: luma}
        self._views: tuple[list[Plane], list[Plane], list[Plane]] = ([], [], [])
        self._quality: dict[int, list[Mask]] = {1: [], self._chroma: []}

    def add(self, t: int, frame: Planes, quality: Mask) -> None:
        """Take frame t's view of the band."""
        on_canvas = self._geometry.to_canvas(quality, t, quality=True)[self._rows[1]]
        self._quality[1].append(on_canvas[self._wanted[1]])
        if self._chroma != 1:
            self._quality[self._chroma].append(_worst(on_canvas, self._chroma)[self._wanted[self._chroma]])
        for store, plane, chroma in zip(self._views, frame, (1, self._chroma, self._chroma), strict=True):
            store.append(self._geometry.to_canvas(plane, t, chroma)[self._rows[chroma]][self._wanted[chroma]])

    def finish(self, planes: Planes, seen: Mask) -> None:
        """Write the medians into the canvas planes, and the best quality into `seen`: HIDDEN if it is in any plane."""
        best = np.full(self._wanted[1].shape, CLEAR, np.uint8)
        for store, plane, chroma in zip(self._views, planes, (1, self._chroma, self._chroma), strict=True):
            values, found = best_median(np.stack(store), np.stack(self._quality[chroma]))
            store.clear()
            wanted = self._wanted[chroma]
            part = plane[self._rows[chroma]]
            part[wanted] = np.where(found != HIDDEN, values, part[wanted])
            here = np.full(wanted.shape, CLEAR, np.uint8)
            here[wanted] = found
            np.minimum(best, here.repeat(chroma, axis=0).repeat(chroma, axis=1), out=best)
        seen[self._rows[1]][self._wanted[1]] = best[self._wanted[1]]


def best_median(values: NDArray[np.uint8], quality: Mask) -> tuple[NDArray[np.uint8], Mask]:
    """Median over views (axis 0) of the values whose quality is the pixel's best, and that quality.

    Few views that disagree show something passing in front of the object, not what is behind it: such a pixel
    counts as HIDDEN, and its value is 0.
    """
    result = np.zeros(values.shape[1], np.uint8)
    best = quality.max(axis=0)
    for start in range(0, values.shape[1], MEDIAN_BLOCK):
        block = slice(start, start + MEDIAN_BLOCK)
        use = (quality[:, block] == best[block]) & (best[block] != HIDDEN)
        ordered = np.where(use, values[:, block], 255).T.copy()
        ordered.sort(axis=1)
        count = use.sum(axis=0)
        low, high = np.maximum(count - 1, 0) // 2, count // 2
        pixel = np.arange(len(count))
        middle = ordered[pixel, low].astype(np.uint16) + ordered[pixel, np.minimum(high, len(values) - 1)]
        quarter = ordered[pixel, count // 4]
        three = ordered[pixel, np.minimum(3 * count // 4, np.maximum(count - 1, 0))]
        passing = (count < FEW * len(values)) & (three.astype(int) - quarter > DISAGREE)
        best[block][passing] = HIDDEN
        result[block] = np.where(best[block] != HIDDEN, (middle + 1) // 2, 0)
    return result, best


def _any(mask: NDArray[np.bool_], chroma: int) -> NDArray[np.bool_]:
    height, width = mask.shape
    return np.asarray(mask.reshape(height // chroma, chroma, width // chroma, chroma).any(axis=(1, 3)))


def _worst(quality: Mask, chroma: int) -> Mask:
    height, width = quality.shape
    return np.asarray(quality.reshape(height // chroma, chroma, width // chroma, chroma).min(axis=(1, 3)))
