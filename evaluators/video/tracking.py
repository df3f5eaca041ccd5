"""Find the bodies in a clip that differ from its clean background, and follow them from frame to frame.

Everything happens at the tracking size, in the coordinates of the first frame once the camera's motion over the
kept pixels K is taken out. The background of a pixel is, in this order: the input's median over the frames in
which the mask keeps it; the output's first frames in which only the removed object lay there; the output's
values that differ from the input. A pixel with none of these never changed; there the background is guessed from its
surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Matrix = NDArray[np.float64]
TRACKING_LIMIT = (336, 192)
LEAST_THRESHOLD = 16.0
"""Grey levels by which a pixel must differ from the background."""
_LEAST_KEPT = 0.02
_SAMPLES = 32
_MOST_CANVAS = 4.0
_UNLIKE = 70
"""Grey levels from the guess beyond which a value is no background."""
_SYSTEMATIC = 2.5
"""Grey levels by which the output's mean over time must differ from the input's to count as changed."""


class Still(NamedTuple):
    """One frame at the tracking size: input and output BGR (h, w, 3), regions (h, w) as bool."""

    input: Image
    output: Image
    removed: Mask
    affected: Mask
    kept: Mask


@dataclass(frozen=True)
class Blob:
    """A connected foreground body in one frame; lengths in tracking pixels, y down."""

    frame: int
    x: float
    y: float
    area: float
    left: float
    top: float
    width: float
    height: float
    colour: tuple[float, float, float]
    at_border: bool


@dataclass(frozen=True)
class Track:
    """One body over time, at most one blob per frame, in frame order."""

    blobs: tuple[Blob, ...]

    @property
    def frames(self) -> tuple[int, ...]:
        """Frame numbers in which the body was found."""
        return tuple(blob.frame for blob in self.blobs)

    @property
    def size(self) -> float:
        """Side of the square of the median area."""
        return float(np.sqrt(np.median([blob.area for blob in self.blobs])))


@dataclass(frozen=True)
class Tracked:
    """What was found in a clip."""

    tracks: tuple[Track, ...]
    area: tuple[float, ...]
    """Foreground pixels per frame, all bodies together."""
    first_area: float
    """Pixels of the bodies as the input shows them where the mask first says affected; 0 when not known."""
    touches_removed: bool
    """Whether such a body touches the removed object in the beginning."""
    unanswered: float | None
    """Share of the region that only the removal explains which no body ever enters; None when there is none."""
    camera_px: float
    """Farthest camera travel that was taken out."""
    canvas: tuple[int, int] = (0, 0)
    """Width and height of the picture that all frames share once the camera stands still."""
    reason: str | None = None
    """Why nothing could be followed, or None."""


def shrink(bgr: Image, size: tuple[int, int]) -> Image:
    """Return a picture at the tracking size (width, height)."""
    return bgr if (bgr.shape[1], bgr.shape[0]) == size else _u8(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA))


def shrink_mask(mask: NDArray[np.uint8], size: tuple[int, int], *, whole: bool) -> Mask:
    """Return a 0/1 region at the tracking size: pixels covered as a `whole`, or touched at all."""
    scaled = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled == 255 if whole else scaled > 0, bool)


def tracking_size(width: int, height: int) -> tuple[int, int]:
    """Return the size (width, height) at which a clip of this working size is tracked."""
    scale = min(TRACKING_LIMIT[0] / width, TRACKING_LIMIT[1] / height, 1.0)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def follow(stills: Sequence[Still]) -> Tracked:
    """Return the bodies of a clip and their tracks; `reason` says why there is none."""
    stills = _label_start(stills)
    if float(np.mean([still.kept.mean() for still in stills])) < _LEAST_KEPT:
        return _nothing("the mask keeps too little of the picture to know the camera and the background")
    transforms = camera_path([still.input for still in stills], [still.kept for still in stills])
    if transforms is None:
        return _nothing("the camera's motion cannot be told from the kept pixels")
    travel = max(float(np.hypot(m[0, 2], m[1, 2])) for m in transforms)
    canvas = _stabilise(stills, transforms)
    if canvas is None:
        return _nothing("the camera travels too far for one background")
    stills, valid = canvas
    output = _level(stills)
    noise = _noise(stills, output)
    threshold = max(LEAST_THRESHOLD, 5 * noise)
    background, known = _background(stills, output, valid, threshold)
    masks = [
        _foreground(still, out, background, known, seen, threshold)
        for still, out, seen in zip(stills, output, valid, strict=True)
    ]
    blobs = [_blobs(i, m, stills[i].output, valid[i]) for i, m in enumerate(masks)]
    first = _first_bodies(stills, background, known, threshold)
    return Tracked(
        tracks=_main_tracks(_associate(blobs)),
        area=tuple(float(sum(blob.area for blob in found)) for found in blobs),
        first_area=float(first[0].sum()),
        touches_removed=_touch(*first),
        unanswered=_unanswered(stills, masks, background, threshold),
        camera_px=travel,
        canvas=(background.shape[1], background.shape[0]),
    )


def _label_start(stills: Sequence[Still]) -> list[Still]:
    """Return the stills with frame 0 labelled affected where frame 1 is.

    By convention no mask says affected on frame 0, although the bodies are there.
    """
    if len(stills) < 2 or stills[0].affected.any():
        return list(stills)
    later = stills[1].affected
    first = stills[0]._replace(affected=later, kept=stills[0].kept & ~later)
    return [first, *stills[1:]]


def camera_path(frames: Sequence[Image], kept: Sequence[Mask]) -> list[Matrix] | None:
    """Return for each frame the 2x3 similarity that takes it to the first frame's coordinates.

    Corners in K are followed from a key frame (pyramidal Lucas-Kanade), so errors do not add up frame by frame.
    None when K is too plain to tell.
    """
    grey = [_u8(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)) for frame in frames]
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
        guess = _u_points(cv2.transform(points, cv2.invertAffineTransform(moved)))
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


def _stabilise(stills: Sequence[Still], path: Sequence[Matrix]) -> tuple[list[Still], list[Mask]] | None:
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
                _u8(cv2.warpAffine(still.input, matrix, size)),
                _u8(cv2.warpAffine(still.output, matrix, size)),
                *(_move_mask(region, matrix, size) for region in still[2:]),
            )
        )
        inner = np.zeros((height, width), bool)
        inner[1:-1, 1:-1] = True
        valid.append(_move_mask(inner, matrix, size))
    return moved, valid


def _move_mask(mask: Mask, matrix: Matrix, size: tuple[int, int]) -> Mask:
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0, bool)


def _level(stills: Sequence[Still]) -> list[Image]:
    """Return the output frames with their colour offset over K against the input taken out, softly blurred."""
    levelled = []
    for still in stills:
        where = still.kept[::3, ::3]
        if where.sum() > 50:
            offset = np.median(
                still.output[::3, ::3][where].astype(np.int16) - still.input[::3, ::3][where].astype(np.int16), axis=0
            )
        else:
            offset = np.zeros(3)
        even = still.output if not offset.any() else np.clip(still.output - offset, 0, 255).astype(np.uint8)
        levelled.append(_soft(even))
    return levelled


def _noise(stills: Sequence[Still], output: Sequence[Image]) -> float:
    """Return the typical difference between output and input over K, in grey levels (robust deviation)."""
    figures = []
    for still, out in list(zip(stills, output, strict=True))[:: max(1, len(stills) // 8)]:
        where = still.kept[::2, ::2]
        if where.sum() > 50:
            soft = _soft(still.input)
            difference = out[::2, ::2][where].astype(np.int16) - soft[::2, ::2][where]
            figures.append(1.48 * float(np.median(np.abs(difference))))
    return float(np.median(figures)) if figures else 2.0


def _background(
    stills: Sequence[Still], output: Sequence[Image], valid: Sequence[Mask], threshold: float
) -> tuple[Image, Mask]:
    """Return the background and where it is known."""
    chosen = np.unique(np.linspace(0, len(stills) - 1, _SAMPLES).astype(int))
    from_kept = [stills[i].kept & valid[i] for i in chosen]
    background, known = _median([_soft(stills[i].input) for i in chosen], from_kept)
    there = stills[0].affected & ~known
    early, found = _first_values(output, [s.removed & ~s.affected & v for s, v in zip(stills, valid, strict=True)], 3)
    early_only = ~known & ~there & found
    background[early_only] = early[early_only]
    known |= early_only
    guess = _fill(background, known)
    for late, found in _left_behind(stills, output, valid, there, threshold):
        better = found & (_distance(late, guess) < np.where(known, _distance(background, guess), _UNLIKE))
        background[there & better] = late[there & better]
        known |= there & better
    background[~known] = guess[~known]
    return background, known


def _fill(picture: Image, known: Mask) -> Image:
    """Return the picture with unknown pixels guessed from the known ones around, near ones first."""
    filled = picture.astype(np.float32)
    weight = known.astype(np.float32)
    done = known.copy()
    for sigma in (3.0, 9.0, 27.0):
        near = cv2.GaussianBlur(weight, (0, 0), sigma)
        mean = cv2.GaussianBlur(picture * weight[..., None], (0, 0), sigma) / np.maximum(near, 1e-6)[..., None]
        use = ~done & (near > 0.02)
        filled[use] = mean[use]
        done |= use
    return _u8(np.clip(np.rint(filled), 0, 255))


def _left_behind(
    stills: Sequence[Still], output: Sequence[Image], valid: Sequence[Mask], there: Mask, threshold: float
) -> list[tuple[Image, Mask]]:
    """Return what shows where bodies were at first, once they have left: in the output, and in the input.

    Where neither changes but the output differs from the input all along, as where a shadow lay, it is the output.
    """
    empty = np.zeros_like(output[0]), np.zeros_like(there)
    if not there.any():
        return [empty, empty]
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    chosen = np.unique(np.linspace(0, len(stills) - 1, 3 * _SAMPLES).astype(int))
    first, inside = _soft(stills[0].input)[box], there[box]
    inputs = [_soft(stills[i].input)[box] for i in chosen]
    outputs = [output[i][box] for i in chosen]
    gone = [
        inside & valid[i][box] & (_distance(out, first) > threshold) for i, out in zip(chosen, outputs, strict=True)
    ]
    moved = [
        inside & valid[i][box] & ~stills[i].removed[box] & (_distance(own, first) > threshold)
        for i, own in zip(chosen, inputs, strict=True)
    ]
    late, found = _median(outputs, gone, least=2)
    total = np.zeros(first.shape, np.float32)
    for out, own in zip(outputs, inputs, strict=True):
        total += np.subtract(out, own, dtype=np.float32)
    apart = np.abs(cv2.blur(total / len(chosen), (3, 3))).max(axis=2) > _SYSTEMATIC
    shaded = inside & ~found & apart
    late[shaded] = outputs[0][shaded]
    return [_put(empty, box, late, found | shaded), _put(empty, box, *_median(inputs, moved, least=2))]


def _put(empty: tuple[Image, Mask], box: tuple[slice, slice], values: Image, found: Mask) -> tuple[Image, Mask]:
    picture, mask = empty[0].copy(), empty[1].copy()
    picture[box], mask[box] = values, found
    return picture, mask


def _median(frames: Sequence[Image], where: Sequence[Mask], least: int = 1) -> tuple[Image, Mask]:
    """Return the per-pixel median over the frames in which a pixel counts, and where enough did."""
    stack = np.stack([np.where(mask[..., None], frame, 255) for frame, mask in zip(frames, where, strict=True)])
    count = np.sum(np.stack(where), axis=0)
    # Masked values sort to the end, so the median of the others sits at half their count.
    stack.sort(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    picked = np.take_along_axis(stack, middle[None, ..., None], axis=0)[0]
    return _u8(picked), count >= least


def _first_values(frames: Sequence[Image], where: Sequence[Mask], count: int) -> tuple[Image, Mask]:
    """Return the median of a pixel's first `count` frames in which it counts, and where there was any."""
    slots = np.full((count, *frames[0].shape), 255, np.uint8)
    taken = np.zeros(where[0].shape, np.int64)
    for frame, mask in zip(frames, where, strict=True):
        use = mask & (taken < count)
        if use.any():
            rows, columns = np.nonzero(use)
            slots[taken[use], rows, columns] = frame[use]
            taken += use
    slots.sort(axis=0)
    middle = np.maximum(taken - 1, 0) // 2
    return _u8(np.take_along_axis(slots, middle[None, ..., None], axis=0)[0]), taken > 0


