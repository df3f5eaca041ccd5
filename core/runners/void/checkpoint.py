"""What a first pass made, kept so that a retried attempt starts at the second."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.void.weights import header

if TYPE_CHECKING:
    import torch

NAME = "pass1.safetensors"


@dataclass(frozen=True)
class PassOne:
    """The first pass's latents (1, T, 16, h, w) and its 8-bit frames (F, H, W, 3)."""

    latents: torch.Tensor
    frames: NDArray[np.uint8]


def fingerprint(conditions: Mapping[str, object]) -> str:
    """Names everything that the first pass's result follows from."""
    return hashlib.sha256(json.dumps(conditions, sort_keys=True).encode()).hexdigest()


def save(folder: Path, made: PassOne, conditions: str) -> Path:
    """Write the checkpoint, whole or not at all."""
    import torch
    from safetensors.torch import save_file

    path = folder / NAME
    part = path.with_name(f".{NAME}.part")
    tensors = {"latents": made.latents.contiguous(), "frames": torch.from_numpy(np.ascontiguousarray(made.frames))}
    save_file(tensors, part, {"conditions": conditions})
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)
    return path


def load(place: Path, conditions: str) -> PassOne | None:
    """Read a checkpoint file, or the one in a folder; None when there is none, or it came from other conditions."""
    from safetensors import safe_open

    path = place / NAME if place.is_dir() else place
    if not path.is_file():
        return None
    try:
        header(path)
    except RunFailed:
        return None
    with safe_open(path, "pt") as stored:
        if (stored.metadata() or {}).get("conditions") != conditions or set(stored.keys()) != {"latents", "frames"}:
            return None
        return PassOne(stored.get_tensor("latents"), stored.get_tensor("frames").numpy())
