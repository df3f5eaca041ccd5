"""Synthesise what no frame shows from its surroundings.

Coarse to fine, every patch of the hole is drawn from the known patch most like it and the patches vote (Wexler et
al., TPAMI 2007; nearest patches by PatchMatch, Barnes et al., SIGGRAPH 2009). It runs at a reduced size; the detail
of the full size is then copied from where each patch came from. Deterministic for a seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from core.runners.blend import spread_inwards
from core.runners.frames import Plane, Planes
from core.runners.holes import Mask

Image = NDArray[np.float32]
Bits = NDArray[np.bool_]
Index = NDArray[np.intp]
HALF = 3
"""Half the patch's side, less the centre: 7 x 7 pixels."""
MOST_PIXELS, MOST_HOLE = 100_000, 6_000
"""Bounds of the working size: pixels in all, and pixels to synthesise."""
CHROMA_WEIGHT = 2.0
KNOWN_COVER = 0.999
"""Share of a working pixel that must be known for it to be copied from."""
ROUNDS = (3, 4, 6, 8, 10)
"""Search-and-vote rounds per level, finest first; the last number serves all coarser levels."""


def fill(planes: Planes, holes: Mask, known: Mask, seed: int) -> Planes:
    """Return the planes with the pixels of `holes` replaced; `known` marks what may be copied from.

    Both masks have the luma plane's size; planes are uint8.
    """
    if not holes.any():
        return planes
    size = _working_size(holes)
    small, unknown = _reduce(planes, known, size)
    sources = _erode(~unknown)
    if not sources.any():
        return _smooth(planes, holes, known)
    picture, match = _pyramid(small, unknown, np.random.default_rng(seed))
    filled = [
        _enlarge(plane, picture[..., channel], match, _anywhere(holes, plane)) for channel, plane in enumerate(planes)
    ]
    return filled[0], filled[1], filled[2]


def _working_size(holes: Mask) -> tuple[int, int]:
    height, width = holes.shape
    shrink = min(1.0, (MOST_PIXELS / holes.size) ** 0.5, (MOST_HOLE / int(np.count_nonzero(holes))) ** 0.5)
    return max(2 * HALF + 2, round(width * shrink)), max(2 * HALF + 2, round(height * shrink))


def _reduce(planes: Planes, known: Mask, size: tuple[int, int]) -> tuple[Image, Bits]:
    """The picture at the working size (H x W x 3) from known pixels only, and where it holds anything unknown."""
    channels, unknown = [], np.zeros(size[::-1], np.bool_)
    for plane in planes:
        weight = _everywhere(known, plane).astype(np.float32)
        total = cv2.resize(plane * weight, size, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        channels.append(total / np.maximum(cover, 1e-3))
        unknown |= cover < KNOWN_COVER
    return np.stack(channels, axis=-1).astype(np.float32), unknown


def _anywhere(mask: Mask, plane: Plane) -> Mask:
    """A luma mask at a plane's size: 1 where any of its pixels is 1."""
    if mask.shape == plane.shape:
        return mask
    share = cv2.resize(mask.astype(np.float32), plane.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0, np.uint8)


def _everywhere(mask: Mask, plane: Plane) -> Mask:
    """A luma mask at a plane's size: 1 where all of its pixels are 1."""
    return 1 - _anywhere(1 - mask, plane)


def _smooth(planes: Planes, holes: Mask, known: Mask) -> Planes:
    """Nothing to copy from: extend the border's colours."""
    result = []
    for plane in planes:
        spread = spread_inwards(plane.astype(np.float32), _everywhere(known, plane) > 0)
        result.append(np.where(_anywhere(holes, plane) > 0, np.clip(np.rint(spread), 0, 255), plane).astype(np.uint8))
    return result[0], result[1], result[2]


@dataclass
class _Match:
    """For each pixel of the grid, where its patch comes from (rows and columns)."""

    row: Index
    column: Index


def _pyramid(small: Image, unknown: Bits, random: np.random.Generator) -> tuple[Image, _Match]:
    levels = [(small, unknown)]
    while _depth(levels[-1][1]) > 2 and min(levels[-1][1].shape) >= 8 * HALF and _erode(~_halve(*levels[-1])[1]).any():
        levels.append(_halve(*levels[-1]))
    picture, match = levels[-1][0], None
    for channel in range(3):
        picture[..., channel] = spread_inwards(picture[..., channel], ~levels[-1][1])
    for number in range(len(levels) - 1, -1, -1):
        image, target = levels[number]
        if match is None:
            picture = np.where(target[..., None], picture, image)
            match = _random_match(target, random)
        else:
            picture, match = _refine(image, target, picture, match, random)
        for _ in range(ROUNDS[min(number, len(ROUNDS) - 1)]):
            cost = _search(picture, target, match, random)
            picture = _vote(picture, image, target, match, cost)
    assert match is not None  # noqa: S101 - there is at least one level
    return picture, match


def _depth(mask: Bits) -> float:
    """How far the deepest masked pixel lies from the border, in pixels."""
    return float(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3).max())


