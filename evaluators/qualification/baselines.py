"""What a lazy remover would hand in: every honest measure must rank these last."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.scenes import OVERLAP, Scene


def copy_input(scene: Scene, _severity: float, _rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the input itself."""
    return scene.video.copy()


def frozen_input(scene: Scene, _severity: float, _rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the input's first frame, again and again."""
    return np.repeat(scene.video[:1], scene.frames, axis=0)


def blur_fill(scene: Scene, _severity: float, _rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the input with the object smeared over by its surroundings."""
    return np.stack([fill(frame, mask <= OVERLAP) for frame, mask in zip(scene.video, scene.quadmask, strict=True)])


def fill(frame: NDArray[np.uint8], hole: NDArray[np.bool_], sigma: float = 24.0) -> NDArray[np.uint8]:
    """Return a frame whose `hole` holds the Gaussian mean of the known pixels around it."""
    known = (~hole).astype(np.float32)
    small = cv2.resize(frame.astype(np.float32) * known[:, :, None], None, fx=0.25, fy=0.25)
    weight = cv2.resize(known, None, fx=0.25, fy=0.25)
    blurred = (
        cv2.GaussianBlur(small, (0, 0), sigma / 4) / (cv2.GaussianBlur(weight, (0, 0), sigma / 4) + 1e-3)[:, :, None]
    )
    large = cv2.resize(blurred, (frame.shape[1], frame.shape[0]))
    filled: NDArray[np.uint8] = np.where(hole[:, :, None], np.clip(large, 0, 255), frame).astype(np.uint8)
    return filled
