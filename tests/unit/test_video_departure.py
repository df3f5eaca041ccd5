"""Parting from the truth: by and by as after another beginning, or all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.video import Pictures, boxed, judge, panning, reason, still, value, wall

from evaluators.video.departure import AROUND, LAWFUL, Parting, unexplained
from evaluators.video.reference import Reference

FRAMES, WIDTH, HEIGHT, SIDE = 20, 192, 128, 24
ROOM = wall(WIDTH, HEIGHT) // 3 + 30
QUIET = still(FRAMES, ROOM)
WINDOW = boxed(FRAMES, (8, 8, 184, 120), 127, (WIDTH, HEIGHT))
WHOLE = 176 * 112


def ball(x: np.ndarray | int, y: np.ndarray, seen: np.ndarray | None = None, room: Pictures = QUIET) -> Pictures:
    video = room.copy()
    for frame, (left, top) in enumerate(np.broadcast(np.asarray(x), np.asarray(y))):
        if seen is None or seen[frame]:
            video[frame, int(top) : int(top) + SIDE, int(left) : int(left) + SIDE] = 230
    return video


def fall(speed: float = 0.0) -> np.ndarray:
    """A fall to the floor at 92, rounded to pixels."""
    time = np.arange(FRAMES, dtype=float)
    return np.rint(np.minimum(16 + speed * time + 1.6 * time**2 / 2, 92))


TRUTH = ball(60, fall())


def departed(folder: Path, output: Pictures, truth: Pictures = TRUTH, video: Pictures = QUIET) -> float:
    found = judge(folder, video, WINDOW, output, Reference(), reference=truth)
    return value(found, "reference_departure") * WHOLE / SIDE**2


def test_the_truth_itself_never_departs(tmp_path: Path) -> None:
    assert departed(tmp_path, TRUTH) == 0


@pytest.mark.parametrize("speed", [-1.0, 0.6, 1.0])
def test_another_beginning_departs_by_and_by(tmp_path: Path, speed: float) -> None:
    assert departed(tmp_path, ball(60, fall(speed))) < 0.1


def test_a_jump_departs_by_the_bodys_area_here_and_there(tmp_path: Path) -> None:
    resting = np.where(np.arange(FRAMES) < 15, 60, 110)
    assert departed(tmp_path, ball(resting, fall())) == pytest.approx(2, rel=0.15)


def test_a_body_that_vanishes_departs_by_its_area(tmp_path: Path) -> None:
    assert departed(tmp_path, ball(60, fall(), np.arange(FRAMES) < 15)) == pytest.approx(1, rel=0.15)


def test_a_start_from_rest_departs_and_grows_with_its_speed(tmp_path: Path) -> None:
    after = np.maximum(np.arange(FRAMES) - 14, 0)
    slow, fast = (departed(tmp_path / str(s), ball(np.minimum(60 + s * after, 150), fall())) for s in (4, 12))
    assert 0.1 < slow < fast


def test_the_cameras_motion_explains_nothing(tmp_path: Path) -> None:
    """With the camera's motion counted as motion, a jump in a moving picture would be explained by it."""
    room = panning(FRAMES, WIDTH, HEIGHT, [(1.0 * frame, 0.0) for frame in range(FRAMES)])
    across = 60 + np.arange(FRAMES)
    kept = boxed(FRAMES, (8, 60, 184, 124), 127, (WIDTH, HEIGHT))
    high = np.full(FRAMES, 80)
    truth, jumped = (ball(across + off, high, room=room) for off in (0, np.where(np.arange(FRAMES) < 12, 0, 50)))
    found = judge(tmp_path, room, kept, jumped, Reference(), reference=truth)
    assert value(found, "reference_departure") * 176 * 64 / SIDE**2 == pytest.approx(2, rel=0.3)


def test_nothing_affected_or_one_frame_is_absent(tmp_path: Path) -> None:
    removed = np.where(WINDOW == 127, 0, WINDOW).astype(np.uint8)
    found = judge(tmp_path / "a", QUIET, removed, TRUTH, Reference(), reference=TRUTH)
    assert "no affected region" in reason(found, "reference_departure")
    single = judge(tmp_path / "b", QUIET[:1], WINDOW[:1], TRUTH[:1], Reference(), reference=TRUTH[:1])
    assert "one frame" in reason(single, "reference_departure")


pairs = st.builds(Parting, st.integers(-500, 500), st.integers(0, 500), st.integers(0, 500), st.just(100))


@given(st.lists(pairs, min_size=1, max_size=20))
def test_motion_explains_growth_and_only_growth_counts(partings: list[Parting]) -> None:
    found = unexplained(partings)
    for index, (pair, excess) in enumerate(zip(partings, found, strict=True)):
        assert 0 <= excess <= max(pair.growth, 0)
        if pair.growth <= LAWFUL * pair.truth:
            assert excess == 0
        near = partings[max(index - AROUND, 0) : index + 2]
        if not any(p.output or p.truth for p in near):
            assert excess == max(pair.growth, 0)
