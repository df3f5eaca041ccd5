"""Physical plausibility without a reference: truth passes, violations are named, the rest is absent."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from evaluators.base import Evaluation
from evaluators.qualification.corruptions import corrupt
from evaluators.qualification.scenes import Scene, make_scene
from evaluators.video.physics import RULE_MEASURES, evaluate_physics, without_scale
from evaluators.video.trajectory import cut


@cache
def scene(family: str, seed: int = 11, frames: int = 30) -> Scene:
    return make_scene(family, seed, frames)


def judge(made: Scene, video: np.ndarray, scale: bool = True) -> Evaluation:
    metres = made.metres_per_pixel if scale else None
    return evaluate_physics(made.video[..., ::-1], video[..., ::-1], made.quadmask, made.fps, metres)


@cache
def judged(family: str, corruption: str, level: int) -> Evaluation:
    made = scene(family)
    video = corrupt(made, corruption, level)
    assert video is not None
    return judge(made, video)


@pytest.mark.parametrize("family", ["support_loss", "held", "hit", "pan"])
def test_true_motion_is_plausible(family: str) -> None:
    found = judged(family, "truth", 0)
    assert found["physics_plausibility"].value == pytest.approx(1, abs=0.15)
    assert found["physics_plausibility"].evidence["broken"] == []


@pytest.mark.parametrize(
    ("family", "corruption", "level", "measure"),
    [
        ("support_loss", "hover", 4, "physics_support"),
        ("held", "hover", 1, "physics_support"),
        ("support_loss", "upward", 2, "physics_gravity_direction"),
        ("held", "teleport", 2, "physics_continuity"),
        ("held", "vanish", 3, "physics_permanence"),
        ("hit", "vanish", 4, "physics_permanence"),
        ("held", "sideways_drift", 2, "physics_sideways"),
        ("hit", "unprompted", 3, "physics_cause"),
    ],
)
def test_each_violation_is_found_by_its_rule(family: str, corruption: str, level: int, measure: str) -> None:
    found = judged(family, corruption, level)
    assert found[measure].value is not None
    assert found[measure].value < 0.5
    assert found[measure].evidence["why"]
    assert found["physics_plausibility"].value <= found[measure].value
    assert found["physics_plausibility"].evidence["broken"]


def test_gravity_is_measured_within_its_interval() -> None:
    fall = judged("held", "truth", 0)["physics_fall_acceleration"]
    assert fall.value is not None
    assert fall.interval is not None
    assert fall.value == pytest.approx(9.81, rel=0.06)
    # The fit's own error does not hold the tracker's bias, so a twentieth of g is granted beside it.
    assert fall.interval.low - 0.5 < 9.81 < fall.interval.high + 0.5


@pytest.mark.parametrize(("corruption", "level"), [("gravity_low", 2), ("gravity_high", 2)])
def test_wrong_size_of_gravity_needs_the_scale(corruption: str, level: int) -> None:
    found = judged("held", corruption, level)
    assert found["physics_gravity_size"].value < 0.4
    assert found["physics_plausibility"].value < 0.4
    assert without_scale(found)["physics_plausibility"].value > 0.8
    made = scene("held")
    blind = judge(made, corrupt(made, corruption, level), scale=False)
    assert blind["physics_fall_acceleration"].value is None
    assert "scale" in blind["physics_fall_acceleration"].reason
    assert blind["physics_plausibility"].value > 0.8


def test_nothing_affected_is_absent_with_a_reason() -> None:
    made = scene("prop_shadow")
    found = judge(made, made.counterfactual)
    for measurement in found.measurements:
        assert measurement.value is None
        assert "no affected region" in measurement.reason


def test_short_clip_is_absent_with_a_reason() -> None:
    made = scene("held")
    found = evaluate_physics(made.video[:3], made.counterfactual[:3], made.quadmask[:3], 12.0)
    assert "at least 5 frames" in found["physics_plausibility"].reason


def test_mask_over_everything_is_absent_with_a_reason() -> None:
    made = scene("held")
    everything = np.full_like(made.quadmask, 63)
    found = evaluate_physics(made.video, made.counterfactual, everything, 12.0)
    assert "keeps too little" in found["physics_plausibility"].reason


def test_plain_moving_picture_without_features_is_absent() -> None:
    ramp = [np.full((96, 96, 3), 10 * frame, np.uint8) for frame in range(8)]
    mask = np.full((96, 96), 255, np.uint8)
    mask[40:60, 40:60] = 127
    found = evaluate_physics(ramp, ramp, [mask] * 8, 12.0)
    assert "camera" in found["physics_plausibility"].reason


def test_tracks_are_evidence_in_the_clips_own_pixels() -> None:
    made = scene("held")
    evidence = judged("held", "truth", 0)["physics_plausibility"].evidence
    track = evidence["tracks"][0]
    true = made.track(made.true_poses["object"])
    error = [
        np.hypot(x - true[f][0], y - true[f][1])
        for f, x, y in zip(track["frames"], track["x"], track["y"], strict=True)
    ]
    assert np.median(error) < 3


def test_same_clip_same_figures() -> None:
    made = scene("held")
    assert judge(made, made.counterfactual).to_json() == judge(made, made.counterfactual).to_json()


def test_every_rule_has_an_interval_that_holds_its_value() -> None:
    found = judged("held", "teleport", 2)
    for name in RULE_MEASURES:
        measurement = found[name]
        assert measurement.interval.low <= measurement.value <= measurement.interval.high


def test_a_path_is_cut_where_the_motion_changes() -> None:
    time = np.arange(20)
    y = np.where(time < 8, 40 + 2.5 * time**2 / 2, 120.0)
    x = np.full(20, 50.0)
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 20))
    fall, rest = cut(list(time), list(x + noise[0]), list(y + noise[1]))
    assert (fall.start, fall.end, rest.start, rest.end) == (0, 7, 8, 19)
    assert fall.y.acceleration == pytest.approx(2.5, abs=4 * fall.y.acceleration_error)
    assert rest.travel < 0.5


def test_a_gap_in_the_frames_ends_a_stretch() -> None:
    frames = [0, 1, 2, 3, 7, 8, 9, 10]
    stretches = cut(frames, [1.0] * 8, [2.0] * 8)
    assert [(s.start, s.end) for s in stretches] == [(0, 3), (7, 10)]
