"""The families of simulated scenes: what stands where, who holds, hits or supports whom.

Every builder draws its sizes from the generator that it is given and returns a `Layout` in metres.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluators.qualification.rendering import Camera
from evaluators.qualification.world import Body, Role, World, smooth_step

Path = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Layout:
    """A world, the words of its prompt, and the camera's path over time."""

    world: World
    prompt: str
    camera: Callable[[float], Camera] = lambda _time: Camera()
    shadow_in_primary: bool = False
    """Whether the primary's shadow is labelled 0 with it (else 127: it goes with the object)."""


@dataclass(frozen=True)
class _Room:
    """The metres a picture shows, and the generator that furnishes it."""

    rng: np.random.Generator
    width: float
    height: float

    @property
    def floor(self) -> float:
        return 0.1 * self.height

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def affected(self, name: str, x: float, bottom: float, **more: object) -> Body:
        """Return a free body whose lower edge is at `bottom`."""
        shape = "disc" if self.rng.random() < 0.5 else "box"
        side = self.uniform(0.11, 0.16) * self.height
        size = (side, side if shape == "disc" else side * self.uniform(0.8, 1.2))
        bounce = self.uniform(0.1, 0.4)
        body = Body(name, Role.AFFECTED, shape, size, (x, bottom + size[1] / 2), elasticity=bounce)
        return Body(**{**body.__dict__, **more})

    def world(self, *bodies: Body) -> World:
        return World(bodies, self.floor, self.width, self.height)


def _support_loss(room: _Room) -> Layout:
    """One or two objects rest on the block that is removed, and fall."""
    tall = room.uniform(0.38, 0.55) * room.height
    wide = room.uniform(0.3, 0.42) * room.height
    x = room.uniform(0.35, 0.65) * room.width
    block = Body("support", Role.PRIMARY, "box", (wide, tall), (x, room.floor + tall / 2), fixed=True)
    top = room.floor + tall
    if room.rng.random() < 0.3:
        pair = (room.affected("left", x - wide * 0.27, top), room.affected("right", x + wide * 0.27, top))
        return Layout(room.world(block, *pair), "An empty room; two objects lie on the floor.")
    one = room.affected("object", x + room.uniform(-0.15, 0.15) * wide, top)
    return Layout(room.world(block, one), "An empty room; an object lies on the floor.")


def _held(room: _Room) -> Layout:
    """A rod from above holds an object, still or swaying; without it the object drops."""
    x, bottom = room.uniform(0.3, 0.7) * room.width, room.uniform(0.5, 0.62) * room.height
    sway, pace = room.uniform(0.0, 0.05) * room.width, room.uniform(0.15, 0.3)
    item = room.affected("object", x, bottom)
    height = item.position[1]
    item = Body(**{**item.__dict__, "path": _sway(x, height, sway, pace), "held": True})
    top = height + item.size[1] / 2
    long = 1.1 * room.height - top
    rod_size = (room.uniform(0.05, 0.09) * room.height, long)
    rod = Body("rod", Role.PRIMARY, "box", rod_size, (x, top + long / 2), path=_sway(x, top + long / 2, sway, pace))
    return Layout(room.world(rod, item), "An empty room; an object lies on the floor.")


def _deflected(room: _Room) -> Layout:
    """A thrown object meets a post and bounces off; without the post it flies on."""
    post_size = (room.uniform(0.06, 0.1) * room.width, room.uniform(0.75, 0.88) * room.height)
    post_x = room.uniform(0.5, 0.6) * room.width
    post = Body("post", Role.PRIMARY, "box", post_size, (post_x, room.floor + post_size[1] / 2), fixed=True)
    item = room.affected("object", 0.0, 0.0)
    start = (room.uniform(0.1, 0.16) * room.width, room.uniform(0.5, 0.62) * room.height)
    speed = (room.uniform(0.33, 0.42) * room.width / 0.5, room.uniform(0.6, 1.2) * math.sqrt(room.height))
    item = Body(**{**item.__dict__, "position": start, "velocity": speed, "elasticity": 0.3})
    return Layout(room.world(post, item), "An empty room; a thrown object flies through it.")


def _hit(room: _Room) -> Layout:
    """A rolling ball pushes a resting object away; without the ball it stays."""
    side = room.uniform(0.2, 0.27) * room.height
    ball = Body(
        "ball", Role.PRIMARY, "disc", (side, side), (room.uniform(0.02, 0.12) * room.width, room.floor + side / 2),
        velocity=(room.uniform(0.35, 0.5) * room.width, 0.0), elasticity=0.5,
    )  # fmt: skip
    target = room.affected("object", room.uniform(0.45, 0.58) * room.width, room.floor)
    target = Body(**{**target.__dict__, "shape": "box", "size": (target.size[0], target.size[0])})
    target = Body(**{**target.__dict__, "position": (target.position[0], room.floor + target.size[1] / 2)})
    return Layout(room.world(ball, target), "An empty room; an object rests on the floor.")


