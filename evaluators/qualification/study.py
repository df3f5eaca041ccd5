"""Do the measures measure? Spoil simulated clips on purpose and see which figures notice.

Families are split before anything is looked at: thresholds are set on the development families, every stated
figure comes from the held-out ones. Each corruption is judged against plausible variations of the same scenes.
The failures are part of the result: a measure that ignores a corruption shows a tau near 0 and an AUC near 0.5.
"""

from __future__ import annotations

import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Measure
from evaluators.qualification import statistics
from evaluators.qualification.corruptions import Corruption, Group, corrupt, in_group
from evaluators.qualification.measuring import measure_clips, studied_measures
from evaluators.qualification.scenes import make_scene
from evaluators.qualification.statistics import Figure, Groups
from evaluators.video.summary import overall

VERSION = "1"
DEVELOPMENT = ("support_loss", "hit", "prop_shadow")
HELD_OUT = ("held", "deflected", "stack", "ledge", "toss", "pan")
FALSE_ALARMS = 0.05
PERTURBED = "perturbed"
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """What a study looks at: families, seeds per family, severities by number, and which groups."""

    development: tuple[str, ...] = DEVELOPMENT
    held_out: tuple[str, ...] = HELD_OUT
    seeds: tuple[int, ...] = (201, 202)
    frames: int = 40
    levels: tuple[int, ...] = (0, 2, 4)
    groups: tuple[Group, ...] = tuple(Group)
    size: tuple[int, int] = (672, 384)


QUICK = Plan(("support_loss",), ("held", "toss"), (201,), 30, (2, 4), (Group.PHYSICS, Group.PLAUSIBLE, Group.BASELINE))
"""A study that ends in about a minute and shows that the machinery works; its figures are no evidence."""


@dataclass(frozen=True)
class Sample:
    """One clip that was measured; absent values are None and their reasons are kept."""

    family: str
    seed: int
    corruption: str
    group: str
    level: int
    severity: float
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]

    @property
    def scene(self) -> str:
        """Name of the scene that the clip comes from."""
        return f"{self.family}/{self.seed}"


@dataclass(frozen=True)
class Row:
    """How one measure answers one corruption on the held-out families."""

    measure: str
    corruption: str
    tau: Figure
    auc: Figure
    power: Figure
    abstained: float
    """Share of the corrupted clips on which the measure was absent."""
    by_severity: tuple[float | None, ...]
    """ROC-AUC per severity, mildest first."""


@dataclass(frozen=True)
class Operating:
    """A measure's threshold, set on the development families, and its false alarms on the held-out ones."""

    measure: str
    threshold: float
    false_alarms: Figure


@dataclass(frozen=True)
class StudyResult:
    """Everything a study found; plain values."""

    version: str
    plan: Plan
    machine: str
    date: str
    """The day the study ended, UTC."""
    rows: tuple[Row, ...]
    operating: tuple[Operating, ...]
    baselines_last: Figure
    """Share of scenes in which every lazy baseline scores below every good clip."""
    samples: tuple[Sample, ...] = field(repr=False)
    directions: Mapping[str, str] = field(default_factory=dict)

    def row(self, measure: str, corruption: str) -> Row:
        """Return the row of a measure and a corruption; raises KeyError when it was not studied."""
        for row in self.rows:
            if (row.measure, row.corruption) == (measure, corruption):
                return row
        raise KeyError(f"{measure}/{corruption}")

    def to_json(self) -> dict[str, object]:
        """The result as plain JSON values, each measured clip included."""
        return asdict(self)


def run_study(
    quick: bool = False,
    progress: Progress | None = None,
    *,
    plan: Plan | None = None,
    workers: int = 1,
) -> StudyResult:
    """Make the scenes, spoil them, measure every clip and return the figures.

    `progress(done, message)` is called with done in [0, 1]. With several `workers` scenes are measured in
    processes of their own; the figures do not depend on their number.
    """
    chosen = plan or (QUICK if quick else Plan())
    report = progress or (lambda _done, _message: None)
    jobs = [(chosen, family, seed) for family in (*chosen.development, *chosen.held_out) for seed in chosen.seeds]
    samples: list[Sample] = []
    for number, (job, found) in enumerate(zip(jobs, _all_scenes(jobs, workers), strict=True), 1):
        samples += found
        report(0.97 * number / len(jobs), f"{job[1]} {job[2]}: {len(found)} clips")
    result = analyse(samples, chosen)
    report(1.0, f"{len(samples)} clips measured")
    return result


def _all_scenes(jobs: Sequence[tuple[Plan, str, int]], workers: int) -> Iterator[list[Sample]]:
    if workers <= 1:
        yield from map(study_scene, jobs)
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    pool: Executor
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(study_scene, jobs)


def study_scene(job: tuple[Plan, str, int]) -> list[Sample]:
    """Return the samples of one scene; one spoiled clip is held at a time."""
    plan, family, seed = job
    scene = make_scene(family, seed, plan.frames, plan.size)
    labels: list[tuple[Corruption, int]] = []

    def clips() -> Iterator[tuple[Group, NDArray[np.uint8]]]:
        for corruption, level in _doses(plan):
            video = corrupt(scene, corruption.name, level)
            if video is not None:
                labels.append((corruption, level))
                yield corruption.group, video

    samples = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (values, reasons) in enumerate(measure_clips(scene, clips(), Path(folder))):
            corruption, level = labels[number]
            severity = corruption.severities[level]
            samples.append(
                Sample(family, seed, corruption.name, corruption.group.value, level, severity, values, reasons)
            )
    return samples


