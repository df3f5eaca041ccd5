"""The rules of motion, the tracker and the scale against closed forms: paths whose physics is known exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.clip import ClipError
from evaluators.video import physics_rules as rules
from evaluators.video.association import Track, associate, split_merged
from evaluators.video.bodies import Blob, carried_by, find_blobs, overlap
from evaluators.video.physics import _agreement, _bounce, _clip, _gravity
from evaluators.video.physics_watch import read_scale
from evaluators.video.tracking import Tracked

SIDE = 24.0
FRAMES = 30
CANVAS = (336, 192)
SHAPE = np.ones((int(SIDE), int(SIDE)), bool)


def body(frame: int, x: float, y: float, *, at_border: bool = False) -> Blob:
    box = (x - SIDE / 2, y - SIDE / 2, SIDE, SIDE)
    return Blob(frame, x, y, SIDE**2, *box, (20.0, 40.0, 200.0), at_border, SHAPE)


def track(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, frames: Sequence[int] | None = None
) -> Track:
    numbers = range(len(x)) if frames is None else frames
    return Track(tuple(body(f, float(a), float(b)) for f, a, b in zip(numbers, x, y, strict=True)))


def tracked(*tracks: Track, **more: Any) -> Tracked:
    found = Tracked(tracks, (), SIDE**2 * len(tracks), False, (), None, 0.0, CANVAS)
    return replace(found, **more)


def broken(found: Tracked, frames: int = FRAMES) -> set[str]:
    clip = _clip(found, frames)
    return {name for name, rule in rules.RULES.items() if rules.score(rule(clip).violation) < 0.5}


def fall(acceleration: float, speed: float = 0.0, floor: float = 160.0) -> np.ndarray:
    """y of a body that is let go at y = 30 and stays where it lands."""
    time = np.arange(FRAMES, dtype=float)
    return np.minimum(30 + speed * time + acceleration * time**2 / 2, floor)


STILL = np.full(FRAMES, 100.0)


@settings(max_examples=40, deadline=None)
@given(acceleration=st.floats(1.5, 8), sideways=st.floats(-5, 5), seed=st.integers(0, 99))
def test_free_fall_is_measured_within_its_error(acceleration: float, sideways: float, seed: int) -> None:
    count = int(np.sqrt(2 * 130 / acceleration))
    time = np.arange(count + 1)
    noise = np.random.default_rng(seed).normal(0, 0.15, (2, count + 1))
    path = track(150 + sideways * time + noise[0], 30 + acceleration * time**2 / 2 + noise[1])
    clip = _clip(tracked(path), count + 1)
    found = rules.fall_of(clip.paths[0])
    assert found is not None
    assert abs(found.acceleration - acceleration) < 4 * found.error + 0.02 * acceleration
    assert rules.gravity_direction(clip).violation < 0.3


def test_the_scale_turns_the_fit_into_metres() -> None:
    metres, fps = 0.011, 12.0
    pixels = 9.81 / metres / fps**2
    clip = _clip(tracked(track(STILL, fall(pixels))), FRAMES)
    measured, score = _gravity(clip, [clip], metres * fps**2)
    assert measured.value == pytest.approx(9.81, rel=0.02)
    assert measured.interval is not None
    assert measured.interval.low < 9.81 < measured.interval.high
    assert score.value == pytest.approx(1)


@pytest.mark.parametrize("factor", [0.35, 3])
def test_a_wrong_size_of_gravity_is_found_with_a_scale_only(factor: float) -> None:
    metres, fps = 0.02, 12.0
    clip = _clip(tracked(track(STILL, fall(factor * 9.81 / metres / fps**2))), FRAMES)
    assert _gravity(clip, [clip], metres * fps**2)[1].value < 0.3
    assert _gravity(clip, [clip], None)[1].value is None


def test_falls_that_differ_are_told_without_a_scale() -> None:
    clip = _clip(tracked(track(STILL, fall(6.0)), track(STILL + 80, fall(2.0))), FRAMES)
    assert _agreement(clip).value == pytest.approx(3, rel=0.1)
    alike = _clip(tracked(track(STILL, fall(6.0)), track(STILL + 80, fall(6.0))), FRAMES)
    assert _agreement(alike).value == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("restitution", [0.4, 0.7])
def test_bounce_keeps_the_energy_that_it_keeps(restitution: float) -> None:
    gravity, hit = 2.0, 11
    time = np.arange(25.0)
    floor, speed = 30 + gravity * hit**2 / 2, gravity * hit
    after = time - hit
    up = floor - restitution * speed * after + gravity * after**2 / 2
    y = np.where(time <= hit, 30 + gravity * time**2 / 2, up)
    seen = min(25, int(hit + 2 * restitution * speed / gravity))
    found = _bounce(_clip(tracked(track(np.full(seen, 90.0), y[:seen])), seen))
    assert found.value == pytest.approx(restitution**2, rel=0.2)


def test_rest_and_a_fall_that_ends_at_rest_break_nothing() -> None:
    assert broken(tracked(track(STILL, STILL))) == set()
    assert broken(tracked(track(STILL, fall(5.0)))) == set()


def test_upward_acceleration_breaks_the_direction_of_gravity() -> None:
    time = np.arange(12.0)
    path = track(np.full(12, 90.0), 160 - 2.0 * time**2 / 2)
    assert "physics_gravity_direction" in broken(tracked(path), 12)


def test_three_frames_of_rising_ever_faster_are_enough() -> None:
    path = Track((body(0, 90, 100), body(1, 90, 94), body(2, 90, 76), body(3, 90, 5, at_border=True)))
    assert "physics_gravity_direction" in broken(tracked(path))


def test_sideways_acceleration_is_found() -> None:
    time = np.arange(FRAMES, dtype=float)
    assert "physics_sideways" in broken(tracked(track(60 + 0.5 * time**2 / 2, STILL)))


def test_teleport_is_a_jump() -> None:
    y = np.full(FRAMES, 150.0)
    x = np.where(np.arange(FRAMES) < 12, 90.0, 90 + 1.5 * SIDE)
    assert "physics_continuity" in broken(tracked(track(x, y)))


def test_vanishing_breaks_permanence_and_leaving_does_not() -> None:
    gone = track(STILL[:12], STILL[:12])
    assert "physics_permanence" in broken(tracked(gone))
    x = 200 + 10.0 * np.arange(12)
    leaves = Track((*track(x, STILL[:12]).blobs, body(12, 322, 100, at_border=True)))
    assert "physics_permanence" not in broken(tracked(leaves))


def test_a_body_back_from_the_border_may_not_vanish_later() -> None:
    rise = [body(f, 100, y, at_border=y < 13) for f, y in enumerate([60.0, 30, 10, 8, 16, 36, 66, 100])]
    assert "physics_permanence" in broken(tracked(Track(tuple(rise)), exits=frozenset({"top"})))


def test_fast_body_is_let_go_only_where_the_mask_expects_it() -> None:
    falling = track(np.full(5, 90.0), [40, 50, 75, 115, 170])
    assert "physics_permanence" in broken(tracked(falling))
    assert "physics_permanence" not in broken(tracked(falling, exits=frozenset({"bottom"})))


def test_doubling_breaks_permanence() -> None:
    twin = track(STILL[:20] + 90, STILL[:20], range(10, 30))
    assert "physics_permanence" in broken(tracked(track(STILL, STILL), twin))


def test_starting_by_itself_needs_a_cause() -> None:
    x = np.where(np.arange(FRAMES) < 12, 90.0, 90 + 6.0 * (np.arange(FRAMES) - 12))
    assert "physics_cause" in broken(tracked(track(x, STILL)))


def test_slow_slide_from_rest_needs_a_cause_too() -> None:
    after = np.clip(np.arange(FRAMES) - 12.0, 0, 8)
    x = 90 + 2.2 * after - 0.27 * after**2 / 2
    assert "physics_cause" in broken(tracked(track(x, STILL)))


def test_rolling_off_an_edge_is_no_gain_from_nothing() -> None:
    time = np.arange(FRAMES, dtype=float)
    y = np.minimum(100 + 5 * np.maximum(0, time - 10) ** 2 / 2, 160)
    assert broken(tracked(track(60 + 4 * time, y))) == set()


def test_hanging_where_the_support_was_is_found_and_lying_is_not() -> None:
    rests = track(STILL, STILL)
    assert "physics_support" in broken(tracked(rests, hanging=(0,)))
    assert "physics_support" not in broken(tracked(rests))


def test_a_body_keeps_its_path_until_it_meets_the_removed_object() -> None:
    time = np.arange(FRAMES, dtype=float)
    moves = track(60 + 8 * time, STILL)
    shown = tuple((blob,) for blob in moves.blobs[1:6])
    assert broken(tracked(moves, before=shown)) == set()
    assert "physics_cause" in broken(tracked(track(np.full(FRAMES, 60.0), STILL), before=shown))


def scene_blobs(centres: Sequence[Sequence[tuple[float, float]]]) -> list[list[Blob]]:
    """Discs of radius 12 drawn at these places, frame by frame, found as a picture's blobs are."""
    rows, columns = np.mgrid[: CANVAS[1], : CANVAS[0]]
    frames = []
    for number, places in enumerate(centres):
        mask = np.any([(columns - x) ** 2 + (rows - y) ** 2 < 144 for x, y in places], axis=0)
        picture = np.where(mask[..., None], np.uint8(220), np.uint8(60)).repeat(3, axis=2)
        background = np.full_like(picture, 60)
        frames.append(find_blobs(number, mask, picture, background, np.ones_like(mask), 16.0))
    return frames


