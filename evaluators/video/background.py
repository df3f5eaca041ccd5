"""What a clip shows where no body is.

The background of a pixel is, in this order: the input's median over the frames in which the mask keeps it; the
output's first frames in which only the removed object lay there; the output's values that differ from the input, or its
usual ones, whichever is most like the surroundings.
A pixel with none of these never changed; there the background is guessed from its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from evaluators.video.stills import Image, Mask, Still, distance, soft, u8

Box = tuple[slice, slice]
_SAMPLES = 32
_UNLIKE = 70
"""Grey levels from the guess beyond which a value is no background."""
_RIM = 1
"""Tracking pixels around an affected region that still show something of it."""
_SELDOM = 0.25
"""Share of the frames below which the mask keeps a pixel too seldom to rely on."""
_SYSTEMATIC = 2.5
"""Grey levels by which the output's mean over time must differ from the input's to count as changed."""


def level(stills: Sequence[Still]) -> list[Image]:
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
        levelled.append(soft(even))
    return levelled


def noise_level(stills: Sequence[Still], output: Sequence[Image]) -> float:
    """Return the typical difference between output and input over K, in grey levels (robust deviation)."""
    figures = []
    for still, out in list(zip(stills, output, strict=True))[:: max(1, len(stills) // 8)]:
        where = still.kept[::2, ::2]
        if where.sum() > 50:
            smooth = soft(still.input)
            difference = out[::2, ::2][where].astype(np.int16) - smooth[::2, ::2][where]
            figures.append(1.48 * float(np.median(np.abs(difference))))
    return float(np.median(figures)) if figures else 2.0


def find_background(
    stills: Sequence[Still], output: Sequence[Image], valid: Sequence[Mask], threshold: float
) -> tuple[Image, Mask]:
    """Return the background and where it is known."""
    chosen: list[int] = np.unique(np.linspace(0, len(stills) - 1, _SAMPLES).astype(int)).tolist()
    # A body's rim mixes with what is behind it, and the mask's band belongs to no region: both stay out.
    free = [~_widen(still.affected, _RIM) & seen for still, seen in zip(stills, valid, strict=True)]
    background, known = _kept(stills, output, valid, free, chosen)
    there = ~free[0] & valid[0] & ~known
    early, found = _first_values(output, free, 3)
    early_only = ~known & ~there & found
    background[early_only] = early[early_only]
    known |= early_only
    guess = _fill(background, known)
    if there.any():
        usual = _median_in(_box(there), [output[i] for i in chosen], [valid[i] for i in chosen])
        candidates = [usual, *_left_behind(stills, output, valid, there, threshold)]
        # What was left behind is far more like the surroundings than the body was.
        body = np.maximum(distance(soft(stills[0].input), guess) // 2, _UNLIKE)
        for (late, found), limit in zip(candidates, (np.full_like(body, _UNLIKE // 2), body, body), strict=True):
            better = found & (distance(late, guess) < np.where(known, distance(background, guess), limit))
            background[there & better] = late[there & better]
            known |= there & better
    background[~known] = guess[~known]
    return background, known


def _kept(
    stills: Sequence[Still], output: Sequence[Image], valid: Sequence[Mask], free: Sequence[Mask], chosen: Sequence[int]
) -> tuple[Image, Mask]:
    """Return the median of what the mask keeps, and where it keeps anything.

    In a few frames that keep a pixel something of the scene may pass there. Then more is told by the input beside
    the regions, in the band that K leaves out, and else by the output of all frames without a body.
    """
    inputs = [soft(stills[i].input) for i in chosen]
    where = [stills[i].kept & valid[i] for i in chosen]
    picture, known = _median(inputs, where)
    enough = _SELDOM * np.sum([valid[i] for i in chosen], axis=0)
    seldom = np.sum(where, axis=0) < enough
    beside = [free[i] & ~_widen(stills[i].removed, _RIM) for i in chosen]
    often = np.sum(beside, axis=0) >= enough
    for use, frames, places in (
        (seldom & often, inputs, beside),
        (known & seldom & ~often, [output[i] for i in chosen], [free[i] for i in chosen]),
    ):
        if use.any():
            other, ever = _median_in(_box(use), frames, places)
            picture[use & ever] = other[use & ever]
            known |= use & ever
    return picture, known


def _box(mask: Mask) -> Box:
    """Return the rows and columns that hold all of a mask, which is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _median_in(box: Box, frames: Sequence[Image], where: Sequence[Mask]) -> tuple[Image, Mask]:
    """Return `_median` worked out in a box only; nothing counts outside."""
    empty = np.zeros_like(frames[0]), np.zeros_like(where[0])
    return _put(empty, box, *_median([frame[box] for frame in frames], [mask[box] for mask in where]))


def _widen(mask: Mask, by: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)) > 0, bool)


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
    return u8(np.clip(np.rint(filled), 0, 255))


def _left_behind(
    stills: Sequence[Still], output: Sequence[Image], valid: Sequence[Mask], there: Mask, threshold: float
) -> list[tuple[Image, Mask]]:
    """Return what shows where bodies were at first, once they have left: in the output, and in the input.

    Where neither changes but the output differs from the input all along, as where a shadow lay, it is the output.
    """
    empty = np.zeros_like(output[0]), np.zeros_like(there)
    box = _box(there)
    chosen = np.unique(np.linspace(0, len(stills) - 1, 3 * _SAMPLES).astype(int))
    first, inside = soft(stills[0].input)[box], there[box]
    inputs = [soft(stills[i].input)[box] for i in chosen]
    outputs = [output[i][box] for i in chosen]
    gone = [inside & valid[i][box] & (distance(out, first) > threshold) for i, out in zip(chosen, outputs, strict=True)]
    moved = [
        inside & valid[i][box] & ~stills[i].removed[box] & (distance(own, first) > threshold)
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


def _put(empty: tuple[Image, Mask], box: Box, values: Image, found: Mask) -> tuple[Image, Mask]:
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
    return u8(picked), count >= least


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
    return u8(np.take_along_axis(slots, middle[None, ..., None], axis=0)[0]), taken > 0
