"""What a run logged: every number of its JSON files with a pointer, and its texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Logged(NamedTuple):
    """A number in a run's file. `path` is its JSON pointer split into keys and positions, the file's name first."""

    value: float
    path: tuple[str, ...]

    @property
    def pointer(self) -> str:
        """For example `run_0/final_info.json#/circle/means/eval_loss`."""
        return f"{self.path[0]}#/{'/'.join(self.path[1:])}"


@dataclass(frozen=True)
class RunLog:
    """The numbers and texts of a run folder or results file."""

    numbers: tuple[Logged, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    """Notes, prompts and code by file name: where numbers of the setup stand."""
    notes: tuple[str, ...] = ()
    """What was left out of the reading, and why."""