@pytest.mark.parametrize("backwards", [False, True])
def test_touching_bodies_are_told_apart_from_before_and_from_after(backwards: bool) -> None:
    gap = [20.0, 16, 12, 8, 4, 0, -1, -1, -1, -1, -1, -1]
    centres = [[(100.0, 90.0), (124.0 + g, 90.0)] for g in (gap[::-1] if backwards else gap)]
    blobs = scene_blobs(centres)
    assert min(map(len, blobs)) == 1
    tracks = associate(split_merged(blobs))
    assert len(tracks) == 2
    for one in tracks:
        assert len(one.blobs) == len(centres)
        off = [min(np.hypot(b.x - x, b.y - y) for x, y in places) for b, places in zip(one.blobs, centres, strict=True)]
        assert max(off) < 1.0


def test_faint_stain_is_no_body() -> None:
    mask = np.zeros((96, 96), bool)
    mask[40:60, 40:60] = True
    background = np.full((96, 96, 3), 100, np.uint8)
    stained, solid = background.copy(), background.copy()
    stained[mask], solid[mask] = 120, 180
    assert find_blobs(0, mask, stained, background, np.ones_like(mask), 16.0) == []
    assert len(find_blobs(0, mask, solid, background, np.ones_like(mask), 16.0)) == 1


