"""The questions, as versioned files of this package; their bytes are part of every record by digest."""

from __future__ import annotations

from evaluators.judging.prompts import Prompt, read_prompt

__all__ = ["AFFECTED", "LOCATE", "Prompt", "load_prompt"]
LOCATE, AFFECTED = "locate", "affected"


def load_prompt(name: str) -> Prompt:
    """Return the prompt in `prompts/<name>.md`."""
    return read_prompt("core.runners.mask", name)
