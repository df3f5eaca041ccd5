"""What should stay the same: PSNR and SSIM against independent implementations, the rest against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import theilslopes
from support.video import SIZE, Pictures, boxed, judge, keep_all, panning, reason, still, value, wall

from evaluators.base import Evaluation
from evaluators.frames import band_width
from evaluators.video.preservation import MEASURES, Preservation, decibel, ssim_map

FRAMES = 10
WIDTH, HEIGHT = SIZE
BOX = (30, 20, 66, 46)
BAND = 3
ZERO_FOR_A_COPY = ("preservation_drift", "colour_drift", "spill")
Judge = Callable[..., Evaluation]


@pytest.fixture
def preservation(tmp_path: Path) -> Judge:
    def run(video: Pictures, output: Pictures, mask: Pictures | None = None) -> Evaluation:
        chosen = keep_all(len(video), video.shape[2], video.shape[1]) if mask is None else mask
        return judge(tmp_path, video, chosen, output, Preservation())

    return run


def noisy(video: Pictures, strength: float = 6, seed: int = 1) -> Pictures:
    noise = np.random.default_rng(seed).normal(0, strength, video.shape)
    return np.asarray(np.clip(np.rint(video + noise), 0, 255), np.uint8)


def pan() -> Pictures:
    return panning(FRAMES, *SIZE, [(frame, 0) for frame in range(FRAMES)])


def kept_by_hand(mask: Pictures) -> np.ndarray:
    """K of a mask with one still box: everything farther than the band from it, a square's distance."""
    kept = mask == 255
    left, top, right, bottom = BOX
    kept[:, top - BAND : bottom + BAND, left - BAND : right + BAND] = False
    return kept


def test_psnr_equals_torchmetrics_where_everything_is_kept(preservation: Judge) -> None:
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio

    video = pan()
    output = noisy(video)
    expected = peak_signal_noise_ratio(
        torch.from_numpy(output).float(), torch.from_numpy(video).float(), data_range=255.0
    )
    assert value(preservation(video, output), "preservation_psnr") == pytest.approx(float(expected), abs=1e-4)


def test_psnr_is_taken_over_valid_pixels_only(preservation: Judge) -> None:
    """Nothing outside K counts, and the mask's share of the frame does not flatter."""
    video, mask = pan(), boxed(FRAMES, BOX)
    output = noisy(video)
    kept = kept_by_hand(mask)
    squares = (output.astype(float) - video) ** 2
    expected = 10 * math.log10(255**2 / squares[kept].mean())
    output[mask == 0] = 0
    found = preservation(video, output, mask)
    assert band_width_is(BAND)
    assert value(found, "preservation_psnr") == pytest.approx(expected, abs=1e-6)
    flattered = 10 * math.log10(255**2 / (squares * kept[..., None]).mean())
    assert flattered - value(found, "preservation_psnr") == pytest.approx(10 * math.log10(1 / kept.mean()), abs=1e-6)
    assert found["preservation_psnr"].evidence["kept_pixels_per_frame"] == kept.sum() / FRAMES


def band_width_is(pixels: int) -> bool:
    from evaluators.clip import Size

    return band_width(Size(*SIZE)) == pixels


@pytest.mark.parametrize("step", [1, 4, 25])
def test_psnr_of_a_constant_difference(preservation: Judge, step: int) -> None:
    video = np.clip(pan(), 0, 220).astype(np.uint8)
    expected = 20 * math.log10(255 / step)
    found = preservation(video, video + np.uint8(step))
    assert value(found, "preservation_psnr") == pytest.approx(expected, abs=1e-9)
    assert found["preservation_psnr"].series.values == pytest.approx([expected] * FRAMES)


@given(st.floats(0, 255**2))
def test_decibels_lie_between_nothing_and_a_hundred(error: float) -> None:
    assert 0 <= decibel(error) <= 100
    assert decibel(error) >= decibel(error + 1)


def test_ssim_equals_scikit_image_everywhere() -> None:
    from skimage.metrics import structural_similarity

    first = wall(150, 110)
    second = noisy(first, 12)
    mean, full = structural_similarity(
        first, second, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        full=True,
    )  # fmt: skip
    found = ssim_map(first, second)
    # scikit-image leaves the outer 5 pixels out of its mean, so the whole maps are compared.
    np.testing.assert_allclose(found, full, atol=2e-4)
    assert found[5:-5, 5:-5].mean() == pytest.approx(mean, abs=2e-5)


