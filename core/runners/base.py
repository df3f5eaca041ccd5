"""The contract of every runner: a specification and input files in, output files and a manifest out.

A runner knows no database, user or queue. It may raise `RunFailed` (final) or `TransientFailure`
(worth another attempt) and must call `context.progress` often enough to be watched and cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Cancelled(Exception):
    """Raised out of `RunContext.progress` when somebody asked the job to stop."""


@dataclass(frozen=True)
class Needs:
    """What a runner needs before it is launched; bytes."""

    gpu: bool = False
    gpu_memory: int = 0
    memory: int = 2 << 30


@dataclass(frozen=True)
class RunSpecification:
    """What to run: inputs are files by role (`video`, `quadmask`, `prompt`, `output` ...), read-only."""

    runner: str
    inputs: Mapping[str, Path]
    parameters: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    model: Mapping[str, object] = field(default_factory=dict)
    """The model version's record (name, digest, weight files), empty for a runner without weights."""


@dataclass(frozen=True)
class RunContext:
    """Where to write and whom to tell. `progress(done, message)` takes done in [0, 1]; it raises `Cancelled`."""

    folder: Path
    progress: Callable[[float, str], None]


@dataclass(frozen=True)
class RunOutput:
    """One file that the run made, below the context's folder. The output to be judged has the role `video`."""

    role: str
    path: Path
    media_type: str


@dataclass(frozen=True)
class Manifest:
    """What a run made and under which conditions; facts are JSON-ready (frames, fps, holes, exit code ...)."""

    outputs: tuple[RunOutput, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Runner(Protocol):
    """Something that makes outputs.

    It may declare more by attributes: `produces`, the role of a result that is no clip to be judged; `warm`, that it
    keeps a model version loaded between calls of `run`; `checkpoint`, the name of a file in the context's folder that
    the next attempt of a broken-off job is given as its input `checkpoint`.
    """

    name: str
    version: str
    needs: Needs

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Make the outputs in `context.folder` and describe them."""
        ...


def produces(runner: Runner) -> str:
    """The role of a runner's main output: `video`, which is measured and judged, unless the runner declares another."""
    return str(getattr(runner, "produces", "video"))


def keeps_models(runner: Runner) -> bool:
    """Whether a runner is worth keeping: it holds what it has loaded for the next job of the same model version."""
    return bool(getattr(runner, "warm", False))


def checkpoint_of(runner: Runner) -> str:
    """The name of the file that a broken-off run leaves for its retry; empty for a runner that leaves none."""
    return Path(str(getattr(runner, "checkpoint", ""))).name
