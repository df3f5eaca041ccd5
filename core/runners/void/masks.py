"""What VOID makes of a quadmask: four values on disk, fewer in each pass, and frames repeated up to a usable length.

On disk 0 is the object, 63 object and affected together, 127 affected, 255 keep.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Collapse = Literal["tri", "binary", "quad"]
OBJECT, OVERLAP, AFFECTED, KEEP = VALUES = (0, 63, 127, 255)
EDGES = (31, 95, 191)
"""The highest grey level that still counts as the first, second and third value."""
SHORTEST, LONGEST = 85, 197
"""Upstream never gives the model fewer or more frames."""

_VALUES = np.array(VALUES, np.uint8)
_STRANGE = ~np.isin(np.arange(256), VALUES)


def quantise(grey: NDArray[np.integer] | NDArray[np.floating]) -> Grey:
    """The nearest of the four values in VOID's own bands: <=31, <=95, <=191, above. Any shape, 0 to 255."""
    return _VALUES[np.searchsorted(EDGES, grey, side="left")]


def inexact(histogram: NDArray[np.int64]) -> int:
    """How many of the pixels counted by grey level (256) hold none of the four values: a lossy mask shifts them."""
    return int(histogram[_STRANGE].sum())


def shown_to_vae(values: Grey, collapse: Collapse) -> NDArray[np.float32]:
    """What the VAE gets of a quantised mask before it is tiled to three channels: 0 removed to 1 kept, same shape.

    Upstream's first pass knows three values (`tri`), its second two (`binary`); `quad` keeps all four.
    """
    removed = (np.float32(255) - values.astype(np.float32)) / np.float32(255)
    if collapse == "binary":
        removed = (removed > 0.5).astype(np.float32)
    elif collapse == "tri":
        middle = (removed <= 0.75) & (removed >= 0.25)
        removed = np.where(middle, np.float32(127) / np.float32(255), (removed > 0.75).astype(np.float32))
    return np.asarray(1 - removed, np.float32)


def padded_length(frames: int, longest: int | None = LONGEST) -> int:
    """The next length that the model takes: at least 85, of the form 8k+5, at most `longest` where one is given.

    8k+5 frames give an even number of latents, which the transformer's patches of two need.
    """
    if frames < 1:
        raise ValueError("a clip has at least one frame")
    length = max(SHORTEST, 8 * -(-(frames - 5) // 8) + 5)
    return length if longest is None else min(length, longest)


def mirrored(frames: int, length: int) -> NDArray[np.int64]:
    """Which frame stands at each place of the padded clip: forward, backward, forward ... until `length`."""
    place = np.arange(length) % (2 * frames)
    return np.asarray(np.where(place < frames, place, 2 * frames - 1 - place))


def latents_of(frames: int) -> int:
    """Latent frames of a padded clip: the first alone, then one for each four frames."""
    return (frames - 1) // 4 + 1
