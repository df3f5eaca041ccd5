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
from core.runners.blend import MOVED, Field, spread_inwards
from core.runners.frames import ClipFormat, Plane, Planes, read_planes
from core.runners.holes import (
    AFFECTED,
    CLEAR,
    HIDDEN,
    OUTSIDE,
    Box,
    Mask,
    PackedMask,
    Reach,
    bounding_box,
    grown,
    pooled,
)

MOST_VIEWS = 64
SAMPLE_BYTES = 384 << 20
MEDIAN_BLOCK = 1 << 18
GLIMPSE, FEW, DISAGREE = 0.12, 0.35, 14
"""Below the first share of the hidden views a view is a glimpse; below the second share of all views a pixel's views
must agree: their quartiles within so many grey levels."""
EXPOSURE_SIDE, EXPOSURE_CELLS, EXPOSURE_COVER = 192, 16, 0.99
"""Exposure is compared on a grid of the first size, spread on one of the second, where cover is at least the third."""
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
        """Resample frame t's plane on the canvas; quality maps by nearest pixel, OUTSIDE beyond the frame."""
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
        cv2.warpPerspective(
            image, matrix, (box.width, box.height), flags=flags, borderMode=border, borderValue=OUTSIDE
        ),
        np.uint8,
    )


def lay_out(
    form: ClipFormat, alignment: Alignment, masks: Sequence[PackedMask], reach: Reach
) -> tuple[Geometry, Mask] | None:
    """Choose the canvas and mark the pixels that the plate must hold; None when nothing is removed.

    The marked pixels are every frame's hole, grown by the band and the ring that the fill is matched to.
    """
    box = _canvas(form, alignment, masks, reach)
    if box is None:
        return None
    geometry = Geometry(form, alignment, box)
    needed = np.zeros((box.height, box.width), np.uint8)
    for t, mask in enumerate(masks):
        if mask.removed_pixels:
            hole = grown(mask.removed(), reach.band + reach.ring)
            np.maximum(needed, geometry.to_canvas(hole, t, quality=True), out=needed)
    return (geometry, needed) if needed.any() else None


