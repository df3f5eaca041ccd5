"""Join the blobs of successive frames to the tracks of bodies, also where two bodies touch and look like one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluators.video.bodies import Blob, overlap

Point = tuple[float, float]
_PARTED = 1.25
"""A blob that much larger than the largest body that leads to it holds more than that body."""


@dataclass(frozen=True)
class Track:
    """One body over time, at most one blob per frame, in frame order."""

    blobs: tuple[Blob, ...]

    @property
    def frames(self) -> tuple[int, ...]:
        """Frame numbers in which the body was found."""
        return tuple(blob.frame for blob in self.blobs)

    @property
    def steadiness(self) -> float:
        """How much of its shape the body keeps in the worst quarter of the frames that show it whole, in [0, 1].

        A square that turns keeps 0.7. 1 where fewer than four frames show it whole.
        """
        whole = [blob for blob in self.blobs if not blob.at_border]
        if len(whole) < 4:
            return 1.0
        usual = sorted(whole, key=lambda blob: blob.area)[len(whole) // 2]
        return float(np.quantile([overlap(usual, blob) for blob in whole[:: max(1, len(whole) // 24)]], 0.25))

    @property
    def size(self) -> float:
        """Side of the square of the median area."""
        return float(np.sqrt(np.median([blob.area for blob in self.blobs])))


def split_merged(frames: Sequence[Sequence[Blob]]) -> list[list[Blob]]:
    """Return the blobs of each frame with those parted that hold several bodies which were apart before or after."""
    later = _split_forward([list(blobs) for blobs in frames])
    return _split_forward(later[::-1])[::-1]


def _split_forward(frames: list[list[Blob]]) -> list[list[Blob]]:
    """Part the blobs in which bodies that were apart in earlier frames of the given order have met."""
    tracks: list[list[Blob]] = []
    done = []
    for blobs in frames:
        alive = [track for track in tracks if blobs and abs(blobs[0].frame - track[-1].frame) <= 2]
        parted = [part for blob in blobs for part in _part(blob, _inside(blob, blobs, alive))]
        _extend(tracks, parted)
        done.append(parted)
    return done


def _inside(blob: Blob, blobs: Sequence[Blob], tracks: Sequence[list[Blob]]) -> list[list[Blob]]:
    """Return the tracks that lead to a blob, if they are several and the blob is large enough to hold them."""
    leading = [track for track in tracks if min(blobs, key=lambda other: _off(track, other)) is blob]
    leading = [track for track in leading if _off(track, blob) < 0.6 * np.sqrt(track[-1].area)]
    areas = [track[-1].area for track in leading]
    enough = len(areas) > 1 and blob.area > _PARTED * max(areas) and blob.area > 0.7 * sum(areas)
    return leading if enough else []


def _off(track: Sequence[Blob], blob: Blob) -> float:
    """Return how far a blob's box is from where the track leads, or from where it was."""
    return min(_outside(place, blob) for place in (_expected(track, blob.frame), (track[-1].x, track[-1].y)))


def _outside(place: Point, blob: Blob) -> float:
    across = max(blob.left - place[0], place[0] - blob.left - blob.width, 0.0)
    down = max(blob.top - place[1], place[1] - blob.top - blob.height, 0.0)
    return float(np.hypot(across, down))


def _expected(track: Sequence[Blob], frame: int) -> Point:
    """Return the place that the last step, taken once more for every frame gone by, leads to."""
    last = track[-1]
    if len(track) < 2:
        return last.x, last.y
    before = track[-2]
    share = (frame - last.frame) / (last.frame - before.frame)
    return last.x + (last.x - before.x) * share, last.y + (last.y - before.y) * share


