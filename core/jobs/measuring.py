"""What the worker has measured of what a run made: a clip, or a manuscript against what its run logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from core.errors import RunFailed
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
        return RunSpecification("measure", inputs, measure_parameters(settings, ai_use))
    logged = {name: files[name] for name in LOGGED if name in files}
    parameters = {"subject": SUBJECT, "modalities": sorted(_modalities(made))}
    return RunSpecification("measure", {**logged, "output": files[role]}, parameters)


def _modalities(made: Manifest) -> Iterator[str]:
    study = made.facts.get("study")
    cards = study.get("datasets") if isinstance(study, Mapping) else None
    for card in cards if isinstance(cards, list) else ():
        if isinstance(card, Mapping) and isinstance(card.get("modality"), str):
            yield card["modality"]
