"""The contract of every runner: a specification and input files in, output files and a manifest out.

A runner knows no database, user or queue. It may raise `RunFailed` (final) or `TransientFailure`
(worth another attempt), or `Waiting` to ask a person, and must call `context.progress` often enough to be watched and
cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    checkpoints: Path | None = None
    """A folder of the job's own that outlives its attempts, named after the job; make it before use.

    The next attempt on this machine finds what was left there, also after a kill. It is deleted when the job has ended.
    """


@dataclass(frozen=True)
class RunOutput:
    """One file that the run made, below the context's folder. What is judged has the role `video` or `manuscript`."""

    role: str
    path: Path
    media_type: str


class Waiting(Exception):
    """Raised out of `Runner.run` where a person must decide before the run goes on.

    `gate` names the decision, `question` is what is asked in one sentence, `documents` are files in the context's
    folder to decide upon. Once decided, the next attempt's parameter `decisions` holds, under the gate's name,
    `{"decision": "approve" or "reject", "reason": ..., "by": ...}`. A gate that is met again asks under another name.
    """

    def __init__(self, gate: str, question: str, documents: Sequence[RunOutput] = ()) -> None:
        super().__init__(gate, question)
        self.gate = gate
        self.question = question
        self.documents = tuple(documents)


@dataclass(frozen=True)
class Manifest:
    """What a run made and under which conditions; facts are JSON-ready (frames, fps, holes, exit code ...)."""

    outputs: tuple[RunOutput, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Runner(Protocol):
    """Something that makes outputs.

    It may declare more by attributes: `produces`, the role of a result that is no clip; `warm`, that it
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
