"""The frames that a dossier shows: the worst ones by measure, and some at even spacing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.reports.document import FrameRow
from core.reports.figures import PRINT_WIDTH, Frame, frame_row, shrink

WORST_FOR = ("removal_residue", "preservation_psnr", "warp_error", "gain_flicker", "shadow_residue")
MOST_WORST = 3
EVEN = 3


def choose_frames(evaluation: Mapping[str, Any], frames: int) -> dict[int, str]:
    """Return frame numbers with the title of the measure that is worst there ("" for an evenly spaced one)."""
    chosen: dict[int, str] = {}
    found = {m["measure"]["name"]: m for part in evaluation["evaluations"] for m in part["measurements"]}
    for name in WORST_FOR:
        series = found.get(name, {}).get("series")
        if series and series["worst"] and len(chosen) < MOST_WORST:
            chosen.setdefault(int(series["worst"][0]), found[name]["measure"]["title"])
    for number in np.linspace(0, max(frames - 1, 0), EVEN + 2)[1:-1].round().astype(int):
        chosen.setdefault(int(number), "")
    return {number: title for number, title in chosen.items() if 0 <= number < frames}


def frame_rows(
    video: Path, quadmask: Path, output: Path, chosen: Mapping[int, str], fps: float | None
) -> tuple[FrameRow, ...]:
    """Decode only the chosen frames of the three clips and lay them side by side, in order of time."""
    wanted = sorted(chosen)
    inputs, masks, outputs = (
        dict(_frames(path, wanted, nearest=nearest))
        for path, nearest in ((video, False), (quadmask, True), (output, False))
    )
    return tuple(
        frame_row(
            number,
            inputs[number],
            masks[number][..., 0] if number in masks else None,
            outputs.get(number),
            worst_for=chosen[number],
            seconds=number / fps if fps else None,
        )
        for number in wanted
        if number in inputs
    )


def _frames(path: Path, wanted: Sequence[int], *, nearest: bool) -> Iterator[tuple[int, Frame]]:
    """Yield the wanted frames as RGB at print width; decoding forward is exact where seeking is not."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        for number in range(max(wanted, default=-1) + 1):
            if not capture.grab():
                return
            if number in wanted:
                frame = capture.retrieve()[1]
                yield number, shrink(np.ascontiguousarray(frame[..., ::-1]), PRINT_WIDTH, nearest=nearest)
    finally:
        capture.release()
