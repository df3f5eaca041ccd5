"""One pass of VOID: condition, denoise, decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.runners.void import conditioning
from core.runners.void import vae as codec
from core.runners.void.masks import Grey
from core.runners.void.rope import rotary
from core.runners.void.schedule import PassPlan, scheduler
from core.runners.void.session import Session
from core.runners.void.stopwatch import Stopwatch
from core.runners.void.windows import Window, blended

if TYPE_CHECKING:
    import torch

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Case:
    """What a pass starts from: the padded clip (1, 3, F, H, W) in [0, 1], its quantised mask (F, H, W), the prompts."""

    video: torch.Tensor
    values: Grey
    prompt: str
    negative_prompt: str
    noise_seed: int
    """Of the conditioning noise."""


@dataclass(frozen=True)
class Start:
    """The clip's latents and the noise, both (1, T, 16, h, w)."""

    clip: torch.Tensor
    noise: torch.Tensor


@dataclass(frozen=True)
class PassResult:
    """Final latents (1, T, 16, h, w) and the frames (1, 3, F, H, W) in [0, 1], float32, both on the CPU."""

    latents: torch.Tensor
    frames: torch.Tensor


def encode_clip(session: Session, case: Case, device: torch.device) -> torch.Tensor:
    """The clip's latents with the conditioning noise, the same for both passes: (1, T, 16, h, w)."""
    with session.vae() as vae:
        return conditioning.video_latents(vae, case.video, case.noise_seed, device)


def run_pass(
    session: Session,
    plan: PassPlan,
    case: Case,
    start: Start,
    tiling: bool,
    tell: Tell,
    watch: Stopwatch,
) -> PassResult:
    """Run one pass; the starting noise says in which type and where.

    `tell` is called before each step and may raise to stop it.
    """
    import torch

    name, noise = f"pass {plan.number}", start.noise
    prompts = [case.negative_prompt, case.prompt] if plan.guided else [case.prompt]
    tell(0.0, f"{name}: reading the prompt")
    with watch(f"{name}: prompt"):
        text = torch.cat(session.embeddings(prompts)).to(noise.device, noise.dtype)
    tell(0.04, f"{name}: encoding the mask")
    with watch(f"{name}: encode"), session.vae() as vae:
        mask = conditioning.mask_latents(vae, case.values, plan.collapse, noise.device)
        condition = conditioning.joined(mask, start.clip.to(noise.device), noise.dtype)
    with watch(f"{name}: denoise"), session.transformer(plan.number) as transformer:
        latents = denoise(transformer, plan, noise, condition, text, lambda done, said: tell(0.08 + 0.84 * done, said))
    tell(0.93, f"{name}: decoding")
    with watch(f"{name}: decode"), session.vae() as vae:
        frames = codec.decode(vae, latents, tiling)
    return PassResult(latents.cpu(), frames)


def denoise(
    transformer: Any, plan: PassPlan, noise: torch.Tensor, condition: torch.Tensor, text: torch.Tensor, tell: Tell
) -> torch.Tensor:
    """Denoise (1, T, 16, h, w) under its 32 conditioning channels and the text, one row or, guided, two: the negative
    prompt's first."""
    import torch

    work = _Denoiser(transformer, plan, condition, text)
    latents = noise
    with torch.no_grad():
        for number, timestep in enumerate(work.scheduler.timesteps):
            tell(number / plan.steps, f"pass {plan.number}: step {number + 1} of {plan.steps}")
            latents = work.after(latents, timestep)
    return latents


class _Denoiser:
    """The steps of one pass."""

    def __init__(self, transformer: Any, plan: PassPlan, condition: torch.Tensor, text: torch.Tensor) -> None:
        self.scheduler = scheduler(plan)
        self._transformer, self._plan, self._condition, self._text = transformer, plan, condition, text
        self._positions: dict[int, tuple[torch.Tensor, ...]] = {}

    def after(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """The latents after one step, windows blended."""
        return blended(latents, lambda window: self._step(latents, timestep, window))

    def _step(self, latents: torch.Tensor, timestep: torch.Tensor, window: Window) -> torch.Tensor:
        import torch

        part = latents[:, window.start : window.stop]
        given = torch.cat([part, self._condition[:, window.start : window.stop]], dim=2)
        branches = len(self._text)
        prediction = self._transformer(
            hidden_states=given.expand(branches, -1, -1, -1, -1),
            encoder_hidden_states=self._text,
            timestep=timestep.to(latents.device).expand(branches),
            image_rotary_emb=self._rotary(part),
            return_dict=False,
        )[0].float()
        if self._plan.guided:
            without, with_prompt = prediction.chunk(2)
            prediction = without + self._plan.guidance * (with_prompt - without)
        following = self.scheduler.step(prediction, timestep, part, return_dict=False)[0]
        return torch.as_tensor(following).to(latents.dtype)

    def _rotary(self, part: torch.Tensor) -> tuple[torch.Tensor, ...]:
        frames = part.shape[1]
        if frames not in self._positions:
            shape = (frames, part.shape[3], part.shape[4])
            self._positions[frames] = rotary(self._transformer, shape, part.device)
        return self._positions[frames]
