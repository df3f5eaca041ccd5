"""SAM2 follows the clicked object through the clip, forwards and backwards, with the implementation of transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.mask.pictures import read_rgb
from core.runners.mask.points import Point, by_frame

OBJECT = 1
Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Tracker:
    """A loaded SAM2 video model with its processor and the side of its square input, in pixels."""

    model: Any
    processor: Any
    side: int
    device: str

    @classmethod
    def load(cls, folder: Path, device: str) -> Tracker:
        """Load from a local folder, strictly, in float32; whatever does not fit is a `RunFailed`."""
        try:
            from transformers import Sam2ImageProcessor, Sam2VideoConfig, Sam2VideoProcessor, Sam2VideoVideoProcessor
        except ImportError as error:
            raise RunFailed("transformers is not installed with SAM2", "install Greenlight's extra 'gpu'") from error
        try:
            config = Sam2VideoConfig.from_pretrained(folder, local_files_only=True)
            model, loaded = _loaded(folder, config)
        except (OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
            raise _unfit(str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from error
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
            if loaded[what]:
                raise _unfit(f"{what.replace('_', ' ')}: {str(sorted(map(str, loaded[what]))[0])[:80]}")
        side = config.image_size if isinstance(config.image_size, int) else int(config.image_size[0])
        size = {"height": side, "width": side}
        processor = Sam2VideoProcessor(Sam2ImageProcessor(size=size), Sam2VideoVideoProcessor(size=size))
        return cls(model.eval().to(device), processor, side, device)

    def masks(
        self, video: Path, points: tuple[Point, ...], frames: int, size: tuple[int, int], tell: Tell
    ) -> list[NDArray[np.uint8]]:
        """The object's pixels on every frame, packed by `np.packbits` along the rows; `size` is (height, width)."""
        small = _Frames(self._small(video, tell), self.processor.video_processor)
        if len(small) != frames:
            raise RunFailed(f"{video.name} has another length on second reading", "copy or export it again")
        session = self.processor.init_video_session(inference_device=self.device, dtype=torch.float32)
        session.processed_frames, session.video_height, session.video_width = small, *size
        for frame, clicks in by_frame(points).items():
            self.processor.add_inputs_to_inference_session(
                session,
                frame,
                OBJECT,
                input_points=[[[[point.x, point.y] for point in clicks]]],
                input_labels=[[[point.label for point in clicks]]],
            )
            with torch.inference_mode():
                self.model(session, frame_idx=frame)
        return self._follow(session, points[0].frame, frames, size, tell)

    def _follow(
        self, session: Any, start: int, frames: int, size: tuple[int, int], tell: Tell
    ) -> list[NDArray[np.uint8]]:
        found: dict[int, NDArray[np.uint8]] = {}
        for reverse in (False, True):
            with torch.inference_mode():
                for output in self.model.propagate_in_video_iterator(session, start_frame_idx=start, reverse=reverse):
                    found[output.frame_idx] = np.packbits(self._pixels(output.pred_masks, size), axis=1)
                    tell(len(found) / frames, f"following the object, frame {len(found)} of {frames}")
        return [found[frame] for frame in range(frames)]

    def _pixels(self, logits: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Where the model's small mask is above zero once it is scaled to the clip's size."""
        (mask,) = self.processor.post_process_masks([logits.float().cpu()], original_sizes=[list(size)], binarize=True)
        return np.asarray(mask[0, 0].numpy(), bool)

    def _small(self, video: Path, tell: Tell) -> Iterator[torch.Tensor]:
        from torchvision.transforms.v2 import InterpolationMode
        from torchvision.transforms.v2.functional import resize

        for number, rgb in enumerate(read_rgb(video), 1):
            tell(0.0, f"reading frame {number}")
            planes = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
            yield resize(planes, [self.side, self.side], interpolation=InterpolationMode.BILINEAR, antialias=True)


class _Frames(Mapping[int, torch.Tensor]):
    """The clip at the model's size, kept in 8 bits and normalised one frame at a time: a quarter of the memory."""

    def __init__(self, frames: Iterator[torch.Tensor], processor: Any) -> None:
        self._frames = list(frames)
        self._mean = torch.tensor(processor.image_mean).view(3, 1, 1) * 255
        self._deviation = torch.tensor(processor.image_std).view(3, 1, 1) * 255

    def __getitem__(self, frame: int) -> torch.Tensor:
        return (self._frames[frame].float() - self._mean) / self._deviation

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._frames)))

    def __len__(self) -> int:
        return len(self._frames)


def unpacked(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A packed mask as H x W booleans."""
    return np.unpackbits(mask, axis=1, count=size[1]).astype(bool)


def _loaded(folder: Path, config: Any) -> tuple[Any, dict[str, Any]]:
    """The model, and which of its tensors did not fit."""
    from transformers import Sam2VideoModel

    found: Any = Sam2VideoModel.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        dtype=torch.float32,
    )
    return found[0], found[1]


def _unfit(why: str) -> RunFailed:
    return RunFailed(f"the weights are not those of a SAM2 video model ({why})", "give the folder of such a model")
