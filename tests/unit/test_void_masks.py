"""VOID's mask chain and padding, against the values that upstream was seen to use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
