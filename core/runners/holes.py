"""What a quadmask says about each pixel, kept small: 4K masks of a whole clip fit in a few megabytes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
REMOVED_BELOW, AFFECTED_FROM, AFFECTED_BELOW = 96, 32, 192
"""Quantisation of the VOID format: <=31 object, <=95 overlap, <=191 affected, else keep."""
OUTSIDE, HIDDEN, MOVING, AFFECTED, NEAR, CLEAR = 0, 1, 2, 3, 4, 5
"""How good a pixel is as a view of the background, worst to best; the first three are no view at all."""
COARSE = 4
"""Large growths are made on a grid this much coarser, outwards never inwards."""


class Box(NamedTuple):
    """A rectangle in pixels: columns x to x + width, rows y to y + height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        """The box's rows."""
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        """The box's columns."""
        return slice(self.x, self.x + self.width)

    def over(self, chroma: int) -> Box:
        """The same box in chroma pixels; its edges must be multiples of `chroma`."""
        return Box(*(edge // chroma for edge in self))


@dataclass(frozen=True)
class Reach:
    """Distances in pixels that follow from the frame's size."""

    spread: int
    """How far the hole grows past the mask, for soft edges and compression around the object."""
    feather: int
    """Width of the blend outside the spread; pixels beyond spread + feather stay as they are."""
    ring: int
    """Width of the known border that the fill is matched to."""
    shadow: int
    """Within this distance of the object a view of the background may hold its shadow: used only if need be."""

    @classmethod
    def of(cls, width: int, height: int) -> Reach:
        """Scale the distances with the frame's diagonal."""
        diagonal = float(np.hypot(width, height))
        spread, feather = max(2, round(0.005 * diagonal)), max(2, round(0.003 * diagonal))
        return cls(spread, feather, max(8, round(0.012 * diagonal)), max(8, round(0.03 * diagonal)))

    @property
    def band(self) -> int:
        """Pixels around the removed region that the composite may change."""
        return self.spread + self.feather


class PackedMask:
    """One frame's removed and affected regions, compressed."""

    def __init__(self, grey: Mask) -> None:
        """Quantise one quadmask frame (H x W, 0-255)."""
        self.shape = grey.shape
        removed = grey < REMOVED_BELOW
        affected = (grey >= AFFECTED_FROM) & (grey < AFFECTED_BELOW)
        self._removed, self._affected = _pack(removed), _pack(affected)
        self._moving: tuple[bytes, tuple[int, ...]] | None = None
        self.removed_pixels = int(np.count_nonzero(removed))

    def removed(self) -> Mask:
        """1 where the object is removed, else 0."""
        return _unpack(self._removed, self.shape)

    def mark_moving(self, moving: NDArray[np.bool_]) -> None:
        """Say where the frame shows something that moves; a smaller mask counts for the whole frame."""
        self._moving = _pack(moving), moving.shape

    def quality(self, reach: Reach) -> Mask:
        """How good each pixel is as a view of the background, HIDDEN to CLEAR; what moves is none."""
        removed = self.removed()
        quality = np.full(self.shape, CLEAR, np.uint8)
        quality[grown(removed, reach.shadow) > 0] = NEAR
        quality[_unpack(self._affected, self.shape) > 0] = AFFECTED
        if self._moving:
            moving = _unpack(*self._moving)
            quality[cv2.resize(moving, self.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = MOVING
        quality[grown(removed, 2 * reach.spread) > 0] = HIDDEN
        return quality


def grown(mask: Mask, by: int) -> Mask:
    """Dilate by a square of at least `by` pixels on each side, and at most COARSE more."""
    if by < 2 * COARSE:
        return np.asarray(cv2.dilate(mask, np.ones((2 * by + 1,) * 2, np.uint8)), np.uint8)
    height, width = mask.shape
    padded = cv2.copyMakeBorder(mask, 0, -height % COARSE, 0, -width % COARSE, cv2.BORDER_CONSTANT, value=0)
    small = pooled(np.asarray(padded, np.uint8), COARSE)
    reach = -(-by // COARSE)
    dilated = cv2.dilate(small, np.ones((2 * reach + 1,) * 2, np.uint8))
    return np.ascontiguousarray(dilated.repeat(COARSE, axis=0).repeat(COARSE, axis=1)[:height, :width])


def pooled(mask: Mask, by: int) -> Mask:
    """The largest value of each `by` x `by` square; the mask's sides must be multiples of `by`."""
    rows = mask[::by]
    for offset in range(1, by):
        rows = np.maximum(rows, mask[offset::by])
    result = rows[:, ::by]
    for offset in range(1, by):
        result = np.maximum(result, rows[:, offset::by])
    return np.asarray(result)


def bounding_box(mask: Mask, margin: int, chroma: int) -> Box | None:
    """The box of a mask's nonzero pixels with a margin, within the frame, its edges multiples of `chroma`."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    left, top = max(0, x - margin) // chroma * chroma, max(0, y - margin) // chroma * chroma
    right = min(mask.shape[1], -(-(x + width + margin) // chroma) * chroma)
    bottom = min(mask.shape[0], -(-(y + height + margin) // chroma) * chroma)
    return Box(left, top, right - left, bottom - top)


def _pack(mask: NDArray[np.bool_]) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _unpack(packed: bytes, shape: tuple[int, ...]) -> Mask:
    bits = np.frombuffer(zlib.decompress(packed), np.uint8)
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape)
