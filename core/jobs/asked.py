"""Which models a job will ask, whatever its runner: fixed at submission, judged as egress, with keys for its child."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.jobs import masking, studying
from core.jobs.judging import spared_key
from core.jobs.studying import SCIENTIST
from core.runners.base import RunSpecification, produces
from core.runners.registry import runner as named
from core.settings import Settings


def frozen_parameters(
    settings: Settings, runner: str, parameters: Mapping[str, object], roles: Collection[str]
) -> dict[str, object]:
    """Return the parameters to keep with a job: those given, and the models that it will ask; `InputError` without."""
    if runner == SCIENTIST:
        return studying.frozen_parameters(settings, parameters)
    return masking.frozen_parameters(settings, runner, parameters, roles)


def leaves_machine(settings: Settings, runner: str, parameters: Mapping[str, object]) -> bool:
    """Whether a job with these kept parameters sends anything out of this machine."""
    if runner == SCIENTIST:
        return studying.sends_out(settings, parameters)
    if runner != masking.MASK and produces(named(runner)) != "video":
        # Only clips are shown to the judge of the settings.
        return False
    return masking.frames_leave(settings, runner, parameters)


def runner_parameters(
    settings: Settings, runner: str, parameters: Mapping[str, object], ai_use: Mapping[str, object]
) -> dict[str, object]:
    """Return the parameters for the run: the models with the variables of their keys, or why they may not be asked."""
    if runner == SCIENTIST:
        return studying.runner_parameters(settings, parameters, ai_use)
    return masking.runner_parameters(settings, runner, parameters, ai_use)


def spared_keys(specification: RunSpecification) -> tuple[str, ...]:
    """Return the names of the secret variables that a child may see: the keys of the models that it may ask."""
    if specification.runner == SCIENTIST:
        return studying.spared_variables(specification.parameters)
    return (spared_key(specification),)
