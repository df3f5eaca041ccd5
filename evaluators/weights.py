"""Read model weights from a local file without running anything that is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluators.base import EvaluatorError


def load_state(path: Path | str) -> dict[str, Any]:
    """Return the tensors of a safetensors file, or of a torch state dict read with weights_only=True.

    Raises EvaluatorError when the file is missing or holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise EvaluatorError(f"weights missing: {path.name} does not exist; give the file's path.")
    try:
        state = _read(path)
    except Exception as problem:
        raise EvaluatorError(
            f"{path.name} cannot be read as weights ({type(problem).__name__}); give a safetensors or state-dict file."
        ) from problem
    if not isinstance(state, dict) or not all(hasattr(value, "shape") for value in state.values()):
        raise EvaluatorError(f"{path.name} holds more than named tensors; give a plain state dict.")
    return state


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)
