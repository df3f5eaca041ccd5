"""From named cells to the four values of a quadmask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.runners.mask.analysis import Affected, Cell

REMOVED, OVERLAP, AFFECTED, KEEP = 0, 63, 127, 255
FEWEST = 8
"""Cells along the shorter side, as upstream has it."""
Grey = NDArray[np.uint8]


class Grid(NamedTuple):
    """How a frame is divided."""

    rows: int
    columns: int

    @classmethod
    def over(cls, width: int, height: int, fewest: int = FEWEST) -> Grid:
        """Nearly square cells, `fewest` along the shorter side: upstream's rule, so that its cells mean the same."""
        if width >= height:
            return cls(fewest, max(fewest, round(fewest * width / height)))
        return cls(max(fewest, round(fewest * height / width)), fewest)

    def region(self, cells: Iterable[Cell], width: int, height: int) -> NDArray[np.bool_]:
        """The pixels of those cells, H x W; each pixel belongs to exactly one cell."""
        mask = np.zeros((height, width), bool)
        for row, column in cells:
            rows = slice(row * height // self.rows, (row + 1) * height // self.rows)
            mask[rows, column * width // self.columns : (column + 1) * width // self.columns] = True
        return mask


def cells_at(frame: int, affected: Iterable[Affected]) -> frozenset[Cell]:
    """The cells affected on a frame: those named for it, or those of both named frames around it.

    Between two named frames nobody knows where the thing is: both places are marked, for too much is better than
    too little. Before the thing appears nothing is marked; outside the named frames the nearest one counts.
    """
    found: frozenset[Cell] = frozenset()
    for item in affected:
        if item.cells and frame >= item.first_frame:
            found |= _around(frame, item.cells)
    return found


def _around(frame: int, cells: Mapping[int, frozenset[Cell]]) -> frozenset[Cell]:
    if frame in cells:
        return cells[frame]
    before = [named for named in cells if named < frame]
    after = [named for named in cells if named > frame]
    return (cells[max(before)] if before else frozenset()) | (cells[min(after)] if after else frozenset())


def quadmask(removed: NDArray[np.bool_], affected: NDArray[np.bool_], *, first: bool) -> Grey:
    """Combine both regions of a frame. The first frame has no 127: VOID was trained so."""
    mask = np.full(removed.shape, KEEP, np.uint8)
    if not first:
        mask[affected] = AFFECTED
    mask[removed] = REMOVED
    mask[removed & affected] = OVERLAP
    return mask
