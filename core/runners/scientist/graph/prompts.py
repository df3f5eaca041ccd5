"""The questions to each role, as versioned files of this package; their bytes are part of every record by digest."""

from __future__ import annotations

from functools import cache

from evaluators.judging.prompts import Prompt, read_prompt

__all__ = ["ROLES", "Prompt", "load_prompt"]
ROLES = (
    "analyst", "surveyor", "engineer", "clinician", "assessor", "planner", "coder", "judge", "interpreter", "writer",
    "ethicist",
)  # fmt: skip


@cache
def load_prompt(role: str) -> Prompt:
    """Return the prompt in `prompts/<role>.md`, the common rules after its system text."""
    return read_prompt("core.runners.scientist.graph", role, "common")
