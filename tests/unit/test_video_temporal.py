"""Temporal consistency: each figure against plain NumPy or the closed form of a known disturbance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from support.video import SIZE, Pictures, boxed, judge, keep_all, panning, reason, still, value, wall

from evaluators.base import Direction, Evaluation
from evaluators.flow import DisFlow, Flow
from evaluators.video.lags import disorder, echo
from evaluators.video.summary import PARTS, part_score
from evaluators.video.temporal import MEASURES, Temporal

FRAMES = 12
WIDTH, HEIGHT = SIZE
Judge = Callable[..., Evaluation]


@pytest.fixture
def temporal(tmp_path: Path) -> Judge:
    def run(video: Pictures, output: Pictures, mask: Pictures | None = None) -> Evaluation:
        chosen = keep_all(len(video), video.shape[2], video.shape[1]) if mask is None else mask
        return judge(tmp_path, video, chosen, output, Temporal())

    return run


def pan(frames: int = FRAMES, speed: float = 2.0) -> Pictures:
    return panning(frames, *SIZE, [(speed * frame, 0) for frame in range(frames)])


def shaken(video: Pictures, seed: int = 5) -> Pictures:
    """The video with a little noise and a slow stretch, so that no figure is trivially 0."""
    random = np.random.default_rng(seed)
    noisy = video.astype(float) * (1 + 0.03 * np.sin(np.arange(len(video))))[:, None, None, None]
    return np.clip(noisy + random.normal(0, 3, video.shape), 0, 255).astype(np.uint8)


# -- against plain NumPy --------------------------------------------------------------------------------------------


def luma(picture: np.ndarray) -> Pictures:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), np.uint8)


def flow_between(first: np.ndarray, second: np.ndarray) -> Flow:
    return np.asarray(np.rint(DisFlow()(luma(first), luma(second)) * 128) / 128, np.float32)


def plain_valid(video: Pictures, index: int, forward: Flow) -> np.ndarray:
    """M of Lai et al. for one pair: both rules pass, and the pixel stays in the frame."""
    backward = DisFlow()(luma(video[index + 1]), luma(video[index]))
    there = np.stack([warp_plane(backward[..., axis], forward) for axis in (0, 1)], axis=2)

    def square(field: np.ndarray) -> np.ndarray:
        return np.asarray((field.astype(float) ** 2).sum(axis=2))

    occluded = square(forward + there) > 0.01 * (square(forward) + square(there)) + 0.5
    padded = np.pad(forward.astype(float), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    steep = square((padded[1:-1, 2:] - padded[1:-1, :-2]) / 2) + square((padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    x, y = columns + forward[..., 0], rows + forward[..., 1]
    inside = (x >= 0) & (x <= WIDTH - 1) & (y >= 0) & (y <= HEIGHT - 1)
    return np.asarray(~occluded & ~(steep > 0.01 * square(forward) + 0.002) & inside)


def warp_plane(plane: np.ndarray, flow: Flow) -> np.ndarray:
    rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
    where = [rows + flow[..., 1], columns + flow[..., 0]]
    return np.asarray(ndimage.map_coordinates(plane.astype(float), where, order=1, mode="nearest"))


def plain_warp_error(video: Pictures, output: Pictures) -> tuple[float, float]:
    """E_warp along the input's flow, mean over pairs of the mean over M; and M's mean share of the frame."""
    errors, shares = [], []
    for index in range(len(video) - 1):
        forward = flow_between(video[index], video[index + 1])
        valid = plain_valid(video, index, forward)
        warped = np.stack([warp_plane(output[index + 1][..., c], forward) for c in range(3)], axis=2)
        errors.append(np.mean(((warped - output[index]) / 255)[valid] ** 2))
        shares.append(valid.mean())
    return float(np.mean(errors)), float(np.mean(shares))


def test_warp_error_equals_plain_numpy(temporal: Judge) -> None:
    video = panning(6, *SIZE, [(1.4 * frame, 0.6 * frame) for frame in range(6)])
    output = shaken(video)
    found = temporal(video, output)
    error, share = plain_warp_error(video, output)
    own, _ = plain_warp_error(video, video)
    assert value(found, "warp_error") == pytest.approx(error, rel=0.02)
    assert found["warp_error"].evidence["input_value"] == pytest.approx(own, rel=0.05)
    assert found["warp_error"].evidence["valid_fraction"] == pytest.approx(share, abs=0.005)
    floor = (0.25 / 255) ** 2
    assert value(found, "warp_error_ratio") == pytest.approx((error + floor) / (own + floor), rel=0.05)


def test_tof_is_the_l2_norm_and_the_l1_norm_stands_beside_it(temporal: Judge) -> None:
    video = pan(6)
    output = panning(6, *SIZE, [(2.0 * frame, 0.8 * (frame % 2)) for frame in range(6)])
    lengths, sums = [], []
    for index in range(5):
        forward = flow_between(video[index], video[index + 1])
        valid = plain_valid(video, index, forward)
        gap = (flow_between(output[index], output[index + 1]) - forward)[valid]
        lengths.append(np.hypot(gap[:, 0], gap[:, 1]).mean())
        sums.append(np.abs(gap).sum(axis=1).mean())
    found = temporal(video, output)
    assert value(found, "tof") == pytest.approx(np.mean(lengths), rel=0.02)
    assert found["tof"].evidence["l1_norm"] == pytest.approx(np.mean(sums), rel=0.02)
    assert "L2" in found["tof"].measure.title


def test_lag_imbalance_equals_plain_numpy(temporal: Judge) -> None:
    video = pan(16)
    output = np.stack([video[max(t - 1, 0) : t + 2].mean(axis=0) for t in range(16)]).astype(np.uint8)

    def small(pictures: Pictures) -> np.ndarray:
        shape = (len(pictures), HEIGHT // 4, 4, WIDTH // 4, 4, 3)
        return np.asarray(np.rint(pictures.reshape(shape).mean(axis=(2, 4))))

    logs = []
    for lag in range(1, 9):
        change = [float(np.mean((s[lag:] - s[:-lag]) ** 2)) for s in (small(output), small(video))]
        logs.append(np.log((change[0] + 1) / (change[1] + 1)))
    expected = np.abs(logs - np.median(logs)).max()
    assert expected > 0.1
    assert value(temporal(video, output), "lag_imbalance") == pytest.approx(expected, rel=0.03)


# -- closed forms ---------------------------------------------------------------------------------------------------


def test_a_copy_is_perfect(temporal: Judge) -> None:
    video = pan()
    found = temporal(video, video)
    for name, perfect in (
        ("warp_error_ratio", 1), ("tof", 0), ("motion_ratio", 1), ("gain_flicker", 0),
        ("jitter", 0), ("freeze", 0), ("lag_imbalance", 0),
    ):  # fmt: skip
        assert value(found, name) == perfect


@pytest.mark.parametrize("amplitude", [2.0, 6.0])
def test_flicker_of_a_sinusoidal_brightness(temporal: Judge, amplitude: float) -> None:
    """b(t) = A sin(2 pi t / 8) on every channel: the figure is the mean of |b(t) - b(t - 1)|."""
    video = np.clip(pan(24, 1.0), 20, 230)
    offset = np.rint(amplitude * np.sin(2 * np.pi * np.arange(24) / 8))
    output = (video + offset[:, None, None, None]).astype(np.uint8)
    expected = np.abs(np.diff(offset)).mean()
    assert value(temporal(video, output), "gain_flicker") == pytest.approx(expected, abs=0.02)


def test_flicker_of_a_sinusoidal_gain(temporal: Judge) -> None:
    """g(t) = 1 + a sin(2 pi t / 6): the figure is the mean of L |g(t) - g(t - 1)|, L the mean brightness."""
    video = still(24, wall())
    gain = 1 + 0.06 * np.sin(2 * np.pi * np.arange(24) / 6)
    output = np.rint(video * gain[:, None, None, None]).astype(np.uint8)
    level = float((video[0] @ (0.299, 0.587, 0.114)).mean())
    expected = level * np.abs(np.diff(gain)).mean()
    assert value(temporal(video, output), "gain_flicker") == pytest.approx(expected, rel=0.02)


def test_the_inputs_own_flicker_is_not_held_against_the_output(temporal: Judge) -> None:
    video = (pan() // 2 + 40 + 6 * (np.arange(FRAMES) % 2)[:, None, None, None]).astype(np.uint8)
    assert value(temporal(video, video), "gain_flicker") == 0


def test_jitter_of_known_shifts(temporal: Judge) -> None:
    """The figure is the root mean square of the shifts' steps."""
    shifts = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, 0), (1, 1), (0, 0), (0, -1), (1, 0), (0, 0)], float)
    size = (160, 128)
    video = still(len(shifts), panning(1, *size, [(0, 0)])[0])
    output = panning(len(shifts), *size, [tuple(shift) for shift in shifts])
    expected = np.sqrt(np.mean(np.sum(np.diff(shifts, axis=0) ** 2, axis=1)))
    assert value(temporal(video, output), "jitter") == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("speed", "expected"), [(0.0, 0.0), (1.0, 0.5), (4.0, 2.0)])
