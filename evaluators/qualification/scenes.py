"""Simulated clips with the truth beside them: the input, what it would be without the object, the exact mask.

The truth is a second simulation of the same world from which the object is absent from the first instant, drawn
with the same light and the same sensor noise, so the two clips are equal wherever the mask says keep.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import EvaluatorError
from evaluators.qualification.encoding import write_video
from evaluators.qualification.families import BUILDERS, Layout, lay_out
from evaluators.qualification.rendering import Camera, Frame, Rendered, Stage
from evaluators.qualification.world import REAL, Dynamics, Poses, Role, simulate

FAMILIES: tuple[str, ...] = tuple(BUILDERS)
REMOVE, OVERLAP, AFFECTED, KEEP = 0, 63, 127, 255


@dataclass(frozen=True)
class Scene:
    """One simulated case. Videos are RGB uint8 (frames, height, width, 3); masks uint8 (frames, height, width)."""

    family: str
    seed: int
    fps: float
    metres_per_pixel: float
    prompt: str
    video: NDArray[np.uint8]
    """The input, with the object."""
    counterfactual: NDArray[np.uint8]
    """The truth: the object was never there; same noise as the input."""
    quadmask: NDArray[np.uint8]
    """0 remove, 63 remove and affected, 127 affected, 255 keep; frame 0 has no 127."""
    input_poses: Poses
    true_poses: Poses
    stage: Stage
    layout: Layout
    cameras: tuple[Camera, ...]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.video)

    @property
    def affected(self) -> tuple[str, ...]:
        """Names of the bodies that the removal moves."""
        return tuple(b.name for b in self.layout.world.bodies if b.role is Role.AFFECTED)

    def metadata(self) -> dict[str, object]:
        """Family, seed, scale and true tracks in pixels (column, row; None when absent), as JSON values."""
        return {
            "family": self.family,
            "seed": self.seed,
            "fps": self.fps,
            "metres_per_pixel": self.metres_per_pixel,
            "affected": list(self.affected),
            "true_tracks_px": {name: self.track(self.true_poses[name]) for name in self.affected},
        }

    def track(self, poses: NDArray[np.float64]) -> list[tuple[float, float] | None]:
        """Return a body's place in picture coordinates per frame."""
        return [
            self.stage.to_pixels(float(x), float(y), camera) if np.isfinite(x) else None
            for (x, y, _angle), camera in zip(poses, self.cameras, strict=True)
        ]

    def simulate(self, dynamics: Dynamics) -> dict[str, NDArray[np.float64]]:
        """Return the poses without the object under other dynamics."""
        return simulate(self.layout.world, self.frames, self.fps, with_primary=False, dynamics=dynamics)

    def render(
        self,
        poses: Poses,
        *,
        take: int = 0,
        opacity: Callable[[int], Mapping[str, float]] | None = None,
        shadows: Callable[[int], Mapping[str, float]] | None = None,
    ) -> NDArray[np.uint8]:
        """Draw poses as a clip; another `take` has other sensor noise. Shares are given per frame number."""
        video = np.empty_like(self.video)
        for frame, camera in enumerate(self.cameras):
            drawn = self.stage.render(
                poses, frame, camera, opacity=opacity and opacity(frame), shadows=shadows and shadows(frame)
            )
            video[frame] = self.stage.expose(drawn.picture, frame, take)
        return video


