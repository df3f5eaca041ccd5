"""The contract of every evaluator: what is measured, what came out, or why nothing did.

A `Measurement` holds either a value or the reason for its absence, never both and never a stand-in number.
Nothing here knows a database, a user or a job.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class EvaluatorError(Exception):
    """The subject cannot be measured at all; the message is one sentence that says what to do next."""


class Direction(StrEnum):
    """Which way a measure is better."""

    HIGHER = "higher_is_better"
    LOWER = "lower_is_better"
    TARGET = "target_is_best"
    """Best at `Measure.target`, worse on both sides."""
    DIAGNOSTIC = "diagnostic"
    """Shown to explain, never judged."""


@dataclass(frozen=True)
class Measure:
    """A quantity with its unit, range, direction and source.

    `low` and `high` bound the possible values; None means unbounded on that side.
    `version` changes whenever the same clip could give another value.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    low: float | None
    high: float | None
    citation: str
    version: str
    meaning: str
    """One plain sentence for a reader who does not program."""
    target: float | None = None


@dataclass(frozen=True)
class Interval:
    """An uncertainty interval in the measure's unit; `method` says how it was made."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True)
class Series:
    """One value per frame (or frame pair, keyed by its first frame); None where it could not be taken.

    `worst` lists frame numbers, worst first, judged by the measure's direction.
    """

    frames: tuple[int, ...]
    values: tuple[float | None, ...]
    worst: tuple[int, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One measure taken once: a finite value over `count` observations, or absent with a reason."""

    measure: Measure
    value: float | None
    reason: str | None = None
    interval: Interval | None = None
    count: int = 0
    count_of: str = "frames"
    series: Series | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready details a reader can look at (valid fraction, track, fit, window ...)."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"{self.measure.name}: give a value or the reason for its absence, not both")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.measure.name}: a value must be finite, absent values carry a reason")

    def to_json(self) -> dict[str, object]:
        """The measurement as plain JSON values, the measure's description included."""
        return asdict(self)


def absent(measure: Measure, reason: str, **evidence: object) -> Measurement:
    """Return the measurement that was not taken, with its reason."""
    return Measurement(measure, None, reason=reason, evidence=evidence)


@dataclass(frozen=True)
class Evaluation:
    """What one evaluator found in one subject."""

    evaluator: str
    version: str
    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know, such as a length or size that differs from the input's."""
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Measurement:
        for measurement in self.measurements:
            if measurement.measure.name == name:
                return measurement
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """The evaluation as plain JSON values."""
        return {
            "evaluator": self.evaluator,
            "version": self.version,
            "measurements": [measurement.to_json() for measurement in self.measurements],
            "notes": list(self.notes),
            "parameters": dict(self.parameters),
        }
