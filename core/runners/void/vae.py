"""The VAE as VOID uses it: posterior mode in, and a first latent that becomes one frame instead of four.

diffusers decodes an even number of latents in pairs, 22 of them to 88 frames. VOID decodes the first latent alone and
without temporal upsampling, then pairs (and a last single one) with it: 85 frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CHUNK = 2
"""Latents decoded together after the first."""


class _Rule:
    """Shared by a decoder's upsamplers: whether the chunk at hand is the clip's first."""

    def __init__(self) -> None:
        self.first = True


def encode(vae: Any, pixels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Encode (1, 3, F, H, W) to latents (1, T, 16, H/8, W/8): posterior mode times the scaling factor."""
    import torch

    with torch.no_grad():
        latents = vae.encode(pixels.to(device, vae.dtype))[0].mode() * vae.config.scaling_factor
    return torch.as_tensor(latents).permute(0, 2, 1, 3, 4)


def decode(vae: Any, latents: torch.Tensor, tiling: bool = False) -> torch.Tensor:
    """Decode (1, T, 16, h, w) to frames (1, 3, 4T-3, 8h, 8w) in [0, 1], float32 on the CPU."""
    import torch

    z = 1 / vae.config.scaling_factor * latents.permute(0, 2, 1, 3, 4).to(vae.dtype)
    with torch.no_grad(), _first_frame_rule(vae) as rule:
        return _tiled(vae, z, rule) if tiling else torch.cat(list(_frames(vae, z, rule)), dim=2)


def _frames(vae: Any, z: torch.Tensor, rule: _Rule) -> Iterator[torch.Tensor]:
    cache = None
    for start, stop in [(0, 1), *((at, at + CHUNK) for at in range(1, z.shape[2], CHUNK))]:
        rule.first = start == 0
        part = z[:, :, start:stop]
        if vae.post_quant_conv is not None:
            part = vae.post_quant_conv(part)
        frames, cache = vae.decoder(part, conv_cache=cache)
        yield (frames / 2 + 0.5).clamp(0, 1).cpu().float()


def _tiled(vae: Any, z: torch.Tensor, rule: _Rule) -> torch.Tensor:
    """Decode overlapping tiles, each over the whole time, and blend them as diffusers does."""
    import torch

    scale = vae.tile_sample_min_height // vae.tile_latent_min_height
    tile_height, tile_width = vae.tile_latent_min_height, vae.tile_latent_min_width
    down = int(tile_height * (1 - vae.tile_overlap_factor_height))
    right = int(tile_width * (1 - vae.tile_overlap_factor_width))
    rows: list[list[torch.Tensor]] = []
    for top in range(0, z.shape[3], down):
        tiles = (z[..., top : top + tile_height, left : left + tile_width] for left in range(0, z.shape[4], right))
        rows.append([torch.cat(list(_frames(vae, tile, rule)), dim=2) for tile in tiles])
    pictures = []
    for number, row in enumerate(rows):
        parts = []
        for place, tile in enumerate(row):
            if number:
                tile = vae.blend_v(rows[number - 1][place], tile, scale * (tile_height - down))
            if place:
                tile = vae.blend_h(row[place - 1], tile, scale * (tile_width - right))
            parts.append(tile[..., : scale * down, : scale * right])
        pictures.append(torch.cat(parts, dim=4))
    return torch.cat(pictures, dim=3)


@contextmanager
def _first_frame_rule(vae: Any) -> Iterator[_Rule]:
    """Give the decoder's upsamplers the rule, for as long as the block runs."""
    from diffusers.models.upsampling import CogVideoXUpsample3D

    rule = _Rule()
    upsamplers: list[Any] = [module for module in vae.decoder.modules() if isinstance(module, CogVideoXUpsample3D)]
    for module in upsamplers:
        module.forward = partial(_upsample, module, rule)
    try:
        yield rule
    finally:
        for module in upsamplers:
            del module.forward


def _upsample(module: Any, rule: _Rule, inputs: torch.Tensor) -> torch.Tensor:
    """Double the sides, and the frames too unless this is the first chunk or the layer never does; then convolve."""
    import torch
    import torch.nn.functional as functional

    times = 2.0 if module.compress_time and not rule.first else 1.0
    if times > 1:
        inputs = functional.interpolate(inputs, scale_factor=(times, 2.0, 2.0))
    batch, channels, frames, height, width = inputs.shape
    flat = inputs.permute(0, 2, 1, 3, 4).reshape(batch * frames, channels, height, width)
    if times == 1:
        flat = functional.interpolate(flat, scale_factor=2.0)
    flat = torch.as_tensor(module.conv(flat))
    return flat.reshape(batch, frames, *flat.shape[1:]).permute(0, 2, 1, 3, 4)