def _prop_shadow(room: _Room) -> Layout:
    """A prop crosses the room with its shadow and touches nothing."""
    size = (room.uniform(0.2, 0.3) * room.height, room.uniform(0.2, 0.32) * room.height)
    height = room.floor + size[1] / 2 + room.uniform(0.02, 0.3) * room.height
    start, reach = -0.6 * size[0], room.width + 1.2 * size[0]
    duration, bob = room.uniform(3.0, 3.8), room.uniform(0.0, 0.03) * room.height

    def path(time: float) -> tuple[float, float]:
        return start + reach * time / duration, height + bob * math.sin(4 * time)

    prop = Body("prop", Role.PRIMARY, "box", size, path(0.0), path=path)
    return Layout(room.world(prop), "An empty room.", shadow_in_primary=True)


def _stack(room: _Room) -> Layout:
    """Two objects lie one on the other on the block that is removed."""
    tall = room.uniform(0.3, 0.4) * room.height
    wide = room.uniform(0.2, 0.28) * room.height
    x = room.uniform(0.35, 0.65) * room.width
    block = Body("support", Role.PRIMARY, "box", (wide, tall), (x, room.floor + tall / 2), fixed=True)
    lower = room.affected("lower", x, room.floor + tall)
    size = (lower.size[0] * 1.3, lower.size[0] * 0.9)
    lower = Body(**{**lower.__dict__, "shape": "box", "size": size, "position": (x, room.floor + tall + size[1] / 2)})
    upper = room.affected("upper", x, room.floor + tall + size[1])
    return Layout(room.world(block, lower, upper), "An empty room; two objects lie on the floor.")


def _ledge(room: _Room) -> Layout:
    """A ball rolls along a table and a post at its end stops it; without the post it rolls off and falls."""
    tall, long = room.uniform(0.35, 0.5) * room.height, room.uniform(0.5, 0.6) * room.width
    table = Body(
        "table", Role.BYSTANDER, "box", (long, tall), (long / 2 - 0.02 * room.width, room.floor + tall / 2), fixed=True
    )
    edge, top = table.position[0] + long / 2, room.floor + tall
    side = room.uniform(0.11, 0.16) * room.height
    wide = room.uniform(0.04, 0.06) * room.width
    post = Body("post", Role.PRIMARY, "box", (wide, 2.2 * side), (edge - wide / 2, top + 1.1 * side), fixed=True)
    start = edge - room.uniform(0.25, 0.32) * room.width
    ball = Body(
        "object", Role.AFFECTED, "disc", (side, side), (start, top + side / 2),
        velocity=(room.uniform(0.3, 0.42) * room.width, 0.0), elasticity=0.3,
    )  # fmt: skip
    return Layout(room.world(table, post, ball), "A table in an empty room; a ball rolls off it.")


def _toss(room: _Room) -> Layout:
    """An object is thrown up and a board overhead throws it back; without the board it rises and falls freely."""
    x, board_height = room.uniform(0.35, 0.65) * room.width, room.uniform(0.66, 0.74) * room.height
    board = Body(
        "board", Role.PRIMARY, "box", (room.uniform(0.3, 0.4) * room.width, 0.06 * room.height),
        (x, board_height), fixed=True,
    )  # fmt: skip
    item = room.affected("object", x, room.floor + 0.12 * room.height)
    rise = room.uniform(0.8, 0.86) * room.height - item.position[1]
    speed = (room.uniform(-0.06, 0.06) * room.width, math.sqrt(2 * 9.81 * rise))
    item = Body(**{**item.__dict__, "velocity": speed})
    return Layout(room.world(board, item), "An empty room; an object is thrown up and comes down.")


def _pan(room: _Room) -> Layout:
    """One of the others, filmed by a camera that pans."""
    inner = (_support_loss, _held, _hit)[int(room.rng.integers(3))](room)
    reach = room.uniform(0.08, 0.2) * float(room.rng.choice((-1, 1))) * 672
    rise = room.uniform(-0.02, 0.02) * 384
    start = room.uniform(0.0, 0.5)

    def camera(time: float) -> Camera:
        share = smooth_step(time, start, start + 3.0)
        return Camera(reach * share, rise * share)

    return Layout(inner.world, inner.prompt, camera)


def _sway(x: float, y: float, reach: float, pace: float) -> Path:
    def path(time: float) -> tuple[float, float]:
        return x + reach * math.sin(2 * math.pi * pace * time), y

    return path


BUILDERS: dict[str, Callable[[_Room], Layout]] = {
    "support_loss": _support_loss,
    "held": _held,
    "deflected": _deflected,
    "hit": _hit,
    "prop_shadow": _prop_shadow,
    "stack": _stack,
    "ledge": _ledge,
    "toss": _toss,
    "pan": _pan,
}
"""Every family by name."""


def lay_out(family: str, seed: int, size: tuple[int, int]) -> Layout:
    """Return the layout of a family's scene; pictures show 4.5 to 7 mm per pixel at 672 pixels' width."""
    rng = np.random.default_rng((seed, zlib.crc32(family.encode()), 7))
    width = float(rng.uniform(4.5e-3, 7e-3)) * 672
    return BUILDERS[family](_Room(rng, width, width * size[1] / size[0]))
