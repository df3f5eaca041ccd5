"""A mask job's parameters, read once and checked before any work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunFailed
from core.runners.mask.points import Point, read_points

if TYPE_CHECKING:
    from evaluators.video.judge import JudgeOptions

KNOWN = {"device", "instruction", "points", "provenance", "vlm", "weights"}
DEVICES = ("auto", "cpu", "cuda")
LONGEST_INSTRUCTION = 1000
MOST_TOKENS = 8000
ANALYSIS, SEGMENTATION = "vlm_analysis", "segmentation_info"
"""Roles of upstream's files, as inputs and as outputs."""


@dataclass(frozen=True)
class Options:
    """What a job asks for."""

    weights: Path
    points: tuple[Point, ...]
    """Empty where they come from a file or from the model."""
    instruction: str
    device: str
    vlm: JudgeOptions | None


def asks_model(parameters: Mapping[str, object], roles: Collection[str]) -> bool:
    """Whether a job shows frames to a vision-language model: not where it is told what goes and what that affects."""
    located = "points" in parameters or SEGMENTATION in roles
    return not (located and ANALYSIS in roles)


def read(parameters: Mapping[str, object], roles: Collection[str]) -> Options:
    """Read the parameters; an unknown, missing or unusable one is a `RunFailed` that names it."""
    if unknown := sorted(set(parameters) - KNOWN):
        raise RunFailed(f"the runner 'mask' has no parameter '{unknown[0][:80]}'", f"use {', '.join(sorted(KNOWN))}")
    instruction = parameters.get("instruction", "")
    if not isinstance(instruction, str) or len(instruction) > LONGEST_INSTRUCTION:
        raise RunFailed("the parameter 'instruction' is no short text", "say what goes, as in 'remove the glass'")
    asked = asks_model(parameters, roles)
    if asked and not instruction.strip() and SEGMENTATION not in roles:
        raise RunFailed("the job does not say what goes", "give the parameter 'instruction', as in 'remove the glass'")
    device = parameters.get("device", DEVICES[0])
    if device not in DEVICES:
        raise RunFailed(f"the parameter 'device' cannot be '{str(device)[:40]}'", f"use {', '.join(DEVICES)}")
    points = read_points(parameters["points"]) if "points" in parameters else ()
    return Options(
        _folder(parameters.get("weights")),
        points,
        instruction.strip(),
        str(device),
        _vlm(parameters.get("vlm")) if asked else None,
    )


def _folder(value: object) -> Path:
    if not isinstance(value, str) or not value:
        raise RunFailed("the job does not say where SAM2's weights are", "give their folder as the parameter 'weights'")
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise RunFailed(
            f"the path '{value[:80]}' is not absolute", "start it at the root: a job runs in its own folder"
        )
    return path


def _vlm(value: object) -> JudgeOptions:
    """The model to ask, with its key at hand; `forbidden` is the reason why it may not be."""
    from evaluators.base import EvaluatorError
    from evaluators.judging.connecting import find_key
    from evaluators.video.judge import JudgeOptions

    if not isinstance(value, Mapping) or not value.get("model"):
        raise RunFailed(
            "there is no vision-language model to ask what is affected",
            "name one (settings vlm_model, vlm_base_url), or give the files segmentation_info and vlm_analysis",
        )
    if value.get("forbidden"):
        raise RunFailed(str(value["forbidden"]), "submit the job again with the model in the settings")
    try:
        options = JudgeOptions(
            str(value["model"]),
            value.get("base_url") or None,
            value.get("key_variable") or None,
            temperature=None,
            max_tokens=MOST_TOKENS,
        )
    except EvaluatorError as error:
        what, _, next_step = str(error).rstrip(".").partition("; ")
        raise RunFailed(what.replace("judge", "vision-language model"), next_step or "correct 'vlm'") from error
    if options.variable and find_key(options) is None:
        raise RunFailed("the vision-language model has no key", f"set the variable {options.variable} for the worker")
    return options
