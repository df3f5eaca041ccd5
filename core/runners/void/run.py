"""One run of VOID from its read inputs to its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners.base import Manifest, RunContext, RunOutput, RunSpecification
from core.runners.void import checkpoint, finishing, noise
from core.runners.void.clips import Clip, read_clip, read_prompt
from core.runners.void.flow import METHOD
from core.runners.void.masks import LONGEST, SHORTEST, latents_of
from core.runners.void.memory import Sizes, choose, free_memory, host_need, need, require_host, with_fallback
from core.runners.void.options import Options
from core.runners.void.pipeline import Case, PassResult, Start, encode_clip, run_pass
from core.runners.void.prompts import LONGEST as MOST_TOKENS
from core.runners.void.schedule import PassPlan
from core.runners.void.session import Placing, Session
from core.runners.void.stopwatch import Stopwatch
from core.runners.void.weights import Bundle, layers, sha256_of
from core.runners.void.windows import SIZE, windows

if TYPE_CHECKING:
    import torch

OUTPUT, FIRST, UNTRIMMED, LATENTS = "output.mp4", "pass1.mp4", "upstream.mp4", "latents.safetensors"
READ, WRITE = 0.08, 0.92
"""Where in the progress the passes begin and end."""


class Run:
    """Holds what a run has learnt so far."""

    def __init__(
        self, session: Session, options: Options, bundle: Bundle, given: RunSpecification, context: RunContext
    ) -> None:
        self._session, self._options, self._bundle, self._given, self._context = (
            session,
            options,
            bundle,
            given,
            context,
        )
        self._watch = Stopwatch()
        self._notes: list[str] = []
        self._facts: dict[str, object] = {}
        self._latents: dict[str, torch.Tensor] = {}
        self._frames: dict[int, NDArray[np.uint8]] = {}
        self._clip_latents: torch.Tensor | None = None
        self._resumed = False
        self._loads = session.loads
        self._mode = options.memory

    def read(self, inputs: Mapping[str, Path]) -> None:
        """Read the clip, its mask and prompt; what this model cannot be given is a `RunFailed`."""
        options = self._options
        self._prompt = read_prompt(inputs["prompt"])
        self._digests = {role: sha256_of(path) for role, path in inputs.items()}
        with self._watch("reading the clip"):
            self._clip = read_clip(
                inputs["video"],
                inputs["quadmask"],
                (options.height, options.width),
                options.upstream,
                LONGEST if options.upstream else None,
                lambda done: self._tell(0.02 + (READ - 0.02) * done, "reading the clip"),
            )
        clip = self._clip
        if options.upstream and len(options.plans) == 2 and clip.padded > SHORTEST:
            raise RunFailed(
                f"upstream's second pass fails on a clip of {clip.padded} padded frames, and so it is not reproduced",
                f"leave 'compat' out, run one pass, or give at most {SHORTEST} frames",
            )
        self._notes += _remarks(clip, options)
        if self._session.prompts.tokens(self._prompt) > MOST_TOKENS:
            self._notes.append(f"The prompt is longer than {MOST_TOKENS} tokens; the model read its beginning.")

    def make(self) -> None:
        """Run the passes, the first one only where no usable checkpoint was given."""
        import torch

        options = self._options
        self._device, self._dtype = torch.device(options.device), getattr(torch, options.dtype)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._choose_mode()
        earlier = self._earlier()
        if earlier:
            self._resumed = True
            self._latents["pass1"], self._frames[1] = earlier.latents, earlier.frames
            self._notes.append("The first pass was taken from an earlier attempt's checkpoint.")
        for place, plan in enumerate(options.plans):
            if plan.number not in self._frames:
                self._pass(plan, READ + (WRITE - READ) * place / len(options.plans))
        if self._device.type == "cuda":
            self._facts["peak_gpu_bytes"] = torch.cuda.max_memory_allocated()

    def _pass(self, plan: PassPlan, start: float) -> None:
        span = (WRITE - READ) / len(self._options.plans)
        clip = self._clip
        case = Case(clip.video, clip.values, self._prompt, self._options.negative_prompt, self._seed("conditioning"))
        first_noise = self._noise(
            plan, lambda done: self._tell(start, f"pass {plan.number}: following motion, {done:.0%}")
        )

        def attempt(mode: str) -> PassResult:
            self._session.place(self._placing(), mode)
            tiling = self._options.vae_tiling
            tiled = mode == "sequential_offload" if tiling is None else tiling
            self._read_prompts(start)
            begin = Start(self._encoded(case, start), first_noise)
            return run_pass(
                self._session, plan, case, begin, tiled, lambda done, said: self._tell(start + span * done, said),
                self._watch,
            )  # fmt: skip

        made, self._mode, note = with_fallback(self._mode, attempt)
        self._notes += [note] if note else []
        self._latents[f"pass{plan.number}"] = made.latents
        self._frames[plan.number] = finishing.eight_bit(made.frames.numpy())
        if plan.number == 1 and len(self._options.plans) == 2:
            kept = checkpoint.PassOne(made.latents, self._frames[1])
            checkpoint.save(self._context.folder, kept, self._conditions())

    def _read_prompts(self, share: float) -> None:
        """Have the prompts of both passes read at once, so that T5 is loaded once."""
        self._tell(share, "reading the prompts")
        with self._watch("reading the prompts"):
            guided = any(plan.guided for plan in self._options.plans)
            self._session.embeddings([self._options.negative_prompt, self._prompt] if guided else [self._prompt])

    def _encoded(self, case: Case, share: float) -> torch.Tensor:
        """The clip's latents, made once for both passes."""
        if self._clip_latents is None:
            self._tell(share, "encoding the clip")
            with self._watch("encoding the clip"):
                self._clip_latents = encode_clip(self._session, case, self._device)
        return self._clip_latents

    def _noise(self, plan: PassPlan, tell: noise.Tell) -> torch.Tensor:
        import torch

        options, clip = self._options, self._clip
        shape = (options.height // 8, options.width // 8)
        whole = (1, latents_of(clip.padded), noise.CHANNELS, *shape)
        seed = self._seed(f"pass{plan.number}")
        if plan.number == 1:
            return noise.plain(whole, seed, self._dtype, self._device, options.upstream)
        with self._watch("pass 2: noise"):
            if path := self._given.inputs.get("noise"):
                made = noise.read_noise(path)
                made = noise.resized_like_upstream(made, shape) if options.upstream else made
            elif options.upstream:
                made = noise.warped_like_upstream(self._frames[1], seed, shape, tell)
            else:
                made = noise.warped(self._frames[1], seed, tell)
        if made.shape != whole[1:]:
            raise RunFailed(
                f"the noise has the shape {made.shape}, the clip needs {whole[1:]}", "make it for this clip"
            )
        source = "given" if path else METHOD
        self._facts["pass2_noise"] = {"flow": source, **noise.statistics(made)}
        return torch.from_numpy(made)[None].to(self._device, self._dtype)

    def _seed(self, purpose: str) -> int:
        """Ours: a seed for each clip and purpose. Upstream: the job's seed for everything."""
        seed = self._given.seed
        return seed if self._options.upstream else noise.clip_seed(seed, self._digests["video"], purpose)

    def _choose_mode(self) -> None:
        sizes = self._sizes()
        free = free_memory(self._device)
        if free is not None:
            # What this session holds already counts as free: it is used again or dropped.
            free += self._session.held("cuda")
        self._mode = choose(self._options.memory, sizes, free)
        require_host(host_need(self._mode, self._device, sizes) - self._session.held("cpu"))
        self._facts["memory_estimate_bytes"] = need(self._mode, sizes)

    def _sizes(self) -> Sizes:
        options, bundle, clip = self._options, self._bundle, self._clip
        config = next(iter(bundle.transformers.values())).config
        each = 4 if options.dtype == "float32" else 2
        share = 0.55 if options.quantisation != "none" else 1.0
        window = min(SIZE, latents_of(clip.padded))
        tokens_of_video = window // 2 * (options.height // 16) * (options.width // 16)
        branches = 2 if any(plan.guided for plan in options.plans) else 1
        return Sizes(
            tuple(int(part.size * share) for part in bundle.transformers.values()),
            bundle.vae.size,
            bundle.text_encoder.size,
            int(config.get("num_layers", 30)),
            options.height * options.width,
            branches * (tokens_of_video + MOST_TOKENS),
            int(config.get("num_attention_heads", 30)) * int(config.get("attention_head_dim", 64)),
            each,
        )

    def _placing(self) -> Placing:
        options = self._options
        return Placing(options.device, options.dtype, options.quantisation, options.compile)

    def _conditions(self) -> str:
        """Everything that the first pass follows from."""
        options = self._options
        chosen = [options.upstream, options.height, options.width, options.dtype, options.quantisation]
        return checkpoint.fingerprint(
            {
                "inputs": self._digests,
                "seed": self._given.seed,
                "model": self._bundle.key,
                "plan": [options.plans[0].record(), options.negative_prompt],
                "chosen": chosen,
            }
        )

    def _earlier(self) -> checkpoint.PassOne | None:
        """A first pass that an earlier attempt at the same work left, when a second one follows."""
        if len(self._options.plans) < 2:
            return None
        given = self._given.inputs.get("checkpoint")
        for place in (given, self._context.folder):
            if place is not None and (found := checkpoint.load(place, self._conditions())):
                return found
        if given is not None:
            self._notes.append("The given checkpoint is of other work or damaged; the first pass was run.")
        return None

    def manifest(self, inputs: Mapping[str, Path]) -> Manifest:
        """Write the clips and describe them."""
        with self._watch("writing"):
            outputs = self._write(inputs)
        self._tell(1.0, "done")
        return Manifest(tuple(outputs), self._all_facts(), tuple(self._notes))

    def _write(self, inputs: Mapping[str, Path]) -> list[RunOutput]:
        from safetensors.torch import save_file

        options, clip, folder = self._options, self._clip, self._context.folder
        last = self._frames[options.plans[-1].number]
        outputs = [RunOutput("video", folder / OUTPUT, "video/mp4")]
        sources = (inputs["video"], inputs["quadmask"]) if options.composite else None
        finishing.write_at_source(
            outputs[0].path, last[: clip.frames], clip.form, clip.fit, sources,
            lambda done: self._tell(WRITE + (0.99 - WRITE) * done, "writing the clip"),
        )  # fmt: skip
        if len(options.plans) == 2:
            box = clip.fit.box
            first = self._frames[1][: clip.frames, box.rows, box.columns]
            finishing.write_plain(folder / FIRST, first, clip.form.fps)
            outputs.append(RunOutput("pass1", folder / FIRST, "video/mp4"))
        if options.upstream:
            finishing.write_plain(folder / UNTRIMMED, last, finishing.UPSTREAM_FPS)
            outputs.append(RunOutput("upstream", folder / UNTRIMMED, "video/mp4"))
        save_file({name: value.contiguous() for name, value in self._latents.items()}, folder / LATENTS)
        return [*outputs, RunOutput("latents", folder / LATENTS, "application/octet-stream")]

    def _all_facts(self) -> dict[str, object]:
        options, clip = self._options, self._clip
        form, box = clip.form, clip.fit.box
        count = latents_of(clip.padded)
        return {
            "frames": clip.frames,
            "width": form.width,
            "height": form.height,
            "fps": round(float(form.fps), 6),
            "padded_frames": clip.padded,
            "latents": count,
            "windows": [list(window) for window in windows(count)],
            "working_size": [options.height, options.width],
            "picture_box": list(box),
            "compat": "upstream" if options.upstream else "none",
            "passes": {str(plan.number): plan.record() for plan in options.plans},
            "composite": options.composite,
            "mask_shares": {str(value): round(share, 6) for value, share in clip.shares.items()},
            "memory_mode": self._mode,
            "dtype": options.dtype,
            "quantisation": options.quantisation,
            "compiled": options.compile,
            "resumed": self._resumed,
            "models_loaded": self._session.loads - self._loads,
            "seconds": self._watch.record(),
            "weights": self._bundle.record(),
            "layers": list(layers(self._given.model)),
            "environment": _environment(self._device),
            **self._facts,
        }

    def _tell(self, done: float, message: str) -> None:
        self._context.progress(done, message)


def _remarks(clip: Clip, options: Options) -> list[str]:
    notes = []
    if clip.frames < clip.source_frames:
        notes.append(f"Only the first {clip.frames} of {clip.source_frames} frames were used, as upstream does it.")
    if clip.affected_at_start:
        notes.append("The mask marks something as affected in the first frame, which VOID's convention leaves out.")
    if clip.inexact:
        notes.append(f"{clip.inexact} mask pixels held none of the four values and were rounded to them.")
    if clip.shares[255] == 1.0:
        notes.append("The quadmask removes nothing.")
    if options.upstream:
        notes.append(
            "Upstream's choices were reproduced: the picture was stretched to the working size and every pixel is new."
        )
    if clip.form.has_audio:
        notes.append("The input's sound is not carried over.")
    return notes


def _environment(device: torch.device) -> dict[str, object]:
    import torch

    found: dict[str, object] = {name: version(name) for name in ("torch", "diffusers", "transformers")}
    if device.type == "cuda":
        found |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    return found
