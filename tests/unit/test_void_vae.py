"""The first-frame decode rule, against a decoder whose upsampling is written out plainly."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLCogVideoX
from diffusers.models.upsampling import CogVideoXUpsample3D
from support.void_models import VAE

from core.runners.void import vae as codec


@pytest.fixture(scope="module")
def vae() -> Any:
    torch.manual_seed(5)
    return AutoencoderKLCogVideoX(**VAE).eval()


class PlainUpsample(torch.nn.Module):
    """Repeat rows, columns and, on demand, frames; then the layer's own convolution on each frame."""

    def __init__(self, layer: CogVideoXUpsample3D) -> None:
        super().__init__()
        self.conv, self.in_time, self.first = layer.conv, layer.compress_time, False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.repeat_interleave(2, dim=3).repeat_interleave(2, dim=4)
        if self.in_time and not self.first:
            x = x.repeat_interleave(2, dim=2)
        # All frames in one call, since a convolution of one frame may round differently.
        return self.conv(x[0].transpose(0, 1)).transpose(0, 1)[None]


def plain_decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    decoder = copy.deepcopy(vae.decoder)
    plain = []
    for block in decoder.up_blocks:
        for number, layer in enumerate(block.upsamplers or ()):
            block.upsamplers[number] = PlainUpsample(layer)
            plain.append(block.upsamplers[number])
    z = (1 / vae.config.scaling_factor * latents).permute(0, 2, 1, 3, 4)
    pieces, cache = [z[:, :, :1], *z[:, :, 1:].split(2, dim=2)], None
    frames = []
    with torch.no_grad():
        for number, piece in enumerate(pieces):
            for layer in plain:
                layer.first = number == 0
            out, cache = decoder(piece, conv_cache=cache)
            frames.append(out)
    return (torch.cat(frames, dim=2) / 2 + 0.5).clamp(0, 1)


@pytest.mark.parametrize(("latents", "frames"), [(22, 85), (24, 93), (50, 197)])
def test_decoding_equals_the_plain_decoder(vae: Any, latents: int, frames: int) -> None:
    torch.manual_seed(latents)
    z = torch.randn(1, latents, 16, 2, 2)
    found = codec.decode(vae, z)
    assert found.shape == (1, 3, frames, 16, 16)
    assert float((found - plain_decode(vae, z)).abs().max()) == 0.0


def test_the_vae_is_as_before_afterwards(vae: Any) -> None:
    codec.decode(vae, torch.randn(1, 2, 16, 2, 2))
    with torch.no_grad():
        assert vae.decode(torch.randn(1, 16, 22, 2, 2)).sample.shape[2] == 88


def test_tiles_make_the_whole_picture_and_one_tile_changes_nothing(vae: Any) -> None:
    z = torch.randn(1, 4, 16, 8, 8)
    whole = codec.decode(vae, z)
    assert torch.equal(codec.decode(vae, z, tiling=True), whole)
    small = copy.deepcopy(vae)
    small.enable_tiling(tile_sample_min_height=32, tile_sample_min_width=32)
    tiled = codec.decode(small, z, tiling=True)
    assert tiled.shape == whole.shape
    assert torch.equal(tiled[..., :16, :16], codec.decode(small, z[..., :4, :4])[..., :16, :16])


def test_encoding_is_the_posterior_mode_times_the_scaling_factor(vae: Any) -> None:
    pixels = torch.rand(1, 3, 85, 16, 16) * 2 - 1
    with torch.no_grad():
        wanted = vae.encode(pixels).latent_dist.mode() * 0.7
    found = codec.encode(vae, pixels, torch.device("cpu"))
    assert found.shape == (1, 22, 16, 2, 2)
    assert torch.equal(found, wanted.permute(0, 2, 1, 3, 4))