def _part(blob: Blob, tracks: Sequence[list[Blob]]) -> list[Blob]:
    """Return the parts of a blob that belong to each track: its pixels by the nearest body, of each body's size."""
    if not tracks:
        return [blob]
    rows, columns = np.nonzero(blob.shape)
    places = np.stack([columns + blob.left, rows + blob.top], 1).astype(float)
    centres = np.array([_within(_expected(track, blob.frame), blob) for track in tracks])
    reach = np.array([track[-1].area / np.pi for track in tracks])
    owner = np.zeros(len(places), int)
    for _ in range(8):
        owner = (((places[:, None] - centres[None]) ** 2).sum(2) - reach).argmin(1)
        if any(not (owner == i).any() for i in range(len(tracks))):
            return [blob]
        centres = np.stack([places[owner == i].mean(0) for i in range(len(tracks))])
    return [_piece(blob, places[owner == i], track[-1]) for i, track in enumerate(tracks)]


def _within(place: Point, blob: Blob) -> Point:
    x = min(max(place[0], blob.left), blob.left + blob.width)
    return x, min(max(place[1], blob.top), blob.top + blob.height)


def _piece(blob: Blob, places: NDArray[np.float64], body: Blob) -> Blob:
    (left, top), (right, bottom) = places.min(0), places.max(0)
    shape = np.zeros((int(bottom - top) + 1, int(right - left) + 1), bool)
    shape[(places[:, 1] - top).astype(int), (places[:, 0] - left).astype(int)] = True
    x, y = (float(v) for v in places.mean(0))
    size = (float(left), float(top), float(shape.shape[1]), float(shape.shape[0]))
    return Blob(blob.frame, x, y, float(len(places)), *size, body.colour, blob.at_border, shape)


def _extend(tracks: list[list[Blob]], blobs: Sequence[Blob]) -> None:
    """Join the blobs of one more frame to tracks, the best pairing first; what is left over begins a track."""
    open_tracks = [track for track in tracks if not track[-1].at_border or _near(track[-1], blobs)]
    cost = np.array([[_cost(track, blob) for blob in blobs] for track in open_tracks])
    joined = set()
    for row, column in _pair(cost) if cost.size else []:
        open_tracks[row].append(blobs[column])
        joined.add(column)
    tracks.extend([blob] for column, blob in enumerate(blobs) if column not in joined)


def associate(frames: Sequence[Sequence[Blob]]) -> tuple[Track, ...]:
    """Join blobs to tracks: every frame's best pairing by place, area and colour, far jumps not excluded."""
    tracks: list[list[Blob]] = []
    for blobs in frames:
        _extend(tracks, blobs)
    return tuple(Track(tuple(track)) for track in tracks)


def _pair(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (row, column) pairs, the cheapest first, each row and column once."""
    pairs = []
    cost = cost.copy()
    while cost.size and cost.min() < 1e3:
        row, column = divmod(int(cost.argmin()), cost.shape[1])
        pairs.append((row, column))
        cost[row], cost[:, column] = np.inf, np.inf
    return pairs


def main_tracks(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return the tracks without crumbs: those much smaller than the largest body, or seen in a single frame."""
    largest = max((track.size for track in tracks), default=0.0)
    return tuple(track for track in tracks if track.size >= 0.45 * largest and len(track.blobs) > 1)


def _near(last: Blob, blobs: Sequence[Blob]) -> bool:
    return any(abs(b.x - last.x) + abs(b.y - last.y) < 3 * (last.width + last.height) for b in blobs)


def _cost(track: Sequence[Blob], blob: Blob) -> float:
    last = track[-1]
    lag = abs(blob.frame - last.frame)
    x, y = _expected(track, blob.frame) if lag == 1 else (last.x, last.y)
    size = np.sqrt(last.area)
    distance = min(np.hypot(blob.x - x, blob.y - y), np.hypot(blob.x - last.x, blob.y - last.y)) / size
    growth = abs(np.log(blob.area / last.area))
    tint = max(abs(a - b) for a, b in zip(blob.colour, last.colour, strict=True)) / 40
    unlike = (growth > 1.1 and not (blob.at_border or last.at_border)) or tint > 2.2
    return float(distance + growth + tint + 0.2 * lag) if not unlike else 1e6
