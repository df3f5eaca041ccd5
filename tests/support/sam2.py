"""A SAM2 video model of real components with tiny random weights, laid out as a user has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE = 64
BACKBONE = {
    "model_type": "sam2_hiera_det_model", "hidden_size": 8, "image_size": [SIDE, SIDE],
    "blocks_per_stage": [1, 1, 2, 1],
    "embed_dim_per_stage": [8, 12, 16, 20], "num_attention_heads_per_stage": [1, 1, 1, 1],
    "window_size_per_stage": [8, 4, 2, 1], "global_attention_blocks": [3],
    "window_positional_embedding_background_size": [2, 2],
}  # fmt: skip
MODEL = {
    "vision_config": {
        "model_type": "sam2_vision_model", "backbone_config": BACKBONE, "backbone_channel_list": [20, 16, 12, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 128,
    },
    "prompt_encoder_config": {"hidden_size": 128, "image_size": SIDE, "mask_input_channels": 4},
    "mask_decoder_config": {
        "hidden_size": 128, "mlp_dim": 16, "num_attention_heads": 1, "iou_head_hidden_dim": 16,
    },
    "image_size": SIDE, "memory_attention_hidden_size": 128, "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 16, "memory_attention_rope_feat_sizes": [4, 4],
    "memory_encoder_hidden_size": 128, "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": 128,
    "memory_fuser_num_layers": 1, "memory_fuser_embed_dim": 128, "memory_fuser_intermediate_dim": 16,
}  # fmt: skip


def write_sam2(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """Write config.json and model.safetensors into a new folder and return it."""
    import torch
    from safetensors.torch import save_file
    from transformers import Sam2VideoConfig, Sam2VideoModel

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    config = Sam2VideoConfig(**{**MODEL, **changes})
    config.save_pretrained(folder)
    state = Sam2VideoModel(config).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    return folder
