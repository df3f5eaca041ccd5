"""Flow, warping, occlusion and the camera's motion, against plain NumPy and known motions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support.video import panning, wall

from evaluators.base import EvaluatorError
from evaluators.flow import (
    DIS_PRESETS,
    DisFlow,
    Flow,
    FlowCache,
    FlowField,
    FlowSource,
    affine_flow,
    arrival,
    camera_motion,
    compute_field,
    inside,
    motion_boundary,
    rounded,
    targets,
    trusted_flow,
    warp_back,
)

HEIGHT, WIDTH = 48, 64
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)


def smooth_flow(seed: int, size: float = 3.0) -> Flow:
    """A random flow as smooth as a real one, a few pixels long, with a jump across the middle."""
    random = np.random.default_rng(seed)
    flow = ndimage.gaussian_filter(random.normal(0, 20 * size, (HEIGHT, WIDTH, 2)), (8, 8, 0))
    flow[:, WIDTH // 2 :] += random.normal(0, size, 2)
    return flow.astype(np.float32)


def bilinear(image: np.ndarray, flow: Flow) -> np.ndarray:
    """W(image, flow) with the border repeated, from SciPy."""
    where = [ROWS + flow[..., 1], COLUMNS + flow[..., 0]]
    return ndimage.map_coordinates(image.astype(float), where, order=1, mode="nearest")


@pytest.mark.parametrize("seed", range(4))
def test_warping_is_bilinear(seed: int) -> None:
    image = wall(WIDTH, HEIGHT, seed).astype(np.float32)
    flow = smooth_flow(seed)
    expected = np.stack([bilinear(image[..., channel], flow) for channel in range(3)], axis=2)
    # OpenCV rounds positions to 1/32 pixel.
    assert np.abs(warp_back(image, flow) - expected).max() <= np.abs(np.diff(image, axis=1)).max() / 16
    assert np.abs(warp_back(image, flow) - expected).mean() < 0.2


def test_warping_along_a_known_motion_gives_the_earlier_frame() -> None:
    first, second = panning(2, WIDTH, HEIGHT, [(0, 0), (3, -2)])
    flow = np.full((HEIGHT, WIDTH, 2), (3, -2), np.float32)
    back = warp_back(second, flow)
    seen = inside(targets(flow)) > 0
    assert np.count_nonzero(seen) == (HEIGHT - 2) * (WIDTH - 3)
    np.testing.assert_array_equal(back[seen], first[seen])


def plain_rules(forward: Flow, backward: Flow) -> tuple[np.ndarray, np.ndarray]:
    """Both occlusion rules of Lai et al., written out."""
    there = np.stack([bilinear(backward[..., axis], forward) for axis in (0, 1)], axis=2)

    def square(field: np.ndarray) -> np.ndarray:
        return np.asarray((field.astype(float) ** 2).sum(axis=2))

    occluded = square(forward + there) > 0.01 * (square(forward) + square(there)) + 0.5
    padded = np.pad(forward.astype(float), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return occluded, square(across) + square(down) > 0.01 * square(forward) + 0.002


@pytest.mark.parametrize("seed", range(6))
def test_both_occlusion_rules_equal_their_formulas(seed: int) -> None:
    forward = smooth_flow(seed)
    backward = -forward + smooth_flow(seed + 100, 0.6)
    occluded, boundary = plain_rules(forward, backward)
    x, y = COLUMNS + forward[..., 0], ROWS + forward[..., 1]
    within = (x >= 0) & (x <= WIDTH - 1) & (y >= 0) & (y <= HEIGHT - 1)
    expected = ~occluded & ~boundary & within
    assert occluded.any()
    assert boundary.any()
    assert 0.02 < expected.mean() < 0.98
    np.testing.assert_array_equal(motion_boundary(forward), boundary)
    # A pixel whose backward flow lies within OpenCV's 1/32 pixel of the threshold may fall on the other side.
    assert np.mean((trusted_flow(forward, backward) > 0) != expected) < 0.01


def test_each_occlusion_rule_acts_alone() -> None:
    steady = np.full((HEIGHT, WIDTH, 2), (2, 0), np.float32)
    trusted = trusted_flow(steady, -steady)
    assert trusted[:, : WIDTH - 2].all()
    assert not trusted[:, WIDTH - 2 :].any()
    contradicted = -steady
    contradicted[:, 30:34] = 0
    assert not trusted_flow(steady, contradicted)[:, 28:32].any()
    jump = steady.copy()
    jump[:, 20:] = (2.6, 0)
    assert not trusted_flow(jump, -jump)[:, 19:21].any()
    assert trusted_flow(jump, -jump)[:, 24:40].all()


@given(st.integers(0, 2**16), st.integers(1, 200))
def test_trusted_pixels_are_a_subset_of_those_that_stay_in_the_frame(seed: int, length: int) -> None:
    flow = smooth_flow(seed, length / 10)
    assert not np.any(trusted_flow(flow, -flow) & (1 - inside(targets(flow))))


def test_a_region_arrives_where_the_flow_leads() -> None:
    region = np.zeros((HEIGHT, WIDTH), np.uint8)
    region[10:20, 30:40] = 1
    flow = np.full((HEIGHT, WIDTH, 2), (5, -4), np.float32)
    expected = np.zeros_like(region)
    expected[14:24, 25:35] = 1
    np.testing.assert_array_equal(arrival(region, targets(flow)), expected)


@pytest.mark.parametrize("preset", DIS_PRESETS)
def test_dis_finds_a_known_shift(preset: str) -> None:
    first, second = panning(2, 160, 128, [(0, 0), (3.5, -1.25)])
    flow = DisFlow(preset)(first, second)
    inner = flow[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), (3.5, -1.25), atol=0.15)


def test_dis_gives_the_same_figures_from_any_thread() -> None:
    pictures = panning(9, 96, 64, [(1.5 * step, 0) for step in range(9)])
    method = DisFlow()
    alone = [method(a, b) for a, b in pairwise(pictures)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(method, pictures[:-1], pictures[1:]))
    np.testing.assert_array_equal(alone, together)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EvaluatorError, match="ultrafast, fast, medium"):
        DisFlow("slow")


AFFINE = np.array([[0.012, -0.02, 1.5], [0.018, 0.009, -0.75]])


def test_the_cameras_motion_is_recovered_though_a_fifth_moves_by_itself() -> None:
    flow = affine_flow(AFFINE, 128, 160)
    flow += np.random.default_rng(1).normal(0, 0.02, flow.shape).astype(np.float32)
    flow[:, 64:96] += (6.0, 4.0)
    found = camera_motion(flow, np.ones((128, 160), np.uint8))
    assert found is not None
    assert np.all(np.abs(found - AFFINE) < (2e-3, 2e-3, 0.1))


def test_the_camera_is_unknown_where_too_little_is_kept() -> None:
    region = np.zeros((128, 160), np.uint8)
    region[:56, :64] = 1
    assert camera_motion(affine_flow(AFFINE, 128, 160), region) is None
    region[:64, :64] = 1
    assert camera_motion(affine_flow(AFFINE, 128, 160), region) is not None


def test_an_affine_motion_is_its_formula() -> None:
    flow = affine_flow(AFFINE, HEIGHT, WIDTH)
    places = np.stack([COLUMNS, ROWS, np.ones_like(ROWS)], axis=2)
    np.testing.assert_allclose(flow, places @ AFFINE.T, atol=1e-4)


def field(number: int) -> FlowField:
    random = np.random.default_rng(number)
    flow = rounded(random.normal(0, 3, (HEIGHT, WIDTH, 2)).astype(np.float32))
    return FlowField(flow, random.integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8))


def test_a_cached_field_equals_the_computed_one() -> None:
    cache = FlowCache()
    for number in range(3):
        cache.get((number,), lambda number=number: field(number))  # type: ignore[misc]
    for number in range(3):
        found = cache.get((number,), lambda: pytest.fail("the field was computed again"))
        np.testing.assert_array_equal(found.forward, field(number).forward)
        np.testing.assert_array_equal(found.trusted, field(number).trusted)
    assert cache.hits == 3


def test_the_cache_forgets_the_oldest_past_its_size() -> None:
    cost = HEIGHT * WIDTH * 4 + HEIGHT * WIDTH // 8
    cache = FlowCache(max_bytes=2 * cost)
    for number in range(3):
        cache.get((number,), lambda number=number: field(number))  # type: ignore[misc]
    computed: list[int] = []

    def again(number: int) -> FlowField:
        computed.append(number)
        return field(number)

    for number in (2, 1, 0):
        cache.get((number,), lambda number=number: again(number))  # type: ignore[misc]
    assert computed == [0]


def test_flow_is_told_apart_by_clip_method_size_and_frame() -> None:
    cache = FlowCache()
    first, second = panning(2, 64, 48, [(0, 0), (2, 0)])
    FlowSource(DisFlow("fast"), "sha256:a", cache).between(0, first, second)
    for method, digest, index, size in (
        ("fast", "sha256:b", 0, 48), ("medium", "sha256:a", 0, 48),
        ("fast", "sha256:a", 1, 48), ("fast", "sha256:a", 0, 40),
    ):  # fmt: skip
        FlowSource(DisFlow(method), digest, cache).between(index, first[:size], second[:size])
    assert cache.hits == 0
    FlowSource(DisFlow("fast"), "sha256:a", cache).between(0, first, second)
    assert cache.hits == 1


def test_equal_frames_give_equal_fields() -> None:
    first, second = panning(2, 96, 64, [(0, 0), (1.3, 0.4)])
    one, two = compute_field(DisFlow(), first, second), compute_field(DisFlow(), first, second)
    np.testing.assert_array_equal(one.forward, two.forward)
    np.testing.assert_array_equal(one.forward * 128, np.rint(one.forward * 128))
