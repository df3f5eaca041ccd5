"""A VOID-format case on disk: the input clip, its quadmask and the facts of both, checked before anything is measured.

    <folder>/input_video.mp4
    <folder>/quadmask_0.mp4 or trimask_quadmask.mp4     grey values 0, 63, 127, 255 and no others
    <folder>/prompt.json                                {"bg": "the scene after removal"}

`open_case` reads headers only; mask values and true lengths are checked while `evaluators.frames` decodes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from evaluators.base import EvaluatorError

INPUT_NAME = "input_video.mp4"
MASK_NAMES = ("quadmask_0.mp4", "trimask_quadmask.mp4")
MASK_VALUES = (0, 63, 127, 255)
WORKING_LIMIT = (672, 384)


class ClipError(EvaluatorError):
    """A clip or folder cannot be measured; the message says what is wrong and what to do next."""


class Size(NamedTuple):
    """Pixels; OpenCV's order."""

    width: int
    height: int


@dataclass(frozen=True)
class ClipInfo:
    """Facts of one video file. `frames` is the header's count until the clip was decoded, then the true one.

    `bit_depth` and `alpha` are the file's; frames are always served as 8-bit BGR without alpha.
    """

    path: Path
    digest: str
    frames: int
    width: int
    height: int
    fps: float
    codec: str
    pixel_format: str
    bit_depth: int
    alpha: bool

    def to_json(self) -> dict[str, object]:
        """The facts as plain JSON values; the path is reduced to the file's name."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**facts, "path": self.path.name}


@dataclass(frozen=True)
class Case:
    """An input clip with its quadmask, ready to be measured at `working` size."""

    folder: Path
    input: ClipInfo
    mask: ClipInfo
    prompt: str | None
    working: Size
    notes: tuple[str, ...] = ()

    def with_frames(self, frames: int) -> Case:
        """The same case with the true number of frames."""
        return replace(self, input=replace(self.input, frames=frames), mask=replace(self.mask, frames=frames))


def open_case(folder: Path | str, *, working_limit: tuple[int, int] = WORKING_LIMIT) -> Case:
    """Return the case in a VOID-format folder.

    The working size is the input's size fitted into `working_limit` with its aspect kept, never enlarged.
    Raises ClipError for a missing or unreadable file, a mask of the opposite polarity (`mask_*.mp4`),
    another size or another number of frames than the video's.
    """
    folder = Path(folder)
    video_path = folder / INPUT_NAME
    if not video_path.is_file():
        raise ClipError(f"{folder} has no {INPUT_NAME}; give a folder in VOID's format.")
    mask_path, notes = _find_mask(folder)
    video, mask = probe(video_path), probe(mask_path)
    if (video.width, video.height) != (mask.width, mask.height):
        raise ClipError(
            f"{mask_path.name} is {mask.width}x{mask.height} but the video is {video.width}x{video.height}; "
            "render the mask at the video's size."
        )
    require_equal_length(video.frames, mask.frames, mask_path.name)
    return Case(folder, video, mask, _read_prompt(folder), _fit(video, working_limit), notes)


def require_equal_length(video: int, mask: int, mask_name: str) -> None:
    """Raise ClipError unless the video and its mask have equally many frames."""
    if video != mask:
        raise ClipError(
            f"{mask_name} has {mask} frames but the video has {video}, so they cannot be aligned; "
            "render one mask frame for each video frame."
        )


def probe(path: Path | str) -> ClipInfo:
    """Return the facts in a video file's header, with the file's sha256.

    Raises ClipError for a file that is missing, empty or no video, and for VOID's side-by-side `*_tuple.mp4`.
    """
    import cv2

    path = Path(path)
    if path.name.endswith("_tuple.mp4"):
        raise ClipError(f"{path.name} is a side-by-side preview; give the output clip itself.")
    if not path.is_file():
        raise ClipError(f"{path} does not exist; check the path.")
    capture = open_capture(path)
    try:
        fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        pixel_tag = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) & 0xFFFFFFFF
        pixel_format, depth, alpha = _describe_pixels(pixel_tag.to_bytes(4, "little"))
        return ClipInfo(
            path=path,
            digest=file_digest(path),
            frames=max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0),
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=round(float(capture.get(cv2.CAP_PROP_FPS)), 6),
            codec=_printable(fourcc.to_bytes(4, "little")),
            pixel_format=pixel_format,
            bit_depth=depth,
            alpha=alpha,
        )
    finally:
        capture.release()


def open_capture(path: Path):  # type: ignore[no-untyped-def]  # cv2 ships no usable type for it
    """Return an opened cv2.VideoCapture; raises ClipError when the file is no readable video."""
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
        capture.release()
        raise ClipError(f"{path.name} cannot be read as a video; it may be truncated: export it again.")
    return capture


def file_digest(path: Path) -> str:
    """Return `sha256:<hex>` of a file's bytes."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def _find_mask(folder: Path) -> tuple[Path, tuple[str, ...]]:
    found = [folder / name for name in MASK_NAMES if (folder / name).is_file()]
    opposite = sorted(path.name for path in folder.glob("mask_*.mp4"))
    if not found and opposite:
        raise ClipError(
            f"{opposite[0]} follows the opposite polarity (white is removed); "
            f"convert it to a quadmask (0 is removed, 255 is kept) named {MASK_NAMES[0]}."
        )
    if not found:
        raise ClipError(f"{folder} has no quadmask; add {MASK_NAMES[0]} or {MASK_NAMES[1]}.")
    if len(found) == 2 and file_digest(found[0]) != file_digest(found[1]):
        raise ClipError(f"{folder} has two different quadmasks; keep one of {' and '.join(MASK_NAMES)}.")
    return found[0], tuple(f"{name} was ignored: its polarity is the opposite." for name in opposite)


