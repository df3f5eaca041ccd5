"""Fit the models into the memory that there is: where each mode places them, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from core.errors import RunFailed, TransientFailure

if TYPE_CHECKING:
    import torch

MODES = ("full", "model_offload", "sequential_offload")
"""Fastest first: all on the device; one model at a time; one block of layers at a time, the VAE in tiles."""
RESERVE = 1 << 30
"""Bytes for the CUDA context and what the allocator cannot reuse."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sizes:
    """What decides the need: bytes of the models, and of the clip."""

    transformers: tuple[int, ...]
    vae: int
    text_encoder: int
    blocks: int
    """Layers of one transformer."""
    pixels: int
    """Height times width at the working size."""
    tokens: int
    """Video and text tokens of one window, for all branches that run together."""
    width: int
    """The transformer's inner width."""
    bytes_each: int
    """Bytes of one value."""


def need(mode: str, sizes: Sizes) -> int:
    """An estimate of the device memory in bytes that a mode takes at its peak."""
    # The feed-forward layer holds its input, four times that, and a copy for the activation.
    step = 10 * sizes.tokens * sizes.width * sizes.bytes_each
    # The VAE's outer blocks hold a few copies of 128 channels of at most 13 frames, the first ones that it encodes.
    picture = 4 * 128 * 13 * sizes.pixels * sizes.bytes_each
    transformer, text = max(sizes.transformers), sizes.text_encoder
    if mode == "full":
        # A warm session meets an unknown prompt while its transformers are loaded.
        return RESERVE + sum(sizes.transformers) + sizes.vae + max(step, picture, text)
    if mode == "model_offload":
        return RESERVE + max(transformer + step, sizes.vae + picture, text)
    return RESERVE + max(2 * transformer // sizes.blocks + step, sizes.vae + picture, text // 8)


def host_need(mode: str, device: torch.device, sizes: Sizes) -> int:
    """An estimate of the main memory in bytes that the models take: what stays there, or passes through it."""
    if device.type == "cuda" and mode == "full":
        return max(*sizes.transformers, sizes.vae, sizes.text_encoder)
    return sum(sizes.transformers) + sizes.vae + sizes.text_encoder


def require_host(need_bytes: int) -> None:
    """Raise `TransientFailure` when less main memory than that is free."""
    import psutil

    free = psutil.virtual_memory().available
    if free < need_bytes:
        raise TransientFailure(
            f"the models need about {need_bytes >> 20} MiB of main memory and {free >> 20} are free",
            "end other work on this machine, or use a larger one",
        )


def free_memory(device: torch.device) -> int | None:
    """Free bytes on a CUDA device, as the driver reports them; None for the CPU, which has no such limit here."""
    import torch

    if device.type != "cuda":
        return None
    free, _total = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def choose(wanted: str, sizes: Sizes, free: int | None) -> str:
    """The mode to run in: the wanted one, or for `auto` the fastest that fits; too little memory is a failure that
    may pass."""
    if free is None:
        return "full" if wanted == "auto" else wanted
    for mode in MODES if wanted == "auto" else (wanted,):
        if need(mode, sizes) <= free:
            return mode
    mode = MODES[-1] if wanted == "auto" else wanted
    raise TransientFailure(
        f"the memory mode '{mode}' needs about {need(mode, sizes) >> 20} MiB on the GPU and {free >> 20} are free",
        "end other work on that GPU, or choose a mode that needs less" if mode != MODES[-1] else "use a larger GPU",
    )


def with_fallback(mode: str, attempt: Callable[[str], Result]) -> tuple[Result, str, str | None]:
    """Run; when memory runs out, run once more in the next mode. Returns the result, the mode and a note if it fell."""
    import torch

    try:
        return attempt(mode), mode, None
    except torch.OutOfMemoryError:
        following = MODES[MODES.index(mode) + 1 :]
        if not following:
            raise _exhausted(mode) from None
    # Outside the handler: the failed attempt's tensors hang on the exception's frames.
    try:
        note = f"The GPU's memory ran out in the mode '{mode}'; the pass ran again in '{following[0]}'."
        return attempt(following[0]), following[0], note
    except torch.OutOfMemoryError:
        raise _exhausted(following[0]) from None


def _exhausted(mode: str) -> RunFailed:
    return RunFailed(
        f"the GPU's memory ran out in the mode '{mode}'",
        "choose a mode that needs less, a smaller size or a larger GPU",
    )


class Residence:
    """Moves models to the device for as long as they are used, as the mode says."""

    def __init__(self, mode: str, device: torch.device) -> None:
        self.mode, self.device = mode, device
        self._streamed: WeakSet[Any] = WeakSet()

    @property
    def home(self) -> torch.device:
        """Where models are loaded to and stay between uses."""
        import torch

        return self.device if self.mode == "full" else torch.device("cpu")

    @contextmanager
    def using(self, model: Any, streamed: str | None = None) -> Iterator[Any]:
        """Have the model ready on the device.

        `streamed` says how a large model's layers are brought in in the sequential mode, `block_level` or
        `leaf_level`; a model without it comes whole, also there.
        """
        if self.mode == "sequential_offload" and streamed:
            self._stream(model, streamed)
            yield model
            return
        model.to(self.device)
        try:
            yield model
        finally:
            if self.mode != "full":
                model.to("cpu")
                release()

    def _stream(self, model: Any, level: str) -> None:
        """Bring in a few layers at a time, the next ones while these compute."""
        from diffusers.hooks.group_offloading import apply_group_offloading

        if model not in self._streamed:
            cuda = self.device.type == "cuda"
            apply_group_offloading(
                model, self.device, offload_type=level, num_blocks_per_group=1, use_stream=cuda, non_blocking=cuda
            )
            self._streamed.add(model)


def release() -> None:
    """Give unused device memory back."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
