"""The parts of the clean plate that can be held to a closed form."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.media import texture

from core.runners.alignment import register
from core.runners.background import best_median
from core.runners.blend import Seam, composite, seam, spread_inwards
from core.runners.holes import AFFECTED, CLEAR, HIDDEN, MOVING, NEAR, OUTSIDE, PackedMask, Reach, grown
from core.runners.inpaint import fill


def views(*columns: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Values and qualities (views x pixels) from one list of (value, quality) per pixel."""
    values = np.array([[value for value, _ in column] for column in columns], np.uint8).T
    quality = np.array([[rank for _, rank in column] for column in columns], np.uint8).T
    return values.copy(), quality.copy()


def test_the_best_views_decide() -> None:
    values, quality = views(
        [(10, CLEAR), (12, CLEAR), (200, NEAR), (250, AFFECTED)],
        [(0, HIDDEN), (50, NEAR), (60, NEAR), (250, AFFECTED)],
        [(0, HIDDEN), (0, OUTSIDE), (70, AFFECTED), (71, AFFECTED)],
        [(90, MOVING), (91, HIDDEN), (0, OUTSIDE), (92, MOVING)],
    )
    middle, best = best_median(values, quality)
    assert middle.tolist()[:3] == [11, 55, 71]
    assert best.tolist() == [CLEAR, NEAR, AFFECTED, HIDDEN]


def test_a_glimpse_or_a_few_disagreeing_views_are_no_background() -> None:
    values, quality = views(
        [(0, HIDDEN)] * 12 + [(200, CLEAR)] + [(0, HIDDEN)] * 17,
        [(200, CLEAR)] + [(0, OUTSIDE)] * 29,
        [(20, CLEAR), (90, CLEAR), (160, CLEAR), (230, CLEAR)] + [(0, OUTSIDE)] * 26,
        [(20, CLEAR)] * 4 + [(0, HIDDEN)] * 26,
    )
    assert best_median(values, quality)[1].tolist() == [HIDDEN, CLEAR, HIDDEN, CLEAR]


def test_what_shows_before_the_object_comes_or_after_it_left_is_background() -> None:
    values, quality = views(
        [(200, CLEAR)] * 2 + [(0, HIDDEN)] * 28,
        [(0, HIDDEN)] * 29 + [(90, CLEAR)],
    )
    middle, best = best_median(values, quality)
    assert (middle.tolist(), best.tolist()) == ([200, 90], [CLEAR, CLEAR])


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.uint8, (9, 24)))
def test_the_median_of_equally_good_views_is_numpys(values: np.ndarray) -> None:
    values = values // 20
    middle, _ = best_median(values, np.full_like(values, CLEAR))
    assert np.array_equal(middle, np.median(values, axis=0).astype(np.uint8))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.data())
def test_growing_reaches_at_least_as_far_as_asked_and_little_further(by: int, data: st.DataObject) -> None:
    row, column = data.draw(st.integers(0, 59)), data.draw(st.integers(0, 76))
    mask = np.zeros((60, 77), np.uint8)
    mask[row, column] = 1
    rows, columns = np.nonzero(grown(mask, by))
    reached = np.zeros_like(mask)
    reached[rows, columns] = 1
    assert reached[max(0, row - by) : row + by + 1, max(0, column - by) : column + by + 1].all()
    assert np.abs(rows - row).max() <= by + 8
    assert np.abs(columns - column).max() <= by + 8


def test_a_quadmask_is_read_as_the_format_says() -> None:
    grey = np.full((40, 60), 255, np.uint8)
    grey[5:8, 5:8], grey[5:8, 20:23], grey[5:8, 40:43] = 0, 63, 127
    packed = PackedMask(grey)
    assert packed.removed_pixels == 18
    assert np.array_equal(packed.removed(), (grey < 64).astype(np.uint8))
    quality = packed.quality(Reach(1, 1, 2, 3))
    assert quality[6, 6] == quality[6, 21] == HIDDEN
    assert quality[6, 41] == AFFECTED
    assert (quality[6, 10], quality[30, 30]) == (NEAR, CLEAR)
    packed.mark_moving(np.ones((20, 30), np.bool_))
    assert set(np.unique(packed.quality(Reach(1, 1, 2, 3)))) == {HIDDEN, MOVING}