def _soft(image: Image) -> Image:
    return _u8(cv2.GaussianBlur(image, (3, 3), 0))


def _distance(one: Image, two: Image) -> Image:
    """Return the largest channel difference per pixel."""
    blue, green, red = cv2.split(cv2.absdiff(one, two))
    return _u8(cv2.max(cv2.max(blue, green), red))


def _bodies(picture: Image, background: Image, threshold: float) -> Mask:
    """Return where a picture differs from the background by more than a shadow's darkening."""
    differs = _distance(picture, background) > threshold
    if not differs.any():
        return differs
    own, other = picture[differs].astype(np.float32), background[differs].astype(np.float32)
    ratio = own.sum(1) / np.maximum(other.sum(1), 1)
    tinted = np.abs(own - ratio[:, None] * other).max(1)
    body = differs.copy()
    body[differs] = (tinted > 0.75 * threshold) | (ratio > 1.02) | (ratio < 0.35)
    return body


def _foreground(still: Still, output: Image, background: Image, known: Mask, valid: Mask, threshold: float) -> Mask:
    """Return the bodies of one frame: in R and A what differs from the background, elsewhere also from the input."""
    soft = _soft(still.input)
    against_input = _distance(output, soft) > threshold
    changed = _bodies(output, background, threshold)
    # A guessed background is rough, so only what differs plainly from it counts.
    changed &= known | (_distance(output, background) > 2 * threshold)
    changed &= valid & (still.removed | still.affected | against_input)
    opened = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(closed > 0, bool)


