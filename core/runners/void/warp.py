"""Carry Gaussian noise along a clip's motion so that every frame's noise stays independent and of unit variance.

After Go-with-the-Flow (Burgert et al., CVPR 2025): where the picture spreads, the pixels that show one earlier pixel
share its noise and fresh noise makes them independent again; where it shrinks, the noises that meet are summed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.runners.void.flow import Flow

Noise = NDArray[np.float32]


class Carrier:
    """Noise (channels, H, W) that moves with the picture; the sequence follows from the seed and the flows."""

    def __init__(self, channels: int, height: int, width: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._shape = (height, width)
        self._channels = channels
        # One row for each pixel, so that a pixel's channels are read and written together.
        self._noise = self._fresh(height * width)
        self._rest = np.zeros((height * width, 2), np.float32)

    @property
    def noise(self) -> Noise:
        """The current frame's noise, (channels, H, W)."""
        return np.ascontiguousarray(self._noise.T).reshape(self._channels, *self._shape)

    def move(self, flow: Flow) -> None:
        """Go to the next frame, by its backward flow (H, W, 2).

        Noise sits at whole pixels; how far that is from where the motion put it is carried on, so that slow motion
        adds up instead of being rounded away.
        """
        height, width = self._shape
        rows, columns = np.divmod(np.arange(height * width), width)
        here = np.stack([columns, rows], axis=1).astype(np.float32)
        wanted = here + flow.reshape(-1, 2)
        near = self._index(np.rint(wanted))
        place = np.rint(wanted - self._rest[near])
        inside = ((place >= 0) & (place < (width, height))).all(axis=1)
        source = self._index(place)
        rest = place + self._rest[source] - wanted
        self._noise = self._carried(source, inside, flow.reshape(-1, 2))
        self._rest = np.where(inside[:, None], np.clip(rest, -1, 1), 0).astype(np.float32)

    def _carried(self, source: NDArray[np.int64], inside: NDArray[np.bool_], flow: Flow) -> Noise:
        shared = np.bincount(source[inside], minlength=len(source))
        alone = inside & (shared[source] == 1)
        result = self._noise[source]
        result[~alone] = self._fresh(int(np.count_nonzero(~alone)))
        many = np.flatnonzero(inside & ~alone)
        order = many[np.argsort(source[many], kind="stable")]
        if len(order):
            # Each run of equal sources is one earlier pixel that several pixels show now.
            starts = np.flatnonzero(np.diff(source[order], prepend=-1))
            count = np.diff(starts, append=len(order)).astype(np.float32)[:, None]
            mean = np.add.reduceat(result[order], starts, axis=0) / count
            share = self._noise[source[order[starts]]] / np.sqrt(count)
            result[order] += np.repeat(share - mean, count[:, 0].astype(int), axis=0)
        return self._with_left_over(result, np.flatnonzero(shared == 0), flow)

    def _with_left_over(self, result: Noise, unused: NDArray[np.int64], flow: Flow) -> Noise:
        """Add the noise of earlier pixels that nobody looked up to where they went, keeping unit variance."""
        height, width = self._shape
        rows, columns = np.divmod(unused, width)
        place = np.rint(np.stack([columns, rows], axis=1) - flow[unused])
        inside = ((place >= 0) & (place < (width, height))).all(axis=1)
        target = self._index(place)[inside]
        order = np.argsort(target, kind="stable")
        if not len(order):
            return result
        starts = np.flatnonzero(np.diff(target[order], prepend=-1))
        count = np.diff(starts, append=len(order)).astype(np.float32)[:, None]
        met = target[order[starts]]
        arriving = np.add.reduceat(self._noise[unused[inside][order]], starts, axis=0)
        result[met] = (result[met] + arriving) / np.sqrt(count + 1)
        return result

    def _fresh(self, pixels: int) -> Noise:
        return self._random.standard_normal((pixels, self._channels), np.float32)

    def _index(self, place: NDArray[np.float32]) -> NDArray[np.int64]:
        height, width = self._shape
        column = np.clip(place[:, 0], 0, width - 1).astype(np.int64)
        return np.clip(place[:, 1], 0, height - 1).astype(np.int64) * width + column


def pooled(noise: Noise, by: int) -> Noise:
    """Sum squares of `by` x `by` and divide by `by`: unit variance in, unit variance out."""
    channels, height, width = noise.shape
    squares = noise.reshape(channels, height // by, by, width // by, by)
    return np.asarray(squares.sum(axis=(2, 4)) / np.float32(by), np.float32)


def carried(flows: Callable[[int], Flow], keep: NDArray[np.int64], carrier: Carrier, by: int) -> Noise:
    """The noise at the frames of `keep` (ascending), pooled: (len(keep), channels, H / by, W / by).

    `flows(t)` is the backward flow from frame t to t - 1.
    """
    kept = {}
    for frame in range(int(keep[-1]) + 1):
        if frame:
            carrier.move(flows(frame))
        if frame in keep:
            kept[frame] = pooled(carrier.noise, by)
    return np.stack([kept[int(frame)] for frame in keep])
