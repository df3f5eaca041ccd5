"""Pictures that explain a result: the mask on the frame, where two frames differ, contact sheets, curves.

Frames are uint8 RGB arrays of shape (height, width, 3); masks are uint8 arrays (height, width) in VOID's
quadmask code: 0 removed, 63 removed and affected, 127 affected, 255 kept. The same arrays give the same
bytes. Colours are from Okabe and Ito's colour-blind-safe set, and the classes differ in pattern too.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.reports.document import FrameRow
from core.reports.picture import Picture

Frame = NDArray[np.uint8]
Mask = NDArray[np.uint8]

PRINT_WIDTH = 640
JPEG_QUALITY = 90
FULL_DIFFERENCE = 64.0
"""The difference of 8-bit levels that the heat map shows in its strongest colour."""


DIFFERENCE_CAPTION = f"Difference, from none (dark) to {FULL_DIFFERENCE:.0f} levels or more (yellow)"


class MaskClass(NamedTuple):
    """One class of the quadmask: its code, its words, its colour and how strongly that covers the frame."""

    code: int
    words: str
    colour: tuple[int, int, int]
    strength: float

    @property
    def hex(self) -> str:
        """The colour as #rrggbb."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


MASK_CLASSES = (
    MaskClass(0, "removed", (213, 94, 0), 0.72),
    MaskClass(63, "removed and affected (striped)", (240, 228, 66), 0.7),
    MaskClass(127, "affected", (86, 180, 233), 0.45),
)
_CODES = np.array([0, 63, 127, 255])


def shrink(frame: NDArray[np.uint8], width: int = PRINT_WIDTH, *, nearest: bool = False) -> NDArray[np.uint8]:
    """Return the frame or mask at `width` pixels or less, its aspect kept; masks need `nearest`."""
    if frame.shape[1] <= width:
        return frame
    size = (width, max(1, round(frame.shape[0] * width / frame.shape[1])))
    method = Image.Resampling.NEAREST if nearest else Image.Resampling.BOX
    return np.asarray(Image.fromarray(frame).resize(size, method), dtype=np.uint8)


def overlay(frame: Frame, mask: Mask) -> Frame:
    """Return the frame with the mask's classes tinted and outlined; equal sizes are required.

    A code between two classes counts as the nearer one.
    """
    if frame.shape[:2] != mask.shape:
        raise ValueError(f"frame {frame.shape[:2]} and mask {mask.shape} differ in size")
    nearest = _CODES[np.abs(mask[..., None].astype(np.int16) - _CODES).argmin(axis=-1)]
    picture = frame.astype(np.float32)
    rows, columns = np.indices(mask.shape)
    stripes = ((rows + columns) // max(3, mask.shape[1] // 100)) % 2 == 0
    for entry in MASK_CLASSES:
        inside = nearest == entry.code
        tinted = inside & stripes if entry.code == 63 else inside
        picture[tinted] += (np.array(entry.colour, np.float32) - picture[tinted]) * entry.strength
        picture[_outline(inside)] = entry.colour
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    core = inside.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            core &= np.roll(inside, step, axis=axis)
    return inside & ~core


def difference(first: Frame, second: Frame, full: float = FULL_DIFFERENCE) -> Frame:
    """Return a heat map of the largest channel difference, dark for none, bright yellow from `full` levels."""
    if first.shape != second.shape:
        raise ValueError(f"frames of {first.shape[:2]} and {second.shape[:2]} differ in size")
    from matplotlib import colormaps

    levels = np.abs(first.astype(np.int16) - second.astype(np.int16)).max(axis=-1) / full
    coloured = colormaps["cividis"](np.clip(levels, 0, 1))[..., :3]
    return np.asarray(np.rint(coloured * 255), dtype=np.uint8)


def encode(frame: Frame, *, lossless: bool = False) -> tuple[bytes, str]:
    """Encode a picture: JPEG for photographs (full chroma), PNG where every level matters."""
    buffer = BytesIO()
    if lossless:
        Image.fromarray(frame).save(buffer, "PNG", optimize=False)
        return buffer.getvalue(), "image/png"
    Image.fromarray(frame).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue(), "image/jpeg"


def picture(frame: Frame, caption: str, alt: str, width: int = PRINT_WIDTH) -> Picture:
    """Return an encoded picture, reduced for print, with its words."""
    data, media_type = encode(shrink(frame, width))
    return Picture(data, caption, alt, media_type)


def frame_row(
    number: int,
    source: Frame,
    mask: Mask | None,
    output: Frame | None,
    *,
    worst_for: str = "",
    seconds: float | None = None,
) -> FrameRow:
    """Return one frame as input, mask overlay, output and difference, as far as each of them exists.

    The difference is left out where the output's size is not the input's: it would not compare like with like.
    """
    shown = shrink(source)
    pictures = [picture(shown, "Input", f"Input, frame {number}")]
    if mask is not None:
        covered = overlay(shown, shrink(mask, nearest=True))
        pictures.append(picture(covered, "Mask", f"Input with the mask drawn over it, frame {number}"))
    if output is not None:
        result = shrink(output)
        pictures.append(picture(result, "Output", f"Output, frame {number}"))
        if result.shape == shown.shape:
            heat = difference(shown, result)
            words = f"Heat map of the difference between input and output, frame {number}"
            pictures.append(picture(heat, DIFFERENCE_CAPTION, words))
    return FrameRow(number, tuple(pictures), worst_for, seconds)


def contact_sheet(frames: Sequence[Frame], columns: int = 4, width: int = 240, gap: int = 4) -> Frame:
    """Return the frames side by side on white, row by row, each at `width` pixels; at least one is needed."""
    if not frames:
        raise ValueError("a contact sheet needs at least one frame")
    tiles = [np.asarray(Image.fromarray(one).resize((width, _height(one, width)))) for one in frames]
    tall = max(tile.shape[0] for tile in tiles)
    across = min(columns, len(tiles))
    down = -(-len(tiles) // across)
    sheet = np.full((down * (tall + gap) - gap, across * (width + gap) - gap, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // across) * (tall + gap), (index % across) * (width + gap)
        sheet[top : top + tile.shape[0], left : left + width] = tile
    return sheet


def _height(frame: Frame, width: int) -> int:
    return max(1, round(int(frame.shape[0]) * width / int(frame.shape[1])))
