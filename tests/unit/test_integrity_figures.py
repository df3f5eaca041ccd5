"""Pictures shown twice: whole, turned, mirrored or cut; and charts of one style that are not the same."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from evaluators.manuscript.document import Figure, Manuscript, Place
from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity.figures import RULES, perceptual_hash
from tests.support.manuscripts import paper

(REPEATED,) = RULES
Array = np.ndarray[Any, Any]


def tissue(seed: int, height: int = 240, width: int = 300) -> Array:
    """Something like a stained section: noise of several grains."""
    random = np.random.default_rng(seed)
    layers = [gaussian_filter(random.normal(size=(height, width)), grain) * grain for grain in (2, 5, 12)]
    mixed = np.sum(layers, axis=0)
    return np.asarray(np.clip(110 + 45 * mixed / mixed.std(), 0, 255), np.uint8)


def chart(seed: int) -> Array:
    """A curve on axes, all charts in one style."""
    random = np.random.default_rng(seed)
    image = Image.new("L", (400, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 20, 380, 260), outline=0, width=2)
    values = 240 - 200 * np.sort(random.random(9)) ** random.uniform(0.3, 3)
    draw.line([(50 + 40 * k, int(v)) for k, v in enumerate(values)], fill=60, width=3)
    for k in range(9):
        draw.text((50 + 40 * k, 270), str(k), fill=0)
    return np.asarray(image)


def png(pixels: Array) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def showing(pictures: Sequence[Array | bytes | None]) -> Manuscript:
    images = [png(p) if isinstance(p, np.ndarray) else p for p in pictures]
    figures = tuple(
        Figure(f"Figure {i + 1}", f"What is seen in {i + 1}.", Place("Results", page=i + 1), image)
        for i, image in enumerate(images)
    )
    return replace(paper("A sentence."), figures=figures)


def check(*pictures: Array | bytes | None) -> Check:
    return REPEATED(showing(pictures))


def jpeg(pixels: Array) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).resize((211, 170)).save(target, "JPEG", quality=60)
    return target.getvalue()


@pytest.mark.parametrize(
    "copied", [lambda p: p, jpeg, lambda p: np.clip(p * 0.8 + 30, 0, 255).astype(np.uint8), lambda p: np.pad(p, 20)]
)
def test_a_copy_is_found_however_stored(copied: Callable[[Array], Array | bytes]) -> None:
    (finding,) = check(tissue(1), tissue(2), copied(tissue(1))).findings
    assert finding.severity is Severity.MEDIUM
    assert finding.message == "Figure 3 shows the same picture as Figure 1."
    assert finding.quote == "What is seen in 3."


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda p: np.rot90(p), "turned"),
        (lambda p: np.rot90(p, 2), "turned by 180"),
        (np.fliplr, "mirrored"),
        (np.flipud, "mirrored and turned by 180"),
    ],
)
def test_a_turned_or_mirrored_copy_is_found(changed: Callable[[Array], Array], told: str) -> None:
    (finding,) = check(tissue(1), np.ascontiguousarray(changed(tissue(1)))).findings
    assert finding.severity is Severity.LOW
    assert told in finding.message


@pytest.mark.parametrize("box", [(20, 180, 30, 255), (100, 235, 120, 290), (0, 120, 0, 150)])
def test_a_part_is_found(box: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = box
    (finding,) = check(tissue(1), tissue(2), tissue(1)[top:bottom, left:right]).findings
    assert finding.severity is Severity.LOW
    assert finding.message == "Figure 3 looks like a part of Figure 1."


def test_charts_of_one_style_are_not_the_same_but_a_copied_chart_is() -> None:
    assert check(*(chart(seed) for seed in range(8))).findings == ()
    assert [f.message for f in check(chart(1), chart(2), chart(1)).findings] == [
        "Figure 3 shows the same picture as Figure 1."
    ]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=4, unique=True), st.booleans())
def test_different_pictures_are_never_found(seeds: list[int], charts: bool) -> None:
    made = check(*((chart if charts else tissue)(seed) for seed in seeds))
    assert (made.status, made.findings) == ("checked", ())


def test_the_hash_of_a_copy_is_near_and_of_another_picture_is_far() -> None:
    one, other = (perceptual_hash(tissue(seed).astype(np.float32)) for seed in (1, 2))
    smaller = np.asarray(Image.fromarray(tissue(1)).resize((150, 120)), np.float32)
    assert (one != perceptual_hash(smaller)).sum() <= 4
    assert (one != other).sum() > 15


def test_what_cannot_be_compared_is_not_checked() -> None:
    blank = np.full((80, 80), 255, np.uint8)
    assert check().status == "not_checked"
    assert check(tissue(1)).status == "not_checked"
    assert check(tissue(1), None, b"no picture", blank).status == "not_checked"
    assert "1 of its 4" in check(tissue(1), None, b"no picture", blank).reason
