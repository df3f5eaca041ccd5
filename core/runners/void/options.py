"""A VOID job's parameters, read once and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.errors import RunFailed
from core.runners.void.memory import MODES
from core.runners.void.quantise import require
from core.runners.void.schedule import UPSTREAM, PassPlan

KNOWN = {
    "adapters", "compat", "compile", "composite", "device", "dtype", "guidance", "height", "memory", "negative_prompt",
    "passes", "provenance", "quantisation", "steps", "vae_tiling", "weights", "width",
}  # fmt: skip
HEIGHT, WIDTH, GRAIN = 384, 672, 16
"""Working size in pixels, and what its sides are multiples of: 8 in the VAE, then patches of 2."""
MOST_SIDE, MOST_STEPS = 1360, 1000


@dataclass(frozen=True)
class Options:
    """What a job asks for."""

    upstream: bool
    """Reproduce upstream's choices instead of ours."""
    plans: tuple[PassPlan, ...]
    height: int
    width: int
    negative_prompt: str
    composite: bool
    """Put the kept pixels of the input back."""
    memory: str
    vae_tiling: bool | None
    device: str
    dtype: str
    quantisation: str
    compile: bool

    @property
    def passes(self) -> tuple[int, ...]:
        """The numbers of the passes to run."""
        return tuple(plan.number for plan in self.plans)


def read(parameters: Mapping[str, object]) -> Options:
    """Read the parameters; an unknown or unusable one is a `RunFailed` that names it."""
    if unknown := sorted(set(parameters) - KNOWN):
        raise RunFailed(f"the runner 'void' has no parameter '{unknown[0][:80]}'", f"use {', '.join(sorted(KNOWN))}")
    upstream = _choice(parameters, "compat", ("none", "upstream")) == "upstream"
    device = _device(_choice(parameters, "device", ("auto", "cpu", "cuda")))
    dtype = _choice(parameters, "dtype", ("auto", "bfloat16", "float32"))
    quantisation = _text(parameters, "quantisation", "none")
    require(quantisation)
    return Options(
        upstream,
        _plans(parameters),
        _side(parameters, "height", HEIGHT),
        _side(parameters, "width", WIDTH),
        _text(parameters, "negative_prompt", ""),
        _flag(parameters, "composite", not upstream),
        _choice(parameters, "memory", ("auto", *MODES)),
        None if parameters.get("vae_tiling") is None else _flag(parameters, "vae_tiling", False),
        device,
        dtype if dtype != "auto" else "float32" if device == "cpu" else "bfloat16",
        quantisation,
        _flag(parameters, "compile", False),
    )


def _plans(parameters: Mapping[str, object]) -> tuple[PassPlan, ...]:
    passes = parameters.get("passes", 2)
    if passes not in (1, 2) or isinstance(passes, bool):
        raise RunFailed(f"the parameter 'passes' cannot be '{str(passes)[:40]}'", "use 1 or 2")
    plans = [UPSTREAM[number] for number in range(1, 3 if passes == 2 else 2)]
    steps, guidance = _each(parameters, "steps", len(plans)), _each(parameters, "guidance", len(plans))
    found = []
    for plan, count, scale in zip(plans, steps, guidance, strict=True):
        if count is not None and not (float(count).is_integer() and 1 <= count <= MOST_STEPS):
            raise RunFailed(f"the parameter 'steps' cannot hold {count}", f"give whole numbers from 1 to {MOST_STEPS}")
        if scale is not None and not 1 <= scale <= 100:
            raise RunFailed(f"the parameter 'guidance' cannot hold {scale}", "give numbers from 1 (none) to 100")
        found.append(
            replace(
                plan,
                steps=plan.steps if count is None else int(count),
                guidance=plan.guidance if scale is None else float(scale),
            )
        )
    return tuple(found)


def _each(parameters: Mapping[str, object], name: str, passes: int) -> list[float | None]:
    """A number for all passes, or one for each."""
    value = parameters.get(name)
    values: list[Any] = value if isinstance(value, list) else [value] * passes
    if len(values) != passes or not all(
        item is None or (isinstance(item, int | float) and not isinstance(item, bool)) for item in values
    ):
        raise RunFailed(f"the parameter '{name}' is no number for each pass", "give a number, or a list with one each")
    return values


def _side(parameters: Mapping[str, object], name: str, usual: int) -> int:
    value = parameters.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or value % GRAIN or not GRAIN <= value <= MOST_SIDE:
        raise RunFailed(
            f"the parameter '{name}' cannot be '{str(value)[:40]}'", f"give a multiple of {GRAIN} up to {MOST_SIDE}"
        )
    return value


def _choice(parameters: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    value = parameters.get(name, choices[0])
    if value not in choices:
        raise RunFailed(f"the parameter '{name}' cannot be '{str(value)[:40]}'", f"use {', '.join(choices)}")
    return str(value)


def _flag(parameters: Mapping[str, object], name: str, usual: bool) -> bool:
    value = parameters.get(name, usual)
    if not isinstance(value, bool):
        raise RunFailed(f"the parameter '{name}' cannot be '{str(value)[:40]}'", "use true or false")
    return value


def _text(parameters: Mapping[str, object], name: str, usual: str) -> str:
    value = parameters.get(name, usual)
    if not isinstance(value, str):
        raise RunFailed(f"the parameter '{name}' is not a text", "give a text")
    return value


def _device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise RunFailed("this machine has no GPU that PyTorch can use", "run it on a machine with one")
    return "cuda" if wanted == "auto" and torch.cuda.is_available() else "cpu" if wanted == "auto" else wanted
