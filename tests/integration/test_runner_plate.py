"""The clean plate on clips whose truth is known: kept pixels stay, the hole comes close to the truth."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.media import grey_frames, grey_video, quiet, texture, write_folder

from core.errors import RunFailed
from core.runners.base import Cancelled, Manifest, RunContext, RunSpecification
from core.runners.frames import clip_format, read_planes
from core.runners.holes import Reach, grown
from core.runners.plate import PlateRunner, prepare

HEIGHT, WIDTH, FRAMES = 120, 160, 16


class Scene:
    """A dark square that crosses a textured wall; the camera may pan and the exposure drift."""

    def __init__(self, pan: float = 0.0, drift: float = 0.0, speed: float = 7.0, size=(HEIGHT, WIDTH)) -> None:
        self.height, self.width = size
        wall = texture(self.height, self.width + 200)
        columns = np.arange(self.width + 200)
        truth, mask = [], []
        for t in range(FRAMES):
            row_at = 100 + pan * t + np.arange(self.width)
            picture = np.stack([np.interp(row_at, columns, row) for row in wall])
            truth.append(picture * (1 + drift * (t - FRAMES / 2) / FRAMES))
            left = round(12 + speed * t)
            here = np.full((self.height, self.width), 255, np.uint8)
            here[40:72, left : left + 30] = 0
            mask.append(here)
        self.truth, self.mask = np.clip(np.stack(truth), 0, 255), np.stack(mask)
        self.video = np.where(self.mask == 0, 10, self.truth)

    def write(self, folder: Path) -> Path:
        """Write the VOID-format folder."""
        return write_folder(folder, grey_video(self.video), self.mask)


def run(case: Path, folder: Path, progress=quiet, seed: int = 0) -> Manifest:
    folder.mkdir()
    inputs = {"video": case / "input_video.mp4", "quadmask": case / "quadmask_0.mp4"}
    return PlateRunner().run(RunSpecification("plate", inputs, seed=seed), RunContext(folder, progress))


def hole_psnr(result: NDArray[np.uint8], scene: Scene) -> float:
    error = (result.astype(float) - scene.truth)[scene.mask == 0]
    return float(10 * np.log10(255**2 / np.mean(error**2)))


@pytest.mark.parametrize(
    ("scene", "model", "least_db"),
    [
        (Scene(), {"still"}, 36.0),
        (Scene(pan=2.0), {"shift", "similarity", "homography"}, 30.0),
        (Scene(pan=1.3, drift=0.15), {"shift", "similarity", "homography"}, 28.0),
        (Scene(drift=0.2), {"still"}, 32.0),
    ],
    ids=["still camera", "panning camera", "panning and brightening", "brightening"],
)
def test_the_hole_comes_close_to_the_truth(tmp_path: Path, scene: Scene, model: set[str], least_db: float) -> None:
    manifest = run(scene.write(tmp_path / "case"), tmp_path / "run")
    assert manifest.facts["alignment_model"] in model
    assert manifest.facts["frames"] == FRAMES
    result = grey_frames(manifest.outputs[0].path)
    assert hole_psnr(result, scene) > least_db


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (121, 161)], ids=["even", "odd"])
def test_kept_pixels_are_the_inputs_bit_for_bit(tmp_path: Path, size: tuple[int, int]) -> None:
    scene = Scene(pan=2.0, size=size)
    case = scene.write(tmp_path / "case")
    video = case / "input_video.mp4"
    removal = prepare(video, case / "quadmask_0.mp4", quiet, 0)
    form = clip_format(video)
    band = Reach.of(form.width, form.height).band
    changed = False
    for before, after, mask in zip(read_planes(video, form), removal.frames(), scene.mask, strict=True):
        near = grown((mask == 0).astype(np.uint8), band + 2) > 0
        assert np.array_equal(before[0][~near], after[0][~near])
        changed = changed or not np.array_equal(before[0], after[0])
        for plane in (1, 2):
            far = ~near[:: form.chroma, :: form.chroma]
            assert np.array_equal(before[plane][far], after[plane][far])
    assert changed


def test_the_output_has_the_inputs_size_rate_and_length(tmp_path: Path) -> None:
    case = Scene(size=(121, 161)).write(tmp_path / "case")
    manifest = run(case, tmp_path / "run")
    before, after = clip_format(case / "input_video.mp4"), clip_format(manifest.outputs[0].path)
    assert (after.width, after.height, after.fps) == (before.width, before.height, before.fps)
    assert len(grey_frames(manifest.outputs[0].path)) == FRAMES
    assert after.colour == before.colour


def test_the_affected_region_keeps_the_input(tmp_path: Path) -> None:
    scene = Scene()
    scene.mask[:, 90:110, 100:140] = 127
    case = scene.write(tmp_path / "case")
    removal = prepare(case / "input_video.mp4", case / "quadmask_0.mp4", quiet, 0)
    original = read_planes(case / "input_video.mp4", removal.scene.form)
    for before, after in zip(original, removal.frames(), strict=True):
        assert np.array_equal(before[0][90:110, 100:140], after[0][90:110, 100:140])


def test_the_overlap_is_removed_too(tmp_path: Path) -> None:
    scene = Scene()
    overlap = scene.mask.copy()
    overlap[scene.mask == 0] = 63
    case = write_folder(tmp_path / "case", grey_video(scene.video), overlap)
    assert hole_psnr(grey_frames(run(case, tmp_path / "run").outputs[0].path), scene) > 36


def test_what_no_frame_shows_is_synthesised_and_said(tmp_path: Path) -> None:
    scene = Scene(speed=0.0)
    manifest = run(scene.write(tmp_path / "case"), tmp_path / "run")
    assert float(str(manifest.facts["plate_synthesised_share"])) > 0.3
    assert any("synthesised" in note for note in manifest.notes)
    result = grey_frames(manifest.outputs[0].path)
    inside = result[:, 40:72, 12:42]
    assert inside.min() > 30
    assert inside.std() > 10
    assert np.abs(np.diff(inside.astype(int), axis=0)).mean() < 1.5


def test_something_that_passes_in_front_is_not_taken_for_the_background(tmp_path: Path) -> None:
    scene = Scene(speed=0.0)
    scene.video[7, 44:60, 20:36] = 255
    scene.mask[7, 44:60, 20:36] = 255
    result = grey_frames(run(scene.write(tmp_path / "case"), tmp_path / "run").outputs[0].path)
    others = np.delete(result, 7, axis=0)[:, 44:60, 20:36]
    assert (others > 245).mean() < 0.02


def test_nothing_removed_gives_the_input_back(tmp_path: Path) -> None:
    scene = Scene()
    case = write_folder(tmp_path / "case", grey_video(scene.truth), np.full_like(scene.mask, 255))
    manifest = run(case, tmp_path / "run")
    assert manifest.facts["removed_share"] == 0
    assert any("removes nothing" in note for note in manifest.notes)
    before, after = grey_frames(case / "input_video.mp4"), grey_frames(manifest.outputs[0].path)
    assert np.abs(before.astype(int) - after).mean() < 1


def test_everything_removed_is_survived(tmp_path: Path) -> None:
    scene = Scene()
    case = write_folder(tmp_path / "case", grey_video(scene.truth), np.zeros_like(scene.mask))
    assert run(case, tmp_path / "run").facts["plate_synthesised_share"] == 1


@pytest.mark.parametrize("speed", [0.0, 7.0], ids=["synthesised", "gathered"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, speed: float) -> None:
    case = Scene(pan=1.0, speed=speed).write(tmp_path / "case")
    first, second = (run(case, tmp_path / name, seed=5).outputs[0].path.read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_mask_of_another_length_or_size_is_refused(tmp_path: Path) -> None:
    scene = Scene()
    case = write_folder(tmp_path / "case", grey_video(scene.video), scene.mask[:-1])
    with pytest.raises(RunFailed, match="length"):
        run(case, tmp_path / "a")
    case = write_folder(tmp_path / "case", grey_video(scene.video[:-1]), scene.mask)
    with pytest.raises(RunFailed, match="length"):
        run(case, tmp_path / "b")
    case = write_folder(tmp_path / "case", grey_video(scene.video), scene.mask[:, :100])
    with pytest.raises(RunFailed, match="size"):
        run(case, tmp_path / "c")


def test_cancelling_leaves_no_output(tmp_path: Path) -> None:
    calls = itertools.count()

    def stop(done: float, _message: str) -> None:
        next(calls)
        if done > 0.8:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(Scene().write(tmp_path / "case"), tmp_path / "run", progress=stop)
    assert next(calls) > FRAMES
    assert list((tmp_path / "run").iterdir()) == []


def test_progress_never_falls_and_ends_at_one(tmp_path: Path) -> None:
    seen: list[float] = []
    run(Scene().write(tmp_path / "case"), tmp_path / "run", progress=lambda done, _message: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)


def test_a_real_clip_runs_through(tmp_path: Path, samples: Path) -> None:
    folder = samples / "void" / "BigBen"
    inputs = {"video": folder / "input_video.mp4", "quadmask": folder / "trimask_quadmask.mp4"}
    manifest = PlateRunner().run(RunSpecification("plate", inputs), RunContext(tmp_path, quiet))
    assert (manifest.facts["frames"], manifest.facts["fps"]) == (50, 12.0)
    before, after = grey_frames(inputs["video"]), grey_frames(manifest.outputs[0].path)
    tower = grey_frames(inputs["quadmask"]) == 0
    assert np.abs(before.astype(int) - after)[~tower].mean() < 1.5
    assert np.abs(before.astype(int) - after)[tower].mean() > 20
