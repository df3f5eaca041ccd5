"""Which model is asked about a clip, and how many frames it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.base import EvaluatorError
from evaluators.judging.options import ModelOptions

MOST_SHEETS = 8


@dataclass(frozen=True)
class JudgeOptions(ModelOptions):
    """A vision-language judge of clips. Raises EvaluatorError for options that cannot be used."""

    frames: int = 6
    """Evenly spaced frames; with the worst ones at most eight sheets are sent."""
    worst: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1 or self.worst < 0 or self.frames + self.worst > MOST_SHEETS:
            raise EvaluatorError(f"A judge is shown 1 to {MOST_SHEETS} frames; choose within these.")
