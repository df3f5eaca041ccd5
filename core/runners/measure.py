"""`measure`: run the evaluators over an output; the worker starts it after a job's own runner.

It is a runner so that untrusted outputs are decoded under the same limits, with the same progress and cancelling.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.measure_manuscript import SUBJECT, measure_manuscript

if TYPE_CHECKING:
    from evaluators.video.suite import ClipResult

RESULT = "evaluation.json"
CASE_NAMES = {
    "video": "input_video.mp4",
    "quadmask": "quadmask_0.mp4",
    "prompt": "prompt.json",
    "scale": "scale.json",
    "protocol": "protocol.yaml",
    "data": "data.csv",
    "archive": "run.zip",
    "manuscript": "manuscript.pdf",
}
"""An asset's files by role, as they are named where a runner reads them."""


class MeasureRunner:
    """The evaluators as a runner: `output` for the inputs of one clip, with `reference` where the truth is known.

    The parameter `judge` asks a vision-language model too: `model`, `base_url`, `key_variable`, and `forbidden`, the
    reason why it may not be asked. `raft_weights` and `lpips_trunk` are paths of weights for flow and LPIPS. The
    parameter `subject` says that the output is a manuscript.
    """

    name = "measure"
    version = "1"
    needs = Needs(memory=1 << 30)

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Write `evaluation.json` (role `evaluation`); `RunFailed` when a clip cannot be measured at all."""
        if specification.parameters.get("subject") == SUBJECT:
            return _written(measure_manuscript(specification, context), context)
        from evaluators import VideoOptions, evaluate_clip
        from evaluators.base import EvaluatorError

        case = _case(specification, context.folder / "case")
        try:
            result = evaluate_clip(
                case,
                specification.inputs["output"],
                specification.inputs.get("reference"),
                progress=context.progress,
                options=VideoOptions(
                    raft_weights=_path(specification.parameters.get("raft_weights")),
                    lpips_trunk=_path(specification.parameters.get("lpips_trunk")),
                ),
            )
            if (judge := specification.parameters.get("judge")) is not None:
                result = _judged(result, judge, context)
        except EvaluatorError as error:
            what, _, next_step = str(error).partition("; ")
            raise RunFailed(what, next_step or "make the output again") from error
        finally:
            shutil.rmtree(case)
        return _written(result.to_json(), context)


def _written(result: Mapping[str, object], context: RunContext) -> Manifest:
    path = context.folder / RESULT
    path.write_text(json.dumps(result, allow_nan=False), encoding="utf-8")
    return Manifest((RunOutput("evaluation", path, "application/json"),))


def _judged(result: ClipResult, judge: object, context: RunContext) -> ClipResult:
    """Add the vision-language judge's evaluation; a judge that may not be asked is absent with the reason."""
    from evaluators.video.judge import JudgeOptions, judge_result, not_judged

    assert isinstance(judge, Mapping)  # noqa: S101 - written by core.jobs.judging
    options = JudgeOptions(judge["model"], judge["base_url"], judge["key_variable"])
    if judge["forbidden"]:
        judgement = not_judged(options, judge["forbidden"])
    else:
        judgement = judge_result(result, options, progress=lambda _done, message: context.progress(0.99, message))
    return replace(result, evaluations=(*result.evaluations, judgement))


def _path(given: object) -> Path | None:
    return Path(str(given)) if given else None


def _case(specification: RunSpecification, folder: Path) -> Path:
    """Lay the inputs out as a VOID-format folder."""
    folder.mkdir()
    for role, name in CASE_NAMES.items():
        if role in specification.inputs:
            _place(specification.inputs[role], folder / name)
    return folder


def _place(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
