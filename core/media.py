"""Untrusted media: probed in a child process with limits, never opened here.

`probe` describes one clip, `check_void_folder` a folder in VOID's format, `check_mask` a quadmask for a clip that is
known, `difference` how far apart two clips are. Whatever is wrong is a `MediaRejected`
whose one sentence says what to do next.
"""

from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from core.errors import MediaRejected, Unavailable
from core.settings import Settings
from evaluators.children import ROOT, plain_environment
from evaluators.clip import INPUT_NAME, MASK_NAMES

PROMPT_NAME = "prompt.json"
PROMPT_BYTES = 64 << 10
PROMPT_CHARACTERS = 4000
SCAN_ENTRIES = 10_000
WATCH_S = 0.02


@dataclass(frozen=True)
class MediaInfo:
    """A clip that decodes from its first to its last frame within the limits."""

    frames: int
    width: int
    height: int
    fps: float
    codec: str
    pix_fmt: str
    duration_s: float
    has_audio: bool


@dataclass(frozen=True)
class VoidFolder:
    """A checked folder in VOID's format.

    `shares` gives the share of pixels with the mask values 0, 63, 127 and 255, over all frames; they sum to 1.
    """

    folder: Path
    video: Path
    mask: Path
    prompt_file: Path
    prompt: str
    video_info: MediaInfo
    mask_info: MediaInfo
    shares: Mapping[int, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class UnmaskedFolder:
    """A checked folder with a clip and its prompt, whose mask is still to be made."""

    video: Path
    prompt_file: Path
    prompt: str
    video_info: MediaInfo


@dataclass(frozen=True)
class CheckedMask:
    """A quadmask of exact values; `shares` as in `VoidFolder`."""

    info: MediaInfo
    shares: Mapping[int, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """How far apart two clips are, over the frames that both have; levels of 0 to 255."""

    frames: tuple[int, int]
    pixels: int
    differing: int
    """Pixels that are not equal, of `pixels`."""
    differing_frames: int
    first_frame: int | None
    max_abs: int
    psnr_db: float | None
    """None where every sample is equal, or nothing was compared."""

    @property
    def equal(self) -> bool:
        """Whether both decode to the same frames."""
        return self.frames[0] == self.frames[1] and not self.differing

    @property
    def share(self) -> float:
        """Share of the compared pixels that differ."""
        return self.differing / self.pixels if self.pixels else 0.0


def probe(path: Path, settings: Settings) -> MediaInfo:
    """Decode a clip in a limited child process and describe it; raises `MediaRejected`."""
    return _info(_ask("clip", _plain_file(path, path.name, settings.max_media_bytes), settings))


def check_void_folder(folder: Path, settings: Settings) -> VoidFolder:
    """Check a VOID-format folder: names, sizes, equal length, exact mask values, prompt; raises `MediaRejected`."""
    if not folder.is_dir():
        raise MediaRejected(f"{shown(folder)} is not a folder", "give a folder in VOID's format")
    video = _member(folder, INPUT_NAME, settings.max_media_bytes)
    mask = _find_mask(folder, settings.max_media_bytes)
    prompt = _read_prompt(_member(folder, PROMPT_NAME, PROMPT_BYTES))
    video_info = _info(_ask("clip", video, settings))
    checked = _checked_mask(mask, video_info.frames, (video_info.width, video_info.height), settings)
    warnings = (*checked.warnings, *_length_warning(video_info.frames))
    return VoidFolder(
        folder, video, mask, folder / PROMPT_NAME, prompt, video_info, checked.info, checked.shares, warnings
    )


def check_unmasked_folder(folder: Path, settings: Settings) -> UnmaskedFolder:
    """Check a folder with a clip and a prompt but no mask yet; raises `MediaRejected`."""
    if not folder.is_dir():
        raise MediaRejected(f"{shown(folder)} is not a folder", "give a folder with a clip and its prompt")
    video = _member(folder, INPUT_NAME, settings.max_media_bytes)
    prompt = _read_prompt(_member(folder, PROMPT_NAME, PROMPT_BYTES))
    return UnmaskedFolder(video, folder / PROMPT_NAME, prompt, _info(_ask("clip", video, settings)))


def check_mask(path: Path, frames: int, size: tuple[int, int], settings: Settings) -> CheckedMask:
    """Check a quadmask for a clip of that length and (width, height): exact values; raises `MediaRejected`."""
    if path.name.startswith("mask_"):
        raise _opposite(path.name)
    return _checked_mask(_plain_file(path, path.name, settings.max_media_bytes), frames, size, settings)


def difference(one: Path, other: Path, settings: Settings, *, grey: bool = False) -> Difference:
    """Decode two clips of one size in a limited child process and compare them, in RGB or as grey masks."""
    paths = [_plain_file(path, path.name, settings.max_media_bytes) for path in (one, other)]
    found = _ask("difference", paths[0], settings, other=str(paths[1]), grey=grey)
    mean = found["squares"] / found["samples"] if found["samples"] else 0.0
    return Difference(
        frames=(found["frames"][0], found["frames"][1]),
        pixels=found["pixels"],
        differing=found["differing"],
        differing_frames=found["differing_frames"],
        first_frame=found["first_frame"],
        max_abs=found["largest"],
        psnr_db=10 * math.log10(255**2 / mean) if mean else None,
    )


def _checked_mask(mask: Path, frames: int, size: tuple[int, int], settings: Settings) -> CheckedMask:
    answer = _ask("mask", mask, settings)
    info, values = _info(answer), answer["values"]
    _require_match(frames, size, info, mask.name)
    _require_exact(values, mask.name)
    total = info.frames * info.width * info.height
    names = {0: "object", 63: "overlap", 127: "affected", 255: "keep"}
    shares = {value: values[name] / total for value, name in names.items()}
    return CheckedMask(info, shares, _warnings(values, shares))


def shown(name: object) -> str:
    """A hostile name, safe to print: control and direction characters escaped, length bounded."""
    text = "".join(
        character if not unicodedata.category(character).startswith("C") else f"\\x{ord(character):02x}"
        for character in str(name)
    )
    return text if len(text) <= 200 else text[:199] + "…"


def _find_mask(folder: Path, most: int) -> Path:
    found = [name for name in MASK_NAMES if os.path.lexists(folder / name)]
    if len(found) > 1:
        raise MediaRejected(
            f"{shown(folder.name)} holds {' and '.join(found)}", "keep the mask that belongs to the clip"
        )
    if found:
        return _member(folder, found[0], most)
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, SCAN_ENTRIES)]
    for name in names:
        if name.startswith("mask_") and name.endswith(".mp4"):
            raise _opposite(name)
    raise MediaRejected(f"{shown(folder.name)} has no quadmask", f"add the mask as {MASK_NAMES[0]} or {MASK_NAMES[1]}")


