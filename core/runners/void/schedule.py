"""The two passes' noise schedules: the same DDIM settings in the class that upstream uses for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.runners.void.masks import Collapse

SETTINGS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "set_alpha_to_one": True,
    "steps_offset": 0,
    "timestep_spacing": "trailing",
}


@dataclass(frozen=True)
class PassPlan:
    """How one pass denoises."""

    number: int
    steps: int
    guidance: float
    collapse: Collapse
    """What of the quadmask the pass is shown."""

    @property
    def guided(self) -> bool:
        """Whether each step also runs without the prompt."""
        return self.guidance > 1

    def record(self) -> dict[str, object]:
        """The plan as JSON."""
        return {"steps": self.steps, "guidance": self.guidance, "mask": self.collapse}


UPSTREAM = {1: PassPlan(1, 30, 1.0, "tri"), 2: PassPlan(2, 50, 6.0, "binary")}
"""What upstream runs; the steps of its first pass are fixed in its code, whatever its configuration says."""


def scheduler(plan: PassPlan) -> Any:
    """The pass's scheduler with its timesteps set; deterministic (eta 0)."""
    from diffusers import CogVideoXDDIMScheduler, DDIMScheduler

    classes: dict[int, Any] = {1: DDIMScheduler, 2: CogVideoXDDIMScheduler}
    made = classes[plan.number](**SETTINGS, **({"snr_shift_scale": 1.0} if plan.number == 2 else {}))
    made.set_timesteps(plan.steps)
    return made
