"""`scientist`: a study by language models, as a graph whose steps are kept, within rules that no model changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunSpecification
from core.runners.scientist.graph.asking import Asker
from core.runners.scientist.graph.brief import read_brief
from core.runners.scientist.graph.checkpoints import Kept, opened
from core.runners.scientist.graph.options import Options, read_options
from core.runners.scientist.graph.state import State
from core.runners.scientist.graph.study import Progress, Study

RECURSION = 200
"""Steps that LangGraph allows; the rounds end a study long before."""
ALONE = "run"


class ScientistRunner:
    """Run a study from its protocol to its manuscript; `docs/scientist.md` describes inputs, parameters and outputs.

    Inputs: `protocol` (YAML), `data` (CSV) where the card says `source: file`, `references` (a list, optional).
    """

    name = "scientist"
    version = "1"
    needs = Needs(memory=2 << 30)
    produces = "manuscript"

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Go on where the checkpoints end, and return what the study made.

        Raises `Waiting` at a human gate, `RunFailed` with the reason when a rule, a person or the budget ends the
        study, `TransientFailure` when a model's server does.
        """
        from langsmith import tracing_context

        options = read_options(specification.parameters)
        folder = context.checkpoints or context.folder / "checkpoints" / ALONE
        # Tracing would send everything to a third party, whatever the environment says.
        with tracing_context(enabled=False), opened(folder, options.checkpoints_variable) as kept:
            return _run(specification, context, options, kept)


def _run(specification: RunSpecification, context: RunContext, options: Options, kept: Kept) -> Manifest:
    from core.runners.scientist.graph.manuscript import compose
    from core.runners.scientist.graph.outputs import study_facts, write_outputs

    brief = read_brief(specification.inputs, options.mode)
    progress = Progress(context.progress)
    asker = Asker(options, kept.ledger, specification.seed, progress.tell)
    study = Study(brief, options, asker, kept.ledger, context.folder, progress)
    state = _finished(study, kept, _digest(specification))
    draft = compose(brief, kept.ledger, state, asker.models())
    outputs = write_outputs(study, state, draft)
    return Manifest(outputs, study_facts(study, state, draft), tuple(state.get("notes", [])))


def _finished(study: Study, kept: Kept, inputs: str) -> State:
    """Run the graph from where it stands to its end."""
    from core.runners.scientist.graph.build import build

    graph = build(study, kept.saver)
    config: Any = {"configurable": {"thread_id": kept.thread}, "recursion_limit": RECURSION}
    known = graph.get_state(config)
    if known.values and known.values.get("inputs_sha256") != inputs:
        raise RunFailed("the checkpoints belong to a study with other inputs", "submit the study as a new job")
    if not known.values or known.next:
        # "sync": a node's outcome is on the disk before the next one starts.
        for _ in graph.stream(None if known.values else {"inputs_sha256": inputs}, config, durability="sync"):
            pass
    state: State = graph.get_state(config).values
    return state


def _digest(specification: RunSpecification) -> str:
    """One digest over the inputs by role, and the seed."""
    whole = hashlib.sha256(str(specification.seed).encode())
    for role, path in sorted(specification.inputs.items()):
        whole.update(f"\n{role} {_sha256(path)}".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
