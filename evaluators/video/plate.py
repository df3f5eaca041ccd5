"""The clean background plate that the input itself shows: what each place looks like while the mask keeps it.

Frames are laid onto one canvas along the camera's motion, and only kept pixels are averaged, so neither the
object nor anything it affects is in the plate; what passes over kept ground less than half of the time is left out.
Held at a quarter of the working size: shadows are soft, and a hundred times the frames fit in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.flow import Image
from evaluators.frames import Moment
from evaluators.video.channels import mean_channel

Floats = NDArray[np.float32]
SHRINK = 4
LEAST_VIEWS = 3
NOISE = 2.0
"""Grey levels by which the same place differs between frames without anything passing over it."""
LARGEST_CANVAS = 4.0
"""The camera may show at most so many times its frame's area; past that the plate is not made."""


class Small(NamedTuple):
    """A quarter-size frame: output and input (h, w, 3) uint8 BGR, regions (h, w) uint8 0/1."""

    output: Image
    input: Image
    kept: Image
    removed: Image
    affected: Image


class Seen(NamedTuple):
    """One frame against the plate: signed differences (h, w, 3) in grey levels, the plate, and where it is known."""

    output: Floats
    input: Floats
    plate: Floats
    known: NDArray[np.bool_]


def shrink(moment: Moment) -> Small:
    """Return the quarter-size copy of a moment; a small pixel is kept only if all of it is."""
    height, width = moment.regions.kept.shape
    size = (max(width // SHRINK, 1), max(height // SHRINK, 1))

    def cover(region: Image, least: int) -> Image:
        share = cv2.resize(region * np.uint8(255), size, interpolation=cv2.INTER_AREA)
        return np.asarray(share >= least, np.uint8)

    output, source = quarter(moment.output.bgr), quarter(moment.input.bgr)
    regions = moment.regions
    return Small(output, source, cover(regions.kept, 255), cover(regions.removed, 128), cover(regions.affected, 128))


def quarter(picture: Image) -> Image:
    """Return a picture at a quarter of its size, by area."""
    size = (max(picture.shape[1] // SHRINK, 1), max(picture.shape[0] // SHRINK, 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass
class Stack:
    """Small frames in order with the camera's pose of each; shows each frame against the plate."""

    frames: list[Small] = field(default_factory=list)
    poses: list[NDArray[np.float64]] = field(default_factory=list)
    """Frame -> first frame, 3x3, in small pixels."""

    def add(self, small: Small, camera: NDArray[np.float64] | None) -> None:
        """Add the next frame; `camera` is the affine motion from the frame before it, None where unknown."""
        if not self.poses:
            pose = np.eye(3)
        else:
            pose = self.poses[-1] if camera is None else self.poses[-1] @ np.linalg.inv(_small_step(camera))
        self.frames.append(small)
        self.poses.append(pose)

    def earlier(self, index: int, lag: int) -> Small:
        """Return frame `index - lag` as the camera of frame `index` would have seen it; nothing is kept outside."""
        then, now = self.frames[index - lag], self.frames[index]
        step = np.linalg.inv(self.poses[index]) @ self.poses[index - lag]
        if np.allclose(step, np.eye(3), atol=1e-3):
            return then
        size = (now.kept.shape[1], now.kept.shape[0])

        def laid(image: Image, how: int = cv2.INTER_NEAREST) -> Image:
            return np.asarray(cv2.warpAffine(image, step[:2], size, flags=how), np.uint8)

        pictures = (laid(then.output, cv2.INTER_LINEAR), laid(then.input, cv2.INTER_LINEAR))
        regions = cv2.split(laid(np.asarray(cv2.merge([then.kept, then.removed, then.affected]), np.uint8)))
        return Small(*pictures, *(np.asarray(region, np.uint8) for region in regions))

    def views(self, clear: int = 0) -> list[Seen] | None:
        """Return every frame against the plate, or None when the camera travels too far for one canvas.

        Pixels within `clear` small pixels of R are kept out of the plate: the object's shadow may lie there.
        """
        if not self.frames:
            return []
        height, width = self.frames[0].kept.shape
        canvas = _canvas(self.poses, width, height)
        if canvas is None:
            return None
        shift, size = canvas
        mean, count = self._plate(shift, size, clear)
        return [self._view(i, shift, mean, count) for i in range(len(self.frames))]

    def _plate(self, shift: NDArray[np.float64], size: tuple[int, int], clear: int) -> tuple[Floats, Floats]:
        """The mean of what is seen most of the time, and in how many frames each place is seen.

        A shadow that passes over kept ground darkens it in some frames. Against the plain mean of all frames, samples
        of the rarer kind always lie beyond one standard deviation and those of the commoner kind within it.
        """
        total, squares, count = self._accumulate(shift, size, clear, None)
        seen = np.maximum(count, 1e-6)
        mean = total / seen[..., None]
        reach = np.sqrt(np.maximum(squares / seen - mean_channel(mean) ** 2, 0)) + NOISE
        usual, _, kept = self._accumulate(shift, size, clear, (mean_channel(mean), reach))
        plate = np.where(kept[..., None] > 0, usual / np.maximum(kept, 1e-6)[..., None], mean)
        return np.asarray(plate, np.float32), count

    def _accumulate(
        self, shift: NDArray[np.float64], size: tuple[int, int], clear: int, usual: tuple[Floats, Floats] | None
    ) -> tuple[Floats, Floats, Floats]:
        """Sums of colour, squared brightness and number of kept samples; with `usual`, of those within its reach."""
        total = np.zeros((size[1], size[0], 3), np.float32)
        squares, count = np.zeros((2, size[1], size[0]), np.float32)
        for small, pose in zip(self.frames, self.poses, strict=True):
            matrix = (shift @ pose)[:2]
            seen = cv2.warpAffine(small.input.astype(np.float32), matrix, size)
            kept = small.kept & (1 - around(small.removed, clear)) if clear else small.kept
            where = cv2.warpAffine(kept.astype(np.float32), matrix, size) > 0.999
            light = mean_channel(seen)
            if usual is not None:
                where &= np.abs(light - usual[0]) <= usual[1]
            total += seen * where[..., None]
            squares += light * light * where
            count += where
        return total, squares, count

    def _view(self, index: int, shift: NDArray[np.float64], mean: Floats, count: Floats) -> Seen:
        small = self.frames[index]
        height, width = small.kept.shape
        matrix = (shift @ self.poses[index])[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        plate = np.asarray(cv2.warpAffine(mean, matrix, (width, height), flags=flags), np.float32)
        known = cv2.warpAffine((count >= LEAST_VIEWS).astype(np.float32), matrix, (width, height), flags=flags)
        return Seen(small.output - plate, small.input - plate, plate, np.asarray(known > 0.999))


def around(region: Image, reach: int) -> Image:
    """Return a region grown by `reach` pixels on all sides."""
    return np.asarray(cv2.dilate(region, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


def _small_step(camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """The motion as a 3x3 map of small pixel positions, whose centres lie at 4 x + 1.5."""
    step = np.eye(3)
    step[:2] += camera
    scale = np.array([[1 / SHRINK, 0, -1.5 / SHRINK], [0, 1 / SHRINK, -1.5 / SHRINK], [0, 0, 1]])
    return np.asarray(scale @ step @ np.linalg.inv(scale), np.float64)


def _canvas(
    poses: Sequence[NDArray[np.float64]], width: int, height: int
) -> tuple[NDArray[np.float64], tuple[int, int]] | None:
    corners = np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]], float)
    reached = np.concatenate([(pose @ corners)[:2] for pose in poses], axis=1)
    if not np.all(np.isfinite(reached)):
        return None
    low, high = np.floor(reached.min(axis=1)), np.ceil(reached.max(axis=1))
    size = (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
    if size[0] * size[1] > LARGEST_CANVAS * width * height:
        return None
    shift = np.eye(3)
    shift[:2, 2] = -low
    return shift, size
