"""Rotary positions of video tokens, restarted in each temporal window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LARGEST_GRID = (192, 340)
"""Rows and columns of tokens for which the model's positions are defined; a grid is their upper left part."""


def rotary(transformer: Any, latent_shape: tuple[int, int, int], device: torch.device) -> tuple[torch.Tensor, ...]:
    """Cosines and sines for latents of (frames, height, width), each (tokens, head dimension), float32.

    Raises ValueError for a grid larger than the model's.
    """
    from diffusers.models.embeddings import get_3d_rotary_pos_embed

    frames, height, width = latent_shape
    patch, patch_t = transformer.config.patch_size, transformer.config.patch_size_t
    grid = (height // patch, width // patch)
    if grid[0] > LARGEST_GRID[0] or grid[1] > LARGEST_GRID[1]:
        raise ValueError(f"the model knows no positions for a grid of {grid[0]}x{grid[1]}")
    cosines, sines = get_3d_rotary_pos_embed(
        embed_dim=transformer.config.attention_head_dim,
        crops_coords=None,
        grid_size=grid,
        temporal_size=(frames + patch_t - 1) // patch_t,
        grid_type="slice",
        max_size=LARGEST_GRID,
    )
    return cosines.to(device), sines.to(device)
