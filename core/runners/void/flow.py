"""Where each pixel of a frame stood in the frame before: dense optical flow of the first pass's result."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Flow = NDArray[np.float32]
METHOD = "DIS (OpenCV), medium"
SMALLEST_SIDE = 64
"""The coarse-to-fine search needs this many pixels; smaller frames are enlarged for it."""


def backward_flow(previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> Flow:
    """Flow from `current` (H, W) grey to `previous`, in pixels, (H, W, 2) as x then y. Deterministic.

    Dense inverse search (Kroeger et al., ECCV 2016); needs no weights.
    """
    height, width = current.shape
    grow = max(1, -(-SMALLEST_SIDE // min(height, width)))
    if grow > 1:
        size = (width * grow, height * grow)
        previous, current = (
            np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), np.uint8)
            for frame in (previous, current)
        )
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = search.calc(current, previous, np.zeros((*current.shape, 2), np.float32))
    if grow > 1:
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) / grow
    return np.asarray(flow, np.float32)
