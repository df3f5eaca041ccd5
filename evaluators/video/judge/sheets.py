"""The pictures a judge sees: one sheet for each chosen frame, input | input with the mask's tint | output."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.clip import Case, ClipInfo
from evaluators.frames import Moment, Playback

PANEL = (448, 448)
"""Largest width and height of one of a sheet's three pictures; nothing is enlarged."""
GUTTER = 8
QUALITY = 88
RED, YELLOW = (0, 0, 255), (0, 255, 255)
TINT = 0.45
Image = NDArray[np.uint8]


class Sheet(NamedTuple):
    """One frame for the judge: its place in the order (from 1), its frame number and the JPEG."""

    number: int
    frame: int
    jpeg: bytes


def chosen_frames(total: int, even: int, worst: Iterable[int], most_worst: int) -> tuple[int, ...]:
    """Return frame numbers in order: `even` evenly spaced ones over `total`, and the first worst ones beside them."""
    spaced = {round(place) for place in np.linspace(0, total - 1, min(even, total))} if total > 0 else set()
    extra = [frame for frame in dict.fromkeys(worst) if 0 <= frame < total and frame not in spaced]
    return tuple(sorted(spaced.union(extra[:most_worst])))


def make_sheets(case: Case, output: ClipInfo, chosen: Iterable[int]) -> tuple[Sheet, ...]:
    """Return the sheets of the chosen frames that input and output both have; raises ClipError like the suite."""
    wanted = sorted(set(chosen))
    found: list[tuple[int, bytes]] = []
    with closing(cast("Generator[Moment]", iter(Playback(case, output)))) as moments:
        for moment in moments:
            if moment.index in wanted:
                found.append((moment.index, _encoded(_sheet(moment))))
            if not wanted or moment.index >= wanted[-1]:
                break
    return tuple(Sheet(number, frame, jpeg) for number, (frame, jpeg) in enumerate(found, start=1))


def _sheet(moment: Moment) -> Image:
    pictures = [_small(bgr) for bgr in (moment.input.bgr, _tinted(moment), moment.output.bgr)]
    white = np.full((pictures[0].shape[0], GUTTER, 3), 255, np.uint8)
    return np.hstack([pictures[0], white, pictures[1], white, pictures[2]])


def _tinted(moment: Moment) -> Image:
    picture = moment.input.bgr.astype(np.float32)
    for region, colour in ((moment.regions.affected, YELLOW), (moment.regions.removed, RED)):
        inside = region.astype(bool)
        picture[inside] = (1 - TINT) * moment.input.bgr[inside] + TINT * np.array(colour, np.float32)
    return picture.round().astype(np.uint8)


def _small(bgr: Image) -> Image:
    height, width = bgr.shape[:2]
    scale = min(PANEL[0] / width, PANEL[1] / height, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _encoded(image: Image) -> bytes:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()
