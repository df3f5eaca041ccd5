"""What a vision-language model is shown: a few frames, under a numbered grid, with the object tinted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.runners.frames import opened
from core.runners.mask.grid import Grid

MOST_PICTURES, LONGEST_SIDE, QUALITY = 8, 1024, 88
YELLOW, RED, TINT = (0, 255, 255), (0, 0, 255), 0.45
Image = NDArray[np.uint8]


class Picture(NamedTuple):
    """One frame for the model: its number and the JPEG."""

    frame: int
    jpeg: bytes

    @property
    def sha256(self) -> str:
        """Digest of the JPEG."""
        return hashlib.sha256(self.jpeg).hexdigest()


def read_rgb(path: Path) -> Iterator[Image]:
    """Yield each frame as RGB, H x W x 3."""
    with opened(path) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def shown_frames(total: int, first: int = 0) -> tuple[int, ...]:
    """Evenly spaced frame numbers, the first and last frame included, and `first` where the object is known to be."""
    spaced = {round(place) for place in np.linspace(0, total - 1, min(MOST_PICTURES, total))}
    return tuple(sorted(spaced | {first}))


def picture(frame: int, rgb: Image, grid: Grid, removed: NDArray[np.bool_] | None) -> Picture:
    """Draw one frame, no side longer than 1024 pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    bgr = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    if removed is not None:
        inside = cv2.resize(removed.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        bgr[inside] = ((1 - TINT) * bgr[inside] + TINT * np.array(RED)).round().astype(np.uint8)
    _draw_grid(bgr, grid)
    _write(bgr, f"frame {frame}", (4, size[1] - 6))
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return Picture(frame, jpeg.tobytes())


def _draw_grid(bgr: Image, grid: Grid) -> None:
    height, width = bgr.shape[:2]
    for row in range(grid.rows):
        y = row * height // grid.rows
        cv2.line(bgr, (0, y), (width, y), YELLOW, 1)
        _write(bgr, str(row), (2, y + height // grid.rows // 2 + 4))
    for column in range(grid.columns):
        x = column * width // grid.columns
        cv2.line(bgr, (x, 0), (x, height), YELLOW, 1)
        _write(bgr, str(column), (x + width // grid.columns // 2 - 4, 11))


def _write(bgr: Image, text: str, place: tuple[int, int]) -> None:
    cv2.putText(bgr, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(bgr, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, YELLOW, 1, cv2.LINE_AA)
