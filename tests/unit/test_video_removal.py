"""What is left of the object: residues of known strength are read back at that strength."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from support.video import Pictures, boxed, judge, panning, reason, still, value, wall

from evaluators.base import Evaluation
from evaluators.video.removal import MEASURES, Removal

FRAMES, WIDTH, HEIGHT = 24, 192, 128
SIDE, TOP = 40, 40
Judge = Callable[..., Evaluation]


@pytest.fixture
def removal(tmp_path: Path) -> Judge:
    def run(video: Pictures, output: Pictures, mask: Pictures) -> Evaluation:
        return judge(tmp_path, video, mask, output, Removal())

    return run


class Shot(NamedTuple):
    """A patterned box crosses a wall and darkens it below: the input, the wall, the mask, and what is shadow."""

    input: Pictures
    clean: Pictures
    mask: Pictures
    shadow: np.ndarray


@cache
def shot(*, flat: bool = False, dark: float = 0.0, speed: int = 5) -> Shot:
    background = np.full((HEIGHT, WIDTH, 3), 120, np.uint8) if flat else wall(WIDTH, HEIGHT)
    clean = still(FRAMES, background)
    video, shadow = clean.copy(), np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    mask = np.full((FRAMES, HEIGHT, WIDTH), 255, np.uint8)
    object_pixels = cv2.resize(wall(64, 64, 9), (SIDE, SIDE)) // 2 + 110
    for frame in range(FRAMES):
        left = 8 + speed * frame
        if dark:
            shadow[frame, TOP + SIDE + 3 : HEIGHT - 8, left : left + SIDE] = True
            video[frame][shadow[frame]] = np.rint(clean[frame][shadow[frame]] * (1 - dark))
        video[frame, TOP : TOP + SIDE, left : left + SIDE] = object_pixels
        mask[frame, TOP - 2 : TOP + SIDE + 2, left - 2 : left + SIDE + 2] = 0
    return Shot(video, clean, mask, shadow)


def blend(shot: Shot, alpha: float) -> Pictures:
    return np.asarray(np.rint(shot.clean + alpha * (shot.input.astype(float) - shot.clean)), np.uint8)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_a_ghost_of_known_opacity_is_read_back(removal: Judge, alpha: float) -> None:
    made = shot()
    found = removal(made.input, blend(made, alpha), made.mask)
    assert value(found, "ghost") == pytest.approx(alpha, abs=0.03)
    # The wall's own pattern under a ghost adds to the structure it shares with the object by chance.
    assert value(found, "removal_residue") == pytest.approx(alpha, abs=0.12)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.7, 1.0])
def test_structure_left_on_a_flat_wall_is_exactly_its_opacity(removal: Judge, alpha: float) -> None:
    made = shot(flat=True)
    found = removal(made.input, blend(made, alpha), made.mask)
    assert value(found, "removal_residue") == pytest.approx(alpha, abs=0.01)
    assert found["removal_residue"].evidence["share_by_scale"] == pytest.approx(
        {"sigma 1": alpha, "sigma 2": alpha, "sigma 4": alpha}, abs=0.01
    )


def test_a_negative_of_the_object_is_no_residue_of_it(removal: Judge) -> None:
    made = shot(flat=True)
    negative = np.clip(240 - made.input.astype(int), 0, 255).astype(np.uint8)
    assert value(removal(made.input, negative, made.mask), "removal_residue") == 0


@pytest.mark.parametrize("left", [0.0, 0.4, 1.0])
def test_a_shadow_of_known_strength_is_read_back(removal: Judge, left: float) -> None:
    made = shot(dark=0.3)
    output = made.clean.astype(float)
    output[made.shadow] *= 1 - 0.3 * left
    found = removal(made.input, np.rint(output).astype(np.uint8), made.mask)
    assert value(found, "shadow_residue") == pytest.approx(left, abs=0.05)
    assert value(found, "ghost") == pytest.approx(0, abs=0.03)


def test_without_a_shadow_there_is_none_to_leave(removal: Judge) -> None:
    made = shot()
    assert "shows no shadow" in reason(removal(made.input, made.clean, made.mask), "shadow_residue")


def test_motion_that_follows_the_object(removal: Judge) -> None:
    """The whole object moves as itself, the clean wall not at all, an object half as fast at half the pace."""
    made = shot(speed=4)
    assert value(removal(made.input, made.input, made.mask), "object_motion") == pytest.approx(1)
    assert value(removal(made.input, made.clean, made.mask), "object_motion") < 0.05
    slow = made.clean.copy()
    pattern = made.input[0, TOP : TOP + SIDE, 8 : 8 + SIDE]
    for frame in range(FRAMES):
        left = 8 + 4 * frame
        slow[frame, TOP : TOP + SIDE, left : left + SIDE] = np.roll(pattern, -2 * frame, axis=1)
    assert 0.3 < value(removal(made.input, slow, made.mask), "object_motion") < 0.7


def test_an_object_that_stands_still_has_no_motion_to_follow(removal: Judge) -> None:
    made = shot(speed=0)
    found = removal(made.input, made.clean, made.mask)
    assert "never moves 0.5 pixels" in reason(found, "object_motion")
    assert "clean plate" in reason(found, "ghost")


def test_motion_is_taken_against_the_camera(removal: Judge) -> None:
    """A panning camera moves everything; a fill that pans along does not follow the object."""
    clean = panning(12, WIDTH, HEIGHT, [(2.0 * frame, 0) for frame in range(12)])
    video, mask = clean.copy(), np.full((12, HEIGHT, WIDTH), 255, np.uint8)
    pattern = wall(64, 64, 9)[:SIDE, :SIDE]
    for frame in range(12):
        left = 130 - 5 * frame
        video[frame, TOP : TOP + SIDE, left : left + SIDE] = pattern
        mask[frame, TOP - 2 : TOP + SIDE + 2, left - 2 : left + SIDE + 2] = 0
    assert value(removal(video, clean, mask), "object_motion") < 0.1
    assert value(removal(video, video, mask), "object_motion") == pytest.approx(1)


@pytest.mark.parametrize("height", [0, 5, -20])
def test_halo_of_a_line_along_the_outline(removal: Judge, height: int) -> None:
    """Flat wall and fill, and a line of known height on both sides of the mask's rim."""
    video = np.full((8, HEIGHT, WIDTH, 3), 100, np.uint8)
    mask = boxed(8, (60, 30, 130, 90), size=(WIDTH, HEIGHT))
    output = video.copy()
    outer, inner = np.s_[:, 28:92, 58:132], np.s_[:, 32:88, 62:128]
    output[outer] = 100 + height
    output[inner] = 100
    assert value(removal(video, output, mask), "halo") == pytest.approx(abs(height), abs=0.3)


