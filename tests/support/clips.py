"""Tiny clips in VOID's format: a dark square crosses a textured wall, and the wall without it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.encoding import write_video

FPS = 12.0


def wall(width: int, height: int) -> NDArray[np.uint8]:
    """A smooth textured picture, RGB."""
    rows, columns = np.mgrid[0:height, 0:width]
    light = 128 + 40 * np.sin(columns / 5) + 30 * np.cos(rows / 7)
    return np.repeat(light[..., None], 3, axis=2).astype(np.uint8)


def write_case(folder: Path, *, frames: int = 12, size: tuple[int, int] = (64, 48)) -> Path:
    """Write the clip, its mask and prompt into a new folder and return the folder."""
    width, height = size
    folder.mkdir(parents=True)
    video = np.repeat(wall(width, height)[None], frames, axis=0)
    mask = np.full((frames, height, width), 255, np.uint8)
    side = height // 4
    for frame in range(frames):
        left = 2 + (width - side - 4) * frame // max(1, frames - 1)
        inside = np.s_[frame, height // 3 : height // 3 + side, left : left + side]
        video[inside] = 16
        mask[inside] = 0
    write_video(video, folder / "input_video.mp4", FPS)
    write_video(mask, folder / "quadmask_0.mp4", FPS, lossless=True)
    (folder / "prompt.json").write_text(json.dumps({"bg": "a wall"}), encoding="utf-8")
    return folder


def write_output(path: Path, *, frames: int = 12, size: tuple[int, int] = (64, 48)) -> Path:
    """Write the wall without the square, the true answer to `write_case`."""
    return write_video(np.repeat(wall(*size)[None], frames, axis=0), path, FPS)