def _opposite(name: str) -> MediaRejected:
    return MediaRejected(
        f"{shown(name)} has the opposite polarity by its name (white is removed)",
        f"convert it to a quadmask (0 removed, 255 kept) named {MASK_NAMES[0]}",
    )


def _member(folder: Path, name: str, most: int) -> Path:
    path = folder / name
    if not os.path.lexists(path):
        raise MediaRejected(
            f"{shown(folder.name)} has no {name}", "add it: VOID's format needs the clip, mask and prompt"
        )
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MediaRejected(f"{name} is a link out of its folder", "put the file itself there")
    return _plain_file(path, name, most)


def _plain_file(path: Path, name: str, most: int) -> Path:
    """The resolved path of a regular, non-empty file within the size limit."""
    try:
        found = path.resolve(strict=True)
        status = found.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise MediaRejected(f"{shown(name)} cannot be read ({shown(error)})", "check the path") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaRejected(f"{shown(name)} is not a file", "give a file")
    if not status.st_size:
        raise MediaRejected(f"{shown(name)} is empty", "copy or export it again")
    if status.st_size > most:
        raise MediaRejected(f"{shown(name)} has {status.st_size} bytes where {most} are allowed", "make it smaller")
    return found


def _read_prompt(path: Path) -> str:
    form = 'write {"bg": "the scene after removal"} in it'
    try:
        with path.open("rb") as stream:
            content = json.loads(stream.read(PROMPT_BYTES + 1).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MediaRejected(f"{PROMPT_NAME} is not readable as JSON", form) from error
    text = content.get("bg") if isinstance(content, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise MediaRejected(f"{PROMPT_NAME} has no text under 'bg'", form)
    if len(text) > PROMPT_CHARACTERS:
        raise MediaRejected(
            f"the prompt has {len(text)} characters where {PROMPT_CHARACTERS} are allowed", "shorten it"
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t\r" for character in text):
        raise MediaRejected("the prompt holds control characters", "remove them")
    return text


def _require_match(frames: int, size: tuple[int, int], mask: MediaInfo, name: str) -> None:
    if size != (mask.width, mask.height):
        raise MediaRejected(
            f"{name} is {mask.width}x{mask.height} but the video is {size[0]}x{size[1]}",
            "render the mask at the video's size",
        )
    if frames != mask.frames:
        raise MediaRejected(
            f"{name} has {mask.frames} frames but the video has {frames}", "render one mask frame per video frame"
        )


def _require_exact(values: Mapping[str, Any], name: str) -> None:
    if values["off"]:
        raise MediaRejected(
            f"{name} has {values['off']} pixels that are not 0, 63, 127 or 255, first in frame {values['off_frame']}",
            "export the mask losslessly (h264, yuv444p, qp 0)",
        )


def _warnings(values: Mapping[str, Any], shares: Mapping[int, float]) -> tuple[str, ...]:
    warnings = []
    if values["affected_at_start"]:
        warnings.append("The mask marks an affected region on frame 0, where VOID's convention has none.")
    if shares[0] + shares[63] == 0:
        warnings.append("The mask removes nothing.")
    return tuple(warnings)


def _length_warning(frames: int) -> tuple[str, ...]:
    return (f"VOID itself reads 197 frames; this clip has {frames}.",) if frames > 197 else ()


def _info(answer: Mapping[str, Any]) -> MediaInfo:
    return MediaInfo(**{name: answer[name] for name in MediaInfo.__dataclass_fields__})


def _ask(task: str, path: Path, settings: Settings, **more: object) -> Mapping[str, Any]:
    """Run the probe child and return its answer."""
    limits = {
        "seconds": settings.probe_seconds,
        "memory": settings.probe_memory,
        "pixels": settings.max_pixels,
        "frames": settings.max_frames,
        "bytes": settings.max_media_bytes,
    }
    request = json.dumps({"task": task, "path": str(path), "limits": limits, **more})
    with subprocess.Popen(
        [sys.executable, "-m", "core.media_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=plain_environment(),
        start_new_session=True,
        text=True,
    ) as child:
        try:
            assert child.stdin is not None  # noqa: S101 - asked for as a pipe
            assert child.stdout is not None  # noqa: S101 - asked for as a pipe
            child.stdin.write(request)
            child.stdin.close()
            _watch(child, path.name, settings)
            return _answer(child.stdout.read(), child.returncode, path.name)
        finally:
            child.kill()


def _watch(child: subprocess.Popen[str], name: str, settings: Settings) -> None:
    """Wait for the child; end it past the time or memory limit."""
    deadline = time.monotonic() + settings.probe_seconds
    watched = psutil.Process(child.pid)
    while True:
        try:
            child.wait(WATCH_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            return
        try:
            used = watched.memory_info().rss
        except psutil.Error:
            continue
        if used > settings.probe_memory:
            raise MediaRejected(f"{shown(name)} needs more memory than a clip may", "give a shorter or smaller clip")
        if time.monotonic() > deadline:
            raise MediaRejected(
                f"{shown(name)} takes more than {settings.probe_seconds:g} s to decode",
                "give a shorter or smaller clip",
            )


def _answer(text: str, code: int, name: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        if code < 0:
            raise MediaRejected(
                f"{shown(name)} broke the decoder or its limits (signal {-code})",
                "export the clip again, smaller if it is large",
            ) from None
        raise Unavailable("the media probe did not start", "install Greenlight again and check `make test`") from None
    if "rejected" in answer:
        raise MediaRejected(shown(answer["rejected"]["what"]), answer["rejected"]["next_step"])
    found: Mapping[str, Any] = answer["found"]
    return found
