"""Write a quadmask so that every reader gets back exactly the four values."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from core.errors import RunFailed
from core.runners.frames import read_grey
from core.runners.mask.grid import AFFECTED, KEEP, OVERLAP, REMOVED, Grey

VALUES = (REMOVED, OVERLAP, AFFECTED, KEEP)
LOSSLESS = {"qp": "0", "preset": "ultrafast", "x264-params": "threads=2"}
LIMITED, BT709 = 1, 1
"""FFmpeg's numbers of the range 16-235 and of the colours of BT.709."""
LUMA = np.array([round(16 + level * 219 / 255) for level in range(256)], np.uint8)
"""Grey level to luma in the limited range, as in VOID's own samples; readers scale it back to the same four levels."""


class MaskWriter:
    """H.264, yuv444p, qp 0. The file appears under its name only when finished, and only when it reads back exactly."""

    def __init__(self, path: Path, width: int, height: int, fps: Fraction) -> None:
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._size = (height, width)
        self._fps = fps
        self.counts = dict.fromkeys(VALUES, 0)
        self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=fps, options=LOSSLESS)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv444p"
        codec = self._stream.codec_context
        codec.color_range, codec.colorspace = LIMITED, BT709
        codec.color_primaries, codec.color_trc = BT709, BT709
        self._neutral = np.full((2, height, width), 128, np.uint8)
        self._frames = 0

    def write(self, mask: Grey) -> None:
        """Append one frame of the four values."""
        for value in VALUES:
            self.counts[value] += int(np.count_nonzero(mask == value))
        frame = VideoFrame.from_ndarray(np.concatenate([LUMA[mask][None], self._neutral]), format="yuv444p")
        frame.pts, frame.time_base = self._frames, 1 / self._fps
        self._frames += 1
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if kind is None:
                self._check()
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def _check(self) -> None:
        """Decode what was written and compare it with what was asked for."""
        found, frames = dict.fromkeys(VALUES, 0), 0
        for mask in read_grey(self._part):
            frames += 1
            for value in VALUES:
                found[value] += int(np.count_nonzero(mask == value))
        if found != self.counts or frames != self._frames:
            raise RunFailed("the quadmask does not decode to what was written", "check this machine's video encoder")
