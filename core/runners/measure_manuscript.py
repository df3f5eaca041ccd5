"""`measure` for a manuscript: integrity by rule, numbers traced to what the run logged, reporting checklists."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.runners.base import RunContext, RunSpecification

if TYPE_CHECKING:
    from evaluators.base import Evaluation
    from evaluators.manuscript.guideline import Checklist

SUBJECT = "manuscript"
LOGGED = ("results", "protocol", "code")
"""What a run left to trace numbers to. Its own record of provenance is no evidence: it speaks of the manuscript."""
GUIDELINES: Mapping[str, str] = {"imaging": "claim-2024"}
"""The guideline of a modality, beside TRIPOD+AI."""
EVERYWHERE = "tripod-ai"
CHECKLIST, CHECKLIST_VERSION = "reporting-checklist", "1"


def measure_manuscript(specification: RunSpecification, context: RunContext) -> dict[str, object]:
    """Return what is found in the input `output`, as JSON; a manuscript that cannot be read is absent with the reason.

    The inputs of `LOGGED` are what its run left; the parameter `modalities` says of which data it speaks.
    """
    from evaluators.base import EvaluatorError
    from evaluators.manuscript.suite import evaluate_manuscript

    paper = specification.inputs["output"]
    run = _run(specification, context.folder / "run")
    try:
        result = evaluate_manuscript(paper, run, progress=context.progress)
    except EvaluatorError as error:
        return _unread(str(error))
    finally:
        shutil.rmtree(context.folder / "run", ignore_errors=True)
    found = result.to_json()
    modalities = specification.parameters.get("modalities")
    lists = _checklists(result.manuscript, modalities if isinstance(modalities, Sequence) else ())
    return {
        **found,
        "evaluations": [*(one.to_json() for one in result.evaluations), _counted(lists).to_json()],
        "checklists": [one.to_json() for one in lists],
    }


def _run(specification: RunSpecification, folder: Path) -> Path | None:
    """Lay what the run left into a folder, alone; None where it left nothing."""
    files = [specification.inputs[role] for role in LOGGED if role in specification.inputs]
    if not files:
        return None
    folder.mkdir()
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return folder


def _unread(why: str) -> dict[str, object]:
    from evaluators.base import Evaluation, absent
    from evaluators.manuscript.suite import EVALUATOR, VERSION, manuscript_measures

    reason = f"the manuscript could not be read: {why}"
    measurements = tuple(absent(measure, reason) for measure in manuscript_measures())
    return {
        "manuscript": None,
        "checks": [],
        "findings": [],
        "checklists": [],
        "evaluations": [Evaluation(EVALUATOR, VERSION, measurements).to_json()],
        "notes": [reason],
    }


def _checklists(manuscript: object, modalities: Sequence[object]) -> list[Checklist]:
    from evaluators.manuscript.document import Manuscript
    from evaluators.manuscript.guideline import fill, load_guideline

    assert isinstance(manuscript, Manuscript)  # noqa: S101 - from the suite
    names = dict.fromkeys([EVERYWHERE, *(GUIDELINES[str(one)] for one in modalities if str(one) in GUIDELINES)])
    return [fill(load_guideline(name), manuscript) for name in names]


def _counted(lists: Sequence[Checklist]) -> Evaluation:
    """How much of each checklist a rule found; shown to explain, as what waits for a reviewer is not missing."""
    from evaluators.base import Direction, Evaluation, Measure, Measurement

    measurements = []
    for one in lists:
        name, coverage = str(one.guideline["id"]), one.coverage
        measure = Measure(
            f"reported_{name.replace('-', '_')}",
            f"Items of {one.title} found by rule",
            "share",
            Direction.DIAGNOSTIC,
            0,
            1,
            f"https://doi.org/{one.guideline['doi']}",
            CHECKLIST_VERSION,
            "Which share of the items a rule found reported; the others wait for a reviewer and are not missing.",
        )
        share = coverage.reported_by_rule / coverage.items
        measurements.append(Measurement(measure, share, count=coverage.items, count_of="items"))
    return Evaluation(CHECKLIST, CHECKLIST_VERSION, tuple(measurements))
