"""The child process that opens untrusted media: one JSON request on standard input, one JSON answer on standard output.

    request   {"task": "clip" or "mask", "path": "...", "limits": {...}}
              {"task": "difference", "path": "...", "other": "...", "grey": true or false, "limits": {...}}
    answer    {"found": {...}} or {"rejected": {"what": "...", "next_step": "..."}}

Limits on memory, time, file size and open files are set before the first byte of the file is read. Started by
`core.media` only.
"""

from __future__ import annotations

import errno
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mxf"
MASK_VALUES = (0, 63, 127, 255)
PACKETS_PER_FRAME = 64
REQUEST_BYTES = 1 << 16


class Rejected(Exception):
    """The file cannot be used: what happened and what to do next."""


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds of CPU, bytes of memory and of file, pixels of a frame, frames."""

    seconds: float
    memory: int
    pixels: int
    frames: int
    bytes: int


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.read(REQUEST_BYTES))
    limits = Limits(**request["limits"])
    confine(limits)
    path = Path(request["path"])
    try:
        answer: dict[str, object] = {"found": _found(request, path, limits)}
    except Rejected as error:
        answer = {"rejected": {"what": error.args[0], "next_step": error.args[1]}}
    except MemoryError:
        answer = {"rejected": _too_much(path.name, "memory")}
    sys.stdout.write(json.dumps(answer))


def _found(request: dict[str, Any], path: Path, limits: Limits) -> dict[str, object]:
    if request["task"] == "difference":
        return difference(path, Path(request["other"]), limits, grey=request["grey"])
    return read_clip(path, limits, exact=request["task"] == "mask")


def confine(limits: Limits) -> None:
    """Give up the right to more memory, time, file space and core dumps than the limits allow."""
    cpu = max(1, int(2 * limits.seconds))
    for what, most in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, limits.memory),
    ):
        # macOS refuses a limit on address space: there the parent's watch over resident memory stands alone.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _too_much(name: str, what: str) -> dict[str, str]:
    return {"what": f"{name} needs more {what} than a clip may", "next_step": "give a shorter or smaller clip"}


def read_clip(path: Path, limits: Limits, exact: bool) -> dict[str, object]:
    """Decode the whole file within the limits; with `exact`, count grey values as a quadmask."""
    with _opened(path) as container:
        return _read(container, path.name, limits, exact)


def difference(path: Path, other: Path, limits: Limits, *, grey: bool) -> dict[str, object]:
    """Decode two clips of one size together and say how far apart their pixels are, in RGB or in full-range grey.

    Only the frames that both have are compared; `squares` is the sum of squared differences over `samples`.
    """
    import numpy as np

    form = "gray" if grey else "rgb24"
    found = {"samples": 0, "pixels": 0, "differing": 0, "squares": 0, "largest": 0, "differing_frames": 0}
    frames, first = [0, 0], None
    with _opened(path) as one, _opened(other) as two:
        for container, name in ((one, path.name), (two, other.name)):
            _prepare(_require_video(container, name).codec_context, name, limits)
        pairs = zip_longest(_frames(one, path.name, limits), _frames(two, other.name, limits))
        for number, (left, right) in enumerate(pairs):
            frames = [frames[0] + (left is not None), frames[1] + (right is not None)]
            if left is None or right is None:
                continue
            if (left.width, left.height) != (right.width, right.height):
                raise Rejected(f"{path.name} and {other.name} differ in size", "compare clips of one size")
            apart = np.abs(left.to_ndarray(format=form).astype(np.int16) - right.to_ndarray(format=form))
            changed = int(np.count_nonzero(apart if grey else apart.any(axis=2)))
            found["samples"] += apart.size
            found["pixels"] += left.width * left.height
            found["differing"] += changed
            found["squares"] += int((apart.astype(np.int64) ** 2).sum())
            found["largest"] = max(found["largest"], int(apart.max()))
            found["differing_frames"] += changed > 0
            first = number if changed and first is None else first
    return {**found, "frames": frames, "first_frame": first}


def _require_video(container: Any, name: str) -> Any:
    if not container.streams.video:
        raise Rejected(f"{name} holds no video", "give a video file")
    return container.streams.video[0]


def _prepare(codec: Any, name: str, limits: Limits) -> None:
    """Hold a decoder to the limits before its first frame."""
    _require_size(name, codec.width, codec.height, limits)
    codec.options = {"max_pixels": str(limits.pixels)}
    codec.thread_type, codec.thread_count = "AUTO", 2


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    # `file:` and the white lists keep playlists, network addresses and concatenations from being followed.
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    try:
        with av.open(f"file:{path}", options=options) as container:
            yield container
    except av.FFmpegError as error:
        if error.errno in (errno.ENOMEM, errno.EAGAIN):
            raise MemoryError from error
        raise Rejected(
            f"{path.name} is not a readable video ({error.strerror})", "export the clip again and check that it plays"
        ) from error


def _read(container: Any, name: str, limits: Limits, exact: bool) -> dict[str, object]:
    stream = _require_video(container, name)
    codec = stream.codec_context
    _require_size(name, codec.width, codec.height, limits)
    if stream.frames > limits.frames:
        raise Rejected(
            f"{name} has {stream.frames} frames where {limits.frames} are allowed", "cut the clip into shots"
        )
    rate = stream.average_rate
    if not rate or not 0 < rate <= 1000:
        raise Rejected(f"{name} announces no usable frame rate", "export it again at a constant frame rate")
    _prepare(codec, name, limits)
    size = (codec.width, codec.height)
    counts = Values() if exact else None
    frames = 0
    for frame in _frames(container, name, limits):
        if (frame.width, frame.height) != size:
            raise Rejected(f"{name} changes its size within the clip", "export it again at one size")
        if frame.rotation:
            raise Rejected(f"{name} carries a rotation flag", "export it again with the rotation applied")
        if counts:
            counts.add(frame, frames)
        frames += 1
    if not frames:
        raise Rejected(f"{name} holds no frame that can be decoded", "export the clip again")
    if stream.frames and frames < stream.frames:
        raise Rejected(
            f"{name} is cut short: {frames} of its {stream.frames} frames can be decoded", "copy or export it again"
        )
    return {
        "frames": frames,
        "width": size[0],
        "height": size[1],
        "fps": float(rate),
        "codec": codec.name,
        "pix_fmt": codec.pix_fmt or "unknown",
        "duration_s": float(frames / rate),
        "has_audio": bool(container.streams.audio),
        "values": asdict(counts) if counts else None,
    }


def _require_size(name: str, width: int, height: int, limits: Limits) -> None:
    if not width or not height:
        raise Rejected(f"{name} announces no frame size", "export the clip again")
    if width * height > limits.pixels:
        raise Rejected(
            f"{name} is {width}x{height}, more than the {limits.pixels} pixels allowed per frame", "scale the clip down"
        )


def _frames(container: Any, name: str, limits: Limits) -> Iterator[VideoFrame]:
    count = 0
    for number, packet in enumerate(container.demux(video=0)):
        if number > PACKETS_PER_FRAME * limits.frames:
            raise Rejected(f"{name} is made of far more packets than frames", "export the clip again")
        for frame in packet.decode():
            count += 1
            if count > limits.frames:
                raise Rejected(f"{name} has more than the {limits.frames} frames allowed", "cut the clip into shots")
            yield frame


@dataclass
class Values:
    """Pixels per quadmask value, and what is not one of them."""

    object: int = 0
    overlap: int = 0
    affected: int = 0
    keep: int = 0
    off: int = 0
    off_frame: int | None = None
    affected_at_start: bool = False

    def add(self, frame: VideoFrame, number: int) -> None:
        """Count one frame's values in full-range grey; a pixel with colour is off."""
        import numpy as np

        grey = frame.reformat(format="gray")
        plane = grey.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        exact = [int(np.count_nonzero(rows == value)) for value in MASK_VALUES]
        off = rows.size - sum(exact) + _coloured(frame)
        self.object, self.overlap = self.object + exact[0], self.overlap + exact[1]
        self.affected, self.keep, self.off = self.affected + exact[2], self.keep + exact[3], self.off + off
        if off and self.off_frame is None:
            self.off_frame = number
        if number == 0:
            self.affected_at_start = exact[2] > 0


def _coloured(frame: VideoFrame) -> int:
    """How many chroma samples are not neutral."""
    import numpy as np

    if frame.format.name.startswith("gray"):
        return 0
    if not frame.format.name.startswith("yuv") or frame.format.components[0].bits != 8:
        frame = frame.reformat(format="yuv444p")
    total = 0
    for plane in frame.planes[1:3]:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
        total += int(np.count_nonzero(rows != 128))
    return total


if __name__ == "__main__":
    main()