def _blobs(frame: int, mask: Mask, picture: Image, valid: Mask) -> list[Blob]:
    least = max(20.0, 0.0004 * mask.size)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    edge = ~cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(bool)
    found = []
    for label in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[label])
        if area < least:
            continue
        box = (slice(top, top + height), slice(left, left + width))
        own = labels[box] == label
        colour = picture[box][own].mean(0)
        border = bool((edge[box] & own).any())
        x, y = (float(v) for v in centres[label])
        found.append(
            Blob(frame, x, y, float(area), left, top, width, height, tuple(float(c) for c in colour), border)  # type: ignore[arg-type]
        )
    return found


def _associate(frames: Sequence[Sequence[Blob]]) -> tuple[Track, ...]:
    """Join blobs to tracks: every frame's best pairing by place, area and colour, far jumps not excluded."""
    tracks: list[list[Blob]] = []
    for blobs in frames:
        open_tracks = [track for track in tracks if not track[-1].at_border or _near(track[-1], blobs)]
        if open_tracks and blobs:
            cost = np.array([[_cost(track, blob) for blob in blobs] for track in open_tracks])
            pairs = _pair(cost)
        else:
            pairs = []
        for row, column in pairs:
            open_tracks[row].append(blobs[column])
        joined = {column for _row, column in pairs}
        tracks.extend([blob] for column, blob in enumerate(blobs) if column not in joined)
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


