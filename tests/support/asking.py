"""A runner that asks a person before it writes its note, and an interpreter whose attempts know it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from core.errors import RunFailed
from core.runners import registry
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification, Waiting

PLACE = "support.asking:AskingRunner"
TESTS = Path(__file__).parents[1]


class AskingRunner:
    """Stops at the gate `execution`; what was paid for before it is kept among the checkpoints."""

    name = "asks"
    version = "1"
    needs = Needs(memory=1)
    produces = "note"

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        assert context.checkpoints is not None
        context.checkpoints.mkdir(parents=True, exist_ok=True)
        with (context.checkpoints / "paid").open("a") as paid:
            paid.write("once\n")
        decided = specification.parameters.get("decisions")
        note = context.folder / "note.txt"
        note.write_text("the plan")
        if not isinstance(decided, dict):
            raise Waiting("execution", "May the plan be carried out?", [RunOutput("plan", note, "text/plain")])
        if decided["execution"]["decision"] == "reject":
            raise RunFailed(f"the plan was rejected: {decided['execution']['reason']}", "change the plan")
        note.write_text(f"{decided['execution']['by']}; {(context.checkpoints / 'paid').read_text()}")
        return Manifest((RunOutput("note", note, "text/plain"),))


def offer(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let this process and the attempts that it starts know the runner."""
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import runpy, sys\n"
        f"sys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]\n"
        "from core.runners import registry\n"
        f"registry.BUILT_IN['asks'] = {PLACE!r}\n"
        "module, sys.argv = sys.argv[2], sys.argv[2:]\n"
        "runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    patch.setitem(registry.BUILT_IN, "asks", PLACE)
    patch.setattr(sys, "executable", str(program))