def test_motion_ratio_is_the_ratio_of_speeds(temporal: Judge, speed: float, expected: float) -> None:
    video = panning(6, 160, 128, [(2.0 * frame, 0) for frame in range(6)])
    output = panning(6, 160, 128, [(speed * frame, 0) for frame in range(6)])
    assert value(temporal(video, output), "motion_ratio") == pytest.approx(expected, abs=0.06)


def test_motion_ratio_costs_alike_on_both_sides() -> None:
    measure = next(m for m in MEASURES if m.name == "motion_ratio")
    part = next(p for p in PARTS["temporal"] if p.measure == "motion_ratio")
    assert (measure.direction, measure.target) == (Direction.TARGET, 1.0)
    for ratio in (2.0, 3.0, 8.0):
        assert part_score(part, ratio) == pytest.approx(part_score(part, 1 / ratio))
        assert part_score(part, ratio) < part_score(part, 1.0) == 1.0


@pytest.mark.parametrize("held", [1, 4, 11])
def test_freeze_is_the_share_of_repeated_frames(temporal: Judge, held: int) -> None:
    video = pan()
    output = video.copy()
    output[1 : held + 1] = output[0]
    found = temporal(video, output)
    assert value(found, "freeze") == pytest.approx(held / (FRAMES - 1))
    assert set(found["freeze"].series.worst[:held]) <= set(range(held)) or held > 5