@settings(deadline=None, max_examples=25)
@given(hnp.arrays(np.uint8, (24, 30)), hnp.arrays(np.uint8, (24, 30)), hnp.arrays(np.bool_, (24, 30)))
def test_a_composite_never_touches_pixels_without_alpha(
    frame: np.ndarray, plate: np.ndarray, inside: np.ndarray
) -> None:
    edge = Seam(inside.astype(np.float32), (~inside).astype(np.uint8))
    assert np.array_equal(composite(frame, plate, edge)[~inside], frame[~inside])


def test_a_brighter_plate_is_brought_to_the_frame() -> None:
    frame = np.full((60, 80), 120, np.uint8)
    removed = np.zeros_like(frame)
    removed[20:40, 30:50] = 1
    frame[removed > 0] = 5
    result = composite(frame, np.full_like(frame, 135), seam(removed, Reach(2, 2, 8, 8)))
    assert np.abs(result.astype(int) - 120).max() <= 1


def test_a_constant_spreads_as_itself_and_nothing_as_zero() -> None:
    known = np.zeros((50, 70), np.bool_)
    assert not spread_inwards(np.full((50, 70), 7, np.float32), known).any()
    known[3, :] = True
    assert spread_inwards(np.full((50, 70), 7, np.float32), known) == pytest.approx(7, abs=1e-3)


@pytest.mark.parametrize(
    ("matrix", "model"),
    [
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "still"),
        ([[1, 0, 6.5], [0, 1, -3.25], [0, 0, 1]], "shift"),
        ([[0.995, 0.03, 2], [-0.03, 0.995, 4], [0, 0, 1]], "similarity"),
        ([[1, 0.01, 2], [0.01, 1.02, -3], [0.0002, 0.0001, 1]], "homography"),
    ],
)
def test_the_simplest_camera_that_explains_the_background_is_chosen(matrix: list[list[float]], model: str) -> None:
    wall = texture(240, 320).astype(np.uint8)
    moved = cv2.warpPerspective(wall, np.array(matrix, float), (320, 240), borderMode=cv2.BORDER_REFLECT)
    inside = np.ones_like(wall)
    found = register([np.asarray(moved, np.uint8), wall], [inside, inside], 1.0)
    assert (found.reference, found.model) == (1, model)
    corners = np.array([[[40, 40], [280, 40], [40, 200], [280, 200]]], float)
    there = cv2.perspectiveTransform(corners, np.array(matrix, float))
    assert cv2.perspectiveTransform(there, found.to_reference[0]) == pytest.approx(corners, abs=0.6)


def test_a_featureless_scene_is_taken_as_still() -> None:
    flat = np.full((80, 100), 128, np.uint8)
    assert register([flat, flat, flat], [np.ones_like(flat)] * 3, 0.5).still


def test_synthesis_continues_a_pattern_and_touches_nothing_else() -> None:
    rows, columns = np.mgrid[0:96, 0:128]
    stripes = np.where((columns // 8) % 2, 200, 60).astype(np.uint8)
    chroma = np.full((48, 64), 128, np.uint8)
    holes = ((np.abs(rows - 48) < 14) & (np.abs(columns - 64) < 14)).astype(np.uint8)
    damaged = np.where(holes > 0, 0, stripes).astype(np.uint8)
    luma, *others = fill((damaged, chroma, chroma), holes, 1 - holes, seed=1)
    assert np.array_equal(luma[holes == 0], stripes[holes == 0])
    assert all(np.abs(plane.astype(int) - 128).max() <= 1 for plane in others)
    assert np.abs(luma.astype(int) - stripes)[holes > 0].mean() < 15