def make_scene(
    family: str,
    seed: int,
    frames: int = 48,
    size: tuple[int, int] = (672, 384),
    fps: float = 12.0,
    *,
    noise: float = 1.8,
    shadow_in_primary: bool | None = None,
) -> Scene:
    """Simulate and draw one scene; the same arguments give the same bytes.

    `size` is (width, height) in pixels, `noise` the sensor noise in grey levels. `shadow_in_primary` labels the
    object's shadow 0 with the object (True) or 127 (False; on frame 0 it is always 0); None asks the family.
    Raises EvaluatorError for an unknown family or less than two frames.
    """
    if family not in BUILDERS:
        raise EvaluatorError(f"There is no scene family '{family}'; choose one of {', '.join(FAMILIES)}.")
    if frames < 2:
        raise EvaluatorError("A scene needs at least two frames.")
    layout = lay_out(family, seed, size)
    with_shadow = layout.shadow_in_primary if shadow_in_primary is None else shadow_in_primary
    stage = Stage(layout.world, size, _mix(family, seed), noise=noise)
    poses = simulate(layout.world, frames, fps, with_primary=True)
    truth = simulate(layout.world, frames, fps, with_primary=False, dynamics=REAL)
    cameras = tuple(layout.camera(frame / fps) for frame in range(frames))
    shape = (frames, size[1], size[0])
    video, counterfactual = np.empty((*shape, 3), np.uint8), np.empty((*shape, 3), np.uint8)
    quadmask = np.empty(shape, np.uint8)
    for frame, camera in enumerate(cameras):
        seen, true = stage.render(poses, frame, camera), stage.render(truth, frame, camera)
        video[frame], counterfactual[frame] = stage.expose(seen.picture, frame), stage.expose(true.picture, frame)
        quadmask[frame] = _label(seen, true, layout, with_shadow, first=frame == 0)
    return Scene(
        family, seed, fps, stage.metres_per_pixel, layout.prompt, video, counterfactual, quadmask,
        poses, truth, stage, layout, cameras,
    )  # fmt: skip


def hanging_scene(seed: int = 1) -> Scene:
    """Return a scene that a static clean plate gets wrong: the support goes and the object hangs in the air."""
    return make_scene("support_loss", seed, shadow_in_primary=True)


def passing_scene(seed: int = 2) -> Scene:
    """Return a scene that a clean plate solves: a prop and its shadow, all inside the mask, cross the room."""
    return make_scene("prop_shadow", seed, shadow_in_primary=True)


def write_scene(scene: Scene, folder: Path, reference: Path | None = None) -> Path:
    """Write `input_video.mp4`, `quadmask_0.mp4`, `prompt.json` and `scale.json` into `folder`; return it.

    The truth goes to the file `reference` when one is named: a remover that reads the folder never sees it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_video(scene.video, folder / "input_video.mp4", scene.fps)
    write_video(scene.quadmask, folder / "quadmask_0.mp4", scene.fps, lossless=True)
    _write_json(folder / "prompt.json", {"bg": scene.prompt})
    _write_json(folder / "scale.json", {"metres_per_pixel": scene.metres_per_pixel})
    if reference is not None:
        reference.parent.mkdir(parents=True, exist_ok=True)
        write_video(scene.counterfactual, reference, scene.fps)
    return folder


def _label(seen: Rendered, true: Rendered, layout: Layout, with_shadow: bool, *, first: bool) -> Frame:
    """Return the quadmask of one frame; every pixel whose true value differs from the input's is labelled."""
    nothing = np.zeros(seen.picture.shape[:2], bool)
    primary, affected = nothing.copy(), nothing.copy()
    for body in layout.world.bodies:
        if body.role is Role.PRIMARY:
            primary |= seen.coverage.get(body.name, nothing)
        elif body.role is Role.AFFECTED:
            affected |= seen.coverage.get(body.name, nothing) | true.coverage.get(body.name, nothing)
    differs = (seen.picture != true.picture).any(axis=2)
    if first:
        return np.where(primary | differs, REMOVE, KEEP).astype(np.uint8)
    rest = differs & ~primary & ~affected
    if with_shadow:
        primary |= rest
    else:
        affected |= rest
    label = np.full(primary.shape, KEEP, np.uint8)
    label[affected] = AFFECTED
    label[primary] = REMOVE
    label[primary & affected] = OVERLAP
    return label


def _mix(family: str, seed: int) -> int:
    return seed * 1009 + zlib.crc32(family.encode()) % 1009


def _write_json(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