def test_slow_motion_is_not_frozen(temporal: Judge) -> None:
    assert value(temporal(pan(), pan(speed=0.5)), "freeze") == 0


def test_a_still_input_cannot_tell_a_frozen_output(temporal: Judge) -> None:
    video = still(FRAMES, wall())
    found = temporal(video, video)
    assert "cannot be told from a living one" in reason(found, "freeze")
    assert "as good as still" in reason(found, "motion_ratio")


def test_unsteadiness_of_the_fill_is_its_squared_step(temporal: Judge) -> None:
    """R brightens and darkens by d around a still wall: the warp error there is (2 d / 255)^2."""
    video = np.clip(still(FRAMES, wall()), 20, 230)
    output = video.astype(int)
    output[::2, 20:44, 30:60] += 5
    output[1::2, 20:44, 30:60] -= 5
    found = temporal(video, output.astype(np.uint8), boxed(FRAMES, (30, 20, 60, 44)))
    assert value(found, "fill_warp_error") == pytest.approx((10 / 255) ** 2, rel=1e-4)
    # What happens in R is no business of the kept area's figures.
    assert value(found, "gain_flicker") == 0


def test_the_fill_is_judged_along_the_backgrounds_motion(temporal: Judge) -> None:
    """A fill that pans with the wall is steady, one that stands still while the wall pans is not."""
    size, box = (160, 128), (50, 40, 100, 90)
    video = panning(FRAMES, *size, [(2.0 * frame, 0) for frame in range(FRAMES)])
    mask = boxed(FRAMES, box, size=size)
    stuck = video.copy()
    stuck[:, box[1] : box[3], box[0] : box[2]] = video[0, box[1] : box[3], box[0] : box[2]]
    assert value(temporal(video, video, mask), "fill_warp_error") < 2e-4
    assert value(temporal(video, stuck, mask), "fill_warp_error") > 2e-3


def test_own_flow_is_a_diagnostic_that_a_frozen_picture_wins(temporal: Judge) -> None:
    video = pan()
    found = temporal(video, still(FRAMES, video[0]))
    assert found["own_flow_warp_error"].measure.direction is Direction.DIAGNOSTIC
    assert value(found, "own_flow_warp_error") == 0
    assert value(found, "warp_error") > 10 * value(temporal(video, video), "warp_error")
    assert "own_flow_warp_error" not in {part.measure for part in PARTS["temporal"]}


def test_response_is_the_change_in_the_affected_area(temporal: Judge) -> None:
    video = np.clip(pan(), 20, 200)
    mask = boxed(FRAMES, (24, 8, 88, 56), 127)
    mask[:, 24:40, 32:48] = 0
    gone = np.where((mask == 0)[..., None], 0, video).astype(np.uint8)
    assert value(temporal(video, video, mask), "affected_response") == 0
    assert value(temporal(video, gone, mask), "affected_response") < 1e-9, "an object that is gone is no response"
    answered = np.where((mask == 127)[..., None], gone + 17, gone).astype(np.uint8)
    assert value(temporal(video, answered, mask), "affected_response") == pytest.approx(17, abs=0.5)
    assert value(temporal(video, video + 17, mask), "affected_response") < 1e-9, "nor is a change of the whole picture"


# -- order in time --------------------------------------------------------------------------------------------------


