"""Which language models a study may ask, and which variables its process may see for that.

They are fixed when the job is submitted, so that the gate judges what will happen, and a repetition asks the same ones.
The key is never the submitter's to choose: the settings' own model gets the settings' key, a hosted provider its own
variable's, any other address none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.settings import Settings

if TYPE_CHECKING:
    from evaluators.video.judge import JudgeOptions

SCIENTIST = "scientist"
MODELS, DEFAULT, CHECKPOINTS = "models", "default", "checkpoints_variable"
WORKERS_OWN = ("key_variable", "forbidden")
UNSAID = "the job was submitted without saying that data leave this machine, so no model was asked"


def frozen_parameters(settings: Settings, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters to keep with a study: those given, its models from the settings unless it names its own.

    Raises `InputError` where no model is named, or one that cannot be used.
    """
    if CHECKPOINTS in parameters:
        raise InputError(f"'{CHECKPOINTS}' is no parameter", "it is a setting of the worker")
    given = parameters.get(MODELS)
    if given is None and settings.llm_model:
        given = {DEFAULT: {"model": settings.llm_model, "base_url": settings.llm_base_url or None}}
    if not isinstance(given, Mapping) or not given:
        raise InputError(
            "a study by language models needs a model",
            "name one in the settings (llm_model, llm_base_url) or in the parameter 'models'",
        )
    for role, chosen in given.items():
        if not isinstance(chosen, Mapping) or not chosen.get("model") or set(chosen) & set(WORKERS_OWN):
            raise InputError(
                f"the model for '{str(role)[:40]}' cannot be read",
                'write {"model": ..., "base_url": ...}; keys are settings',
            )
        _options(settings, chosen)
    return {**parameters, MODELS: {str(role): dict(chosen) for role, chosen in given.items()}}


def sends_out(settings: Settings, parameters: Mapping[str, object]) -> bool:
    """Whether any of a study's models stands elsewhere."""
    return any(_options(settings, chosen).network_egress for chosen in _models(parameters).values())


def runner_parameters(
    settings: Settings, parameters: Mapping[str, object], ai_use: Mapping[str, object]
) -> dict[str, object]:
    """Return the parameters for the run: each model with its key's variable, or why it may not be asked."""
    models = {}
    for role, chosen in _models(parameters).items():
        options = _options(settings, chosen)
        forbidden = UNSAID if options.network_egress and ai_use.get("network_egress") is not True else None
        models[role] = {**chosen, "key_variable": options.variable, "forbidden": forbidden}
    return {**parameters, MODELS: models, CHECKPOINTS: settings.checkpoints_variable}


def spared_variables(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the variables that a study's process needs: the keys of its models, the checkpoints' database."""
    keys = {
        str(chosen.get("key_variable") or "") for chosen in _models(parameters).values() if not chosen.get("forbidden")
    }
    return tuple(sorted({*keys, str(parameters.get(CHECKPOINTS) or "")} - {""}))


def _models(parameters: Mapping[str, object]) -> Mapping[str, Mapping[str, Any]]:
    models = parameters.get(MODELS)
    assert isinstance(models, Mapping)  # noqa: S101 - checked when the job was submitted
    return models


def _options(settings: Settings, chosen: Mapping[str, Any]) -> JudgeOptions:
    from evaluators.base import EvaluatorError
    from evaluators.video.judge import JudgeOptions

    ours = (chosen["model"], chosen.get("base_url") or "") == (settings.llm_model, settings.llm_base_url)
    try:
        return JudgeOptions(
            str(chosen["model"]), chosen.get("base_url") or None, (settings.llm_key_variable or None) if ours else None
        )
    except (EvaluatorError, TypeError, AttributeError) as error:
        what, _, next_step = str(error).rstrip(".").partition("; ")
        raise InputError(
            what.replace("judge", "language model"), next_step or "correct the model and its address"
        ) from error
