"""Whether an output's frames may be shown to the vision-language judge that the settings name.

Frames that leave this machine leave the premises: a job says so when it is submitted, a policy pack judges that at the
gate `submit`, and a job that was submitted without saying so is not shown to a judge elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.errors import InputError
from core.runners.base import RunSpecification
from core.settings import Settings

if TYPE_CHECKING:
    from evaluators.video.judge import JudgeOptions


def judge_options(settings: Settings) -> JudgeOptions | None:
    """Return the judge that the settings name, None without one; unusable settings are an `InputError`."""
    if not settings.vlm_model:
        return None
    from evaluators.base import EvaluatorError
    from evaluators.video.judge import JudgeOptions

    try:
        return JudgeOptions(settings.vlm_model, settings.vlm_base_url or None, settings.vlm_key_variable or None)
    except EvaluatorError as error:
        what, _, next_step = str(error).rstrip(".").partition("; ")
        raise InputError(what, f"{next_step} (settings vlm_model, vlm_base_url)") from error


def judge_sends_out(settings: Settings) -> bool:
    """Whether the configured judge would get frames out of this machine."""
    options = judge_options(settings)
    return options is not None and options.network_egress


def measure_parameters(settings: Settings, ai_use: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters of the runner `measure` for a job with this declared use."""
    options = judge_options(settings)
    if options is None:
        return {}
    forbidden = None
    if options.network_egress and ai_use.get("network_egress") is not True:
        forbidden = "the job was submitted without saying that frames leave this machine, so the judge was not asked"
    return {
        "judge": {
            "model": options.model,
            "base_url": options.base_url,
            "key_variable": options.variable,
            "forbidden": forbidden,
        }
    }


def spared_key(specification: RunSpecification) -> str:
    """Return the name of the one secret variable that a child may see: the key of the model that it may ask."""
    asks = {"measure": "judge", "mask": "vlm"}.get(specification.runner)
    asked = specification.parameters.get(asks) if asks else None
    if not isinstance(asked, Mapping) or asked.get("forbidden"):
        return ""
    return str(asked.get("key_variable") or "")
