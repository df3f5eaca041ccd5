"""Against the truth: the Physics-IQ figures from NumPy and SciPy alone, paths and errors from closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from support.video import Pictures, boxed, judge, reason, still, value, wall

from evaluators.base import Evaluation
from evaluators.video.reference import MEASURES, Reference
from evaluators.video.takes import score_among_takes

FRAMES, WIDTH, HEIGHT = 20, 128, 96
BALL = 15
Judge = Callable[..., Evaluation]
REGION = (8, 8, 120, 88)


@pytest.fixture
def compared(tmp_path: Path) -> Judge:
    def run(output: Pictures, truth: Pictures | None, mask: Pictures | None = None) -> Evaluation:
        chosen = boxed(len(output), REGION, 63, (WIDTH, HEIGHT)) if mask is None else mask
        video = still(len(output), wall(WIDTH, HEIGHT))
        return judge(tmp_path, video, chosen, output, Reference(), reference=truth)

    return run


def ball(path: list[tuple[int, int]] | np.ndarray, brightness: int = 235) -> Pictures:
    """A square ball whose upper left corner follows the path, in front of a dim wall."""
    video = still(len(path), wall(WIDTH, HEIGHT) // 3)
    for frame, (x, y) in enumerate(path):
        video[frame, y : y + BALL, x : x + BALL] = brightness
    return video


def falling(gravity: float = 0.35, speed: float = 3.0, left: int = 12, top: int = 12) -> np.ndarray:
    time = np.arange(FRAMES)
    x = left + speed * time
    y = np.minimum(top + gravity * time**2 / 2, 66)
    return np.rint(np.stack([x, y], axis=1)).astype(int)


# -- the definition, written out --------------------------------------------------------------------------------------


def plain_masks(video: Pictures) -> np.ndarray:
    """grey -> Gaussian 5x5 -> exponential mean (0.3) -> |difference| > 10 -> open, close 5x5."""
    tap = np.array([1, 4, 6, 4, 1]) / 16
    square = np.ones((5, 5))
    mean, masks = None, []
    for picture in video:
        light = np.rint(picture @ (0.299, 0.587, 0.114))
        smooth = ndimage.convolve1d(ndimage.convolve1d(light, tap, 0, mode="mirror"), tap, 1, mode="mirror")
        level = np.floor(smooth + 0.5)
        mean = level if mean is None else mean
        moving = np.abs(level - mean) > 10
        mean = 0.3 * level + 0.7 * mean
        opened = ndimage.binary_dilation(ndimage.binary_erosion(moving, square, border_value=1), square)
        masks.append(ndimage.binary_erosion(ndimage.binary_dilation(opened, square), square, border_value=1))
    return np.array(masks)


def plain_figures(output: Pictures, truth: Pictures) -> dict[str, float]:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    left, top, right, bottom = REGION
    inside[top:bottom, left:right] = True
    masks = [plain_masks(video) & inside for video in (output, truth)]
    both, either = masks[0] & masks[1], masks[0] | masks[1]
    shares = [m.mean(axis=0) for m in masks]
    ever = [m.any(axis=0) for m in masks]
    overlaps = [b.sum() / e.sum() if e.any() else 1.0 for b, e in zip(both, either, strict=True)]
    return {
        "reference_st_iou": float(np.mean(overlaps)),
        "reference_s_iou": float((ever[0] & ever[1]).sum() / (ever[0] | ever[1]).sum()),
        "reference_ws_iou": float(np.minimum(*shares).sum() / np.maximum(*shares).sum()),
        "reference_mse": float(np.mean(((output[:, inside] / 255.0) - (truth[:, inside] / 255.0)) ** 2)),
    }


PAIRS = {
    "half the gravity": (falling(0.17), falling()),
    "another place": (falling(left=24, top=20), falling()),
    "another speed": (falling(speed=2.0), falling()),
    "hovering": (np.repeat(falling()[:1], FRAMES, axis=0), falling()),
    "late": (np.concatenate([np.repeat(falling()[:1], 5, axis=0), falling()[:-5]]), falling()),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_physics_iq_figures_equal_numpy(compared: Judge, name: str) -> None:
    output, truth = (ball(path) for path in PAIRS[name])
    found = compared(output, truth)
    expected = plain_figures(output, truth)
    for figure in ("reference_st_iou", "reference_s_iou", "reference_ws_iou"):
        assert value(found, figure) == pytest.approx(expected[figure], abs=0.01), figure
    assert value(found, "reference_mse") == pytest.approx(expected["reference_mse"], rel=1e-9)
    points = 100 * (sum(list(expected.values())[:3]) / 3 - expected["reference_mse"])
    assert value(found, "reference_physics_iq") == pytest.approx(points, abs=1)
    assert value(found, "reference_physics_iq") < 95


def test_the_truth_itself_has_every_point(compared: Judge) -> None:
    truth = ball(falling())
    found = compared(truth, truth)
    perfect = {
        "reference_st_iou": 1, "reference_s_iou": 1, "reference_ws_iou": 1, "reference_mse": 0,
        "reference_physics_iq": 100, "reference_trajectory": 0, "reference_psnr": 100, "reference_ssim": 1,
    }  # fmt: skip
    assert {name: value(found, name) for name in perfect} == pytest.approx(perfect, abs=1e-6)


def test_quiet_frames_count_as_agreement_and_are_named(compared: Judge) -> None:
    """Physics-IQ's own trap: of a clip in which little moves, most frames are right by default."""
    path = np.concatenate([np.repeat(falling()[:1], 12, axis=0), falling()[:8]])
    aside = path + np.array([0, 40])
    found = compared(ball(np.where(np.arange(20)[:, None] < 12, path, aside)), ball(path))["reference_st_iou"]
    assert found.value > 0.55
    assert found.evidence["quiet_frames"] == 12
    assert found.evidence["over_moving_frames"] < 0.3


