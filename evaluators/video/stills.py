"""The small frames on which bodies are followed, and the arithmetic of pictures that following needs."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
TRACKING_LIMIT = (336, 192)


class Still(NamedTuple):
    """One frame at the tracking size: input and output BGR (h, w, 3), regions (h, w) as bool."""

    input: Image
    output: Image
    removed: Mask
    affected: Mask
    kept: Mask


def shrink(bgr: Image, size: tuple[int, int]) -> Image:
    """Return a picture at the tracking size (width, height)."""
    return bgr if (bgr.shape[1], bgr.shape[0]) == size else u8(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA))


def shrink_mask(mask: NDArray[np.uint8], size: tuple[int, int], *, whole: bool) -> Mask:
    """Return a 0/1 region at the tracking size: pixels covered as a `whole`, or touched at all."""
    scaled = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled == 255 if whole else scaled > 0, bool)


def tracking_size(width: int, height: int) -> tuple[int, int]:
    """Return the size (width, height) at which a clip of this working size is tracked."""
    scale = min(TRACKING_LIMIT[0] / width, TRACKING_LIMIT[1] / height, 1.0)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def soft(image: Image) -> Image:
    """Return the picture smoothed over three pixels, so that sensor noise does not look like change."""
    return u8(cv2.GaussianBlur(image, (3, 3), 0))


def distance(one: Image, two: Image) -> Image:
    """Return the largest channel difference per pixel."""
    blue, green, red = cv2.split(cv2.absdiff(one, two))
    return u8(cv2.max(cv2.max(blue, green), red))


def u8(image: object) -> Image:
    """Return what OpenCV made as uint8."""
    return np.asarray(image, np.uint8)