def _read_prompt(folder: Path) -> str | None:
    path = folder / "prompt.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise ClipError(f'prompt.json cannot be read ({problem}); write {{"bg": "..."}} in it.') from problem
    text = content.get("bg") if isinstance(content, dict) else None
    if not isinstance(text, str):
        raise ClipError('prompt.json has no text under "bg"; write {"bg": "the scene after removal"} in it.')
    return text


def _fit(video: ClipInfo, limit: tuple[int, int]) -> Size:
    scale = min(limit[0] / video.width, limit[1] / video.height, 1.0)
    return Size(max(round(video.width * scale), 1), max(round(video.height * scale), 1))


_FAMILIES = {b"Y1": "grey", b"Y2": "greya", b"Y3": "yuv", b"Y4": "yuva", b"G3": "rgb", b"G4": "rgba"}
_SIXTEEN_BITS = {
    **dict.fromkeys((b"RGB0", b"BGR0", b"0RGB", b"0BGR"), "rgb"),
    **dict.fromkeys((b"RBA@", b"BRA@", b"@RBA", b"@BRA"), "rgba"),
}


def _describe_pixels(tag: bytes) -> tuple[str, int, bool]:
    """Name, bits and alpha of libavcodec's raw-video tag, such as `I420` or `Y3` + subsampling + bits."""
    for code in (tag, tag[::-1]):  # big-endian formats are spelt backwards
        family = _FAMILIES.get(code[:2])
        if family and code[3] in (8, 9, 10, 12, 14, 16):
            return f"planar-{family}-{code[3]}bit", code[3], family.endswith("a")
    if tag in _SIXTEEN_BITS:
        return f"packed-{_SIXTEEN_BITS[tag]}-16bit", 16, _SIXTEEN_BITS[tag] == "rgba"
    name = _printable(tag) or "unknown"
    return name, 8, name in {"RGBA", "BGRA", "ARGB", "ABGR"}


def _printable(tag: bytes) -> str:
    """Only what a reader, and a database, can hold; tags may contain any byte."""
    return "".join(letter for letter in tag.decode("ascii", "replace") if letter.isprintable()).strip()
