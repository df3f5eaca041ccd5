"""VOID's mask chain and padding, against the values that upstream was seen to use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.requirements import SAMPLES

from core.runners.void.clips import read_clip
from core.runners.void.masks import VALUES, inexact, latents_of, mirrored, padded_length, quantise, shown_to_vae

ALL = np.array(VALUES, np.uint8)


@pytest.mark.parametrize(
    ("frames", "padded", "latents"),
    [(1, 85, 22), (46, 85, 22), (85, 85, 22), (86, 93, 24), (93, 93, 24), (94, 101, 26), (96, 101, 26), (190, 197, 50),
     (197, 197, 50), (240, 197, 50)],
)  # fmt: skip
def test_upstream_pads_to_these_lengths(frames: int, padded: int, latents: int) -> None:
    assert padded_length(frames) == padded
    assert latents_of(padded) == latents


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000))
def test_without_a_limit_no_frame_is_lost_and_latents_come_in_pairs(frames: int) -> None:
    padded = padded_length(frames, None)
    assert padded >= max(frames, 85)
    assert padded < max(frames, 85) + 8
    assert latents_of(padded) % 2 == 0


def test_padding_runs_forward_backward_forward() -> None:
    assert mirrored(3, 10).tolist() == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2]
    assert mirrored(5, 4).tolist() == [0, 1, 2, 3]


def test_what_each_pass_is_shown_of_the_four_values() -> None:
    assert shown_to_vae(ALL, "tri").round(3).tolist() == pytest.approx([0, 0, 0.502, 1])
    assert shown_to_vae(ALL, "binary").tolist() == [0, 0, 0, 1]
    assert shown_to_vae(ALL, "quad").round(3).tolist() == pytest.approx([0, 0.247, 0.498, 1])


def test_grey_levels_fall_into_the_bands_of_the_format() -> None:
    levels = np.array([0, 31, 32, 63, 64, 95, 96, 127, 191, 192, 255])
    assert quantise(levels).tolist() == [0, 0, 63, 63, 63, 63, 127, 127, 127, 255, 255]
    assert quantise(np.array([31.0, 31.2, 191.4])).tolist() == [0, 63, 255]


def test_a_lossy_mask_is_counted_pixel_by_pixel() -> None:
    histogram = np.zeros(256, np.int64)
    histogram[[0, 63, 127, 255]] = 100
    assert inexact(histogram) == 0
    histogram[[64, 254]] = (3, 4)
    assert inexact(histogram) == 7


@pytest.mark.parametrize("name", ["BigBen", "ducky-float", "lime", "moving_ball", "pillow"])
def test_the_sample_clips_pass_the_real_mask_chain_and_padding(name: str) -> None:
    folder = SAMPLES / "void" / name
    if not folder.is_dir():
        pytest.skip("no sample clips")
    mask = next(path for path in sorted(folder.glob("*quadmask*.mp4")))
    clip = read_clip(folder / "input_video.mp4", mask, (96, 176), False, None, lambda _: None)
    known = {"BigBen": (50, 1.94), "ducky-float": (62, 11.41), "lime": (46, 5.19), "moving_ball": (62, 0.66)}
    frames, removed = known.get(name, (62, 2.60))
    assert (clip.frames, clip.padded, clip.inexact) == (frames, 85, 0)
    assert 100 * clip.shares[0] == pytest.approx(removed, abs=0.006)
    assert clip.affected_at_start is (name == "BigBen")
    assert clip.video.shape == (1, 3, 85, 96, 176)
    assert set(np.unique(clip.values)) <= {0, 63, 127, 255}
    assert np.array_equal(clip.values[frames], clip.values[frames - 1])
    shown = (clip.values[: clip.frames] == 0).mean() * (96 * 176) / (clip.fit.box.width * clip.fit.box.height)
    assert shown == pytest.approx(clip.shares[0], rel=0.04)
