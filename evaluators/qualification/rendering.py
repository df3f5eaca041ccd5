"""Draw the simulated world: textured wall and floor, textured bodies, soft shadows, sensor noise.

Frames are RGB uint8 (height, width, 3). Everything is decided by the seed; a pixel that no body and no shadow
touches is the same number in two renderings of one frame, noise included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.world import Body, World

Image = NDArray[np.float32]
Frame = NDArray[np.uint8]

_NOISE_MARGIN = 96
_SHADOW_FLOOR = 0.012
"""Shadow weights below this are cut to zero so that a shadow has an exact footprint."""


class Camera(NamedTuple):
    """Picture offset in pixels: the world moves by (-x, +y) on screen."""

    x: float = 0.0
    y: float = 0.0


class Rendered(NamedTuple):
    """One clean frame (float32, before noise) and the coverage of each body (bool masks)."""

    picture: Image
    coverage: Mapping[str, NDArray[np.bool_]]


class _Sprite(NamedTuple):
    colour: Image
    alpha: Image


@dataclass(frozen=True)
class Light:
    """Where shadows fall (pixels) and how dark and soft they are."""

    shift: tuple[float, float] = (9.0, 7.0)
    softness: float = 5.0
    strength: float = 0.38
    contact: float = 0.45


class Stage:
    """Everything about a scene's look that does not move: built once, renders any poses."""

    def __init__(
        self, world: World, size: tuple[int, int], seed: int, *, noise: float = 1.8, light: Light | None = None
    ) -> None:
        self.world = world
        self.width, self.height = size
        self.metres_per_pixel = world.width / self.width
        self.light = light or Light()
        rng = np.random.default_rng((seed, 1))
        self._margin = (self.width // 2, self.height // 8)
        self._background = self._paint_background(rng)
        self._sprites = {body.name: self._paint_body(body, rng) for body in world.bodies}
        self._noise = self._noise_bank(np.random.default_rng((seed, 2)), noise)
        self._seed = seed

    def render(
        self,
        poses: Mapping[str, NDArray[np.float64]],
        frame: int,
        camera: Camera = Camera(),  # noqa: B008 - a NamedTuple is immutable
        *,
        opacity: Mapping[str, float] | None = None,
        shadows: Mapping[str, float] | None = None,
    ) -> Rendered:
        """Draw one frame without noise.

        `opacity` and `shadows` scale a body or its shadow (1 when not named, 0 leaves it out).
        """
        picture = self._view(camera)
        visible = [body for body in self.world.bodies if np.isfinite(poses[body.name][frame]).all()]
        weight = np.zeros((self.height, self.width), np.float32)
        for body in visible:
            share = (shadows or {}).get(body.name, 1.0)
            if share > 0:
                self._cast(weight, body, poses[body.name][frame], camera, share)
        picture *= (1.0 - np.minimum(weight, 0.75))[:, :, None]
        coverage = {}
        for body in visible:
            share = (opacity or {}).get(body.name, 1.0)
            coverage[body.name] = self._place(picture, body, poses[body.name][frame], camera, share)
        return Rendered(picture, coverage)

    def expose(self, picture: Image, frame: int, take: int = 0) -> Frame:
        """Return the uint8 frame with sensor noise; frames of one `take` share their noise."""
        rng = np.random.default_rng((self._seed, 3, frame, take))
        y, x = (int(v) for v in rng.integers(0, _NOISE_MARGIN, 2))
        noise = self._noise[y : y + self.height, x : x + self.width]
        noisy: Frame = np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
        return noisy

    def to_pixels(self, x: float, y: float, camera: Camera = Camera()) -> tuple[float, float]:  # noqa: B008
        """Return picture coordinates (column, row) of a point in metres."""
        scale = self.metres_per_pixel
        return x / scale - camera.x, self.height - y / scale + camera.y

    def _view(self, camera: Camera) -> Image:
        left, top = self._margin[0] + camera.x, self._margin[1] - camera.y
        if left == int(left) and top == int(top):
            rows = slice(int(top), int(top) + self.height)
            return self._background[rows, int(left) : int(left) + self.width].copy()
        matrix = np.array([[1, 0, -left], [0, 1, -top]], np.float32)
        shape = (self.width, self.height)
        moved = cv2.warpAffine(self._background, matrix, shape, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(moved, np.float32)

    def _paint_background(self, rng: np.random.Generator) -> Image:
        width, height = self.width + 2 * self._margin[0], self.height + 2 * self._margin[1]
        base = rng.uniform(105, 175, 3).astype(np.float32)
        wall: Image = base + _texture(rng, height, width, 22.0)
        wall += np.linspace(8, -8, height, dtype=np.float32)[:, None, None]
        for _ in range(7):
            x, y = int(rng.integers(0, width)), int(rng.integers(0, height // 2))
            w, h = (int(v) for v in rng.integers(self.height // 12, self.height // 4, 2))
            wall[y : y + h, x : x + w] += rng.uniform(-28, 28, 3).astype(np.float32)
        floor_row = self._margin[1] + round(self.height - self.world.floor / self.metres_per_pixel)
        floor = rng.uniform(70, 135, 3).astype(np.float32) + _texture(rng, height - floor_row, width, 14.0)
        wall[floor_row:] = floor
        return np.asarray(np.clip(wall, 20, 235), np.float32)

    def _paint_body(self, body: Body, rng: np.random.Generator) -> _Sprite:
        scale = self.metres_per_pixel
        width, height = body.size[0] / scale, body.size[1 if body.shape == "box" else 0] / scale
        columns, rows = math.ceil(width) + 4, math.ceil(height) + 4
        fine = 4
        alpha = np.zeros((rows * fine, columns * fine), np.uint8)
        centre = (columns * fine / 2, rows * fine / 2)
        if body.shape == "disc":
            cv2.circle(alpha, (round(centre[0]), round(centre[1])), round(width * fine / 2), 255, -1)
        else:
            corner = (round(centre[0] - width * fine / 2), round(centre[1] - height * fine / 2))
            opposite = (round(centre[0] + width * fine / 2) - 1, round(centre[1] + height * fine / 2) - 1)
            cv2.rectangle(alpha, corner, opposite, 255, -1)
        coarse = cv2.resize(alpha, (columns, rows), interpolation=cv2.INTER_AREA)
        small = np.asarray(coarse, np.float32) / np.float32(255)
        colour = _vivid(rng) + _texture(rng, rows, columns, 26.0)
        stripe = max(3, columns // 5)
        colour[:, :: stripe * 2] *= 0.7
        colour[rows // 3 : rows // 3 + max(2, rows // 8)] *= 1.3
        return _Sprite(np.clip(colour, 5, 250).astype(np.float32), small)

    def _noise_bank(self, rng: np.random.Generator, sigma: float) -> Image:
        shape = (self.height + _NOISE_MARGIN, self.width + _NOISE_MARGIN, 3)
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(sigma)

    def _patch(
        self, body: Body, pose: NDArray[np.float64], camera: Camera, grow: float
    ) -> tuple[slice, slice, NDArray[np.float32]] | None:
        """Return the rows and columns a body touches and the sprite-to-patch transform."""
        sprite = self._sprites[body.name]
        column, row = self.to_pixels(float(pose[0]), float(pose[1]), camera)
        reach = math.hypot(*sprite.alpha.shape) / 2 + grow
        left, right = max(0, math.floor(column - reach)), min(self.width, math.ceil(column + reach))
        top, bottom = max(0, math.floor(row - reach)), min(self.height, math.ceil(row + reach))
        if right <= left or bottom <= top:
            return None
        cosine, sine = math.cos(float(pose[2])), math.sin(float(pose[2]))
        middle = ((sprite.alpha.shape[1] - 1) / 2, (sprite.alpha.shape[0] - 1) / 2)
        shift_x = column - 0.5 - left - cosine * middle[0] - sine * middle[1]
        shift_y = row - 0.5 - top + sine * middle[0] - cosine * middle[1]
        matrix = np.array([[cosine, sine, shift_x], [-sine, cosine, shift_y]], np.float32)
        return slice(top, bottom), slice(left, right), matrix

    def _place(
        self, picture: Image, body: Body, pose: NDArray[np.float64], camera: Camera, opacity: float
    ) -> NDArray[np.bool_]:
        covered = np.zeros((self.height, self.width), bool)
        patch = self._patch(body, pose, camera, 2.0)
        if patch is None or opacity <= 0:
            return covered
        rows, columns, matrix = patch
        shape = (columns.stop - columns.start, rows.stop - rows.start)
        sprite = self._sprites[body.name]
        alpha = cv2.warpAffine(sprite.alpha, matrix, shape, flags=cv2.INTER_LINEAR)
        colour = cv2.warpAffine(sprite.colour, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha[alpha < 1 / 255] = 0
        covered[rows, columns] = alpha > 0
        alpha = (alpha * opacity)[:, :, None]
        picture[rows, columns] += (colour - picture[rows, columns]) * alpha
        return covered

    def _cast(
        self, weight: NDArray[np.float32], body: Body, pose: NDArray[np.float64], camera: Camera, share: float
    ) -> None:
        light = self.light
        grow = 3 * light.softness + max(abs(v) for v in light.shift)
        patch = self._patch(body, pose, camera, grow)
        if patch is None:
            return
        rows, columns, matrix = patch
        matrix = matrix + np.array([[0, 0, light.shift[0]], [0, 0, light.shift[1]]], np.float32)
        shape = (columns.stop - columns.start, rows.stop - rows.start)
        soft = cv2.warpAffine(self._sprites[body.name].alpha, matrix, shape, flags=cv2.INTER_LINEAR)
        soft = cv2.GaussianBlur(soft, (0, 0), light.softness) * light.strength
        soft = np.maximum(soft, self._contact(body, pose, camera, rows, columns))
        soft = np.maximum(soft - _SHADOW_FLOOR, 0) * share
        weight[rows, columns] = np.maximum(weight[rows, columns], soft)

    def _contact(
        self, body: Body, pose: NDArray[np.float64], camera: Camera, rows: slice, columns: slice
    ) -> NDArray[np.float32]:
        """Return the dark blob on the floor under a body; it fades with the body's height."""
        reach = body.extent / 2
        height = max(0.0, float(pose[1]) - reach - self.world.floor)
        strength = self.light.contact * math.exp(-height / 0.15)
        column, row = self.to_pixels(float(pose[0]), self.world.floor, camera)
        spread = max(3.0, 0.55 * body.size[0] / self.metres_per_pixel)
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - column) / spread
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5 - row) / 5.0
        blob = np.exp(-0.5 * (x[None, :] ** 2 + y[:, None] ** 2)).astype(np.float32) * np.float32(strength)
        return np.asarray(blob, np.float32)


def _texture(rng: np.random.Generator, height: int, width: int, amplitude: float) -> Image:
    """Return noise in four octaves (height, width, 3), zero in the mean."""
    total = np.zeros((height, width, 3), np.float32)
    for octave, share in ((64, 0.45), (24, 0.4), (9, 0.35), (3, 0.25)):
        shape: Sequence[int] = (max(2, height // octave), max(2, width // octave))
        coarse = rng.standard_normal((*shape, 1)).astype(np.float32)
        tint = rng.standard_normal((*shape, 3)).astype(np.float32) * 0.35
        total += share * cv2.resize(coarse + tint, (width, height), interpolation=cv2.INTER_CUBIC)
    scaled: Image = total * np.float32(amplitude)
    return scaled


def _vivid(rng: np.random.Generator) -> Image:
    """Return a saturated colour that stands out from the muted wall."""
    colour = np.array([rng.uniform(185, 235), rng.uniform(30, 90), rng.uniform(20, 120)], np.float32)
    return rng.permutation(colour).astype(np.float32)