def _main_tracks(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return the tracks without crumbs: those much smaller than the largest body, or seen in a single frame."""
    largest = max((track.size for track in tracks), default=0.0)
    return tuple(track for track in tracks if track.size >= 0.45 * largest and len(track.blobs) > 1)


def _near(last: Blob, blobs: Sequence[Blob]) -> bool:
    return any(abs(b.x - last.x) + abs(b.y - last.y) < 3 * (last.width + last.height) for b in blobs)


def _cost(track: Sequence[Blob], blob: Blob) -> float:
    last = track[-1]
    lag = blob.frame - last.frame
    x, y = last.x, last.y
    if len(track) > 1 and lag == 1:
        before = track[-2]
        steps = max(1, last.frame - before.frame)
        x, y = x + (last.x - before.x) / steps, y + (last.y - before.y) / steps
    size = np.sqrt(last.area)
    distance = min(np.hypot(blob.x - x, blob.y - y), np.hypot(blob.x - last.x, blob.y - last.y)) / size
    growth = abs(np.log(blob.area / last.area))
    tint = max(abs(a - b) for a, b in zip(blob.colour, last.colour, strict=True)) / 40
    unlike = (growth > 1.1 and not (blob.at_border or last.at_border)) or tint > 2.2
    return float(distance + growth + tint + 0.2 * lag) if not unlike else 1e6


def _first_bodies(stills: Sequence[Still], background: Image, known: Mask, threshold: float) -> tuple[Mask, Mask]:
    """Return the bodies that the input shows where the mask first says affected, and the removed region there."""
    for still in stills:
        if still.affected.any():
            soft = _soft(still.input)
            body = still.affected & ~still.removed & _bodies(soft, background, threshold)
            body &= known | (_distance(soft, background) > 2 * threshold)
            opened = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
            return np.asarray(opened > 0, bool), still.removed
    nothing = np.zeros(stills[0].removed.shape, bool)
    return nothing, nothing


def _touch(body: Mask, removed: Mask) -> bool:
    near = cv2.dilate(body.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return int((near & removed).sum()) >= 4


def _unanswered(stills: Sequence[Still], masks: Sequence[Mask], background: Image, threshold: float) -> float | None:
    """Return how much of the affected region that the input's own bodies do not explain stays empty, in [0, 1]."""
    kernel = np.ones((9, 9), np.uint8)
    expected = met = 0
    start = next((i for i, still in enumerate(stills) if still.affected.any()), len(stills))
    for still, mask in list(zip(stills, masks, strict=True))[start + 4 :]:
        soft = _soft(still.input)
        own = cv2.dilate((_distance(soft, background) > threshold).astype(np.uint8), kernel) > 0
        free = still.affected & ~still.removed & ~own
        overlap = still.affected & still.removed
        area = int(free.sum()) + int(overlap.sum())
        if area >= 40:
            expected += 1
            met += bool(((free | overlap) & mask).sum() >= 0.1 * area)
    return 1 - met / expected if expected >= 4 else None


def _nothing(reason: str) -> Tracked:
    return Tracked((), (), 0.0, False, None, 0.0, reason=reason)


def _u8(image: object) -> Image:
    return np.asarray(image, np.uint8)


def _u_points(points: object) -> NDArray[np.float32]:
    return np.asarray(points, np.float32)