def moving_box(order: np.ndarray) -> Pictures:
    """A bright box that sits at place `order[t]` in frame t, on a still wall."""
    video = still(len(order), wall(160, 128) // 3 + 30)
    for frame, place in enumerate(order):
        left = 20 + int(4 * place)
        video[frame, 52:76, left : left + 24] = 220
    return video


WINDOW = boxed(24, (12, 44, 148, 84), 127, (160, 128))


def test_motion_in_order_is_told_from_motion_out_of_order(temporal: Judge) -> None:
    order = np.arange(24.0)
    shuffled = np.random.default_rng(2).permutation(order)
    quiet = still(24, wall(160, 128) // 3 + 30)
    steady = temporal(quiet, moving_box(order), WINDOW)
    mixed = temporal(quiet, moving_box(shuffled), WINDOW)
    assert value(steady, "disorder") < 0.55
    assert value(mixed, "disorder") > 0.85
    assert "nothing moves" in reason(temporal(quiet, quiet, WINDOW), "disorder")


def test_an_echo_makes_frames_its_delay_apart_alike(temporal: Judge) -> None:
    quiet, moving = still(24, wall(160, 128) // 3 + 30), moving_box(np.arange(24.0))
    trail = moving.copy()
    trail[4:] = np.rint((moving[4:].astype(float) + moving[:-4]) / 2).astype(np.uint8)
    assert value(temporal(quiet, moving, WINDOW), "echo") < 0.02
    found = temporal(quiet, trail, WINDOW)
    assert value(found, "echo") > 0.05
    changes = list(found["echo"].evidence["change_by_lag"].values())
    dips = [(changes[i - 1] + changes[i + 1]) / 2 - changes[i] for i in range(1, 7)]
    assert np.argmax(dips) == 2, "the dip is at a lag of 4 frames"


def test_order_and_echo_are_their_formulas() -> None:
    growing = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8]])
    assert disorder(growing)[0] == pytest.approx(1 / 8)
    assert echo(growing)[0] == 0
    flat = np.full((1, 8), 5.0)
    assert disorder(flat)[0] == pytest.approx(1)
    dipped = growing.copy()
    dipped[0, 4] -= 3
    assert echo(dipped)[0] == pytest.approx(3 / 8)
    assert disorder(dipped)[0] == pytest.approx((1 + 2) / 8)


@given(arrays(float, (3, 8), elements=st.floats(0, 1e4)))
def test_order_and_echo_stay_in_their_ranges_whatever_the_scale(changes: np.ndarray) -> None:
    ranges = {m.name: (m.low, m.high) for m in MEASURES}
    for name, figure in (("disorder", disorder), ("echo", echo)):
        found = figure(changes)
        assert np.all((found >= ranges[name][0]) & (found <= ranges[name][1] + 1e-9))
        largest = changes.max(axis=1)
        np.testing.assert_allclose(figure(changes * 8)[largest > 1], found[largest > 1], atol=1e-6)


# -- what cannot be measured ----------------------------------------------------------------------------------------


def test_one_frame_has_no_consistency_in_time(temporal: Judge) -> None:
    found = temporal(pan(1), pan(1))
    assert all("one frame" in reason(found, measure.name) for measure in MEASURES)


def test_frames_too_small_for_flow_still_have_brightness(temporal: Judge) -> None:
    video = still(FRAMES, wall(40, 24))
    output = (video + 3 * (np.arange(FRAMES) % 2)[:, None, None, None]).astype(np.uint8)
    found = temporal(video, output)
    assert value(found, "gain_flicker") == pytest.approx(3, abs=0.01)
    for name in ("warp_error", "tof", "motion_ratio", "jitter", "own_flow_warp_error"):
        assert reason(found, name)


def test_nothing_kept_leaves_the_kept_areas_figures_absent(temporal: Judge) -> None:
    video = pan()
    found = temporal(video, video, np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8))
    for name in ("warp_error", "warp_error_ratio", "tof", "motion_ratio", "gain_flicker", "jitter", "lag_imbalance"):
        assert reason(found, name)


def test_every_figure_says_which_region_it_looks_at(temporal: Judge) -> None:
    mask = WINDOW.copy()
    mask[:, 50:80, 20:60] = 0
    video = panning(24, 160, 128, [(frame, 0) for frame in range(24)])
    for frame in range(24):
        video[frame, 52:76, 20 + 4 * frame : 44 + 4 * frame] = 220
    output = video[:, ::-1].copy()
    output[:8, 40:96, 40:120] = 250
    found = temporal(video, output, mask)
    for measurement in found.measurements:
        assert measurement.value is not None, (measurement.measure.name, measurement.reason)
        assert measurement.evidence["region"], measurement.measure.name
