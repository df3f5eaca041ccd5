"""VOID at full size with random weights on one GPU: time for a clip, peak memory in each mode, where the time goes.

85 frames of 384x672 are 22 latents of 48x84. The peer is the chip itself: the rate of its bf16 matrix product,
measured in the same run, and the share of it that the denoising loop reaches. Needs no network and no weight files;
takes several minutes, since each mode runs cold and warm.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.runners.void.masks import SHORTEST, latents_of
from core.runners.void.memory import MODES, release
from core.runners.void.pipeline import Case, Start, encode_clip, run_pass
from core.runners.void.schedule import PassPlan
from core.runners.void.session import Placing, Session
from core.runners.void.stopwatch import Stopwatch
from core.runners.void.weights import Adapter, Bundle, Part

HEIGHT, WIDTH, STEPS = 384, 672, 30
TRANSFORMER = {
    "num_attention_heads": 48, "attention_head_dim": 64, "in_channels": 48, "out_channels": 16, "time_embed_dim": 512,
    "text_embed_dim": 4096, "num_layers": 42, "patch_size": 2, "patch_size_t": 2, "sample_width": 170,
    "sample_height": 96, "use_rotary_positional_embeddings": True,
}  # fmt: skip
VAE = {"block_out_channels": [128, 256, 256, 512], "layers_per_block": 3, "scaling_factor": 0.7}
TEXT = {
    "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "vocab_size": 32128,
    "feed_forward_proj": "gated-gelu",
}  # fmt: skip
TEXT_TOKENS = 226
RUNS = ((1, 1.0), (2, 6.0))
"""Pass and guidance: with guidance the transformer runs on two rows."""


def main() -> int:
    import torch

    if not torch.cuda.is_available():
        print("no GPU here: VOID was not measured")
        return 0
    device = torch.device("cuda")
    properties = torch.cuda.get_device_properties(device)
    print(f"{properties.name}, {properties.total_memory / 1e9:.0f} GB, torch {torch.__version__}")
    rate = matrix_rate(device)
    print(f"bf16 matrix product: {rate / 1e12:.0f} TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        bundle = random_bundle(Path(folder), TRANSFORMER, VAE, TEXT)
        for mode in MODES:
            for number, guidance in RUNS if mode == MODES[0] else RUNS[:1]:
                report(mode, number, measured(bundle, mode, PassPlan(number, STEPS, guidance, "tri"), device), rate)
    return 0


def measured(
    bundle: Bundle,
    mode: str,
    plan: PassPlan,
    device: Any,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    dtype: str = "bfloat16",
) -> dict[str, float]:
    """Run one pass twice in a session and describe the second run: seconds by stage, peak bytes, work of the loop."""
    import torch

    session = Session(load=random_model)
    session.use(bundle)
    session.place(Placing(str(device), dtype), mode)
    height, width = size
    random = np.random.default_rng(0)
    video = torch.from_numpy(random.random((1, 3, SHORTEST, height, width), np.float32))
    values = np.where(random.random((SHORTEST, height, width)) < 0.1, 0, 255).astype(np.uint8)
    case = Case(video, values, "an empty wall", "", 0)
    shape = (1, latents_of(SHORTEST), 16, height // 8, width // 8)
    found: dict[str, float] = {}
    for attempt in ("cold", "warm"):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        watch, started = Stopwatch(), time.perf_counter()
        with watch("encoding the clip"):
            clip = encode_clip(session, case, device)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device, getattr(torch, dtype))
        tiling = mode == "sequential_offload"
        run_pass(session, plan, case, Start(clip, noise), tiling, lambda _done, _said: None, watch)
        found[f"{attempt}: whole"] = time.perf_counter() - started
        found |= {f"{attempt}: {name}": seconds for name, seconds in watch.seconds.items()}
        if device.type == "cuda":
            found[f"{attempt}: peak"] = torch.cuda.max_memory_allocated()
    tokens = shape[1] // 2 * (height // 16) * (width // 16) + TEXT_TOKENS
    config = next(iter(bundle.transformers.values())).config
    found["work"] = plan.steps * (2 if plan.guided else 1) * work_of_a_step(config, tokens)
    session.close()
    return found


def work_of_a_step(config: Any, tokens: int) -> float:
    """Floating point operations of the blocks' matrix products: projections, feed-forward, attention."""
    width = config["num_attention_heads"] * config["attention_head_dim"]
    return float(config["num_layers"] * (24 * tokens * width**2 + 4 * tokens**2 * width))


def report(mode: str, number: int, found: dict[str, float], rate: float) -> None:
    print(f"{mode}, pass {number}, {STEPS} steps, 85 frames of {HEIGHT}x{WIDTH}:")
    for attempt in ("cold", "warm"):
        stages = {
            name.split(": ")[-1]: seconds
            for name, seconds in found.items()
            if name.startswith(attempt) and not name.endswith(("whole", "peak"))
        }
        line = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items())
        print(
            f"  {attempt}: {found[f'{attempt}: whole']:.1f} s ({line}), peak {found[f'{attempt}: peak'] / 1e9:.1f} GB"
        )
    reached = found["work"] / found[f"warm: pass {number}: denoise"]
    print(f"  denoising reaches {reached / 1e12:.0f} TFLOP/s, {reached / rate:.0%} of the matrix product's rate")


def matrix_rate(device: Any, side: int = 8192, rounds: int = 20) -> float:
    """Operations per second of a square bf16 product: the median of several rounds after one that is not counted."""
    import torch

    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(rounds + 1):
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(10):
            left @ right
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) / 10)
    return 2 * side**3 / median(times[1:])


def random_bundle(folder: Path, transformer: dict[str, Any], vae: dict[str, Any], text: dict[str, Any]) -> Bundle:
    """A version that has configurations and no files."""
    from transformers import T5Tokenizer

    pieces = [(piece, -1.0) for piece in ("<pad>", "</s>", "<unk>", "▁an", "▁empty", "▁wall")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder)
    passes = {number: Part("transformer", transformer, ()) for number in (1, 2)}
    return Bundle(passes, Part("vae", vae, ()), Part("text_encoder", text, ()), folder, (), {})


def random_model(part: Part, home: Any, dtype: Any, _adapters: tuple[Adapter, ...]) -> Any:
    """A part's model with small random weights, made on the GPU where there is one: the CPU would take minutes."""
    import torch

    from core.runners.void.loading import empty

    maker = "cuda" if torch.cuda.is_available() else "cpu"
    model = empty(part)
    state = {
        name: torch.empty(value.shape, device=maker, dtype=dtype).normal_(0, 0.02).to(home)
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state, strict=True, assign=True)
    release()
    return model.requires_grad_(False).eval()


if __name__ == "__main__":
    sys.exit(main())
