"""Lay the plate into a frame: matched in brightness and colour at the border, feathered at the seam."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.runners.holes import Mask, Reach

Field = NDArray[np.float32]
Size = tuple[int, int]
FIELD_SIDE = 96
"""Long side in pixels of the grid on which the brightness difference is spread into the hole."""
MOVED = 24
"""Grey levels: a border pixel that differs more shows something else than the plate, not another exposure."""


class Seam(NamedTuple):
    """Where a frame takes the plate (`alpha`, 0 to 1) and where its border may be compared (`ring`, 0 or 1)."""

    alpha: Field
    ring: Mask


def seam(removed: Mask, reach: Reach) -> Seam:
    """Alpha is 1 to `spread` pixels outside the removed region and falls to 0 over `feather` more."""
    distance = cv2.distanceTransform(1 - removed, cv2.DIST_L2, 3)
    alpha = np.clip((reach.band - distance) / reach.feather, 0, 1).astype(np.float32)
    ring = (distance > reach.spread + 1) & (distance <= reach.band + reach.ring)
    return Seam(alpha, np.asarray(ring, np.uint8))


def at_plane(edge: Seam, shape: Size) -> Seam:
    """The same seam at a smaller plane's size (height, width)."""
    if edge.alpha.shape == shape:
        return edge
    ring = np.asarray(cv2.resize(edge.ring, shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    return Seam(_shrunk(edge.alpha, shape[::-1]), ring)


def composite(frame: NDArray[np.uint8], plate: NDArray[np.uint8], edge: Seam) -> NDArray[np.uint8]:
    """Blend one plane; where alpha is 0 the frame's pixel is returned unchanged."""
    difference = frame.astype(np.float32) - plate
    comparable = (edge.ring > 0) & (np.abs(difference) < MOVED)
    filled = plate + spread_inwards(difference, comparable)
    mixed = frame + edge.alpha * (filled - frame)
    result = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return np.where(edge.alpha > 0, result, frame)


def spread_inwards(values: Field, known: NDArray[np.bool_], cells: int = FIELD_SIDE) -> Field:
    """Smoothly extend the known values over the whole array, on a grid of at most `cells` along the longer side.

    0 everywhere when nothing is known.
    """
    height, width = values.shape
    shrink = min(1.0, cells / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    total = np.where(known, values, 0).astype(np.float32)
    field = _pull_push(_shrunk(total, size), _shrunk(known.astype(np.float32), size))
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _pull_push(total: Field, weight: Field) -> Field:
    """Fill gaps of a weighted sum from coarser and coarser averages (Gortler et al., SIGGRAPH 1996)."""
    height, width = weight.shape
    if min(height, width) <= 1:
        mass = float(weight.sum())
        return np.full_like(total, float(total.sum()) / mass if mass > 0 else 0.0)
    half = ((width + 1) // 2, (height + 1) // 2)
    coarse = _pull_push(_shrunk(total, half), _shrunk(weight, half))
    background = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    share = np.minimum(weight * 4, 1.0)
    own = total / np.maximum(weight, 1e-6)
    return np.asarray(share * own + (1 - share) * background, np.float32)


def _shrunk(field: Field, size: Size) -> Field:
    """Average down to (width, height)."""
    return np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_AREA), np.float32)
