"""The Experimental Executor: plan, write code, execute, judge, analyse. Code runs in the sandbox or not at all."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from core.errors import RunFailed
from core.runners.scientist.graph.asking import as_text
from core.runners.scientist.graph.brief import Brief
from core.runners.scientist.graph.forms import Code, Findings, Judgement, Plan
from core.runners.scientist.graph.models import Piece
from core.runners.scientist.graph.options import Sandbox
from core.runners.scientist.graph.rules import joined, plan_complaint, read_results, success, unaccepted
from core.runners.scientist.graph.sanitise import plain, sanitise
from core.runners.scientist.graph.state import Execution, State
from core.runners.scientist.graph.study import Document, Study
from core.runners.scientist.graph.wording import first_complaint, folded, recorded
from core.runners.scientist.sandbox.run import run_code
from core.runners.scientist.sandbox.values import MIB, Limits, Ran

RESULTS, PREDICTIONS = "results.json", "predictions.csv"
KEPT_BYTES = 32 << 20
SHOWN_LOG = 6000


def plan(study: Study, state: State) -> State:
    """Plan the computation and the numbers that must come out of it."""
    limits = study.options.sandbox.model_dump()
    pieces = study.material(idea=state["idea"], clinician=state["view"], limits=limits)
    words = recorded({}, study.brief.protocol.raw)

    def wrong(found: Plan) -> str | None:
        # The meanings stand in the manuscript's table.
        return plan_complaint(found) or first_complaint([folded(wanted.meaning) for wanted in found.results], words)

    return {"planned": study.asker.ask("planner", Plan, pieces, wrong).model_dump()}


def write_code(study: Study, state: State) -> State:
    """Write the program, or correct the last one."""
    pieces = study.material(
        idea=state["idea"],
        plan=state["planned"],
        limits=study.options.sandbox.model_dump(),
        your_last_program=state.get("code"),
        what_was_wrong_with_it=state.get("code_problems"),
    )
    found = study.asker.ask("coder", Code, pieces, _code_complaint)
    return {"code": found.code, "code_round": state.get("code_round", 0) + 1}


def _code_complaint(answer: Code) -> str | None:
    try:
        ast.parse(answer.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"the program is no Python: {error}"
    return None if answer.code.strip() else "there is no program"


def execute(study: Study, state: State) -> State:
    """Run the program in the sandbox, after a person's approval where the study has that gate."""
    study.pass_gate(
        "execution",
        state["code_round"] - 1,
        "May this program, written by a language model, run on the study's data in the sandbox?",
        [Document("code", "code.py", state["code"].encode(), "text/x-python")],
    )
    folder = study.folder / "sandbox"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    limits = sandbox_limits(study.options.sandbox)
    given = program_inputs(study.brief, folder / "given")
    ran = run_code(
        state["code"],
        given,
        folder / "box",
        limits,
        lambda seconds: study.progress.tell(f"executing ({seconds:.0f} s)"),
    )
    execution = _kept(study, ran)
    shutil.rmtree(folder, ignore_errors=True)
    return {"execution": execution}


def sandbox_limits(chosen: Sandbox) -> Limits:
    """The sandbox's limits by a study's choice; all cores together may work twice the wall time."""
    return Limits(
        wall_s=chosen.wall_s,
        cpu_s=2 * chosen.wall_s,
        memory=chosen.memory_mib * MIB,
        processes=chosen.processes,
        disk=chosen.disk_mib * MIB,
    )


def program_inputs(brief: Brief, folder: Path) -> dict[str, Path]:
    """Write what every program of a study is given into a new folder, and return it by name."""
    folder.mkdir(parents=True)
    given = {"data.csv": brief.data(), "folds.csv": brief.folds(), "protocol.yaml": brief.protocol_text}
    for name, data in given.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in given}


def _kept(study: Study, ran: Ran) -> Execution:
    """What is kept of a run; its files go to the ledger, within a limit."""
    files: dict[str, str] = {}
    total, left_out = 0, []
    for name, path in sorted(ran.outputs.items()):
        total += path.stat().st_size
        if total > KEPT_BYTES:
            left_out.append(f"{name}: beyond {KEPT_BYTES >> 20} MiB together")
        else:
            files[name] = study.ledger.keep(path.read_bytes())
    found = read_results(study.ledger.file(files[RESULTS]) if RESULTS in files else None)
    return {
        "ok": ran.ok,
        "reason": str(ran.reason),
        "detail": ran.detail,
        "exit_code": ran.exit_code,
        "seconds": ran.seconds,
        "peak_memory": ran.peak_memory,
        "printed": plain(ran.stdout[-SHOWN_LOG:]),
        "errors": sanitise(ran.stderr[-SHOWN_LOG:]).text,
        "files": files,
        "refused": [*(f"{item.name}: {item.why}" for item in ran.refused), *left_out],
        "results": found.values,
        "results_problem": found.why_not,
    }


def judge(study: Study, state: State) -> State:
    """Judge the run. A run that failed is no question for a model; an acceptance counts only with its evidence."""
    execution = state["execution"]
    notes: list[str] = []
    judged: dict[str, object] = {}
    problems = [] if execution["ok"] else [f"{execution['detail']}. {execution['errors'][-1500:]}"]
    problems += [execution["results_problem"]] if execution["results_problem"] else []
    spoken = _spoken(execution) if not problems else ()
    if spoken:
        problems = [f"what the program left speaks to its reader: {joined(spoken)}"]
    if not problems:
        found = study.asker.ask("judge", Judgement, _evidence(study, state), lambda _: None)
        judged = found.model_dump()
        against = unaccepted(found, Plan.model_validate(state["planned"]), execution["results"], execution["ok"])
        if found.verdict == "reject":
            raise RunFailed(f"the judge rejected the run: {found.reason}", "change the protocol or the data")
        if found.verdict == "accept" and against:
            notes = [f"The judge's acceptance did not count: {joined(against)}."]
        problems = against if found.verdict == "accept" else [*found.problems, found.reason]
    if problems and state["code_round"] >= study.options.code_rounds:
        raise RunFailed(
            f"no program carried out the plan within {study.options.code_rounds} tries: {joined(problems)}",
            "allow more code_rounds, or simplify the protocol",
        )
    return {"judgement": judged, "accepted": not problems, "code_problems": problems, "notes": notes}


def _evidence(study: Study, state: State) -> list[Piece]:
    execution = state["execution"]
    return study.material(
        plan=state["planned"],
        program=sanitise(state["code"]).text,
        results=execution["results"],
        log=execution["printed"],
        errors=execution["errors"],
        files=sorted(execution["files"]),
        criteria=success(execution["ok"], execution["results"]),
    )


def _spoken(execution: Execution) -> tuple[str, ...]:
    """What in results and log speaks to a judge; a model never sees it, and no acceptance follows from it."""
    return sanitise(as_text(execution["results"])).removed + sanitise(execution["printed"]).removed


def analyse_results(study: Study, state: State) -> State:
    """Say what the results mean; their numbers stay marks to what was recorded."""
    results = state["execution"]["results"]
    sources = recorded(results, study.brief.protocol.raw)
    pieces = study.material(idea=state["idea"], plan=state["planned"], results=results)

    def wrong(found: Findings) -> str | None:
        if not found.findings or not found.limitations:
            return "name at least one finding and one limitation"
        return first_complaint([item.text for item in (*found.findings, *found.limitations)], sources)

    return {"findings": study.asker.ask("interpreter", Findings, pieces, wrong).model_dump()}
