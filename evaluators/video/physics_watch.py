"""The physics evaluator as the suite sees it: collect small stills while frames pass, judge at the end."""

from __future__ import annotations

import json
from dataclasses import replace

from evaluators.base import Evaluation
from evaluators.clip import Case, ClipError
from evaluators.video.physics import MEASURES, NAME, VERSION, judge, make_still
from evaluators.video.step import Outcome, Step, VideoOptions
from evaluators.video.stills import Still

SCALE_NAME = "scale.json"
_LARGEST = 65536
"""Bytes of `scale.json` that are read."""
_ADVICE = 'write {"metres_per_pixel": 0.005} in it, or {"object_metres": 0.22, "object_pixels": 44}'


class Physics:
    """Physical plausibility of what the removal sets free, without a reference."""

    name = NAME
    version = VERSION
    measures = MEASURES

    def watch(self, case: Case, options: VideoOptions) -> PhysicsWatcher:  # noqa: ARG002 - the suite's contract
        """Return a fresh watcher; raises ClipError for a `scale.json` without a usable scale."""
        return PhysicsWatcher(read_scale(case))


class PhysicsWatcher:
    """Keeps 336x192 stills of the clip: 0.4 MB a frame."""

    def __init__(self, metres_per_pixel: float | None) -> None:
        self._scale = metres_per_pixel
        self._stills: list[Still] = []

    def observe(self, step: Step) -> Still:
        """Return the current frame at the tracking size."""
        moment = step.current
        regions = moment.regions
        return make_still(moment.input.bgr, moment.output.bgr, regions.removed, regions.affected, regions.kept)

    def absorb(self, step: Step, observation: Still) -> None:  # noqa: ARG002 - the suite's contract
        """Keep the still."""
        self._stills.append(observation)

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the evaluation of the whole clip."""
        case = outcome.case
        fps = case.input.fps if case.input.fps > 0 else 12.0
        notes = () if case.input.fps > 0 else ("The clip names no frame rate; 12 frames per second were assumed.",)
        evaluation = judge(self._stills, fps, self._scale, case.input.width)
        return replace(evaluation, notes=notes)


def read_scale(case: Case) -> float | None:
    """Return the metres per pixel of the input at the bodies, from `scale.json`; None without that file.

    The file gives the scale itself, {"metres_per_pixel": 0.005}, or an object of known size at the same distance
    from the camera, {"object_metres": 0.22, "object_pixels": 44}. Raises ClipError when it gives neither.
    """
    path = case.folder / SCALE_NAME
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _LARGEST:
            raise ClipError(f"{SCALE_NAME} is larger than {_LARGEST} bytes; {_ADVICE}.")
        given = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as problem:
        raise ClipError(f"{SCALE_NAME} cannot be read as JSON; {_ADVICE}.") from problem
    if isinstance(given, dict) and "metres_per_pixel" in given:
        return _positive(given, "metres_per_pixel")
    if isinstance(given, dict) and {"object_metres", "object_pixels"} <= given.keys():
        return _positive(given, "object_metres") / _positive(given, "object_pixels")
    raise ClipError(f"{SCALE_NAME} names no scale; {_ADVICE}.")


def _positive(given: dict[str, object], name: str) -> float:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1e-9 < value < 1e9:
        raise ClipError(f"{SCALE_NAME} must give {name} as a positive number; {_ADVICE}.")
    return float(value)