def _canvas(form: ClipFormat, alignment: Alignment, masks: Sequence[PackedMask], reach: Reach) -> Box | None:
    """The box around all holes on the reference frame, with room to copy from, bounded by CANVAS_EXCESS."""
    corners = []
    for mask, matrix in zip(masks, alignment.to_reference, strict=True):
        hole = bounding_box(mask.removed(), reach.band + reach.ring, 1)
        if hole:
            right, bottom = hole.x + hole.width, hole.y + hole.height
            square = np.array([[[hole.x, hole.y], [right, hole.y], [hole.x, bottom], [right, bottom]]], np.float64)
            corners.append(cv2.perspectiveTransform(square, matrix)[0])
    if not corners:
        return None
    excess = 0.0 if alignment.still else CANVAS_EXCESS
    least = np.array([-excess * form.width, -excess * form.height])
    most = np.array([(1 + excess) * form.width, (1 + excess) * form.height])
    low, high = np.concatenate(corners).min(axis=0), np.concatenate(corners).max(axis=0)
    margin = max(64.0, float((high - low).sum()) / 4)
    left, top = (int(edge) // 2 * 2 for edge in np.clip(low - margin, least, most))
    right, bottom = (-(int(-edge) // 2 * 2) for edge in np.clip(high + margin, least, most))
    if alignment.still:
        right, bottom = min(right, form.width), min(bottom, form.height)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


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
    reference = Exposure(
        planes,
        geometry.to_canvas(
            masks[geometry.alignment.reference].quality(reach), geometry.alignment.reference, quality=True
        ),
    )
    bands = _bands(needed, len(views), form.chroma)
    for number, band in enumerate(bands):
        gathered = _Band(geometry, needed, band, reference)
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

    def __init__(self, geometry: Geometry, needed: Mask, rows: slice, reference: Exposure) -> None:
        self._geometry, self._chroma, self._reference = geometry, geometry.form.chroma, reference
        self._rows = {1: rows, self._chroma: slice(rows.start // self._chroma, rows.stop // self._chroma)}
        luma = needed[rows] > 0
        self._wanted = {self._chroma: _any(luma, self._chroma)} | {1: luma}
        self._views: tuple[list[Plane], list[Plane], list[Plane]] = ([], [], [])
        self._quality: dict[int, list[Mask]] = {1: [], self._chroma: []}

    def add(self, t: int, frame: Planes, quality: Mask) -> None:
        """Take frame t's view of the band."""
        on_canvas = self._geometry.to_canvas(quality, t, quality=True)
        comparable = self._reference.comparable(on_canvas)
        luma = on_canvas[self._rows[1]]
        self._quality[1].append(luma[self._wanted[1]])
        if self._chroma != 1:
            self._quality[self._chroma].append(_worst(luma, self._chroma)[self._wanted[self._chroma]])
        for index, chroma in enumerate((1, self._chroma, self._chroma)):
            plane = self._geometry.to_canvas(frame[index], t, chroma)
            wanted, rows = self._wanted[chroma], self._rows[chroma]
            offset = self._reference.offset(index, plane, comparable)[rows][wanted]
            self._views[index].append(np.clip(np.rint(plane[rows][wanted] + offset), 0, 255).astype(np.uint8))

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


class Exposure:
    """How bright and coloured the reference frame is, to bring other frames to it before they are mixed."""

    def __init__(self, planes: Planes, quality: Mask) -> None:
        """Keep small copies of the reference frame's canvas planes and of where it shows the background."""
        height, width = quality.shape
        shrink = min(1.0, EXPOSURE_SIDE / max(height, width))
        self._size = max(1, round(width * shrink)), max(1, round(height * shrink))
        self._planes = [self._small(plane) for plane in planes]
        self._clear = self._small((quality == CLEAR).astype(np.uint8)) > EXPOSURE_COVER

    def _small(self, plane: Plane) -> Field:
        return np.asarray(cv2.resize(plane.astype(np.float32), self._size, interpolation=cv2.INTER_AREA), np.float32)

    def comparable(self, quality: Mask) -> NDArray[np.bool_]:
        """Where both the reference and a frame of this canvas quality show the background, on the small grid."""
        return self._clear & (self._small((quality == CLEAR).astype(np.uint8)) > EXPOSURE_COVER)

    def offset(self, index: int, plane: Plane, comparable: NDArray[np.bool_]) -> Field:
        """What to add to a frame's plane, smooth over the canvas, so that its background meets the reference's."""
        difference = self._planes[index] - self._small(plane)
        field = spread_inwards(difference, comparable & (np.abs(difference) < MOVED), EXPOSURE_CELLS)
        return np.asarray(cv2.resize(field, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def best_median(values: NDArray[np.uint8], quality: Mask) -> tuple[NDArray[np.uint8], Mask]:
    """Median over views (axis 0) of the values whose quality is the pixel's best, and that quality.

    Views of something that moves count for nothing. A glimpse between frames in which the object hides the pixel,
    and few views that disagree, show what passes in front of the object, not what is behind it. Such a pixel is
    HIDDEN and its value 0.
    """
    result = np.zeros(values.shape[1], np.uint8)
    best = quality.max(axis=0)
    best[best < AFFECTED] = HIDDEN
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
        uneven = three.astype(int) - quarter > DISAGREE
        hidden = quality[:, block] == HIDDEN
        glimpsed = _enclosed(use, hidden) & (count < GLIMPSE * hidden.sum(axis=0))
        best[block][glimpsed | ((count < FEW * len(values)) & uneven)] = HIDDEN
        result[block] = np.where(best[block] != HIDDEN, (middle + 1) // 2, 0)
    return result, best


def _enclosed(seen: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the first and the last sight (axis 0 is time) lie between frames in which the pixel is hidden."""
    before = hidden.argmax(axis=0) < seen.argmax(axis=0)
    after = hidden[::-1].argmax(axis=0) < seen[::-1].argmax(axis=0)
    return np.asarray(before & after & hidden.any(axis=0))


def _any(mask: NDArray[np.bool_], chroma: int) -> NDArray[np.bool_]:
    return pooled(mask.astype(np.uint8), chroma) > 0


def _worst(quality: Mask, chroma: int) -> Mask:
    return np.asarray(CLEAR - pooled(CLEAR - quality, chroma))
