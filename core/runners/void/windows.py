"""Temporal multidiffusion: long clips are denoised in overlapping windows that are blended after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

SIZE, OVERLAP = 22, 4
"""Latent frames in a window (85 frames of picture) and shared by neighbours (16)."""


class Window(NamedTuple):
    """Latent frames `start` to `stop`, the last excluded."""

    start: int
    stop: int


def windows(length: int, size: int = SIZE, overlap: int = OVERLAP) -> tuple[Window, ...]:
    """Cover `length` latent frames; the last window is as short as is left. 0 <= overlap < size."""
    found = [Window(0, min(size, length))]
    while found[-1].stop < length:
        start = found[-1].stop - overlap
        found.append(Window(start, min(start + size, length)))
    return tuple(found)


def weight(window: Window, length: int, dtype: torch.dtype, overlap: int = OVERLAP) -> torch.Tensor:
    """A window's weights, (1, frames, 1, 1, 1): 1, with a linear ramp over each overlap with a neighbour."""
    import torch

    weights = torch.ones(window.stop - window.start, dtype=dtype)
    ramp = torch.linspace(0.0, 1.0, overlap + 2)[1:-1].to(dtype)
    if window.start > 0:
        weights[:overlap] = ramp
    if window.stop < length:
        weights[-overlap:] = ramp.flip(0)
    return weights.reshape(1, -1, 1, 1, 1)


def blended(latents: torch.Tensor, step: Callable[[Window], torch.Tensor]) -> torch.Tensor:
    """One denoising step of all windows of `latents` (1, T, C, h, w); `step` returns a window's next latents.

    A clip that fits in one window is not blended. Sums are float32, the result has the latents' own type.
    """
    import torch

    length = latents.shape[1]
    plan = windows(length)
    if len(plan) == 1:
        return step(plan[0])
    total = torch.zeros_like(latents, dtype=torch.float32)
    mass = torch.zeros(1, length, 1, 1, 1, device=latents.device)
    for window in plan:
        own = weight(window, length, latents.dtype).to(latents.device)
        total[:, window.start : window.stop] += step(window) * own
        mass[:, window.start : window.stop] += own
    return (total / mass).to(latents.dtype)
