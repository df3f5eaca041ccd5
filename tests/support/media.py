"""Clips with known pixels, good and hostile, for the tests of probes and runners."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.encoding import write_video

FPS = 12
Image = NDArray[np.uint8]


def quiet(_done: float, _message: str) -> None:
    """Progress that nobody watches."""


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.float64]:
    """A wall with detail at several scales, grey levels 40 to 215, the same for the same seed."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width))
    for cell in (32, 16, 8):
        coarse = random.uniform(-1, 1, (height // cell + 2, width // cell + 2))
        picture += np.kron(coarse, np.ones((cell, cell)))[:height, :width] * cell
    smooth = sum(np.roll(picture, shift, axis) for shift in (-2, -1, 0, 1, 2) for axis in (0, 1)) / 10
    low, high = float(smooth.min()), float(smooth.max())
    return np.asarray(40 + 175 * (smooth - low) / (high - low))


def grey_video(frames: NDArray[np.floating]) -> Image:
    """Grey frames (n, h, w) as RGB bytes (n, h, w, 3)."""
    return np.repeat(np.clip(np.rint(frames), 0, 255).astype(np.uint8)[..., None], 3, axis=3)


def write_folder(folder: Path, video: Image, mask: Image, prompt: object = None) -> Path:
    """Write a VOID-format folder from RGB frames and grey mask frames."""
    folder.mkdir(parents=True, exist_ok=True)
    odd = bool(video.shape[1] % 2 or video.shape[2] % 2)
    write_video(video, folder / "input_video.mp4", FPS, lossless=odd)
    write_video(mask, folder / "quadmask_0.mp4", FPS, lossless=True)
    (folder / "prompt.json").write_text(json.dumps({"bg": "a wall"} if prompt is None else prompt), encoding="utf-8")
    return folder


def small_folder(folder: Path, frames: int = 6, mask_frames: int | None = None, value: int = 0) -> Path:
    """A 64x48 VOID-format folder whose mask holds one square of a value."""
    video = np.full((frames, 48, 64, 3), 120, np.uint8)
    mask = np.full((frames if mask_frames is None else mask_frames, 48, 64), 255, np.uint8)
    mask[:, 10:20, 10:20] = value
    return write_folder(folder, video, mask)


def write_flat(path: Path, width: int, height: int, frames: int, codec: str = "libx264") -> Path:
    """A clip of one grey that costs next to nothing per frame, whatever its size."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(frames):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def grey_frames(path: Path) -> Image:
    """Decode a clip to full-range grey (n, h, w)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])
