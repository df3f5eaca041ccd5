"""Smaller weights for the transformer: real int8 or fp8 storage, computed in the working type."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from core.errors import RunFailed
from core.runners.void.memory import Residence

KINDS = ("none", "int8", "fp8")


def require(kind: str) -> None:
    """Raise `RunFailed` when the kind is unknown or needs a library that is not installed."""
    if kind not in KINDS:
        raise RunFailed(f"'{kind}' is no quantisation", f"use {', '.join(KINDS)}")
    if kind != "none" and find_spec("torchao") is None:
        raise RunFailed(f"{kind} weights need the library torchao", "install torchao, or run without quantisation")


def quantised(model: Any, kind: str, residence: Residence) -> Any:
    """Store the weights of the blocks' linear layers in 8 bits; `none` returns the model as it is."""
    if kind == "none":
        return model
    require(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library: Any = import_module("torchao.quantization")
        config = library.Int8WeightOnlyConfig() if kind == "int8" else library.Float8WeightOnlyConfig()
        library.quantize_(model.transformer_blocks, config, device=residence.device)
    return model.to(residence.home)
