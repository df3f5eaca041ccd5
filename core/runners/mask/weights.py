"""SAM2's files: safetensors by content, and those that the registry recorded for the model version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from core.runners.void.weights import header, sha256_of

CONFIG = "config.json"


def check_weights(folder: Path, model: Mapping[str, Any]) -> list[dict[str, object]]:
    """Return the weight files by name and digest, after checking each one; runs before anything is loaded.

    `model` holds `weights`, a list of {name, sha256}. A missing file, a pickle, or a digest that is not recorded is a
    `RunFailed`.
    """
    if not (folder / CONFIG).is_file():
        raise RunFailed(f"there is no SAM2 model in {folder}", f"its folder holds {CONFIG} and model.safetensors")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise RunFailed(
            f"{folder.name} holds no safetensors file, and files that can run code when loaded are refused",
            "convert the weights to safetensors",
        )
    recorded = {str(item["sha256"]) for item in model.get("weights") or ()}
    if not recorded:
        raise RunFailed("the model version records no weights", "register SAM2 as a version with its weight files")
    return [_checked(path, recorded) for path in files]


def _checked(path: Path, recorded: set[str]) -> dict[str, object]:
    header(path)
    digest = sha256_of(path)
    if digest not in recorded:
        raise RunFailed(
            f"{path.name} is not the file that the registry recorded for this model version",
            "use the registered file, or register a new version with this one",
        )
    return {"name": path.name, "sha256": digest}
