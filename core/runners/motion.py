"""What moves against the background: it passes in front of the object and must not be taken for what is behind."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.runners.alignment import Alignment, rescaled
from core.runners.holes import PackedMask

MOVES_PX = 1.0
"""Motion between two frames, in pixels of the small frames, from which something counts as moving."""
MOST_SHARE = 0.25
"""Where more of the frame than this moves, the camera was not followed or everything moves: nothing is marked."""
AROUND = 4


def mark_moving(
    frames: Sequence[NDArray[np.uint8]], alignment: Alignment, scale: float, masks: Sequence[PackedMask]
) -> None:
    """Mark in each mask what moves by optical flow (DIS, Kroeger et al., ECCV 2016) once the camera is held still.

    `frames` are small and grey; `scale` is their size over the full one.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    size = frames[0].shape[::-1]
    around = np.ones((2 * AROUND + 1,) * 2, np.uint8)
    start = np.zeros((*frames[0].shape, 2), np.float32)
    for t, frame in enumerate(frames):
        other = t + 1 if t + 1 < len(frames) else t - 1
        if other < 0:
            return
        there = np.linalg.inv(alignment.to_reference[other]) @ alignment.to_reference[t]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        held = cv2.warpPerspective(
            frames[other], rescaled(there, scale), size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        motion = flow.calc(frame, held, start)
        moving = (np.hypot(motion[..., 0], motion[..., 1]) > MOVES_PX).astype(np.uint8)
        if moving.mean() <= MOST_SHARE:
            masks[t].mark_moving(cv2.dilate(moving, around) > 0)
