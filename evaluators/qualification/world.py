"""A small two-dimensional world of rigid bodies, simulated with pymunk.

Lengths are metres, angles radians, time seconds; x points right, y points up and y = 0 is the lower edge of
the picture. A simulation returns poses at the frame times, so rendering never touches the physics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAVITY = 9.81
_STEP = 1 / 480
"""Seconds per integration step: semi-implicit Euler then misplaces a fall by at most g t / 960."""

Poses = Mapping[str, NDArray[np.float64]]
"""Per body an array (frames, 3) of x, y, angle; NaN in frames where the body is not in the scene."""


class Role(StrEnum):
    """What a body is to the removal."""

    PRIMARY = "primary"
    AFFECTED = "affected"
    BYSTANDER = "bystander"


@dataclass(frozen=True)
class Body:
    """One rigid body: a `box` of `size` (width, height) or a `disc` of diameter `size[0]`."""

    name: str
    role: Role
    shape: str
    size: tuple[float, float]
    position: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)
    spin: float = 0.0
    friction: float = 0.6
    elasticity: float = 0.2
    fixed: bool = False
    path: Callable[[float], tuple[float, float]] | None = None
    """Where a driven body is at time t; it pushes others and nothing pushes it."""
    held: bool = False
    """Follows `path` only while the primary body is there; without it the body is free."""

    @property
    def extent(self) -> float:
        """The larger side, in metres."""
        return max(self.size)


@dataclass(frozen=True)
class World:
    """Bodies over a floor; `width` and `height` are the metres that the picture shows."""

    bodies: tuple[Body, ...]
    floor: float
    width: float
    height: float


@dataclass(frozen=True)
class Dynamics:
    """How the affected bodies are moved. The default is the real world."""

    gravity: float = GRAVITY
    """Downward acceleration of affected bodies; negative is upward."""
    velocity_change: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Added to a body's initial velocity: perturbed initial conditions."""
    elasticity_factor: float = 1.0
    friction_factor: float = 1.0


REAL = Dynamics()


def simulate(
    world: World, frames: int, fps: float, *, with_primary: bool, dynamics: Dynamics = REAL
) -> dict[str, NDArray[np.float64]]:
    """Return the poses of every body at the frame times 0, 1/fps, 2/fps ...

    Without the primary its poses are NaN and bodies that it held are free from the first instant.
    """
    import pymunk

    space = pymunk.Space()
    space.iterations = 30
    space.gravity = (0.0, -GRAVITY)
    floor = pymunk.Segment(space.static_body, (-50.0, world.floor - 1.0), (50.0, world.floor - 1.0), 1.0)
    floor.friction, floor.elasticity = 0.7, 0.6
    space.add(floor)
    present = [body for body in world.bodies if with_primary or body.role is not Role.PRIMARY]
    bodies = {spec.name: _add(space, spec, with_primary, dynamics) for spec in present}
    poses = {spec.name: np.full((frames, 3), np.nan) for spec in world.bodies}
    steps = max(1, round(1 / (fps * _STEP)))
    step = 1 / (fps * steps)
    for frame in range(frames):
        for name, body in bodies.items():
            poses[name][frame] = (*body.position, body.angle)
        for number in range(steps):
            _drive(present, bodies, frame / fps + number * step, step, with_primary)
            space.step(step)
    return poses


def _is_driven(spec: Body, with_primary: bool) -> bool:
    return spec.path is not None and (with_primary or not spec.held)


def _drive(present: list[Body], bodies: dict[str, Any], time: float, step: float, with_primary: bool) -> None:
    for spec in present:
        if spec.path is not None and _is_driven(spec, with_primary):
            here, there = spec.path(time), spec.path(time + step)
            bodies[spec.name].velocity = ((there[0] - here[0]) / step, (there[1] - here[1]) / step)


def _add(space: Any, spec: Body, with_primary: bool, dynamics: Dynamics) -> Any:
    import pymunk

    body = _make_body(spec, with_primary)
    body.position = spec.path(0.0) if spec.path is not None else spec.position
    affected = spec.role is Role.AFFECTED
    if body.body_type == pymunk.Body.DYNAMIC:
        extra = dynamics.velocity_change.get(spec.name, (0.0, 0.0))
        initial = _release_velocity(spec) if spec.path is not None else spec.velocity
        body.velocity = (initial[0] + extra[0], initial[1] + extra[1])
        body.angular_velocity = spec.spin
        if affected and dynamics.gravity != GRAVITY:
            body.velocity_func = _own_gravity(dynamics.gravity)
    disc = spec.shape == "disc"
    shape: Any = pymunk.Circle(body, spec.size[0] / 2) if disc else pymunk.Poly.create_box(body, spec.size)
    shape.friction = spec.friction * (dynamics.friction_factor if affected else 1.0)
    shape.elasticity = spec.elasticity * (dynamics.elasticity_factor if affected else 1.0)
    space.add(body, shape)
    return body


def _make_body(spec: Body, with_primary: bool) -> Any:
    import pymunk

    if spec.fixed:
        return pymunk.Body(body_type=pymunk.Body.STATIC)
    if _is_driven(spec, with_primary):
        return pymunk.Body(body_type=pymunk.Body.KINEMATIC)
    mass = 1.0
    if spec.shape == "disc":
        return pymunk.Body(mass, pymunk.moment_for_circle(mass, 0.0, spec.size[0] / 2))
    return pymunk.Body(mass, pymunk.moment_for_box(mass, spec.size))


def _release_velocity(spec: Body) -> tuple[float, float]:
    assert spec.path is not None  # noqa: S101 - only called for driven bodies
    moment = 1e-4
    here, there = spec.path(0.0), spec.path(moment)
    return ((there[0] - here[0]) / moment, (there[1] - here[1]) / moment)


def _own_gravity(gravity: float) -> Callable[[Any, Any, float, float], None]:
    import pymunk

    def update(body: Any, _gravity: Any, damping: float, step: float) -> None:
        pymunk.Body.update_velocity(body, (0.0, -gravity), damping, step)

    return update


def rests(poses: NDArray[np.float64], fps: float, speed: float = 0.02) -> NDArray[np.bool_]:
    """Return per frame whether a body moves slower than `speed` (m/s) until the next frame."""
    steps = np.diff(poses[:, :2], axis=0)
    slow = np.hypot(steps[:, 0], steps[:, 1]) * fps < speed
    return np.append(slow, slow[-1] if len(slow) else True)


def smooth_step(time: float, start: float, end: float) -> float:
    """Return 0 before `start`, 1 after `end`, and a cosine ramp between."""
    share = min(1.0, max(0.0, (time - start) / (end - start)))
    return 0.5 - 0.5 * math.cos(math.pi * share)
