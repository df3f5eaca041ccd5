"""Pictures between a clip's own planes and RGB, without the grey level that the quick conversion loses."""

from __future__ import annotations

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from core.runners.frames import ClipFormat, Planes

Picture = NDArray[np.uint8]
EXACT = int(
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
MATRICES = {1: 1, 4: 4, 7: 7, 9: 9}
"""FFmpeg's matrix numbers that its scaler knows under the same number; the rest count as BT.601."""
BT601, LIMITED, FULL = 5, 1, 2


def rgb_of(frame: VideoFrame, quick: bool = False) -> Picture:
    """A decoded frame as RGB (H, W, 3); `quick` is FFmpeg's own choice, which is about one grey level darker."""
    return np.asarray(frame.reformat(format="rgb24", interpolation=None if quick else EXACT).to_ndarray(), np.uint8)


def small_rgb_of(frame: VideoFrame, form: ClipFormat, size: tuple[int, int]) -> Picture:
    """A decoded frame as RGB, averaged down to (width, height): its planes shrink before they are converted."""
    original = frame.reformat(format=form.pix_fmt)
    planes = [cv2.resize(_plane(original, index), size, interpolation=cv2.INTER_AREA) for index in range(3)]
    small = VideoFrame.from_ndarray(np.stack(planes).astype(np.uint8), format="yuv444p")
    return np.asarray(
        small.reformat(
            format="rgb24",
            src_colorspace=MATRICES.get(form.colour[1], BT601),
            src_color_range=FULL if _is_full(form) else LIMITED,
            interpolation=EXACT,
        ).to_ndarray(),
        np.uint8,
    )


def planes_of(rgb: Picture, form: ClipFormat) -> Planes:
    """Convert one RGB picture (H, W, 3) to a clip's own planes."""
    frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format=form.pix_fmt,
        dst_colorspace=MATRICES.get(form.colour[1], BT601),
        dst_color_range=FULL if _is_full(form) else LIMITED,
        interpolation=EXACT,
    )
    return _plane(frame, 0), _plane(frame, 1), _plane(frame, 2)


def _is_full(form: ClipFormat) -> bool:
    return form.colour[0] == FULL or form.pix_fmt.startswith("yuvj")


def _plane(frame: VideoFrame, index: int) -> Picture:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.array(rows[: plane.height, : plane.width])
