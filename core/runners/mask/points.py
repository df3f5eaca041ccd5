"""Clicks on the object: where they come from, and where they may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

from core.errors import RunFailed

MOST_POINTS = 500
FORM = "write [[frame, x, y, label], ...] with label 1 on the object and 0 off it"


class Point(NamedTuple):
    """One click: frame number, place in pixels from the top left, 1 on the object or 0 off it."""

    frame: int
    x: float
    y: float
    label: int


def read_points(value: object) -> tuple[Point, ...]:
    """Read the parameter `points`, in the order of frames; an unusable one is a `RunFailed`."""
    items = value if isinstance(value, list) else []
    if not 1 <= len(items) <= MOST_POINTS:
        raise RunFailed(f"the parameter 'points' holds {len(items)} points", f"{FORM}, 1 to {MOST_POINTS} of them")
    points = tuple(sorted(_point(item) for item in items))
    first = points[0].frame
    if not any(point.label == 1 for point in points if point.frame == first):
        raise RunFailed(f"no point on frame {first}, the first with points, is on the object", FORM)
    return points


def from_segmentation_info(record: Mapping[str, object]) -> tuple[Point, ...]:
    """Take the clicks out of upstream's `segmentation_info.json`.

    Its points are `[x, y]` (on the object) or `[x, y, label]`, by frame in `points_by_frame`, or all on
    `first_appears_frame` in `points`. Raises `RunFailed` where there are none.
    """
    by_frame = record.get("points_by_frame")
    if not isinstance(by_frame, Mapping):
        by_frame = {record.get("first_appears_frame") or 0: record.get("points")}
    items = [
        [_frame(frame), *(place if isinstance(place, list) and len(place) == 3 else [*_pair(place), 1])]
        for frame, places in by_frame.items()
        for place in (places if isinstance(places, list) else [])
    ]
    if not items:
        raise RunFailed("segmentation_info.json holds no point", "give points as the parameter 'points'")
    return read_points(items)


def require_inside(points: Iterable[Point], frames: int, width: int, height: int) -> None:
    """Raise `RunFailed` for a point that is not in the clip."""
    for point in points:
        if point.frame >= frames or not (point.x < width and point.y < height):
            raise RunFailed(
                f"the point ({point.x:g}, {point.y:g}) on frame {point.frame} is outside the clip "
                f"({frames} frames of {width}x{height})",
                "count frames and pixels from 0",
            )


def by_frame(points: Iterable[Point]) -> dict[int, list[Point]]:
    """Group points by frame, in order."""
    return {frame: list(group) for frame, group in groupby(points, key=lambda point: point.frame)}


def _point(item: object) -> Point:
    if not isinstance(item, list) or len(item) != 4:
        raise RunFailed(f"'{str(item)[:60]}' is no point", FORM)
    numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in item)
    if not numbers or not all(math.isfinite(number) and number >= 0 for number in item):
        raise RunFailed(f"'{str(item)[:60]}' is no point", FORM)
    frame, x, y, label = item
    if frame != int(frame) or label not in (0, 1):
        raise RunFailed(f"'{str(item)[:60]}' is no point", FORM)
    return Point(int(frame), float(x), float(y), int(label))


def _frame(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        raise RunFailed(f"'{str(text)[:40]}' is no frame number", "correct segmentation_info.json") from None


def _pair(place: object) -> list[object]:
    return place if isinstance(place, list) and len(place) == 2 else [None, None]
