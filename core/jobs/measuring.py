"""What the worker has measured of what a run made: a clip, or a manuscript against what its run logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from core.errors import InputError, RunFailed
from core.jobs.judging import measure_parameters
from core.runners.base import Manifest, RunSpecification
from core.runners.measure_manuscript import LOGGED, SUBJECT
from core.settings import Settings

MEASURED = ("video", "manuscript")


def measure_request(
    settings: Settings, specification: RunSpecification, made: Manifest, role: str, ai_use: Mapping[str, object]
) -> RunSpecification:
    """Return the specification of the runner `measure` for a run's main output; `RunFailed` where it made none."""
    files = {output.role: output.path for output in made.outputs}
    if role not in files:
        raise RunFailed(f"the runner {specification.runner} made no {role}", "read its log")
    if role == "video":
        inputs: dict[str, Path] = {**specification.inputs, "output": files[role]}
        parameters = {**measure_parameters(settings, ai_use), **weight_files(settings)}
        return RunSpecification("measure", inputs, parameters)
    logged = {name: files[name] for name in LOGGED if name in files}
    parameters = {"subject": SUBJECT, "modalities": sorted(_modalities(made))}
    return RunSpecification("measure", {**logged, "output": files[role]}, parameters)


def weight_files(settings: Settings) -> dict[str, str]:
    """Return the weight files with which clips are measured; `InputError` where one that is named is not there.

    A worker asks before it claims a job, so that no output is made that then cannot be measured as chosen.
    """
    given = {"raft_weights": settings.raft_weights, "lpips_trunk": settings.lpips_trunk}
    named = {name: path for name, path in given.items() if path}
    found = {name: Path(path).expanduser().absolute() for name, path in named.items()}
    if missing := next((name for name, path in found.items() if not path.is_file()), None):
        raise InputError(f"there is no file {named[missing]!r}", f"correct or remove the setting {missing}")
    return {name: str(path) for name, path in found.items()}


def _modalities(made: Manifest) -> Iterator[str]:
    study = made.facts.get("study")
    cards = study.get("datasets") if isinstance(study, Mapping) else None
    for card in cards if isinstance(cards, list) else ():
        if isinstance(card, Mapping) and isinstance(card.get("modality"), str):
            yield card["modality"]
