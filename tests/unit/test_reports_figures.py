"""Pictures show what they say, the same for the same frames."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from report_example import example, plate, quadmask, scene

from core.reports import figures
from core.reports.curves import curve, curve_svg
from core.reports.document import Curve


def test_the_overlay_tints_each_class_and_leaves_the_rest() -> None:
    frame = np.full((90, 120, 3), 128, np.uint8)
    mask = np.full((90, 120), 255, np.uint8)
    mask[10:40, 10:40], mask[10:40, 50:80], mask[50:80, 10:40] = 0, 63, 127
    shown = figures.overlay(frame, mask)
    assert (shown[mask == 255] == 128).all()
    red, green, blue = shown[25, 25].astype(int)
    assert red > green > blue
    red, green, blue = shown[65, 25].astype(int)
    assert blue > green > red
    striped = shown[12:38, 52:78].reshape(-1, 3)
    assert len(np.unique(striped, axis=0)) == 2


def test_a_lossy_mask_is_read_as_the_nearest_class() -> None:
    frame = np.full((20, 20, 3), 100, np.uint8)
    mask = np.full((20, 20), 250, np.uint8)
    mask[5:15, 5:15] = 9
    exact = np.where(mask == 9, 0, 255).astype(np.uint8)
    assert (figures.overlay(frame, mask) == figures.overlay(frame, exact)).all()


def test_sizes_that_differ_are_refused() -> None:
    frame = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in size"):
        figures.overlay(frame, np.zeros((20, 21), np.uint8))
    with pytest.raises(ValueError, match="differ in size"):
        figures.difference(frame, np.zeros((20, 21, 3), np.uint8))


def test_the_heat_map_brightens_with_the_difference() -> None:
    first = np.zeros((1, 4, 3), np.uint8)
    second = np.array([[[0, 0, 0], [0, 16, 0], [64, 0, 0], [0, 0, 255]]], np.uint8)
    light = figures.difference(first, second).astype(int).sum(axis=-1)[0]
    assert light[0] < light[1] < light[2] == light[3]


def test_a_frame_row_holds_what_exists_and_repeats_its_bytes() -> None:
    full = figures.frame_row(4, scene(4), quadmask(4), plate(4))
    assert [one.caption.split(",")[0] for one in full.pictures] == ["Input", "Mask", "Output", "Difference"]
    assert full == figures.frame_row(4, scene(4), quadmask(4), plate(4))
    assert len(figures.frame_row(4, scene(4), None, None).pictures) == 1
    other_size = figures.frame_row(4, scene(4), None, scene(4, width=320, height=180))
    assert [one.caption for one in other_size.pictures] == ["Input", "Output"]


def test_large_frames_are_reduced_for_print() -> None:
    row = figures.frame_row(0, scene(0, width=1920, height=1080), None, None)
    with Image.open(BytesIO(row.pictures[0].data)) as picture:
        assert picture.size == (figures.PRINT_WIDTH, 360)


def test_a_contact_sheet_places_every_frame() -> None:
    frames = [np.full((90, 160, 3), 40 * index, np.uint8) for index in range(5)]
    sheet = figures.contact_sheet(frames, columns=3, width=80, gap=4)
    assert sheet.shape == (45 * 2 + 4, 80 * 3 + 8, 3)
    assert [int(sheet[2, 2 + 84 * index, 0]) for index in range(3)] == [0, 40, 80]
    assert (sheet[60, 200] == 255).all()
    with pytest.raises(ValueError, match="at least one frame"):
        figures.contact_sheet([])


def test_a_curve_leaves_gaps_and_marks_limit_and_worst_frames() -> None:
    row = example().measurements[0]
    drawing = curve(row)
    assert drawing is not None
    kinds = [type(shape).__name__ for shape in drawing.contents]
    assert kinds.count("PolyLine") == 2
    words = {shape.text for shape in drawing.contents if type(shape).__name__ == "String"}
    assert {"limit 35", "worst: 47", "frame 0", "frame 47"} <= words


@pytest.mark.parametrize("values", [(2.0,), (2.0, 2.0, 2.0), (None, 0.0, None), (-1e9, 1e9), (1e-12, 2e-12)])
def test_any_curve_with_a_value_can_be_drawn(values: tuple[float | None, ...]) -> None:
    row = replace(example().measurements[0], curve=Curve(tuple(range(len(values))), values), threshold=None)
    drawn = curve_svg(row)
    assert drawn is not None
    assert b"nan" not in drawn.lower()


def test_a_curve_without_values_is_not_drawn() -> None:
    row = replace(example().measurements[0], curve=Curve((0, 1), (None, None)))
    assert curve(row) is None
    assert curve_svg(replace(row, curve=None)) is None
