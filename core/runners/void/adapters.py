"""LoRA adapters, added to the transformer's weights before it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from core.errors import RunFailed
from core.runners.void.weights import Adapter, Shapes, header

if TYPE_CHECKING:
    import torch

ENTRY = re.compile(
    r"(?P<module>.+?)\.(?P<side>lora_A|lora_down|lora_B|lora_up)(\.default)?\.weight|(?P<scaled>.+)\.alpha"
)
PREFIXES = ("base_model.model.", "transformer.", "diffusion_model.", "lora_unet__")
DOWN = ("lora_A", "lora_down")


class Target(NamedTuple):
    """The tensors of an adapter that change one weight; `alpha` is absent where the file has none."""

    weight: str
    down: str
    up: str
    alpha: str | None


def targets(adapter: Adapter, wanted: Shapes) -> tuple[Target, ...]:
    """Match an adapter's tensors with the model's weights by name and shape; one that fits nowhere is a `RunFailed`.

    Both usual namings are read: `lora_A`/`lora_B` under dotted module names, `lora_down`/`lora_up` under underscored.
    """
    shapes = header(adapter.path)
    plain = {name.removesuffix(".weight").replace(".", "_"): name for name in wanted if name.endswith(".weight")}
    found: dict[str, dict[str, str]] = {}
    for name in shapes:
        match = ENTRY.fullmatch(name)
        module = _bare(match["module"] or match["scaled"]).replace(".", "_") if match else ""
        if match is None or module not in plain:
            raise RunFailed(f"{adapter.path.name} changes '{name[:120]}', which the model has not", "check the adapter")
        side = "alpha" if match["scaled"] else "down" if match["side"] in DOWN else "up"
        found.setdefault(plain[module], {})[side] = name
    return tuple(_target(adapter, weight, sides, shapes, wanted) for weight, sides in sorted(found.items()))


def _bare(module: str) -> str:
    for prefix in PREFIXES:
        module = module.removeprefix(prefix)
    return module


def _target(adapter: Adapter, weight: str, sides: dict[str, str], shapes: Shapes, wanted: Shapes) -> Target:
    try:
        down, up = shapes[sides["down"]], shapes[sides["up"]]
        fits = len(down) == len(up) == 2 and down[0] == up[1] and (up[0], down[1]) == wanted[weight]
    except KeyError:
        fits = False
    if not fits:
        raise RunFailed(f"{adapter.path.name} does not fit the model's '{weight}'", "use an adapter for this model")
    return Target(weight, sides["down"], sides["up"], sides.get("alpha"))


def merge(state: dict[str, torch.Tensor], adapters: tuple[Adapter, ...]) -> None:
    """Add the adapters to a state in place: weight + scale * alpha / rank * up @ down, summed in float32."""
    from safetensors.torch import load_file

    shapes = {name: tuple(value.shape) for name, value in state.items()}
    for adapter in adapters:
        tensors = load_file(adapter.path)
        for target in targets(adapter, shapes):
            weight = state[target.weight]
            down, up = (tensors[name].to(weight.device).float() for name in (target.down, target.up))
            share = float(tensors[target.alpha]) / down.shape[0] if target.alpha else 1.0
            state[target.weight] = (weight.float() + adapter.scale * share * (up @ down)).to(weight.dtype)