def test_a_step_between_fill_and_surroundings_is_no_halo(removal: Judge) -> None:
    video = np.full((8, HEIGHT, WIDTH, 3), 100, np.uint8)
    mask = boxed(8, (60, 0, 130, HEIGHT), size=(WIDTH, HEIGHT))
    output = np.where((mask == 0)[..., None], 140, video).astype(np.uint8)
    assert value(removal(video, output, mask), "halo") < 1


def test_detail_of_the_fill_is_its_share_of_the_surroundings(removal: Judge) -> None:
    """The mean |Laplacian| in R less its rim, over that in the band around it, both with a floor."""
    video = still(8, wall(WIDTH, HEIGHT))
    mask = boxed(8, (60, 30, 130, 90), size=(WIDTH, HEIGHT))
    assert value(removal(video, video, mask), "fill_detail") == pytest.approx(1, abs=0.25)
    smeared = video.copy()
    smeared[:, 28:92, 58:132] = 120
    padded = np.pad(grey(smeared[0]), 1, mode="reflect")
    sharp = np.abs(padded[1:-1, 2:] + padded[1:-1, :-2] + padded[2:, 1:-1] + padded[:-2, 1:-1] - 4 * padded[1:-1, 1:-1])
    around = np.zeros((HEIGHT, WIDTH), bool)
    around[24:96, 54:136] = True
    around[28:92, 58:132] = False
    inner = np.s_[32:88, 62:128]
    assert sharp[inner].max() == 0
    expected = 0.25 / (sharp[around].mean() + 0.25)
    assert value(removal(video, smeared, mask), "fill_detail") == pytest.approx(expected, rel=0.02)


def grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), float)


def test_intervals_hold_their_values(removal: Judge) -> None:
    made = shot(dark=0.3)
    for measurement in removal(made.input, blend(made, 0.4), made.mask).measurements:
        assert measurement.value is not None, measurement.reason
        assert measurement.interval is not None
        assert measurement.interval.low <= measurement.value <= measurement.interval.high


def test_the_worst_frame_is_where_the_object_stays(removal: Judge) -> None:
    made = shot(flat=True)
    output = made.clean.copy()
    output[13] = made.input[13]
    found = removal(made.input, output, made.mask)
    assert found["removal_residue"].series.worst[0] == 13
    assert found["ghost"].series.worst[0] == 13


def test_no_object_leaves_everything_absent(removal: Judge) -> None:
    video = still(8, wall(WIDTH, HEIGHT))
    found = removal(video, video, np.full((8, HEIGHT, WIDTH), 255, np.uint8))
    assert all(reason(found, measure.name) for measure in MEASURES)
    only_affected = removal(video, video, boxed(8, (60, 30, 130, 90), 127, (WIDTH, HEIGHT)))
    assert all(reason(only_affected, measure.name) for measure in MEASURES)
