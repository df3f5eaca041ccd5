"""What a video evaluator sees: one step of the clip at a time, with the flows that all of them share.

An evaluator watches a clip through a `Watcher`:

    watcher = evaluator.watch(case, options)
    observation = watcher.observe(step)      # pure; several steps are observed at once, in different threads
    watcher.absorb(step, observation)        # in frame order, one at a time
    evaluation = watcher.conclude(outcome)   # after the last step
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Evaluation, Measure
from evaluators.clip import WORKING_LIMIT, Case
from evaluators.flow import (
    SMALLEST_SIDE,
    DisFlow,
    Flow,
    FlowCache,
    FlowField,
    FlowMethod,
    FlowSource,
    Image,
    RaftFlow,
    arrival,
    camera_motion,
    rounded,
    targets,
)
from evaluators.frames import MaskFacts, Moment, StreamFacts
from evaluators.video.plate import Small, shrink


@dataclass(frozen=True)
class VideoOptions:
    """How a clip is measured; everything here goes into the evaluations' parameters."""

    working_limit: tuple[int, int] = WORKING_LIMIT
    flow: str = "dis-fast"
    """`dis-ultrafast`, `dis-fast` or `dis-medium`; ignored when `raft_weights` is given."""
    raft_weights: Path | None = None
    lpips_trunk: Path | None = None
    """AlexNet trunk weights (torchvision's state dict); the torch cache is looked at when None."""
    lpips_every: int = 4
    """LPIPS is taken on every n-th frame."""
    lpips: bool = True
    seed: int = 0
    threads: int | None = None
    """Steps observed at once; None takes the machine's cores, at most four. The figures do not depend on it."""

    def flow_method(self) -> FlowMethod:
        """Return the flow method; raises EvaluatorError for an unknown preset or unusable weights."""
        if self.raft_weights is not None:
            return RaftFlow(self.raft_weights)
        return DisFlow(self.flow.removeprefix("dis-"))


class Motion(NamedTuple):
    """The flows of one frame pair, from the previous frame to the current one."""

    input: FlowField
    output: Flow
    camera: NDArray[np.float64] | None
    """The input's background motion over K, see `camera_motion`."""
    kept: Image
    """1 where the input's flow is trusted and leads from K to K."""


@dataclass(frozen=True)
class Step:
    """One frame of all streams, the frame before it, and the flows between them.

    `previous` and `motion` are None on the first frame; `motion` also on frames too small for flow.
    """

    previous: Moment | None
    current: Moment
    motion: Motion | None
    small: Small
    """The current frame at a quarter of the working size."""

    @property
    def index(self) -> int:
        """The current frame's number."""
        return self.current.index


@dataclass(frozen=True)
class Outcome:
    """What is known once all frames have been seen."""

    case: Case
    compared: int
    """Frames that were compared."""
    streams: dict[str, StreamFacts]
    mask: MaskFacts
    unpairable: str | None
    """Why output frames cannot be paired with input frames, or None."""
    parameters: dict[str, object] = field(default_factory=dict)


class Watcher(Protocol):
    """One evaluator's work on one clip."""

    def observe(self, step: Step, /) -> Any:
        """Return what this evaluator needs of one step; must not change any state."""

    def absorb(self, step: Step, observation: Any, /) -> None:
        """Take in the observation of the next step in frame order."""

    def conclude(self, outcome: Outcome, /) -> Evaluation:
        """Return the evaluation of all that was absorbed."""


class VideoEvaluator(Protocol):
    """A named set of measures over one output clip."""

    @property
    def name(self) -> str:
        """Short name, part of stored results."""

    @property
    def version(self) -> str:
        """Changes whenever the same clip could give another value."""

    @property
    def measures(self) -> Sequence[Measure]:
        """Every measure this evaluator reports, absent or not."""

    def watch(self, case: Case, options: VideoOptions, /) -> Watcher:
        """Return a fresh watcher for one clip."""


class StepMaker:
    """Computes each step's flows; calls may run in parallel."""

    def __init__(self, case: Case, options: VideoOptions, cache: FlowCache) -> None:
        self.method = options.flow_method()
        self._source = FlowSource(self.method, case.input.digest, cache)
        self._usable = min(case.working) >= SMALLEST_SIDE

    def __call__(self, previous: Moment | None, current: Moment) -> Step:
        """Return the step from `previous` to `current`."""
        if previous is None or not self._usable:
            return Step(previous, current, None, shrink(current))
        dis = isinstance(self.method, DisFlow)
        before, now, was, now_out = (
            (frame.luma if dis else frame.bgr)
            for frame in (previous.input, current.input, previous.output, current.output)
        )
        field = self._source.between(previous.index, before, now)
        kept = led_inside(previous.regions.kept, current.regions.kept, field)
        camera = camera_motion(field.forward, kept)
        return Step(previous, current, Motion(field, rounded(self.method(was, now_out)), camera, kept), shrink(current))


def led_inside(first: Image, second: Image, field: FlowField) -> Image:
    """Return 1 where trusted flow leads from region `first` to region `second` of the next frame."""
    return first & field.trusted & arrival(second, targets(field.forward))
