"""Build the models from verified files: shapes compared first, then loaded strictly, and nothing unpickled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import RunFailed
from core.runners.void.adapters import merge, targets
from core.runners.void.weights import Adapter, Bundle, Part, Shapes, header

if TYPE_CHECKING:
    import torch

DROPPED = ("add_noise_in_inpaint_model",)
"""Settings of upstream's class that diffusers' class does not have; the noise is added outside the model."""
PATCH = "patch_embed.proj.weight"
BASE_CHANNELS, CHANNELS = 33, 48


def empty(part: Part) -> Any:
    """A part's model without memory (on the meta device); an unusable configuration is a `RunFailed`."""
    import torch
    from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
    from transformers import T5Config, T5EncoderModel

    config = {name: value for name, value in part.config.items() if name not in DROPPED}
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if part.name == "text_encoder":
                return T5EncoderModel(T5Config(**config))
            classes = {"transformer": CogVideoXTransformer3DModel, "vae": AutoencoderKLCogVideoX}
            if part.name == "transformer":
                config["in_channels"] = CHANNELS
            return classes[part.name].from_config(config)
    except (TypeError, ValueError, KeyError) as error:
        raise RunFailed(
            f"the configuration of the {part.name} describes no such model ({str(error)[:200]})", "copy it again"
        ) from error


def check(bundle: Bundle) -> dict[str, int]:
    """Compare every file's names and shapes with what its configuration builds; returns parameters by part."""
    counts = {}
    for name, part in parts_of(bundle).items():
        model = empty(part)
        wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        _compare(part, wanted, _found(part, wanted))
        counts[name] = sum(value.numel() for value in model.parameters())
        if part.name == "transformer":
            _check_transformer(model.config)
            for adapter in bundle.adapters:
                targets(adapter, wanted)
    return counts


def parts_of(bundle: Bundle) -> dict[str, Part]:
    """The bundle's parts by name."""
    passes = {f"transformer of pass {number}": part for number, part in bundle.transformers.items()}
    return {**passes, "vae": bundle.vae, "text_encoder": bundle.text_encoder}


def load(part: Part, device: torch.device, dtype: torch.dtype, adapters: tuple[Adapter, ...] = ()) -> Any:
    """Load a part strictly onto the device, adapters merged, in evaluation mode."""
    from safetensors.torch import load_file

    model = empty(part)
    state = {key: value for path in part.files for key, value in load_file(path, device=str(device)).items()}
    if part.name == "transformer":
        state[PATCH] = expanded(state[PATCH], model.state_dict()[PATCH].shape[1])
        merge(state, adapters)
    if part.name == "text_encoder":
        state = _tied(state, set(model.state_dict()))
    state = {key: value.to(device, dtype) for key, value in state.items()}
    model.load_state_dict(state, strict=True, assign=True)
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        raise RunFailed(f"the {part.name} keeps values that no weight file holds", "use the released configuration")
    return model.requires_grad_(False).eval()


def expanded(weight: torch.Tensor, columns: int) -> torch.Tensor:
    """Widen the base's patch weights (33 channels) to VOID's 48: the mask's columns are repeated for 16 channels.

    Each channel has 8 neighbouring columns; those of the first 16 and the last 16 channels stay.
    """
    import torch

    if weight.shape[1] == columns:
        return weight
    volume = weight.shape[1] // BASE_CHANNELS
    side = 16 * volume
    return torch.cat([weight[:, :side], weight[:, side:-side].repeat(1, 16), weight[:, -side:]], dim=1)


def _found(part: Part, wanted: Shapes) -> Shapes:
    found: Shapes = {}
    for path in part.files:
        found |= header(path)
    if part.name == "text_encoder":
        found = dict(_tied(found, set(wanted)))
    shape = found.get(PATCH)
    if part.name == "transformer" and shape and shape[1:] == (wanted[PATCH][1] * BASE_CHANNELS // CHANNELS,):
        found[PATCH] = (shape[0], wanted[PATCH][1])
    return found


def _tied(state: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    """T5 files hold its one embedding under either name, or both."""
    names = ("shared.weight", "encoder.embed_tokens.weight")
    known = next((state[name] for name in names if name in state), None)
    return dict(state) if known is None else {**state, **{name: known for name in names if name in wanted}}


def _compare(part: Part, wanted: Shapes, found: Shapes) -> None:
    where = part.files[0].name if len(part.files) == 1 else f"the files of the {part.name}"
    if missing := sorted(wanted.keys() - found.keys()):
        raise RunFailed(
            f"{where} lacks {len(missing)} of the model's tensors, '{missing[0]}' first", "use a complete weight file"
        )
    if strange := sorted(found.keys() - wanted.keys()):
        raise RunFailed(
            f"{where} holds {len(strange)} tensors that the model does not have, '{strange[0]}' first",
            "use weights of this architecture",
        )
    for name, shape in wanted.items():
        if tuple(found[name]) != shape:
            raise RunFailed(
                f"{where} has '{name}' in the shape {tuple(found[name])}, the model needs {shape}",
                "use weights and a configuration that belong together",
            )


def _check_transformer(config: Any) -> None:
    if config.patch_size_t != 2 or config.out_channels != 16 or not config.use_rotary_positional_embeddings:
        raise RunFailed(
            "the transformer's configuration is not that of CogVideoX 1.5",
            "use patches of 2 frames, 16 output channels and rotary positions",
        )
