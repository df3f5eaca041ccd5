"""All video evaluators over one output, in one pass over the frames."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import cv2

from evaluators.base import Evaluation, Measure, Measurement, absent
from evaluators.clip import Case, ClipError, ClipInfo, open_case, probe
from evaluators.flow import FlowCache
from evaluators.frames import Moment, Playback, StreamFacts
from evaluators.video.perceptual import Perceptual
from evaluators.video.physics_watch import Physics
from evaluators.video.preservation import Preservation
from evaluators.video.reference import Reference
from evaluators.video.removal import Removal
from evaluators.video.step import Outcome, Step, StepMaker, VideoEvaluator, VideoOptions, Watcher
from evaluators.video.summary import SUMMARIES, summarise
from evaluators.video.temporal import Temporal

Progress = Callable[[float, str], None]
EVALUATORS: tuple[VideoEvaluator, ...] = (
    Temporal(), Preservation(), Perceptual(), Removal(), Physics(), Reference(),
)  # fmt: skip


class _SerialOpenCV:
    """Keeps OpenCV to one thread per call while any clip is measured: whole steps run side by side already.

    Its own workers would wait busily for the next call and take the cores from the steps.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._users += 1

    def __exit__(self, *_problem: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                cv2.setNumThreads(self._before)


_SERIAL_OPENCV = _SerialOpenCV()


@dataclass(frozen=True)
class ClipResult:
    """What the suite found in one output: evaluations, the four summary scores, and what a reader must know."""

    case: Case
    output: ClipInfo
    evaluations: tuple[Evaluation, ...]
    summary: Evaluation
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Measurement:
        """Return the measurement of that name; raises KeyError when no evaluator takes it."""
        for evaluation in (*self.evaluations, self.summary):
            for measurement in evaluation.measurements:
                if measurement.measure.name == name:
                    return measurement
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """The result as plain JSON values."""
        return {
            "input": self.case.input.to_json(),
            "mask": self.case.mask.to_json(),
            "output": self.output.to_json(),
            "working_size": list(self.case.working),
            "notes": list(self.notes),
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "summary": self.summary.to_json(),
        }


def video_evaluators() -> tuple[VideoEvaluator, ...]:
    """Return the evaluators that `evaluate_clip` runs, each with its `name`, `version` and `measures`."""
    return EVALUATORS


def video_measures() -> tuple[Measure, ...]:
    """Return every measure the suite takes, the summary scores last."""
    return (*(measure for evaluator in EVALUATORS for measure in evaluator.measures), *SUMMARIES)


def evaluate_clip(
    folder: Path | str,
    output: Path | str,
    reference: Path | str | None = None,
    *,
    progress: Progress | None = None,
    options: VideoOptions | None = None,
    flows: FlowCache | None = None,
    evaluators: Sequence[VideoEvaluator] | None = None,
) -> ClipResult:
    """Measure an output clip for a VOID-format folder, wherever it was made.

    `reference` is the true counterfactual where it is known. `progress(done, message)` is called with done in [0, 1].
    Pass one `flows` to several calls to compute the input's flow once for all candidates.
    Raises EvaluatorError (ClipError) when a file is missing or unreadable, or the mask cannot be used.
    """
    options = options or VideoOptions()
    case = open_case(folder, working_limit=options.working_limit)
    clip = probe(output)
    truth = None if reference is None else probe(reference)
    chosen = EVALUATORS if evaluators is None else tuple(evaluators)
    watchers = [evaluator.watch(case, options) for evaluator in chosen]
    playback = Playback(case, clip, truth)
    maker = StepMaker(case, options, flows or FlowCache(max_bytes=0))
    compared = _watch(playback, maker, watchers, options, progress or (lambda _done, _message: None))
    outcome = _outcome(playback, compared, maker)
    with _SERIAL_OPENCV, _pool(options) as pool:
        evaluations = tuple(pool.map(_conclude, chosen, watchers, repeat(outcome)))
    return ClipResult(
        outcome.case, outcome.streams["output"].info, evaluations, summarise(evaluations), _notes(outcome)
    )


def _watch(
    playback: Playback, maker: StepMaker, watchers: Sequence[Watcher], options: VideoOptions, progress: Progress
) -> int:
    """Let the watchers see every step; return how many frames were compared."""
    compared, total = 0, max(playback.case.input.frames, 1)
    for step, observations in _observed(playback, maker, watchers, options):
        for watcher, observation in zip(watchers, observations, strict=True):
            watcher.absorb(step, observation)
        compared += 1
        progress(min(compared / total, 0.99), f"frame {compared} of {total}")
    progress(1.0, f"{compared} frames measured")
    return compared


def _observed(
    playback: Playback, maker: StepMaker, watchers: Sequence[Watcher], options: VideoOptions
) -> Iterator[tuple[Step, list[object]]]:
    """Observe a few steps ahead in parallel and hand them out in frame order."""

    def observe(previous: Moment | None, current: Moment) -> tuple[Step, list[object]]:
        step = maker(previous, current)
        return step, [watcher.observe(step) for watcher in watchers]

    threads = _threads(options)
    waiting: deque[Future[tuple[Step, list[object]]]] = deque()
    with _SERIAL_OPENCV, _pool(options) as pool:
        previous: Moment | None = None
        for moment in playback:
            waiting.append(pool.submit(observe, previous, moment))
            previous = moment
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _threads(options: VideoOptions) -> int:
    return options.threads or min(os.cpu_count() or 1, 4)


def _pool(options: VideoOptions) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(options), thread_name_prefix="measure")