def _doses(plan: Plan) -> Iterator[tuple[Corruption, int]]:
    for corruption in in_group(*plan.groups):
        count = len(corruption.severities)
        graded = corruption.group not in (Group.PLAUSIBLE, Group.BASELINE)
        yield from ((corruption, level) for level in (plan.levels if graded else range(count)) if level < count)


def badness(measure: Measure, value: float) -> float:
    """Return how bad a value is, by the measure's direction; larger is worse."""
    if measure.direction is Direction.HIGHER:
        return -value
    if measure.direction is Direction.TARGET:
        target = measure.target or 0.0
        if target > 0 and value > 0:
            return abs(math.log(value / target))
        return abs(value - target)
    return value


def analyse(samples: Sequence[Sample], plan: Plan) -> StudyResult:
    """Return the figures of measured clips."""
    judged = [measure for measure in studied_measures() if measure.direction is not Direction.DIAGNOSTIC]
    rows, operating = [], []
    for measure in judged:
        tuned = _badness_of(samples, measure, plan.development, lambda s: s.group == Group.PLAUSIBLE)
        good = _badness_of(samples, measure, plan.held_out, lambda s: s.group == Group.PLAUSIBLE)
        threshold = statistics.threshold_for(tuned, FALSE_ALARMS)
        if threshold is not None and good:
            operating.append(Operating(measure.name, threshold, statistics.rate_figure(good, threshold)))
        for corruption in in_group(*plan.groups):
            if corruption.group is not Group.PLAUSIBLE:
                row = _row(samples, plan, measure, corruption.name, good, threshold)
                rows += [row] if row is not None else []
    return StudyResult(
        VERSION,
        plan,
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        datetime.now(UTC).date().isoformat(),
        tuple(rows),
        tuple(operating),
        _baselines_last(samples),
        tuple(samples),
        {measure.name: measure.direction.value for measure in judged},
    )


def _badness_of(
    samples: Sequence[Sample], measure: Measure, families: Sequence[str], which: Callable[[Sample], bool]
) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for sample in samples:
        value = sample.values.get(measure.name)
        if sample.family in families and which(sample) and value is not None:
            groups.setdefault(sample.scene, []).append(badness(measure, value))
    return groups


def _row(
    samples: Sequence[Sample],
    plan: Plan,
    measure: Measure,
    corruption: str,
    good: Groups,
    threshold: float | None,
) -> Row | None:
    clips = [
        s for s in samples if s.corruption == corruption and s.family in plan.held_out and measure.name in s.values
    ]
    if not clips:
        return None
    bad = _badness_of(clips, measure, plan.held_out, lambda _sample: True)
    absent = sum(clip.values[measure.name] is None for clip in clips)
    levels = sorted({clip.level for clip in clips})
    by_level = tuple(_auc_at(clips, plan, measure, good, level) for level in levels)
    nothing = Figure(None, None, None, 0, 0)
    return Row(
        measure.name,
        corruption,
        _tau(samples, plan, measure, corruption),
        statistics.auc_figure(good, bad) if good and bad else nothing,
        statistics.rate_figure(bad, threshold) if bad and threshold is not None else nothing,
        absent / len(clips),
        by_level,
    )


def _auc_at(clips: Sequence[Sample], plan: Plan, measure: Measure, good: Groups, level: int) -> float | None:
    bad = _badness_of(clips, measure, plan.held_out, lambda sample: sample.level == level)
    return statistics.roc_auc(
        [v for values in good.values() for v in values], [v for values in bad.values() for v in values]
    )


def _tau(samples: Sequence[Sample], plan: Plan, measure: Measure, corruption: str) -> Figure:
    """Return the mean over scenes of Kendall's tau between severity and badness, the truth being severity 0."""
    found: dict[str, float] = {}
    clips = 0
    for scene in sorted({s.scene for s in samples if s.family in plan.held_out}):
        pairs = [
            (-1 if s.corruption == "truth" else s.level, badness(measure, value))
            for s in samples
            if s.scene == scene
            and (s.corruption == corruption or (s.corruption == "truth" and s.level == 0))
            and (value := s.values.get(measure.name)) is not None
        ]
        tau = statistics.kendall_tau([p[0] for p in pairs], [p[1] for p in pairs]) if len(pairs) > 2 else None
        if tau is None and len(pairs) > 2:
            # A figure that never changes ranks nothing.
            tau = 0.0
        if tau is not None:
            found[scene] = tau
            clips += len(pairs)
    return statistics.mean_figure(found, clips) if found else Figure(None, None, None, 0, 0)


def _baselines_last(samples: Sequence[Sample]) -> Figure:
    """Compare what clips are ranked by, scene by scene: lazy removers against takes of the truth.

    A still equal to the truth (nothing moves in it) was never made. Perturbed motion is left out: it leaves the mask,
    which was drawn for the true motion, and so changes pixels that should be kept.
    """
    scenes: dict[str, float] = {}
    clips = 0
    for scene in sorted({sample.scene for sample in samples}):
        own = [sample for sample in samples if sample.scene == scene]
        lazy = [_overall(s) for s in own if s.group == Group.BASELINE]
        good = [_overall(s) for s in own if s.group == Group.PLAUSIBLE and s.corruption != PERTURBED]
        if lazy and good:
            scenes[scene] = float(max(lazy) < min(good))
            clips += len(lazy) + len(good)
    return statistics.mean_figure(scenes, clips) if scenes else Figure(None, None, None, 0, 0)


def _overall(sample: Sample) -> float:
    return overall(sample.values) or 0.0
