"""Clips as raw planes: what the removed region does not touch is never converted, only copied.

A frame is three 2-D uint8 arrays (Y, U, V) in the clip's own range and matrix. 8-bit 4:2:0 clips of even size keep
their subsampled chroma; everything else is carried as 4:4:4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from core.errors import RunFailed

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
SUBSAMPLED = ("yuv420p", "yuvj420p")
MAX_FPS = Fraction(1000)
# x264's macroblock tree gave other bytes for the same frames from one encode to the next; without it none differed.
ENCODER = {"crf": "12", "preset": "veryfast", "x264-params": "rc-lookahead=10:threads=2:mbtree=0"}
PROBE_ONLY_FILES = {"protocol_whitelist": "file"}


@dataclass(frozen=True)
class ClipFormat:
    """Size in pixels, frames per second, planes and colour tags of a clip; the tags are FFmpeg's numbers."""

    width: int
    height: int
    fps: Fraction
    pix_fmt: str
    colour: tuple[int, int, int, int]
    """Range, matrix, primaries and transfer."""
    has_audio: bool
    announced_frames: int
    """What the header says; 0 when it says nothing."""

    @property
    def chroma(self) -> int:
        """Luma pixels per chroma pixel in each direction: 2 or 1."""
        return 2 if self.pix_fmt in SUBSAMPLED else 1


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a clip from a local file and nothing else; an unreadable one is a `RunFailed`."""
    try:
        with av.open(f"file:{path.absolute()}", options=PROBE_ONLY_FILES) as container:
            if not container.streams.video:
                raise RunFailed(f"{path.name} holds no video", "give a video file")
            container.streams.video[0].thread_type = "AUTO"
            yield container
    except (av.FFmpegError, OSError) as error:
        raise RunFailed(f"{path.name} cannot be decoded ({error})", "export the clip again and resubmit it") from error


def clip_format(path: Path) -> ClipFormat:
    """Read a clip's format from its header."""
    with opened(path) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        even = codec.width % 2 == 0 and codec.height % 2 == 0
        pix_fmt = codec.pix_fmt if codec.pix_fmt in SUBSAMPLED and even else "yuv444p"
        if codec.pix_fmt in ("nv12", "yuv420p10le") and even:
            pix_fmt = "yuv420p"
        return ClipFormat(
            codec.width,
            codec.height,
            _fps(stream.average_rate or stream.guessed_rate),
            pix_fmt,
            (codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc),
            bool(container.streams.audio),
            stream.frames,
        )


def _fps(rate: Fraction | None) -> Fraction:
    if not rate or not 0 < rate <= MAX_FPS:
        raise RunFailed("the clip announces no usable frame rate", "export it again at a constant frame rate")
    return Fraction(rate)


def read_planes(path: Path, form: ClipFormat) -> Iterator[Planes]:
    """Yield each frame's planes in order; the arrays are valid until the next frame is taken."""
    with opened(path) as container:
        for frame in container.decode(video=0):
            if (frame.width, frame.height) != (form.width, form.height):
                raise RunFailed(f"{path.name} changes its size within the clip", "export it again at one size")
            yield _planes(frame.reformat(format=form.pix_fmt))


def read_grey(path: Path) -> Iterator[Plane]:
    """Yield each frame as full-range grey, H x W."""
    with opened(path) as container:
        for frame in container.decode(video=0):
            yield _array(frame.reformat(format="gray"), 0)


def count_frames(path: Path, progress: Callable[[float], None]) -> int:
    """Decode the whole clip and return its length; one that is cut short or empty is a `RunFailed`."""
    with opened(path) as container:
        announced, count = container.streams.video[0].frames, 0
        for _ in container.decode(video=0):
            count += 1
            progress(min(1.0, count / max(announced, count)))
    if not count or count < announced:
        raise RunFailed(f"{path.name} is cut short after {count} frames", "copy or export it again")
    return count


def _planes(frame: VideoFrame) -> Planes:
    return _array(frame, 0), _array(frame, 1), _array(frame, 2)


def _array(frame: VideoFrame, index: int) -> Plane:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.asarray(rows[: plane.height, : plane.width])


class ClipWriter:
    """Write planes to an H.264 MP4 at high quality (CRF 12), one frame behind in a thread of its own.

    The same frames give the same bytes. The file appears under its name only when finished.
    """

    def __init__(self, path: Path, form: ClipFormat) -> None:
        self._path, self._form = path, form
        self._part = path.with_name(path.name + ".part")
        self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=form.fps, options=ENCODER)
        self._stream.width, self._stream.height = form.width, form.height
        self._stream.pix_fmt = form.pix_fmt
        codec = self._stream.codec_context
        codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc = form.colour
        self._count = 0
        self._thread = ThreadPoolExecutor(1, "encode")
        self._behind: Future[None] | None = None

    def write(self, planes: Planes) -> None:
        """Append one frame."""
        shape = (-1, self._form.width) if self._form.chroma == 2 else (3, self._form.height, self._form.width)
        stacked = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(shape)
        frame = VideoFrame.from_ndarray(stacked, format=self._form.pix_fmt)
        frame.pts, frame.time_base = self._count, 1 / self._form.fps
        self._count += 1
        self._catch_up()
        self._behind = self._thread.submit(self._encode, frame)

    def _encode(self, frame: VideoFrame | None) -> None:
        self._container.mux(self._stream.encode(frame))

    def _catch_up(self) -> None:
        if self._behind is not None:
            self._behind.result()

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._thread.shutdown()
            if kind is None:
                self._catch_up()
                self._encode(None)
            self._container.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)
