"""Which runners there are: those that come with Greenlight, and those that other packages offer.

A package offers one by the entry point group `greenlight.runners`: its name, and a class or function that returns a
`Runner`. A runner's module is imported when the runner is asked for, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from core.errors import NotFound, Unavailable
from core.runners.base import Runner

GROUP = "greenlight.runners"
BUILT_IN = {
    "plate": "core.runners.plate:PlateRunner",
    "ingest": "core.runners.ingest:IngestRunner",
    "command": "core.runners.command:CommandRunner",
    "void": "core.runners.void.runner:VoidRunner",
    "mask": "core.runners.mask.runner:MaskRunner",
    "protocol": "core.runners.scientist.protocol.runner:ProtocolRunner",
    "scientist": "core.runners.scientist.graph.runner:ScientistRunner",
    "run-ingest": "core.runners.scientist.runs.runner:RunIngestRunner",
    "study-code": "core.runners.scientist.graph.repeat:StudyCodeRunner",
}
MEASURE = "core.runners.measure:MeasureRunner"
"""The evaluators as a runner: started by the worker itself, never submitted."""


def runner_names() -> tuple[str, ...]:
    """The names that `runner` knows, sorted."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))


def runner(name: str) -> Runner:
    """Return the runner of that name; raises `NotFound` naming those that exist.

    A package cannot take over a built-in name.
    """
    if place := {**BUILT_IN, "measure": MEASURE}.get(name):
        module, attribute = place.split(":")
        return cast("Callable[[], Runner]", getattr(import_module(module), attribute))()
    for point in entry_points(group=GROUP, name=name):
        try:
            return cast("Callable[[], Runner]", point.load())()
        except Exception as error:
            raise Unavailable(
                f"the runner '{name}' of {point.value} cannot be loaded ({error})",
                "reinstall the package that offers it",
            ) from error
    raise NotFound(f"there is no runner '{name}'", f"choose one of {', '.join(runner_names())}")
