"""Windows over long clips, and the positions that restart in each of them."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runners.void.rope import rotary
from core.runners.void.windows import OVERLAP, blended, weight, windows


def test_the_longest_upstream_clip_has_three_windows() -> None:
    assert windows(50) == ((0, 22), (18, 40), (36, 50))
    assert windows(22) == ((0, 22),)
    assert windows(24) == ((0, 22), (18, 24))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 400))
def test_windows_cover_everything_and_their_weights_sum_to_one(length: int) -> None:
    total = torch.zeros(length)
    for window in windows(length):
        total[window.start : window.stop] += weight(window, length, torch.float32).flatten()
    assert torch.allclose(total, torch.ones(length))


def test_the_ramp_is_linear_over_the_overlap() -> None:
    first, second = windows(24)
    assert torch.allclose(weight(first, 24, torch.float32).flatten()[-OVERLAP:], torch.tensor([0.8, 0.6, 0.4, 0.2]))
    assert torch.allclose(weight(second, 24, torch.float32).flatten()[:OVERLAP], torch.tensor([0.2, 0.4, 0.6, 0.8]))


def test_windows_that_agree_blend_to_themselves_and_one_window_is_untouched() -> None:
    latents = torch.randn(1, 50, 16, 2, 2)
    same = blended(latents, lambda window: 2 * latents[:, window.start : window.stop])
    assert torch.allclose(same, 2 * latents, atol=1e-6)
    short = latents[:, :22]
    assert torch.equal(blended(short, lambda _window: short + 1), short + 1)


def test_positions_are_those_of_diffusers() -> None:
    transformer = SimpleNamespace(config=SimpleNamespace(patch_size=2, patch_size_t=2, attention_head_dim=64))
    wanted = get_3d_rotary_pos_embed(
        64, None, grid_size=(24, 42), temporal_size=11, grid_type="slice", max_size=(192, 340)
    )
    found = rotary(transformer, (22, 48, 84), torch.device("cpu"))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, wanted, strict=True))
    assert found[0].shape == (11 * 24 * 42, 64)