def _outcome(playback: Playback, compared: int, maker: StepMaker) -> Outcome:
    facts = playback.facts
    for name, remedy in (
        ("input", "export it again"),
        ("output", "run the job again"),
        ("reference", "export it again"),
    ):
        if name in facts and facts[name].frames == 0:
            raise ClipError(f"{facts[name].info.path.name} holds no frame that can be decoded; {remedy}.")
    lengths_differ = facts["output"].frames != facts["input"].frames
    unpairable = None
    if facts["output"].variable_rate and lengths_differ:
        unpairable = (
            "the output has a variable frame rate and another number of frames than the input, so its frames cannot "
            "be paired with the input's; export it at a constant frame rate"
        )
    case = playback.case.with_frames(facts["input"].frames)
    return Outcome(case, compared, facts, playback.mask_facts, unpairable, {"flow": maker.method.name})


def _conclude(evaluator: VideoEvaluator, watcher: Watcher, outcome: Outcome) -> Evaluation:
    if outcome.unpairable is None:
        return watcher.conclude(outcome)
    reason = outcome.unpairable
    return Evaluation(evaluator.name, evaluator.version, tuple(absent(m, reason) for m in evaluator.measures))


def _notes(outcome: Outcome) -> tuple[str, ...]:
    """What a reader must know about the files."""
    notes = list(outcome.case.notes)
    source, output = outcome.streams["input"], outcome.streams["output"]
    if outcome.mask.affected_at_start:
        notes.append("The mask marks affected pixels (127) on the first frame; by convention it has none there.")
    for name in ("output", "reference"):
        if name in outcome.streams:
            notes += _differences(name, outcome.streams[name], outcome)
    for name, facts in outcome.streams.items():
        notes += _stream_notes(name, facts.info, facts.frames, facts.variable_rate)
    if output.info.fps and abs(output.info.fps - source.info.fps) > 0.01:
        notes.append(
            f"The output plays at {output.info.fps:g} frames per second, the input at {source.info.fps:g}; "
            "frames were paired by number."
        )
    return tuple(notes)


def _differences(name: str, facts: StreamFacts, outcome: Outcome) -> Iterator[str]:
    """How the stream's length and size differ from the input's."""
    source = outcome.streams["input"]
    if facts.frames != source.frames:
        yield (
            f"The {name} has {facts.frames} frames, the input {source.frames}; "
            f"the first {outcome.compared} were compared."
        )
    shape, wanted = (facts.info.width, facts.info.height), (source.info.width, source.info.height)
    if shape != wanted:
        width, height = outcome.case.working
        yield (
            f"The {name} is {shape[0]}x{shape[1]}, the input {wanted[0]}x{wanted[1]}; "
            f"both were resized to {width}x{height} by area."
        )


def _stream_notes(name: str, info: ClipInfo, frames: int, variable_rate: bool) -> Iterator[str]:
    if info.frames and info.frames != frames:
        yield f"The {name}'s header promises {info.frames} frames but {frames} can be decoded."
    if variable_rate:
        yield f"The {name} has a variable frame rate; frames were paired by number."
    if info.bit_depth > 8:
        yield f"The {name} has {info.bit_depth} bits per channel; it was measured at 8."
    if info.alpha:
        yield f"The {name} has an alpha channel, which was ignored."
