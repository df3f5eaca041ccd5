"""Which vision-language model a mask job may show frames to.

It is fixed when the job is submitted, so that the gate judges what will happen, and a repetition asks the same model.
The key is never the submitter's to choose: the settings' own model gets the settings' key, a hosted provider its own
variable's, any other address none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.jobs.judging import judge_sends_out
from core.runners.mask.options import asks_model
from core.settings import Settings

if TYPE_CHECKING:
    from evaluators.video.judge import JudgeOptions

MASK = "mask"
CHOSEN = {"model", "base_url"}
UNSAID = "the job was submitted without saying that frames leave this machine, so no model was asked"


def frozen_parameters(
    settings: Settings, runner: str, parameters: Mapping[str, object], roles: Collection[str]
) -> dict[str, object]:
    """Return the parameters to keep with a job: those given, and for a mask job the model that it will ask.

    Raises `InputError` where a mask job needs a model and there is none.
    """
    kept = dict(parameters)
    if runner != MASK or not asks_model(parameters, roles):
        return kept
    chosen = parameters.get("vlm") or {"model": settings.vlm_model, "base_url": settings.vlm_base_url or None}
    if not isinstance(chosen, Mapping) or set(chosen) - CHOSEN:
        raise InputError("the parameter 'vlm' cannot be read", 'write {"model": ..., "base_url": ...}')
    if not chosen.get("model"):
        raise InputError(
            "a mask job needs a vision-language model to say what the removal affects",
            "name one in the settings (vlm_model, vlm_base_url), or give the files segmentation_info and vlm_analysis",
        )
    _options(settings, chosen)
    return {**kept, "vlm": {"model": chosen["model"], "base_url": chosen.get("base_url") or None}}


def frames_leave(settings: Settings, runner: str, parameters: Mapping[str, object]) -> bool:
    """Whether a job with these kept parameters gets frames out of this machine, by its runner or by the judge."""
    if runner != MASK:
        return judge_sends_out(settings)
    vlm = parameters.get("vlm")
    return isinstance(vlm, Mapping) and _options(settings, vlm).network_egress


def runner_parameters(
    settings: Settings, runner: str, parameters: Mapping[str, object], ai_use: Mapping[str, object]
) -> dict[str, object]:
    """Return the parameters for the run: a mask job's model with its key's variable, or why it may not be asked."""
    vlm = parameters.get("vlm")
    if runner != MASK or not isinstance(vlm, Mapping):
        return dict(parameters)
    options = _options(settings, vlm)
    forbidden = UNSAID if options.network_egress and ai_use.get("network_egress") is not True else None
    return {**parameters, "vlm": {**vlm, "key_variable": options.variable, "forbidden": forbidden}}


def _options(settings: Settings, vlm: Mapping[str, Any]) -> JudgeOptions:
    from evaluators.base import EvaluatorError
    from evaluators.video.judge import JudgeOptions

    ours = (vlm["model"], vlm.get("base_url") or "") == (settings.vlm_model, settings.vlm_base_url)
    try:
        return JudgeOptions(
            str(vlm["model"]), vlm.get("base_url") or None, (settings.vlm_key_variable or None) if ours else None
        )
    except (EvaluatorError, TypeError, AttributeError) as error:
        what, _, next_step = str(error).rstrip(".").partition("; ")
        raise InputError(
            what.replace("judge", "vision-language model"), next_step or "correct the model and its address"
        ) from error
