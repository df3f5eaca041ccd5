"""Stalls and afterimages: bodies of known path in front of a still wall, and the rules on plain figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.video import Pictures, boxed, judge, panning, reason, still, value, wall, write_as

from evaluators.base import Evaluation
from evaluators.video.marks import RUN, jumps
from evaluators.video.temporal import Temporal

FRAMES, WIDTH, HEIGHT = 28, 192, 96
ROOM = wall(WIDTH, HEIGHT) // 3 + 30
QUIET = still(FRAMES, ROOM)
WINDOW = boxed(FRAMES, (8, 20, 184, 76), 127, (WIDTH, HEIGHT))
Judge = Callable[[Pictures, Pictures], Evaluation]


@pytest.fixture
def found(tmp_path: Path) -> Judge:
    return lambda video, output: judge(tmp_path, video, WINDOW, output, Temporal())


def box_at(places: np.ndarray) -> Pictures:
    """A bright box of 24 pixels whose left edge is at `places[t]`."""
    video = QUIET.copy()
    for frame, place in enumerate(places):
        left = round(float(place))
        video[frame, 36:60, left : left + 24] = 220
    return video


STEADY = 12 + 5 * np.arange(FRAMES)
FALLING = np.minimum(12 + np.maximum(np.arange(FRAMES) - 6, 0) ** 2, 150)


def held(places: np.ndarray, start: int, frames: int) -> np.ndarray:
    """The path with one place repeated `frames` times more."""
    index = np.arange(FRAMES)
    index[start : start + frames + 1] = start
    return places[index]


@pytest.mark.parametrize("path", [STEADY, FALLING, 12 + 5 * np.maximum(np.arange(FRAMES) - 9, 0)])
def test_a_body_that_moves_starts_or_comes_to_rest_does_not_stall(found: Judge, path: np.ndarray) -> None:
    assert value(found(QUIET, box_at(path)), "stalls") == 0


@pytest.mark.parametrize("frames", [2, 4, 8])
@pytest.mark.parametrize("start", [1, 10])
def test_repeated_frames_that_end_in_a_jump_are_a_stall(found: Judge, start: int, frames: int) -> None:
    measured = found(QUIET, box_at(held(STEADY, start, frames)))["stalls"]
    assert measured.value == 1
    assert measured.evidence["frames"] == [start + frames + 1]


def test_what_comes_into_the_picture_fast_and_slows_down_has_not_stalled(found: Judge) -> None:
    path = 12 + 8 * np.arange(FRAMES) - np.minimum(np.arange(FRAMES), 12) ** 2 // 4
    output = box_at(path)
    output[:6] = QUIET[:6]
    assert value(found(QUIET, output), "stalls") == 0


def test_one_repeated_frame_is_no_stall(found: Judge) -> None:
    assert value(found(QUIET, box_at(held(STEADY, 10, 1))), "stalls") == 0


def test_frames_that_the_input_repeats_are_no_stall_of_the_output(found: Judge) -> None:
    on_threes = STEADY[np.arange(FRAMES) // 3 * 3]
    assert value(found(QUIET, box_at(on_threes)), "stalls") > 3
    assert value(found(box_at(on_threes + 20), box_at(on_threes)), "stalls") == 0


def test_a_still_scene_has_nothing_to_stall(found: Judge) -> None:
    assert "nothing can stall" in reason(found(QUIET, QUIET), "stalls")


def test_a_codec_that_repeats_a_still_scene_does_not_stall(tmp_path: Path, found: Judge) -> None:
    """Strong compression repeats what stands still and drops its grain; what moves goes on moving."""
    grain = np.random.default_rng(4).normal(0, 3, (FRAMES, HEIGHT, WIDTH, 1))
    path = write_as(
        tmp_path / "coded.mp4",
        np.clip(box_at(FALLING) + grain, 0, 255).astype(np.uint8),
        "libx264",
        "yuv420p",
        {"crf": "34"},
    )
    capture = cv2.VideoCapture(str(path))
    coded = np.stack([capture.read()[1][..., ::-1] for _ in range(FRAMES)])
    capture.release()
    assert value(found(QUIET, coded), "stalls") == 0


def test_a_moving_camera_is_no_stall(tmp_path: Path) -> None:
    video = panning(FRAMES, WIDTH, HEIGHT, [(1.5 * frame - 20, 0.0) for frame in range(FRAMES)])
    assert value(judge(tmp_path, video, WINDOW, video, Temporal()), "stalls") == 0


@given(arrays(float, st.integers(4, 30), elements=st.floats(0, 1e4)), st.integers(-3, 30))
def test_jumps_follow_repeated_frames_whatever_the_scale(changes: np.ndarray, scale: int) -> None:
    where = jumps(changes)
    assert all(RUN <= index < len(changes) - 1 for index in where)
    assert all(changes[index] > changes[index - RUN : index].max(initial=0) for index in where)
    assert all(changes[index] > changes[index + 1] for index in where)
    assert where == jumps(changes * 2.0**scale)
    assert not jumps(np.sort(changes)), "what gains speed has not stalled"


@pytest.mark.parametrize("lag", [4, 6, 8])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_an_afterimage_grows_with_the_share_of_the_older_frame(found: Judge, share: float, lag: int) -> None:
    path = 12 + 8 * np.minimum(np.arange(FRAMES), 18)
    moving = box_at(path).astype(float)
    older = moving[np.maximum(np.arange(FRAMES) - lag, 0)]
    trail = np.rint((1 - share) * moving + share * older).astype(np.uint8)
    assert value(found(QUIET, box_at(path)), "afterimage") < 0.01
    assert share / 4 < value(found(QUIET, trail), "afterimage") <= share / (1 - share)


def test_what_comes_back_is_no_afterimage(found: Judge) -> None:
    there_and_back = 30 + 40 * np.abs(np.arange(FRAMES) % 6 - 3)
    assert value(found(QUIET, box_at(there_and_back)), "afterimage") < 0.02


def test_what_flows_in_the_kept_ground_too_is_no_afterimage(found: Judge) -> None:
    """Water or leaves: places that change at random look a little like what they were."""
    random = np.random.default_rng(8).integers(0, 2, (FRAMES, HEIGHT // 8, WIDTH // 8, 1)) * 120
    flowing = np.clip(QUIET + random.repeat(8, 1).repeat(8, 2), 0, 255).astype(np.uint8)
    flowing[14:] = flowing[14]
    other = flowing.copy()
    other[:, 20:76, 8:184] = flowing[:, ::-1][:, 20:76, 8:184]
    assert value(found(flowing, other), "afterimage") < 0.03
    assert "too little leaves" in reason(found(flowing, flowing), "afterimage")


def test_where_nothing_leaves_there_is_no_afterimage(found: Judge) -> None:
    assert "too little leaves" in reason(found(QUIET, QUIET), "afterimage")
