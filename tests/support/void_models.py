"""A VOID model version of real components with tiny random weights, laid out as a user has it."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

WORDS = ("wall", "grey", "empty", "table", "a", "an", "the", "with", "scene")
TRANSFORMER = {
    "num_attention_heads": 2, "attention_head_dim": 16, "in_channels": 48, "out_channels": 16, "time_embed_dim": 16,
    "text_embed_dim": 16, "num_layers": 2, "patch_size": 2, "patch_size_t": 2, "use_rotary_positional_embeddings": True,
    "use_learned_positional_embeddings": False, "sample_width": 340, "sample_height": 192, "sample_frames": 85,
}  # fmt: skip
VAE = {"block_out_channels": [8, 8, 8, 8], "layers_per_block": 1, "norm_num_groups": 2, "scaling_factor": 0.7}
TEXT = {
    "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "vocab_size": 128,
    "feed_forward_proj": "gated-gelu",
}  # fmt: skip
SIZE = 32
"""A working size whose latents are 4x4."""


def write_version(folder: Path, passes: tuple[int, ...] = (1, 2), seed: int = 0) -> Path:
    """Write a whole version into a new folder and return it."""
    torch.manual_seed(seed)
    for number in passes:
        model = CogVideoXTransformer3DModel(**TRANSFORMER)
        save(model, folder / f"void_pass{number}.safetensors")
    configure(folder / "transformer", {**TRANSFORMER, "add_noise_in_inpaint_model": True})
    save(AutoencoderKLCogVideoX(**VAE), folder / "vae" / "diffusion_pytorch_model.safetensors")
    configure(folder / "vae", VAE)
    text = T5EncoderModel(T5Config(**TEXT))
    state = {name: value for name, value in text.state_dict().items() if name != "encoder.embed_tokens.weight"}
    store(state, folder / "text_encoder" / "model.safetensors")
    configure(folder / "text_encoder", TEXT)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -1.0) for word in WORDS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder / "tokenizer")
    return folder


def save(model: Any, path: Path) -> None:
    store(model.state_dict(), path)


def store(state: dict[str, torch.Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, path)


def configure(folder: Path, config: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def registered(folder: Path) -> dict[str, Any]:
    """The record that the registry would hold: VOID's own weights, and the base as its lineage."""

    def entries(paths: list[Path]) -> list[dict[str, object]]:
        return [{"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in paths]

    lineage = [{"name": "base", "version": "1", "weights": entries(base_files(folder))}]
    return {"name": "void", "version": "1", "weights": entries(own_files(folder)), "lineage": lineage}


def own_files(folder: Path) -> list[Path]:
    """VOID's own weights."""
    return sorted(folder.glob("*.safetensors"))


def base_files(folder: Path) -> list[Path]:
    """The weights that come from the base."""
    return sorted(folder.glob("*/*.safetensors"))


def parameters(folder: Path, **changes: Any) -> dict[str, Any]:
    """A job's parameters for the tiny version: two steps a pass on the CPU."""
    usual = {"weights": str(folder), "height": SIZE, "width": SIZE, "steps": 2, "device": "cpu"}
    return {**usual, **changes}
