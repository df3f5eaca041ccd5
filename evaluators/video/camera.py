"""Take the camera's motion over the kept pixels K out of a clip: every frame in the first one's coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.video.stills import Image, Mask, Still, u8

Matrix = NDArray[np.float64]
_MOST_CANVAS = 4.0


def camera_path(frames: Sequence[Image], kept: Sequence[Mask]) -> list[Matrix] | None:
    """Return for each frame the 2x3 similarity that takes it to the first frame's coordinates.

    Corners in K are followed from a key frame (pyramidal Lucas-Kanade), so errors do not add up frame by frame.
    None when K is too plain to tell.
    """
    grey = [u8(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)) for frame in frames]
    if _stands_still(grey, kept):
        return [np.eye(2, 3) for _ in frames]
    key, base = 0, np.eye(2, 3)
    points = _corners(grey[0], kept[0])
    guess = points
    path = [np.eye(2, 3)]
    for index in range(1, len(grey)):
        moved = _register(grey[key], grey[index], points, guess, kept[index])
        if moved is None and key != index - 1:
            key, base = index - 1, path[-1]
            points = _corners(grey[key], kept[key])
            moved = _register(grey[key], grey[index], points, points, kept[index])
        if moved is None or points is None:
            return None
        path.append(_compose(base, moved))
        guess = _points(cv2.transform(points, cv2.invertAffineTransform(moved)))
    return path


def _stands_still(grey: Sequence[Image], kept: Sequence[Mask]) -> bool:
    """Return whether K changes no more over the clip than from one frame to the next, up to sensor noise."""
    last = len(grey) - 1
    if last < 1:
        return True
    steps = [_difference(grey[0], grey[i], kept[0] & kept[i]) for i in {1, last // 3, last // 2, 2 * last // 3, last}]
    plain = _difference(grey[0], grey[1], kept[0] & kept[1])
    return max(steps) < 1.25 * plain + 0.6 and plain < 6


def _difference(one: Image, two: Image, where: Mask) -> float:
    if not where.any():
        return 0.0
    return float(cv2.mean(cv2.absdiff(one, two), where.astype(np.uint8))[0])


def _corners(grey: Image, kept: Mask) -> NDArray[np.float32] | None:
    found = cv2.goodFeaturesToTrack(grey, 160, 0.01, 7, mask=kept.astype(np.uint8) * 255)
    return None if found is None or len(found) < 8 else np.asarray(found, np.float32)


def _register(
    key: Image,
    frame: Image,
    points: NDArray[np.float32] | None,
    guess: NDArray[np.float32] | None,
    kept: Mask,
) -> Matrix | None:
    """Return the similarity frame -> key, or None when fewer than eight corners agree."""
    if points is None or guess is None:
        return None
    arrived, status, _error = cv2.calcOpticalFlowPyrLK(
        key, frame, points, guess.copy(), winSize=(15, 15), maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    places = np.rint(arrived[:, 0]).astype(int)
    inside = (places >= 0).all(1) & (places[:, 0] < frame.shape[1]) & (places[:, 1] < frame.shape[0])
    good = (status[:, 0] == 1) & inside
    good[good] = kept[places[good, 1], places[good, 0]]
    if good.sum() < 8:
        return None
    matrix, agreed = cv2.estimateAffinePartial2D(arrived[good], points[good], ransacReprojThreshold=0.7)
    if matrix is None or int(agreed.sum()) < 8:
        return None
    return np.asarray(matrix, np.float64)


def _compose(outer: Matrix, inner: Matrix) -> Matrix:
    full = np.vstack([outer, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]])
    return np.asarray(full[:2], np.float64)


def stabilise(stills: Sequence[Still], path: Sequence[Matrix]) -> tuple[list[Still], list[Mask]] | None:
    """Return the stills on one canvas and where each of them shows anything."""
    height, width = stills[0].removed.shape
    if all(np.array_equal(matrix, np.eye(2, 3)) for matrix in path):
        return list(stills), [np.ones((height, width), bool)] * len(stills)
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    places = np.concatenate([cv2.transform(corners, matrix)[0] for matrix in path])
    low, high = np.floor(places.min(0)), np.ceil(places.max(0))
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    if size[0] * size[1] > _MOST_CANVAS * width * height:
        return None
    moved, valid = [], []
    for still, matrix in zip(stills, path, strict=True):
        matrix = matrix - np.array([[0, 0, low[0]], [0, 0, low[1]]])
        moved.append(
            Still(
                u8(cv2.warpAffine(still.input, matrix, size)),
                u8(cv2.warpAffine(still.output, matrix, size)),
                *(_move_mask(region, matrix, size) for region in still[2:]),
            )
        )
        inner = np.zeros((height, width), bool)
        inner[1:-1, 1:-1] = True
        valid.append(_move_mask(inner, matrix, size))
    return moved, valid


def _move_mask(mask: Mask, matrix: Matrix, size: tuple[int, int]) -> Mask:
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0, bool)


def _points(points: object) -> NDArray[np.float32]:
    return np.asarray(points, np.float32)