def test_a_body_that_goes_on_outside_what_is_judged_is_cut() -> None:
    mask, beside = np.zeros((2, 96, 96), bool)
    mask[40:60, 40:60], beside[30:40, 40:60] = True, True
    picture = np.where(mask[..., None], np.uint8(200), np.uint8(60)).repeat(3, axis=2)
    (cut,) = find_blobs(0, mask, picture, np.full_like(picture, 60), np.ones_like(mask), 16.0, beside)
    assert cut.at_border


def test_only_what_lies_on_the_removed_object_is_carried() -> None:
    bodies, removed = np.zeros((2, 96, 96), bool)
    bodies[20:40, 20:40], bodies[60:80, 60:80] = True, True
    removed[41:90, 15:45], removed[50:58, 60:80] = True, True
    carried = carried_by(bodies, removed)
    assert carried[20:40, 20:40].all()
    assert carried.sum() == 400


def test_a_square_keeps_its_shape_and_a_changing_one_does_not() -> None:
    square = track(STILL, STILL)
    assert square.steadiness == 1
    assert overlap(square.blobs[0], square.blobs[1]) == 1
    thin = np.ones((4, 60), bool)
    changing = [
        replace(blob, shape=thin, height=4.0, width=60.0, left=blob.x - 30, top=blob.y - 2) if n % 2 else blob
        for n, blob in enumerate(square.blobs)
    ]
    assert Track(tuple(changing)).steadiness < 0.5


def scale_of(folder: Path, text: str) -> float | None:
    (folder / "scale.json").write_text(text, encoding="utf-8")
    return read_scale(SimpleNamespace(folder=folder))  # type: ignore[arg-type]


def test_the_scale_is_given_or_follows_from_an_object_of_known_size(tmp_path: Path) -> None:
    assert read_scale(SimpleNamespace(folder=tmp_path)) is None  # type: ignore[arg-type]
    assert scale_of(tmp_path, json.dumps({"metres_per_pixel": 0.004})) == 0.004
    assert scale_of(tmp_path, json.dumps({"object_metres": 0.22, "object_pixels": 44})) == pytest.approx(0.005)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"metres_per_pixel": 0}', '{"metres_per_pixel": true}', '{"metres_per_pixel": "0.1"}',
     '{"metres_per_pixel": NaN}', '{"metres_per_pixel": 1e999}', '{"object_metres": 1}',
     '{"object_metres": 1, "object_pixels": -3}', "[" * 60000, " " * 70000],
)  # fmt: skip
def test_unusable_scale_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(ClipError, match=r"scale\.json"):
        scale_of(tmp_path, text)
