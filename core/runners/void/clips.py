"""A clip and its quadmask at the working size, as the model is given them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.frames import ClipFormat, clip_format, opened, read_grey
from core.runners.holes import Box
from core.runners.void.colour import rgb_of, small_rgb_of
from core.runners.void.masks import AFFECTED, KEEP, VALUES, Grey, inexact, mirrored, padded_length, quantise

if TYPE_CHECKING:
    import torch

PROMPT_BYTES = 64 << 10


@dataclass(frozen=True)
class Fit:
    """A frame of `height` x `width` in which the picture lies at `box`; around it the picture's edge goes on."""

    height: int
    width: int
    box: Box

    @classmethod
    def stretched(cls, height: int, width: int) -> Fit:
        """The picture fills the frame whatever its aspect, as upstream does it."""
        return cls(height, width, Box(0, 0, width, height))

    @classmethod
    def within(cls, height: int, width: int, form: ClipFormat) -> Fit:
        """The picture keeps its aspect, centred."""
        scale = min(height / form.height, width / form.width)
        size = (min(width, max(1, round(form.width * scale))), min(height, max(1, round(form.height * scale))))
        return cls(height, width, Box((width - size[0]) // 2, (height - size[1]) // 2, *size))

    def framed(self, picture: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
        """Put a picture of the box's size into its frame."""
        box = self.box
        bottom, right = self.height - box.y - box.height, self.width - box.x - box.width
        return np.asarray(cv2.copyMakeBorder(picture, box.y, bottom, box.x, right, border, value=KEEP), np.uint8)


@dataclass(frozen=True)
class Clip:
    """A clip at the working size, padded by mirroring in time.

    `video` is (1, 3, padded, H, W) float32 in [0, 1], `values` the quantised mask (padded, H, W); `frames` is the
    true length, `source_frames` that of the file.
    """

    form: ClipFormat
    fit: Fit
    video: torch.Tensor
    values: Grey
    frames: int
    source_frames: int
    shares: dict[int, float]
    """Share of each mask value at the source's size."""
    affected_at_start: bool
    inexact: int

    @property
    def padded(self) -> int:
        """Frames that the model sees."""
        return len(self.values)


def read_prompt(path: Path) -> str:
    """The description of the scene after the removal, `bg` in a small JSON file."""
    try:
        if path.stat().st_size > PROMPT_BYTES:
            raise ValueError("too long")
        prompt = json.loads(path.read_text(encoding="utf-8"))["bg"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFailed(f"{path.name} holds no prompt", 'write {"bg": "the scene after the removal"} in it') from error
    if not isinstance(prompt, str) or not prompt.strip():
        raise RunFailed(f"{path.name} holds no prompt", "describe the scene after the removal as 'bg'")
    return prompt


def read_clip(
    video: Path,
    quadmask: Path,
    size: tuple[int, int],
    upstream: bool,
    longest: int | None,
    tell: Callable[[float], None],
) -> Clip:
    """Read a clip and its mask (equal size and length) for a working size (height, width).

    Ours keeps the aspect and gives each working pixel the value that most of it has; upstream's stretches, and
    averages the grey levels before it quantises them. With `longest`, later frames are left out. A mask with other
    than the four values is refused by ours and rounded by upstream's.
    """
    import torch

    if quadmask.name.startswith("mask_"):
        raise RunFailed(
            f"{quadmask.name} has the opposite polarity by its name", "convert it to a quadmask (0 removed, 255 kept)"
        )
    form = clip_format(video)
    fit = Fit.stretched(*size) if upstream else Fit.within(*size, form)
    reader = _MaskReader(form, fit, upstream, longest)
    for number, grey in enumerate(read_grey(quadmask)):
        reader.add(grey)
        tell(0.5 * min(1.0, (number + 1) / max(1, form.announced_frames)))
    pictures: list[torch.Tensor] = []
    count = 0
    with opened(video) as container:
        for frame in container.decode(video=0):
            count += 1
            if len(pictures) < (longest or count):
                pictures.append(_averaged_picture(frame, fit) if upstream else _picture(frame, form, fit))
            tell(0.5 + 0.5 * min(1.0, count / max(1, reader.count)))
    if count != reader.count or not pictures:
        raise RunFailed(
            f"the video has {count} frames and the quadmask {reader.count}", "give both the same number of frames"
        )
    order = mirrored(len(pictures), padded_length(len(pictures), longest))
    stacked = torch.stack(pictures)[torch.from_numpy(order)]
    return Clip(
        form, fit, stacked.permute(1, 0, 2, 3)[None], np.stack(reader.values)[order], len(pictures), count,
        reader.shares(), reader.affected_at_start, reader.inexact,
    )  # fmt: skip


def _averaged_picture(frame: VideoFrame, fit: Fit) -> torch.Tensor:
    """One frame at the working size as upstream makes it: (3, H, W) in [0, 1]."""
    import torch
    import torch.nn.functional as functional

    picture = torch.from_numpy(rgb_of(frame, quick=True)).permute(2, 0, 1).float() / 255
    return functional.interpolate(picture[None], (fit.height, fit.width), mode="area")[0]


def _picture(frame: VideoFrame, form: ClipFormat, fit: Fit) -> torch.Tensor:
    """One frame at the working size, its aspect kept: (3, H, W) in [0, 1]."""
    import torch

    size = (fit.box.width, fit.box.height)
    if 2 * size[0] <= form.width:
        small = small_rgb_of(frame, form, size)
    else:
        way = cv2.INTER_AREA if size[0] <= form.width else cv2.INTER_CUBIC
        small = np.asarray(cv2.resize(rgb_of(frame), size, interpolation=way), np.uint8)
    return torch.from_numpy(fit.framed(small, cv2.BORDER_REPLICATE)).permute(2, 0, 1).float() / 255


class _MaskReader:
    """Takes a mask's frames one by one."""

    def __init__(self, form: ClipFormat, fit: Fit, upstream: bool, longest: int | None) -> None:
        self._form, self._fit, self._upstream, self._longest = form, fit, upstream, longest
        self._pixels = np.zeros(256, np.int64)
        self.values: list[Grey] = []
        self.count = 0
        self.inexact = 0
        self.affected_at_start = False

    def add(self, grey: Grey) -> None:
        if grey.shape != (self._form.height, self._form.width):
            raise RunFailed("the quadmask and the video differ in size", "render the quadmask at the video's size")
        pixels = cv2.calcHist([grey], [0], None, [256], [0, 256]).reshape(-1).astype(np.int64)
        strange = inexact(pixels)
        if strange and not self._upstream:
            raise RunFailed(
                f"{strange} pixels of the quadmask's frame {self.count} are none of 0, 63, 127 and 255",
                "export the mask losslessly",
            )
        self.inexact += strange
        self._pixels += pixels
        self.affected_at_start |= self.count == 0 and self.shares()[AFFECTED] > 0
        self.count += 1
        if self._longest is None or len(self.values) < self._longest:
            self.values.append(averaged(grey, self._fit) if self._upstream else by_majority(grey, self._fit))

    def shares(self) -> dict[int, float]:
        bins = quantise(np.arange(256))
        total = max(1, int(self._pixels.sum()))
        return {value: int(self._pixels[bins == value].sum()) / total for value in VALUES}


def by_majority(grey: Grey, fit: Fit) -> Grey:
    """Each working pixel gets the value that covers most of it, the lower one where two cover as much."""
    size = (fit.box.width, fit.box.height)
    if size[0] > grey.shape[1]:
        return fit.framed(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST)), cv2.BORDER_CONSTANT)
    covers = [cv2.resize(cv2.inRange(grey, (value,), (value,)), size, interpolation=cv2.INTER_AREA) for value in VALUES]
    values = np.array(VALUES, np.uint8)[np.argmax(np.stack(covers), axis=0)]
    return fit.framed(values, cv2.BORDER_CONSTANT)


def averaged(grey: Grey, fit: Fit) -> Grey:
    """Upstream's way: grey levels averaged over each working pixel, then quantised; edges pass through all values."""
    import torch
    import torch.nn.functional as functional

    small = functional.interpolate(
        torch.from_numpy(grey.astype(np.float32))[None, None], (fit.height, fit.width), mode="area"
    )
    return quantise(small[0, 0].numpy())
