"""`study-code`: run the program that a study left once more, on the study's inputs, and keep its numbers.

No model is asked: what a repetition must show is that the recorded program, on the recorded data, gives the recorded
numbers. `greenlight job rerun` submits it for a study that language models made.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.scientist.graph.brief import MODES, read_brief
from core.runners.scientist.graph.nodes_experiment import PREDICTIONS, RESULTS, program_inputs, sandbox_limits
from core.runners.scientist.graph.options import Sandbox
from core.runners.scientist.graph.outputs import json_bytes
from core.runners.scientist.graph.rules import read_results
from core.runners.scientist.sandbox.lock import lock
from core.runners.scientist.sandbox.run import run_code
from core.runners.scientist.sandbox.values import Ran

NEXT = "look at the job's code, and at what differs in the environment"


class StudyCodeRunner:
    """Run a kept program. Inputs: `code`, and the study's `protocol` and `data`; parameters `mode` and `sandbox`."""

    name = "study-code"
    version = "1"
    needs = Needs(memory=2 << 30)
    produces = "results"

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Return the results and predictions of the program; `RunFailed` where it leaves no results now."""
        if "code" not in specification.inputs:
            raise RunFailed("there is no program to run again", "use 'greenlight job rerun' on a study that left one")
        mode, sandbox = _chosen(specification.parameters)
        brief = read_brief(specification.inputs, mode)
        given = program_inputs(brief, context.folder / "given")
        ran = run_code(
            specification.inputs["code"],
            given,
            context.folder / "box",
            sandbox_limits(sandbox),
            lambda seconds: context.progress(0.0, f"running the study's program ({seconds:.0f} s)"),
        )
        outputs = _outputs(ran, specification.inputs["code"], context.folder)
        shutil.rmtree(context.folder / "given")
        facts = {"reason": str(ran.reason), "seconds": ran.seconds, "peak_memory": ran.peak_memory}
        return Manifest(outputs, {"run": facts}, tuple(f"Not taken: {one.name}, {one.why}." for one in ran.refused))


def _chosen(parameters: Mapping[str, object]) -> tuple[str | None, Sandbox]:
    mode = parameters.get("mode")
    if mode is not None and mode not in MODES:
        raise RunFailed(f"there is no mode {mode!r}", f"use one of {', '.join(MODES)}")
    try:
        return str(mode) if mode else None, Sandbox.model_validate(parameters.get("sandbox") or {})
    except ValidationError as error:
        raise RunFailed("the parameter 'sandbox' cannot be used", "see docs/scientist.md") from error


def _outputs(ran: Ran, code: Path, folder: Path) -> tuple[RunOutput, ...]:
    if not ran.ok:
        last = (ran.stderr.strip().splitlines() or [""])[-1][:200]
        raise RunFailed(f"{ran.detail}{f' ({last})' if last else ''}", NEXT)
    path = ran.outputs.get(RESULTS)
    found = read_results(path.read_bytes() if path else None)
    if found.why_not:
        raise RunFailed(found.why_not, NEXT)
    results, environment, program = (folder / name for name in ("results.json", "environment.json", "code.py"))
    results.write_bytes(json_bytes(found.values))
    environment.write_bytes(json_bytes(lock()))
    shutil.copyfile(code, program)
    made = [
        RunOutput("results", results, "application/json"),
        RunOutput("environment", environment, "application/json"),
        RunOutput("code", program, "text/x-python"),
    ]
    if PREDICTIONS in ran.outputs:
        made.append(RunOutput("predictions", ran.outputs[PREDICTIONS], "text/csv"))
    return tuple(made)
