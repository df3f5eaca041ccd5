"""Measure clips of a scene the way a user would: from files, with the whole suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Evaluation, Measure
from evaluators.flow import FlowCache
from evaluators.qualification.corruptions import Group
from evaluators.qualification.encoding import write_video
from evaluators.qualification.scenes import Scene, write_scene
from evaluators.video.physics import PLAUSIBILITY, without_scale
from evaluators.video.physics_watch import Physics
from evaluators.video.step import VideoEvaluator, VideoOptions
from evaluators.video.suite import evaluate_clip, video_evaluators, video_measures

Values = tuple[dict[str, float | None], dict[str, str]]
UNSCALED = "physics_plausibility_unscaled"
"""The plausibility as it is when no scale is known; it stands beside the one with the scale."""
_PHYSICS_ONLY = (Group.PHYSICS, Group.GRAVITY)


def studied_measures() -> tuple[Measure, ...]:
    """Return every measure that a study looks at."""
    from dataclasses import replace

    known = {measure.name: measure for measure in (*video_measures(), *Physics().measures)}
    unscaled = replace(PLAUSIBILITY, name=UNSCALED, title=f"{PLAUSIBILITY.title}, no scale known")
    return (*known.values(), unscaled)


def measure_clips(scene: Scene, clips: Iterable[tuple[Group, NDArray[np.uint8]]], folder: Path) -> Iterator[Values]:
    """Yield the values and the reasons for absent ones of each clip, by measure name.

    Clips whose motion alone was spoiled are judged by the physics evaluators only: their still regions equal the
    truth's by construction. The scene is written into `folder`, the input's flow computed once.
    """
    case, reference = folder / "case", folder / "truth.mp4"
    write_scene(scene, case, reference)
    flows = FlowCache(max_bytes=1 << 30)
    for group, video in clips:
        path = write_video(video, folder / "output.mp4", scene.fps)
        chosen = physics_evaluators() if group in _PHYSICS_ONLY else all_evaluators()
        result = evaluate_clip(case, path, reference, options=VideoOptions(lpips=False), flows=flows, evaluators=chosen)
        yield _values((*result.evaluations, result.summary))


def all_evaluators() -> tuple[VideoEvaluator, ...]:
    """Return the suite's evaluators, that of physics among them."""
    suite = video_evaluators()
    return suite if any(evaluator.name == Physics.name for evaluator in suite) else (*suite, Physics())


def physics_evaluators() -> tuple[VideoEvaluator, ...]:
    """Return the evaluators of motion in the affected region."""
    return tuple(e for e in all_evaluators() if e.name in (Physics.name, "reference"))


def _values(evaluations: tuple[Evaluation, ...]) -> Values:
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for evaluation in evaluations:
        for measurement in evaluation.measurements:
            values[measurement.measure.name] = measurement.value
            if measurement.reason is not None:
                reasons[measurement.measure.name] = measurement.reason
        if evaluation.evaluator == Physics.name:
            values[UNSCALED] = without_scale(evaluation)[PLAUSIBILITY.name].value
    return values, reasons
