"""Read model weights from a local file without running anything that is in it, and say where models run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evaluators.base import EvaluatorError

_LONGEST_HEADER = 100 * 2**20
"""Bytes; the format's own limit."""


def torch_device() -> Any:
    """Return the torch device that every model here runs on: the GPU where there is one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_safetensors(path: Path | str) -> dict[str, Any]:
    """Return the tensors of a safetensors file, which is told by its content, not its name.

    Raises EvaluatorError when the file is missing, is of another kind (a pickle may run code) or is cut short.
    """
    path = _existing(path)
    if not is_safetensors(path):
        raise EvaluatorError(
            f"{path.name} cannot be read as weights: it is no safetensors file; save the state dict as safetensors."
        )
    return _tensors(path)


def load_state(path: Path | str) -> dict[str, Any]:
    """Return the tensors of a safetensors file, or of a torch state dict read with weights_only=True.

    Raises EvaluatorError when the file is missing or holds anything but tensors by name.
    """
    path = _existing(path)
    if is_safetensors(path):
        return _tensors(path)
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:
        raise EvaluatorError(
            f"{path.name} cannot be read as weights ({type(problem).__name__}); give a safetensors or state-dict file."
        ) from problem
    if not isinstance(state, dict) or not all(hasattr(value, "shape") for value in state.values()):
        raise EvaluatorError(f"{path.name} holds more than named tensors; give a plain state dict.")
    return state


def is_safetensors(path: Path) -> bool:
    """Return whether the file begins as safetensors do: a header's length, then a JSON object of that length."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(_LONGEST_HEADER, path.stat().st_size - 8):
            return False
        try:
            return isinstance(json.loads(stream.read(length)), dict)
        except (ValueError, RecursionError):
            return False


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if not path.is_file():
        raise EvaluatorError(f"weights missing: {path.name} does not exist; give the file's path.")
    return path


def _tensors(path: Path) -> dict[str, Any]:
    try:
        from safetensors.torch import load_file
    except ImportError as problem:
        raise EvaluatorError("safetensors is not installed; install greenlight with its extra `gpu`.") from problem
    try:
        return load_file(path)
    except Exception as problem:
        raise EvaluatorError(
            f"{path.name} cannot be read as weights ({type(problem).__name__}); copy the file again."
        ) from problem
