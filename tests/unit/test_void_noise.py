"""The noises: the conditioning noise's exact rule, and the second pass's, carried by motion and still white."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.void import noise
from core.runners.void.conditioning import noised
from core.runners.void.warp import Carrier


def silent(_done: float) -> None:
    pass


def textured(frames: int, height: int, width: int, speed: float) -> NDArray[np.uint8]:
    """A smooth random picture that moves right by `speed` pixels a frame."""
    random = np.random.default_rng(7)
    wide = random.integers(0, 255, (height // 4, (width + 200) // 4), np.uint8)
    large = cv2.resize(wide, (width + 200, height), interpolation=cv2.INTER_CUBIC)
    made = []
    for frame in range(frames):
        shift = np.array([[1, 0, speed * frame - 100], [0, 1, 0]], np.float32)
        grey = cv2.warpAffine(large, shift, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        made.append(np.repeat(grey[..., None], 3, axis=2))
    return np.stack(made).astype(np.uint8)


def test_the_conditioning_noise_is_drawn_frames_first_as_upstream_draws_it() -> None:
    frames = torch.rand(9, 3, 8, 8) * 2 - 1
    frames[2, :, :4] = -1
    upstream = frames.reshape(1, 9, 3, 8, 8).permute(0, 2, 1, 3, 4)
    torch.manual_seed(42)
    drawn = torch.randn_like(upstream) * 0.0563
    wanted = upstream + torch.where(upstream == -1, torch.zeros_like(drawn), drawn)
    state = torch.get_rng_state()
    found = noised(upstream.contiguous(), 42)
    assert torch.equal(found, wanted)
    assert torch.equal(torch.get_rng_state(), state)
    assert (found[:, :, 2, :4] == -1).all()
    contiguous = torch.randn(upstream.shape, generator=torch.Generator().manual_seed(42)) * 0.0563
    assert not torch.allclose(found - upstream, contiguous)


def test_a_clips_seed_follows_from_its_content_and_purpose_alone() -> None:
    assert noise.clip_seed(1, "a", "pass1") == noise.clip_seed(1, "a", "pass1")
    others = {
        noise.clip_seed(*case) for case in [(1, "a", "pass1"), (2, "a", "pass1"), (1, "b", "pass1"), (1, "a", "x")]
    }
    assert len(others) == 4
    assert all(0 <= seed < 2**63 for seed in others)


@pytest.mark.parametrize("speed", [0.0, 0.7, 3.0])
def test_carried_noise_has_unit_variance_and_white_frames(speed: float) -> None:
    made = noise.warped(textured(21, 64, 96, speed), 11, silent)
    assert made.shape == (6, 16, 8, 12)
    found = noise.statistics(made)
    assert found["deviation"] == pytest.approx(1.0, abs=0.04)
    assert abs(found["mean"]) < 0.04
    each = [noise.statistics(frame[None]) for frame in made]
    assert max(abs(frame["correlation_across"]) for frame in each) < 0.11
    assert max(abs(frame["deviation"] - 1) for frame in each) < 0.08


def test_noise_stays_white_where_the_picture_grows_and_shrinks() -> None:
    height, width = 96, 128
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    carrier = Carrier(8, height, width, 3)
    for step in range(12):
        zoom = 0.03 * np.sin(step)
        carrier.move(np.stack([(columns - 60) * zoom, (rows - 50) * -zoom + 0.4], axis=-1).astype(np.float32))
    found = noise.statistics(carrier.noise[None])
    assert found["deviation"] == pytest.approx(1.0, abs=0.01)
    assert abs(found["correlation_across"]) < 0.01
    assert abs(found["correlation_down"]) < 0.01


def test_slow_motion_adds_up_instead_of_being_rounded_away() -> None:
    carrier = Carrier(8, 32, 64, 3)
    before = carrier.noise
    for _ in range(40):
        carrier.move(np.full((32, 64, 2), (-0.1, 0.0), np.float32))
    after = carrier.noise
    agreement = {shift: float((after[..., 10:] * before[..., 10 - shift : 64 - shift]).mean()) for shift in range(7)}
    assert max(agreement, key=lambda shift: agreement[shift]) == 4
    assert agreement[4] > 0.7


def test_noise_follows_the_pictures_motion() -> None:
    still, moving = (noise.warped(textured(5, 64, 96, speed), 1, silent) for speed in (0.0, 4.0))
    assert np.corrcoef(still[0].ravel(), still[1].ravel())[0, 1] > 0.99
    moved_by_two_latents = np.corrcoef(moving[0][..., 1:8].ravel(), moving[1][..., 3:10].ravel())[0, 1]
    assert moved_by_two_latents > 0.5
    assert abs(np.corrcoef(moving[0].ravel(), moving[1].ravel())[0, 1]) < 0.25


def test_the_same_seed_and_clip_give_the_same_noise() -> None:
    frames = textured(9, 64, 64, 1.5)
    first = noise.warped(frames, 5, silent)
    assert np.array_equal(noise.warped(frames, 5, silent), first)
    assert not np.allclose(noise.warped(frames, 6, silent), first)


def test_upstreams_resizing_loses_a_third_of_the_deviation_as_measured_there() -> None:
    white = np.random.default_rng(0).standard_normal((72, 16, 60, 90)).astype(np.float32)
    made = noise.resized_like_upstream(white, (48, 84))
    found = noise.statistics(made)
    assert made.shape == (22, 16, 48, 84)
    assert found["deviation"] == pytest.approx(0.66, abs=0.02)
    correlations = sorted([found["correlation_across"], found["correlation_down"]])
    assert correlations == pytest.approx([0.12, 0.20], abs=0.03)


def test_upstreams_geometry_crops_what_does_not_fit() -> None:
    way = noise.Geometry(frames=8, height=48, width=64, latents=3)
    made = noise.warped_like_upstream(textured(5, 32, 64, 1.0), 2, (4, 8), silent, way)
    assert made.shape == (3, 16, 4, 8)


@pytest.mark.parametrize(
    "content",
    [
        b"no array",
        np.zeros((3, 16, 4)),
        np.zeros((3, 5, 4, 4)),
        np.full((3, 16, 4, 4), np.nan),
        np.zeros((3, 16, 4, 4), int),
    ],
)
def test_a_noise_that_is_none_is_refused(tmp_path: Path, content: bytes | NDArray[np.float64]) -> None:
    path = tmp_path / "noise.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(RunFailed):
        noise.read_noise(path)


def test_a_pickled_noise_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", np.array([{"run": "me"}], object), allow_pickle=True)
    with pytest.raises(RunFailed, match=r"no NumPy array"):
        noise.read_noise(tmp_path / "noise.npy")


def test_both_usual_layouts_of_a_noise_are_read(tmp_path: Path) -> None:
    made = np.random.default_rng(1).standard_normal((3, 16, 4, 6)).astype(np.float32)
    np.save(tmp_path / "first.npy", made)
    np.save(tmp_path / "last.npy", made.transpose(0, 2, 3, 1).astype(np.float16))
    assert np.array_equal(noise.read_noise(tmp_path / "first.npy"), made)
    assert np.allclose(noise.read_noise(tmp_path / "last.npy"), made, atol=1e-2)
