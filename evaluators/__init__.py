"""Pure measurement: a clip or a manuscript in, measurements out.

from evaluators import evaluate_clip
result = evaluate_clip("clips/lime", "outputs/lime.mp4")
print(result["removal_residue"].value, result.summary["removal"].value)

from evaluators import evaluate_manuscript
for finding in evaluate_manuscript("paper.pdf", run="run").report.findings:
    print(finding.severity, finding.message, finding.quote)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluators.clip import Case, ClipInfo, open_case
    from evaluators.flow import FlowCache
    from evaluators.manuscript.suite import ManuscriptResult, evaluate_manuscript, manuscript_measures
    from evaluators.video.step import VideoOptions
    from evaluators.video.suite import ClipResult, evaluate_clip, video_evaluators, video_measures

__all__ = [
    "Case",
    "ClipInfo",
    "ClipResult",
    "FlowCache",
    "ManuscriptResult",
    "VideoOptions",
    "evaluate_clip",
    "evaluate_manuscript",
    "manuscript_measures",
    "open_case",
    "video_evaluators",
    "video_measures",
]

_HOMES = {
    "Case": "evaluators.clip",
    "ClipInfo": "evaluators.clip",
    "open_case": "evaluators.clip",
    "FlowCache": "evaluators.flow",
    "ManuscriptResult": "evaluators.manuscript.suite",
    "VideoOptions": "evaluators.video.step",
    "evaluate_manuscript": "evaluators.manuscript.suite",
    "manuscript_measures": "evaluators.manuscript.suite",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'evaluators' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "evaluators.video.suite")), name)
