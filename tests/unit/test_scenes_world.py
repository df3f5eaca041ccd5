"""The simulated scenes: deterministic, physically right, and equal to their truth wherever the mask says keep."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluators.base import EvaluatorError
from evaluators.qualification.corruptions import CORRUPTIONS, Group, corrupt, in_group
from evaluators.qualification.scenes import FAMILIES, Scene, hanging_scene, make_scene, passing_scene, write_scene
from evaluators.qualification.world import GRAVITY

SMALL = (336, 192)


@cache
def scene(family: str, seed: int = 5) -> Scene:
    return make_scene(family, seed, 16, SMALL)


@pytest.mark.parametrize("family", FAMILIES)
def test_truth_equals_input_outside_the_mask(family: str) -> None:
    made = scene(family)
    kept = made.quadmask == 255
    assert 0.3 < kept.mean() < 1
    np.testing.assert_array_equal(made.video[kept], made.counterfactual[kept])


@pytest.mark.parametrize("family", FAMILIES)
def test_masks_have_four_values_and_no_affected_first_frame(family: str) -> None:
    made = scene(family)
    assert set(np.unique(made.quadmask)) <= {0, 63, 127, 255}
    assert not (made.quadmask[0] == 127).any()
    assert (made.quadmask <= 63).any()
    assert bool(made.affected) == bool((made.quadmask == 127).any()) or family == "prop_shadow"


def test_same_seed_same_bytes_and_another_seed_another_scene() -> None:
    again = make_scene("held", 5, 16, SMALL)
    np.testing.assert_array_equal(again.video, scene("held").video)
    np.testing.assert_array_equal(again.quadmask, scene("held").quadmask)
    assert not np.array_equal(make_scene("held", 6, 16, SMALL).video, scene("held").video)


def test_released_body_falls_as_the_closed_form_says() -> None:
    made = scene("support_loss")
    path = made.true_poses[made.affected[0]]
    time = np.arange(4) / made.fps
    fallen = path[0, 1] - path[:4, 1]
    # Semi-implicit Euler in steps of 1/480 s is off by g t / 960 at most.
    np.testing.assert_allclose(fallen, GRAVITY * time**2 / 2, atol=GRAVITY * 0.25 / 900)


def test_written_folder_decodes_to_the_exact_mask(tmp_path: Path) -> None:
    made = scene("held")
    folder = write_scene(made, tmp_path / "case", tmp_path / "truth" / "counterfactual.mp4")
    assert sorted(path.name for path in folder.iterdir()) == [
        "input_video.mp4", "prompt.json", "quadmask_0.mp4", "scale.json",
    ]  # fmt: skip
    masks = _decode(folder / "quadmask_0.mp4")
    assert masks.shape[:3] == made.quadmask.shape
    assert (masks == made.quadmask[..., None]).all()
    video = _decode(folder / "input_video.mp4")[..., ::-1].astype(int)
    assert np.abs(video - made.video).mean() < 4
    assert (tmp_path / "truth" / "counterfactual.mp4").stat().st_size > 1000


def test_scene_for_the_demonstration_hangs_without_its_support() -> None:
    made = hanging_scene()
    before, after = made.true_poses[made.affected[0]][[0, 20], 1]
    assert before - after > 0.2
    still = made.input_poses[made.affected[0]]
    assert np.ptp(still[:, 1]) < 0.005


def test_scene_for_the_demonstration_shows_its_background_in_other_frames() -> None:
    made = passing_scene()
    assert not made.affected
    assert (made.quadmask == 255).any(axis=0).all()


def test_unknown_family_is_refused_with_the_choices() -> None:
    with pytest.raises(EvaluatorError, match="support_loss"):
        make_scene("juggling", 1)


def test_every_corruption_changes_the_truth_and_keeps_its_shape() -> None:
    made = scene("held", 7)
    for corruption in CORRUPTIONS.values():
        spoiled = corrupt(made, corruption.name, len(corruption.severities) - 1)
        assert spoiled is not None, corruption.name
        assert spoiled.shape == made.video.shape
        assert spoiled.dtype == np.uint8
        assert not np.array_equal(spoiled, made.counterfactual), corruption.name


def test_graded_corruptions_have_five_severities_that_grow() -> None:
    graded = in_group(Group.TEMPORAL, Group.REMOVAL, Group.PRESERVATION, Group.PHYSICS, Group.GRAVITY)
    for corruption in graded:
        assert len(corruption.severities) >= 5
        assert list(corruption.severities) == sorted(corruption.severities)


@pytest.mark.parametrize("name", ["residual", "shadow_left", "keep_drift", "gain_flicker"])
def test_severer_corruption_is_farther_from_the_truth(name: str) -> None:
    made = scene("prop_shadow")
    errors = [np.abs(corrupt(made, name, level).astype(int) - made.counterfactual).mean() for level in range(5)]
    assert errors == sorted(errors)


def test_keep_drift_leaves_the_mask_alone_and_residual_leaves_the_rest_alone() -> None:
    made = scene("prop_shadow")
    kept = made.quadmask == 255
    drifted, ghost = corrupt(made, "keep_drift", 4), corrupt(made, "residual", 4)
    assert drifted is not None
    assert ghost is not None
    np.testing.assert_array_equal(drifted[~kept], made.counterfactual[~kept])
    np.testing.assert_array_equal(ghost[kept], made.counterfactual[kept])


def test_scene_without_affected_bodies_has_no_motion_to_spoil() -> None:
    assert corrupt(scene("prop_shadow"), "hover", 0) is None


def test_unknown_corruption_and_level_are_refused() -> None:
    with pytest.raises(EvaluatorError, match="no corruption"):
        corrupt(scene("held"), "melting", 0)
    with pytest.raises(EvaluatorError, match="levels 0 to 4"):
        corrupt(scene("held"), "hover", 5)


def _decode(path: Path) -> np.ndarray:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(frame)
    capture.release()
    return np.array(frames)