def test_ssim_equals_torchmetrics_with_the_same_window(preservation: Judge) -> None:
    """torchmetrics crops the border that its window does not fit in; the mask leaves the same pixels out here."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    video = pan()
    output = noisy(video, 12)
    planes = [torch.from_numpy(np.ascontiguousarray(p)).permute(0, 3, 1, 2).float() for p in (output, video)]
    _mean, full = structural_similarity_index_measure(
        *planes, gaussian_kernel=True, sigma=1.5, kernel_size=11, data_range=255.0, return_full_image=True
    )
    full = full.mean(dim=1).numpy()
    assert full.shape == (FRAMES, HEIGHT, WIDTH)
    mask = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    mask[:, 5:-5, 5:-5] = 255
    inner = np.s_[:, 5 + BAND : -5 - BAND, 5 + BAND : -5 - BAND]
    found = preservation(video, output, mask)
    assert value(found, "preservation_ssim") == pytest.approx(float(full[inner].mean()), abs=1e-4)
    assert found.parameters["ssim_window"] == "Gaussian 11x11, sigma 1.5"


def test_another_window_is_another_figure() -> None:
    """Why the window is stated: a uniform 7x7 one says something else about the same pictures."""
    from skimage.metrics import structural_similarity

    first = wall()
    second = noisy(first, 12)
    other = structural_similarity(first, second, channel_axis=2, data_range=255)
    assert abs(other - ssim_map(first, second).mean()) > 0.005


def test_ssim_ignores_what_is_not_kept(preservation: Judge) -> None:
    video, mask = pan(), boxed(FRAMES, BOX)
    whole = noisy(video)
    holed = whole.copy()
    holed[:, 26:40, 36:60] = 0
    kept_only = preservation(video, whole, mask)
    with_hole = preservation(video, holed, mask)
    # 6 pixels inside the box and a band of 3 outside it: the window of 11 does not reach from the hole to K.
    assert value(with_hole, "preservation_ssim") == pytest.approx(value(kept_only, "preservation_ssim"), abs=1e-9)


def test_drift_is_the_fall_of_a_falling_psnr(preservation: Judge) -> None:
    """8 grey levels on 2^t of every 1536 pixels: the PSNR falls by 10 log10 2 dB in each frame."""
    frames = 9
    video = np.full((frames, HEIGHT, WIDTH, 3), 100, np.uint8)
    output = video.copy().reshape(frames, -1, 3)
    for frame in range(frames):
        output[frame, : 4 * 2**frame] += 8
    found = preservation(video, output.reshape(video.shape))
    assert value(found, "preservation_drift") == pytest.approx(10 * math.log10(2) * (frames - 1), rel=1e-9)


def test_drift_is_robust_against_one_bad_frame(preservation: Judge) -> None:
    video = np.clip(pan(), 40, 200)
    output = noisy(video)
    output[4] = 255 - output[4]
    found = preservation(video, output)
    levels = [decibel(float(((o.astype(float) - v) ** 2).mean())) for o, v in zip(output, video, strict=True)]
    assert value(found, "preservation_drift") == pytest.approx(
        -float(theilslopes(levels, np.arange(FRAMES))[0]) * (FRAMES - 1), abs=1e-6
    )
    assert abs(value(found, "preservation_drift")) < 1


def test_colour_drift_is_the_difference_of_the_quarters(preservation: Judge) -> None:
    frames = 16
    video = np.full((frames, HEIGHT, WIDTH, 3), 100, np.uint8)
    output = video.copy()
    output[..., 0] += np.arange(frames, dtype=np.uint8)[:, None, None]
    output[..., 2] -= 2
    found = preservation(video, output)
    assert value(found, "colour_drift") == pytest.approx(12)
    assert found["colour_drift"].evidence["moved_rgb"] == pytest.approx([12, 0, 0])


@pytest.mark.parametrize("step", [0, 3, 40])
def test_seam_of_a_step_at_the_masks_rim(preservation: Judge, step: int) -> None:
    """A flat picture, the fill brighter by s: central differences are s / 2 on both sides, 0 beside: s + 1."""
    video = np.full((FRAMES, HEIGHT, WIDTH, 3), 100, np.uint8)
    mask = boxed(FRAMES, (30, 0, 66, HEIGHT))
    output = video.copy()
    output[mask == 0] += np.uint8(step)
    found = preservation(video, output, mask)
    assert value(found, "seam") == pytest.approx(step + 1, abs=1e-6)


def test_spill_is_the_change_beside_the_mask(preservation: Judge) -> None:
    video, mask = np.clip(pan(), 0, 200).astype(np.uint8), boxed(FRAMES, BOX)
    left, top, right, bottom = BOX
    output = video + np.uint8(2)
    output[:, top - BAND : bottom + BAND, left - BAND : right + BAND] += 7
    found = preservation(video, output, mask)
    assert value(found, "spill") == pytest.approx(7)
    assert value(preservation(video, video + np.uint8(2), mask), "spill") == 0


def test_intervals_hold_their_values_and_worst_frames_are_the_worst(preservation: Judge) -> None:
    video, mask = pan(), boxed(FRAMES, BOX)
    output = noisy(video)
    output[6] = noisy(video, 30)[6]
    found = preservation(video, output, mask)
    for measurement in found.measurements:
        assert measurement.interval is None or (
            measurement.interval.low <= measurement.value <= measurement.interval.high
        ), measurement.measure.name
    for name in ("preservation_psnr", "preservation_ssim", "colour_drift"):
        assert found[name].series.worst[0] == 6


def test_a_copy_keeps_everything(preservation: Judge) -> None:
    found = preservation(pan(), pan(), boxed(FRAMES, BOX))
    expected = {"preservation_psnr": 100, "preservation_ssim": 1, **dict.fromkeys(ZERO_FOR_A_COPY, 0)}
    assert {name: value(found, name) for name in expected} == pytest.approx(expected, abs=1e-6)


def test_short_clips_have_no_trend(preservation: Judge) -> None:
    found = preservation(pan()[:7], noisy(pan()[:7]))
    assert value(found, "preservation_psnr") > 20
    for name in ("preservation_drift", "colour_drift"):
        assert "a trend needs eight" in reason(found, name)


def test_nothing_kept_is_absent_with_a_reason(preservation: Judge) -> None:
    found = preservation(pan(), pan(), np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8))
    assert all(reason(found, measure.name) for measure in MEASURES)


def test_nothing_removed_has_no_seam(preservation: Judge) -> None:
    found = preservation(still(FRAMES, wall()), still(FRAMES, wall()))
    assert "no outline" in reason(found, "seam")
    assert "no mask" in reason(found, "spill")
