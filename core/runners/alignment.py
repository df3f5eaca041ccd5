"""Register every frame to one reference frame by the simplest camera model that explains the background.

Corners of the kept region are tracked from the reference (pyramidal Lucas-Kanade, checked forward and back), then
still camera, shift, similarity and homography compete: a richer model must pay for its parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float32]
MODELS = ("still", "shift", "similarity", "homography")
PRICE = {"still": 0.0, "shift": 0.03, "similarity": 0.06, "homography": 0.12}
"""What a model must gain in mean robust residual, in proxy pixels, to be preferred."""
OUTLIER = 2.0
CORNERS, LEAST = 800, 12


@dataclass(frozen=True)
class Alignment:
    """`to_reference[t]` is 3x3 and maps full-resolution pixels of frame t to those of frame `reference`."""

    reference: int
    model: str
    to_reference: tuple[Matrix, ...]
    residual: float
    """Median distance in full-resolution pixels between tracked corners and where the model puts them."""

    @property
    def still(self) -> bool:
        """True when the camera does not move: no pixel needs resampling."""
        return self.model == "still"


def register(frames: Sequence[NDArray[np.uint8]], keep: Sequence[NDArray[np.uint8]], scale: float) -> Alignment:
    """Align small grey frames, with `keep` nonzero where the background shows; `scale` is small over full size.

    Where too few corners can be followed the camera is taken as still. Deterministic.
    """
    cv2.setRNGSeed(0)
    reference = len(frames) // 2
    corners = cv2.goodFeaturesToTrack(frames[reference], CORNERS, 0.005, 7, mask=keep[reference])
    if corners is None or len(corners) < LEAST:
        return _still(len(frames), reference)
    points = np.asarray(corners, np.float32)
    tracks = [_track(frames[reference], frame, points, mask) for frame, mask in zip(frames, keep, strict=True)]
    fits = {model: [_fit(model, *track) for track in tracks] for model in MODELS}
    costs = {
        model: PRICE[model]
        + float(np.mean([_cost(fit, *track) for fit, track in zip(fits[model], tracks, strict=True)]))
        for model in MODELS
    }
    best = min(MODELS, key=lambda model: costs[model])
    residuals = [
        np.median(_residuals(fit, *track)) for fit, track in zip(fits[best], tracks, strict=True) if len(track[0])
    ]
    full = tuple(rescaled(np.asarray(np.linalg.inv(fit)), 1 / scale) for fit in fits[best])
    return Alignment(reference, best, full, float(np.median(residuals)) / scale)


def _still(count: int, reference: int) -> Alignment:
    return Alignment(reference, "still", (np.eye(3),) * count, 0.0)


def _track(
    first: NDArray[np.uint8], second: NDArray[np.uint8], corners: Points, keep: NDArray[np.uint8]
) -> tuple[Points, Points]:
    start = corners.copy()
    there, found, _ = cv2.calcOpticalFlowPyrLK(first, second, corners, start, winSize=(21, 21), maxLevel=4)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(second, first, there, start.copy(), winSize=(21, 21), maxLevel=4)
    source, target = corners[:, 0], there[:, 0]
    good = (found[:, 0] == 1) & (returned[:, 0] == 1) & (np.linalg.norm(back[:, 0] - source, axis=1) < 0.5)
    height, width = keep.shape
    column = np.clip(np.rint(target[:, 0]), 0, width - 1).astype(int)
    row = np.clip(np.rint(target[:, 1]), 0, height - 1).astype(int)
    good &= keep[row, column] > 0
    return source[good], target[good]


def _fit(model: str, source: Points, target: Points) -> Matrix:
    matrix = np.eye(3)
    if len(source) < LEAST or model == "still":
        return matrix
    if model == "shift":
        matrix[:2, 2] = np.median(target - source, axis=0)
    elif model == "similarity":
        affine, _ = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=1.0)
        if affine is not None:
            matrix[:2] = affine
    else:
        found, _ = cv2.findHomography(source, target, cv2.RANSAC, 1.0)
        if found is not None and np.linalg.cond(found) < 1e8:
            matrix = np.asarray(found, np.float64)
    return matrix


def _residuals(fit: Matrix, source: Points, target: Points) -> NDArray[np.float64]:
    if not len(source):
        return np.zeros(0)
    placed = cv2.perspectiveTransform(source[None].astype(np.float64), fit)[0]
    return np.asarray(np.linalg.norm(placed - target, axis=1))


def _cost(fit: Matrix, source: Points, target: Points) -> float:
    residuals = _residuals(fit, source, target)
    return float(np.minimum(residuals, OUTLIER).mean()) if len(residuals) else 0.0


def rescaled(matrix: NDArray[np.floating[Any]], factor: float) -> Matrix:
    """Express a map between small images in pixels `factor` times finer, pixel centres at integers."""
    grow = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    scaled = grow @ matrix @ np.linalg.inv(grow)
    return np.asarray(scaled / scaled[2, 2])


def at_chroma(matrix: Matrix, chroma: int) -> Matrix:
    """Express a luma map in chroma pixels."""
    return rescaled(matrix, 1 / chroma) if chroma != 1 else matrix