def _halve(image: Image, unknown: Bits) -> tuple[Image, Bits]:
    size = ((unknown.shape[1] + 1) // 2, (unknown.shape[0] + 1) // 2)
    weight = (~unknown).astype(np.float32)
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(image * weight[..., None], size, interpolation=cv2.INTER_AREA)
    return np.asarray(total / np.maximum(share, 1e-3)[..., None], np.float32), np.asarray(share < 0.5)


def _erode(mask: Bits) -> Bits:
    """Centres whose whole patch lies in the mask and in the picture."""
    kernel = np.ones((2 * HALF + 1,) * 2, np.uint8)
    return np.asarray(cv2.erode(mask.astype(np.uint8), kernel, borderValue=0), np.bool_)


def _centres(target: Bits) -> Bits:
    """Patches that touch the target and lie wholly in the picture."""
    touching = cv2.dilate(target.astype(np.uint8), np.ones((2 * HALF + 1,) * 2, np.uint8)) > 0
    return np.asarray(touching & _erode(np.ones_like(target)))


def _random_match(target: Bits, random: np.random.Generator) -> _Match:
    rows, columns = np.nonzero(_erode(~target))
    pick = random.integers(0, len(rows), target.shape)
    return _Match(rows[pick], columns[pick])


def _refine(
    image: Image, target: Bits, coarse: Image, match: _Match, random: np.random.Generator
) -> tuple[Image, _Match]:
    """Carry the picture and the matches to the next finer grid."""
    height, width = target.shape
    row, column = np.arange(height)[:, None], np.arange(width)[None]
    parent = (np.minimum(row // 2, match.row.shape[0] - 1), np.minimum(column // 2, match.row.shape[1] - 1))
    finer = _Match(
        np.clip(2 * match.row[parent] + row % 2, 0, height - 1),
        np.clip(2 * match.column[parent] + column % 2, 0, width - 1),
    )
    usable = _erode(~target)
    lost = ~usable[finer.row, finer.column]
    anew = _random_match(target, random)
    finer.row[lost], finer.column[lost] = anew.row[lost], anew.column[lost]
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(target[..., None], picture, image).astype(np.float32), finer


def _search(picture: Image, target: Bits, match: _Match, random: np.random.Generator) -> Image:
    """Improve the matches of all patches that touch the target; return each one's cost (sum of squares)."""
    usable = _erode(~target)
    rows, columns = np.nonzero(_centres(target))
    weighted = picture * np.array([1, CHROMA_WEIGHT, CHROMA_WEIGHT], np.float32)
    patches = sliding_window_view(weighted, (2 * HALF + 1, 2 * HALF + 1), axis=(0, 1)).reshape(
        -1, 3 * (2 * HALF + 1) ** 2
    )
    span = picture.shape[1] - 2 * HALF
    mine = patches[(rows - HALF) * span + columns - HALF]
    best_row, best_column = match.row[rows, columns], match.column[rows, columns]
    best = np.full(len(rows), np.inf, np.float32)

    def offer(row: Index, column: Index) -> None:
        inside = (row >= HALF) & (column >= HALF) & (row < usable.shape[0] - HALF) & (column < usable.shape[1] - HALF)
        row, column = np.where(inside, row, HALF), np.where(inside, column, HALF)
        fit = np.flatnonzero(inside & usable[row, column])
        theirs = patches[(row[fit] - HALF) * span + column[fit] - HALF]
        cost = np.square(mine[fit] - theirs).sum(axis=1)
        better = fit[cost < best[fit]]
        best[better] = cost[cost < best[fit]]
        best_row[better], best_column[better] = row[better], column[better]

    offer(best_row.copy(), best_column.copy())
    for step in (1, 4, 1):
        for down, right in ((0, step), (0, -step), (step, 0), (-step, 0)):
            match.row[rows, columns], match.column[rows, columns] = best_row, best_column
            there = np.clip(rows + down, 0, target.shape[0] - 1), np.clip(columns + right, 0, target.shape[1] - 1)
            offer(match.row[there] - down, match.column[there] - right)
    radius = max(target.shape)
    while radius >= 1:
        jump = random.integers(-radius, radius + 1, (2, len(rows)))
        offer(best_row + jump[0], best_column + jump[1])
        radius //= 2
    match.row[rows, columns], match.column[rows, columns] = best_row, best_column
    costs = np.full(target.shape, np.inf, np.float32)
    costs[rows, columns] = best
    return costs


def _vote(picture: Image, image: Image, target: Bits, match: _Match, cost: Image) -> Image:
    """Each target pixel becomes the mean of what the patches over it propose, good patches counting more."""
    rows, columns = np.nonzero(target)
    finite = cost[np.isfinite(cost)]
    tolerance = 2 * max(float(np.percentile(finite, 50)), 1.0)
    total, weight = np.zeros((len(rows), 3), np.float32), np.zeros((len(rows), 1), np.float32)
    for down in range(-HALF, HALF + 1):
        for right in range(-HALF, HALF + 1):
            row = np.clip(rows - down, 0, target.shape[0] - 1)
            column = np.clip(columns - right, 0, target.shape[1] - 1)
            proposes = np.exp(-cost[row, column] / tolerance)[:, None] * (cost[row, column] < np.inf)[:, None]
            from_row = np.clip(match.row[row, column] + down, 0, target.shape[0] - 1)
            from_column = np.clip(match.column[row, column] + right, 0, target.shape[1] - 1)
            total += proposes * image[from_row, from_column]
            weight += proposes
    result = picture.copy()
    voted = weight[:, 0] > 0
    result[rows[voted], columns[voted]] = total[voted] / weight[voted]
    return result


def _enlarge(plane: Plane, picture: Image, match: _Match, holes: Mask) -> Plane:
    """The synthesised picture at the plane's size, with the detail of the places it was copied from."""
    height, width = plane.shape
    rows, columns = picture.shape
    base = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = plane - base
    at_row, at_column = np.nonzero(holes)
    cell_row = np.minimum(at_row * rows // height, rows - 1)
    cell_column = np.minimum(at_column * columns // width, columns - 1)
    from_row = at_row + np.rint((match.row[cell_row, cell_column] - cell_row) * (height / rows)).astype(int)
    from_column = at_column + np.rint((match.column[cell_row, cell_column] - cell_column) * (width / columns)).astype(
        int
    )
    copied = detail[np.clip(from_row, 0, height - 1), np.clip(from_column, 0, width - 1)]
    result = plane.copy()
    result[at_row, at_column] = np.clip(np.rint(base[at_row, at_column] + copied), 0, 255).astype(np.uint8)
    return result
