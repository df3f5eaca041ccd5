"""The noises that a pass starts from: plain for the first, carried by the first pass's motion for the second."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.void.flow import Flow, backward_flow
from core.runners.void.masks import latents_of
from core.runners.void.warp import Carrier, Noise, carried

if TYPE_CHECKING:
    import torch

CHANNELS, LATENT = 16, 8
Frames = NDArray[np.uint8]
Tell = Callable[[float], None]


class Geometry(NamedTuple):
    """Frames, height and width that a clip is brought to before its motion is followed, and latents picked of it."""

    frames: int = 72
    height: int = 480
    width: int = 720
    latents: int = 22


UPSTREAM = Geometry()


def clip_seed(seed: int, clip: str, purpose: str) -> int:
    """A seed for one clip and purpose, from the job's seed and the clip's digest: no batch order comes into it."""
    digest = hashlib.sha256(f"{seed}:{clip}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def plain(shape: tuple[int, ...], seed: int, dtype: torch.dtype, device: torch.device, upstream: bool) -> torch.Tensor:
    """Gaussian noise. Upstream draws it on the device in the weights' type; ours on the CPU in float32, the same
    on every machine."""
    import torch

    if upstream:
        generator = torch.Generator(device=device).manual_seed(seed)
        return torch.randn(shape, generator=generator, device=device, dtype=dtype)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device, dtype)


def warped(frames: Frames, seed: int, tell: Tell) -> Noise:
    """Noise for pass 2 at the working resolution, unit variance: (T, 16, H/8, W/8) for RGB frames (F, H, W, 3).

    Latent t takes the noise of frame 4t, the last of the frames that it holds.
    """
    carrier = Carrier(CHANNELS, frames.shape[1], frames.shape[2], seed)
    keep = 4 * np.arange(latents_of(len(frames)))
    return carried(_flows(frames, tell), keep, carrier, LATENT)


def warped_like_upstream(
    frames: Frames, seed: int, shape: tuple[int, int], tell: Tell, way: Geometry = UPSTREAM
) -> Noise:
    """Noise for pass 2 in upstream's geometry, (22, 16, h, w) for a latent `shape` (h, w).

    72 frames by index, scaled to cover 480x720 and cropped in the middle, pooled to 60x90, 22 of them by index, resized
    bilinearly without restoring the variance: a standard deviation near 0.67, and off the picture's place.
    """
    stretched = frames[np.linspace(0, len(frames) - 1, way.frames).astype(int)]
    covered = np.stack([_covering(frame, way) for frame in stretched])
    carrier = Carrier(CHANNELS, way.height, way.width, seed)
    made = carried(_flows(covered, tell), np.arange(way.frames), carrier, LATENT)
    return resized_like_upstream(made, shape, way.latents)


def resized_like_upstream(noise: Noise, shape: tuple[int, int], latents: int = UPSTREAM.latents) -> Noise:
    """Pick `latents` of the frames of a noise (T, 16, H, W) by index and resize each channel bilinearly to (h, w)."""
    picked = noise[np.linspace(0, len(noise) - 1, latents).astype(int)]
    size = (shape[1], shape[0])
    return np.stack(
        [np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in frame]) for frame in picked]
    ).astype(np.float32)


def read_noise(path: Path) -> Noise:
    """Read a noise made elsewhere: a NumPy file, (T, 16, H, W) or (T, H, W, 16); anything else is a `RunFailed`."""
    try:
        noise = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RunFailed(f"the noise {path.name} is no NumPy array ({error})", "give an .npy file of numbers") from error
    if noise.ndim == 4 and noise.shape[1] != CHANNELS:
        noise = noise.transpose(0, 3, 1, 2)
    if noise.ndim != 4 or noise.shape[1] != CHANNELS or noise.dtype.kind != "f" or not np.isfinite(noise).all():
        raise RunFailed(f"the noise {path.name} has the shape {noise.shape}", "give finite (frames, 16, height, width)")
    return np.ascontiguousarray(noise, np.float32)


def statistics(noise: Noise) -> dict[str, float]:
    """Mean, standard deviation and correlation with the neighbour to the right and below: 0, 1, 0, 0 when white."""
    centred = noise - noise.mean()
    variance = float((centred**2).mean())
    across = float((centred[..., 1:] * centred[..., :-1]).mean()) if noise.shape[-1] > 1 else 0.0
    down = float((centred[..., 1:, :] * centred[..., :-1, :]).mean()) if noise.shape[-2] > 1 else 0.0
    return {
        "mean": round(float(noise.mean()), 5),
        "deviation": round(variance**0.5, 5),
        "correlation_across": round(across / variance, 5),
        "correlation_down": round(down / variance, 5),
    }


def _flows(frames: Frames, tell: Tell) -> Callable[[int], Flow]:
    def flow(frame: int) -> Flow:
        tell(frame / len(frames))
        earlier, later = (np.asarray(cv2.cvtColor(frames[at], cv2.COLOR_RGB2GRAY)) for at in (frame - 1, frame))
        return backward_flow(earlier, later)

    return flow


def _covering(frame: NDArray[np.uint8], way: Geometry) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    scale = max(way.height / height, way.width / width)
    size = (max(way.width, round(width * scale)), max(way.height, round(height * scale)))
    shrinks = scale < 1
    large = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    top, left = (large.shape[0] - way.height) // 2, (large.shape[1] - way.width) // 2
    return np.asarray(large[top : top + way.height, left : left + way.width], np.uint8)
