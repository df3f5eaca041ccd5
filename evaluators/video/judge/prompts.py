"""The questions about clips, as versioned files of this package."""

from __future__ import annotations

from evaluators.judging.prompts import Prompt, read_prompt


def load_prompt(name: str) -> Prompt:
    """Return the prompt in `prompts/<name>.md`."""
    return read_prompt("evaluators.video.judge", name)
