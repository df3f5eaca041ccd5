"""Turn generated frames into clips at the source's size and rate, with the input's own kept pixels on request."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.runners.blend import at_plane, seam
from core.runners.frames import ClipFormat, ClipWriter, Planes, read_grey, read_planes
from core.runners.holes import Reach
from core.runners.void.clips import Fit
from core.runners.void.colour import planes_of
from core.runners.void.masks import KEEP, quantise

Frames = NDArray[np.uint8]
UPSTREAM_FPS = Fraction(12)
PLAIN_COLOUR = (1, 1, 1, 1)


def eight_bit(frames: NDArray[np.float32]) -> Frames:
    """(1, 3, F, H, W) in [0, 1] to (F, H, W, 3); truncated, as upstream does it."""
    return np.ascontiguousarray((frames[0] * np.float32(255)).astype(np.uint8).transpose(1, 2, 3, 0))


def write_at_source(
    path: Path,
    frames: Frames,
    form: ClipFormat,
    fit: Fit,
    sources: tuple[Path, Path] | None,
    tell: Callable[[float], None],
) -> None:
    """Write the frames at the source's size, rate and colours.

    With `sources`, the input clip and its mask, only what the mask removes or marks as affected is taken from the
    frames, feathered outwards; every other pixel is the input's own value.
    """
    box = fit.box
    inputs = zip(read_planes(sources[0], form), read_grey(sources[1]), strict=True) if sources else None
    with ClipWriter(path, form) as writer:
        for number, frame in enumerate(frames):
            picture = _resized(frame[box.rows, box.columns], (form.width, form.height))
            planes = planes_of(picture, form)
            if inputs is not None:
                original, grey = next(inputs)
                planes = _composite(original, planes, grey, form)
            writer.write(planes)
            tell((number + 1) / len(frames))


def write_plain(path: Path, frames: Frames, fps: Fraction) -> None:
    """Write the frames as they are."""
    height, width = frames.shape[1:3]
    pix_fmt = "yuv420p" if height % 2 == width % 2 == 0 else "yuv444p"
    form = ClipFormat(width, height, fps, pix_fmt, PLAIN_COLOUR, False, len(frames))
    with ClipWriter(path, form) as writer:
        for frame in frames:
            writer.write(planes_of(np.ascontiguousarray(frame), form))


def _resized(picture: Frames, size: tuple[int, int]) -> Frames:
    if picture.shape[1::-1] == size:
        return np.ascontiguousarray(picture)
    way = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _composite(original: Planes, generated: Planes, grey: NDArray[np.uint8], form: ClipFormat) -> Planes:
    changed = np.asarray(quantise(grey) != KEEP, np.uint8)
    if not changed.any():
        return original
    edge = seam(changed, Reach.of(form.width, form.height))
    mixed = []
    for old, new in zip(original, generated, strict=True):
        alpha = at_plane(edge, (old.shape[0], old.shape[1])).alpha
        blend = np.rint(old + alpha * (new.astype(np.float32) - old)).astype(np.uint8)
        mixed.append(np.where(alpha > 0, blend, old))
    return mixed[0], mixed[1], mixed[2]
