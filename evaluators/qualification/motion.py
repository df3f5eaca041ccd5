"""Corruptions and variations of the motion: paths that physics does not allow, drawn as faithfully as the truth.

Each takes the scene, a severity and a generator, and returns the clip or None where the scene has no such motion
to spoil (nothing is affected, nothing falls, or nothing is in view long enough).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.scenes import Scene
from evaluators.qualification.world import GRAVITY, Dynamics, rests

Video = NDArray[np.uint8]
Path = NDArray[np.float64]
_SLIDE_LOSS = 0.5
"""Deceleration (m/s²) of a body that slides without a cause."""


def hover(scene: Scene, severity: float, rng: np.random.Generator) -> Video | None:
    """Hold falling bodies in the air for a share of the clip, then let them go on."""
    if not _falls(scene):
        return None
    held = max(2, round(severity * scene.frames))
    start = int(rng.integers(2, 4)) if scene.family == "deflected" else 0
    index = np.arange(scene.frames)
    index = np.where(index < start, index, np.maximum(start, index - held))
    return scene.render(_altered(scene, {name: scene.true_poses[name][index] for name in scene.affected}))


def upward(scene: Scene, severity: float, _rng: np.random.Generator) -> Video | None:
    """Turn gravity upside down for the affected bodies."""
    return _with_gravity(scene, -severity) if scene.affected else None


def gravity_low(scene: Scene, severity: float, _rng: np.random.Generator) -> Video | None:
    """Take a share of gravity away; all of it leaves a released body in the air."""
    return _with_gravity(scene, 1 - severity) if _falls(scene) else None


def gravity_high(scene: Scene, severity: float, _rng: np.random.Generator) -> Video | None:
    """Multiply gravity."""
    return _with_gravity(scene, severity) if _falls(scene) else None


def teleport(scene: Scene, severity: float, rng: np.random.Generator) -> Video | None:
    """Let one body continue elsewhere from one frame to the next, `severity` times its size away."""
    chosen = _choose(scene, rng)
    if chosen is None:
        return None
    name, moment = chosen
    path = scene.true_poses[name].copy()
    distance = severity * _extent(scene, name)
    world = scene.layout.world
    x, y = path[moment, :2]
    sign = 1.0 if x < world.width / 2 else -1.0
    upwards = rng.random() < 0.3 and y + distance < 0.9 * world.height
    path[moment:, :2] += (0.0, distance) if upwards else (sign * distance, 0.0)
    return scene.render(_altered(scene, {name: path}))


def vanish(scene: Scene, severity: float, rng: np.random.Generator) -> Video | None:
    """Let one body be gone for some frames (999: for good), its shadow too."""
    chosen = _choose(scene, rng)
    if chosen is None:
        return None
    name, moment = chosen
    path = scene.true_poses[name].copy()
    path[moment : moment + int(severity)] = np.nan
    return scene.render(_altered(scene, {name: path}))


def sideways_drift(scene: Scene, severity: float, _rng: np.random.Generator) -> Video | None:
    """Push every affected body sideways with a constant acceleration."""
    if not scene.affected:
        return None
    time = np.arange(scene.frames) / scene.fps
    paths = {}
    for name in scene.affected:
        path = scene.true_poses[name].copy()
        sign = 1.0 if path[0, 0] < scene.layout.world.width / 2 else -1.0
        path[:, 0] += sign * severity * time**2 / 2
        paths[name] = path
    return scene.render(_altered(scene, paths))


def unprompted(scene: Scene, severity: float, rng: np.random.Generator) -> Video | None:
    """Let a body at rest start to slide or hop, or a flying one swerve, with nothing near it."""
    if not scene.affected:
        return None
    name = str(rng.choice(scene.affected))
    path = scene.true_poses[name].copy()
    moment = _resting_moment(scene, path, rng)
    if moment is None:
        return None
    after = np.maximum(0, np.arange(scene.frames) - moment) / scene.fps
    slide = np.minimum(after, severity / _SLIDE_LOSS)
    sign = 1.0 if path[moment, 0] < scene.layout.world.width / 2 else -1.0
    path[:, 0] += sign * (severity * slide - _SLIDE_LOSS * slide**2 / 2)
    if rng.random() < 0.5:
        path[:, 1] += np.maximum(0, 1.5 * severity * after - GRAVITY * after**2 / 2)
    return scene.render(_altered(scene, {name: path}))


def perturbed(scene: Scene, severity: float, rng: np.random.Generator) -> Video | None:
    """Simulate again from slightly other initial velocities, bounciness and friction: as plausible as the truth."""
    if not scene.affected:
        return None
    changes = {}
    for name in scene.affected:
        moves = not rests(scene.true_poses[name], scene.fps)[0]
        push = rng.standard_normal(2) * severity if moves or _falls(scene) else np.zeros(2)
        changes[name] = (float(push[0]), float(-abs(push[1])))
    bounce, grip = rng.uniform(0.7, 1.3, 2)
    dynamics = Dynamics(velocity_change=changes, elasticity_factor=float(bounce), friction_factor=float(grip))
    return scene.render(scene.simulate(dynamics))


def _with_gravity(scene: Scene, factor: float) -> Video:
    return scene.render(scene.simulate(Dynamics(gravity=GRAVITY * factor)))


def _altered(scene: Scene, paths: dict[str, Path]) -> dict[str, Path]:
    return {**scene.true_poses, **paths}


def _falls(scene: Scene) -> bool:
    """Return whether some affected body comes down by more than half its size."""
    drops = [float(np.ptp(scene.true_poses[name][:, 1])) / _extent(scene, name) for name in scene.affected]
    return max(drops, default=0.0) > 0.5


def _extent(scene: Scene, name: str) -> float:
    return next(body.extent for body in scene.layout.world.bodies if body.name == name)


def _in_view(scene: Scene, name: str) -> int:
    """Return the number of frames until a body first touches the picture's side."""
    reach = _extent(scene, name) / 2 / scene.metres_per_pixel
    width = scene.quadmask.shape[2]
    for frame, place in enumerate(scene.track(scene.true_poses[name])):
        if place is None or not reach <= place[0] <= width - reach:
            return frame
    return scene.frames


def _choose(scene: Scene, rng: np.random.Generator) -> tuple[str, int] | None:
    """Return a body and a frame well inside the time that it is in view."""
    if not scene.affected:
        return None
    name = str(rng.choice(scene.affected))
    seen = _in_view(scene, name)
    return (name, int(rng.integers(3, max(4, round(0.7 * seen))))) if seen >= 7 else None


def _resting_moment(scene: Scene, path: Path, rng: np.random.Generator) -> int | None:
    seen = _in_view_of(scene, path)
    resting = np.flatnonzero(rests(path, scene.fps)[:seen])
    lasting = [int(frame) for frame in resting if 4 <= frame <= 0.75 * scene.frames]
    if lasting:
        return lasting[int(rng.integers(len(lasting)))]
    return int(rng.integers(3, max(4, round(0.6 * seen)))) if seen >= 7 else None


def _in_view_of(scene: Scene, path: Path) -> int:
    width = scene.layout.world.width
    outside = np.flatnonzero((path[:, 0] < 0.05 * width) | (path[:, 0] > 0.95 * width))
    return int(outside[0]) if len(outside) else scene.frames
