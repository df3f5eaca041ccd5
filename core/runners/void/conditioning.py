"""What the model is conditioned on: the mask and the whole clip, both through the VAE, beside the noisy latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.runners.void import vae as codec
from core.runners.void.masks import Collapse, Grey, shown_to_vae

if TYPE_CHECKING:
    import torch

SIGMA = 0.0563
"""Standard deviation of the noise on the conditioning clip, in units of [-1, 1]."""


def noised(video: torch.Tensor, seed: int) -> torch.Tensor:
    """Add the conditioning noise to a clip (1, 3, F, H, W) in [-1, 1], float32 on the CPU; pixels at exactly -1 stay.

    The noise is drawn into memory laid out frames first: another layout of the same draw is another noise.
    The global generator is not touched.
    """
    import torch

    frames_first = video.permute(0, 2, 1, 3, 4).contiguous().permute(0, 2, 1, 3, 4)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.empty_like(frames_first).normal_(generator=generator) * SIGMA
    return frames_first + torch.where(frames_first == -1, torch.zeros_like(noise), noise)


def video_latents(vae: Any, video: torch.Tensor, seed: int, device: torch.device) -> torch.Tensor:
    """Encode a clip (1, 3, F, H, W) in [0, 1] with its seeded noise: (1, T, 16, h, w)."""
    return codec.encode(vae, noised(2.0 * video - 1.0, seed), device)


def mask_latents(vae: Any, values: Grey, collapse: Collapse, device: torch.device) -> torch.Tensor:
    """Encode a quantised mask (F, H, W) as a pass is shown it: (1, T, 16, h, w)."""
    import torch

    shown = torch.from_numpy(shown_to_vae(values, collapse))
    return codec.encode(vae, shown[None, None].expand(1, 3, -1, -1, -1), device)


def joined(mask: torch.Tensor, video: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The 32 conditioning channels, mask before clip: (1, T, 32, h, w)."""
    import torch

    return torch.cat([mask, video], dim=2).to(dtype)
