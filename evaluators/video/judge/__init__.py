"""A vision-language model as a second pair of eyes: what it says is shown beside the measures, and never decides.

from evaluators.video.judge import JudgeOptions, judge_clip
judged = judge_clip("clips/lime", "outputs/lime.mp4", JudgeOptions("qwen2.5-vl", "http://127.0.0.1:8000/v1"))
print(judged["judge_residue"].value, judged["judge_residue"].reason)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluators.video.judge.measures import JUDGE_MEASURES
from evaluators.video.judge.options import JudgeOptions

if TYPE_CHECKING:
    from evaluators.video.judge.judge import judge_clip, judge_result, not_judged

__all__ = ["JUDGE_MEASURES", "JudgeOptions", "judge_clip", "judge_result", "not_judged"]


def __getattr__(name: str) -> Any:
    """Import what decodes clips when it is first asked for; the options alone need nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'evaluators.video.judge' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("evaluators.video.judge.judge"), name)