@pytest.mark.parametrize(("right", "down"), [(4, 0), (0, 9), (6, 8)])
def test_the_distance_from_the_true_path(compared: Judge, right: int, down: int) -> None:
    """The same motion elsewhere on a flat wall: the distance is that of the two places."""
    path = falling(0.2)
    truth, output = (np.full((FRAMES, HEIGHT, WIDTH, 3), 60, np.uint8) for _ in range(2))
    for frame, (x, y) in enumerate(path):
        truth[frame, y : y + BALL, x : x + BALL] = 230
        output[frame, y + down : y + down + BALL, x + right : x + right + BALL] = 230
    found = compared(output, truth)["reference_trajectory"]
    assert found.value == pytest.approx(math.hypot(right, down), abs=0.02)
    assert (found.evidence["frames_only_output_moves"], found.evidence["frames_only_reference_moves"]) == (0, 0)


def test_an_output_that_never_moves_has_no_path(compared: Judge) -> None:
    truth = ball(falling())
    found = compared(still(FRAMES, truth[0]), truth)
    assert "never move in the same frame" in reason(found, "reference_trajectory")
    assert found["reference_trajectory"].evidence["frames_only_reference_moves"] > 10
    assert value(found, "reference_s_iou") == 0


def test_fidelity_of_the_fill_is_taken_in_r_alone(compared: Judge) -> None:
    truth = np.clip(still(FRAMES, wall(WIDTH, HEIGHT)), 0, 220).astype(np.uint8)
    mask = boxed(FRAMES, (8, 8, 60, 60), 0, (WIDTH, HEIGHT))
    mask[:, 8:60, 60:110] = 127
    output = truth.copy()
    output[mask == 0] += 10
    output[mask == 127] += 30
    found = compared(output, truth, mask)
    assert value(found, "reference_psnr") == pytest.approx(20 * math.log10(255 / 10), abs=1e-9)
    sizes = [np.count_nonzero(mask == v) for v in (0, 127)]
    expected = (sizes[0] * 10**2 + sizes[1] * 30**2) / sum(sizes) / 255**2
    assert value(found, "reference_mse") == pytest.approx(expected, rel=1e-9)


def test_ssim_of_the_fill_equals_scikit_image(compared: Judge) -> None:
    from skimage.metrics import structural_similarity

    truth = still(3, wall(WIDTH, HEIGHT))
    noise = np.random.default_rng(0).normal(0, 10, truth.shape)
    output = np.clip(truth + noise, 0, 255).astype(np.uint8)
    mask = boxed(3, (20, 20, 90, 70), 0, (WIDTH, HEIGHT))
    means = [
        structural_similarity(
            o,
            t,
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )[1][20:70, 20:90].mean()
        for o, t in zip(output, truth, strict=True)
    ]
    assert value(compared(output, truth, mask), "reference_ssim") == pytest.approx(np.mean(means), abs=1e-4)


def test_without_a_reference_every_figure_is_absent(compared: Judge) -> None:
    found = compared(ball(falling()), None)
    assert all(reason(found, measure.name) == "no reference clip was given" for measure in MEASURES)


def test_nothing_removed_or_affected_is_absent(compared: Judge) -> None:
    truth = ball(falling())
    found = compared(truth, truth, np.full((FRAMES, HEIGHT, WIDTH), 255, np.uint8))
    assert all(reason(found, measure.name) for measure in MEASURES)


def test_a_shorter_reference_ends_the_comparison(compared: Judge) -> None:
    truth = ball(falling())
    assert compared(truth, truth[:9])["reference_st_iou"].count == 9


# -- variance between takes -------------------------------------------------------------------------------------------


def test_the_spread_of_perturbed_takes_is_divided_out(compared: Judge) -> None:
    """Truth filmed three times, released a little differently: an output as close as they are gets every point."""
    truth = ball(falling())
    takes = [compared(ball(falling(gravity=0.35 + g, left=12 + x)), truth) for g, x in ((0.02, 1), (-0.02, 0))]
    spread = {
        name: np.mean([value(take, f"reference_{name}") for take in takes])
        for name in ("st_iou", "s_iou", "ws_iou", "mse")
    }
    assert all(0 < spread[name] < 1 for name in ("st_iou", "s_iou", "ws_iou"))
    output = compared(ball(falling(gravity=0.17)), truth)
    shares = [value(output, f"reference_{name}") / spread[name] for name in ("st_iou", "s_iou", "ws_iou")]
    expected = 100 * np.clip(sum(shares) / 3 - (value(output, "reference_mse") - spread["mse"]), 0, 1)
    found = score_among_takes(output, takes)
    assert found.value == pytest.approx(expected)
    assert found.value > value(output, "reference_physics_iq")
    assert found.evidence["takes"] == 2
    assert score_among_takes(takes[0], takes[:1]).value == pytest.approx(100)
    assert score_among_takes(compared(truth, truth), takes).value == 100


def test_takes_that_share_nothing_cannot_be_divided_by(compared: Judge) -> None:
    truth = ball(falling())
    stills = compared(still(FRAMES, truth[0]), truth)
    assert "share no motion" in str(score_among_takes(stills, [stills]).reason)
    assert "no second take" in str(score_among_takes(stills, []).reason)
    missing = compared(truth, None)
    assert score_among_takes(missing, [stills]).reason == "no reference clip was given"
    assert score_among_takes(stills, [missing]).reason == "no reference clip was given"
