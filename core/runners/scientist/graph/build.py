"""The graph: which node follows which, and what every node has in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from core.runners.scientist.graph import nodes_experiment as experiment
from core.runners.scientist.graph import nodes_idea as idea
from core.runners.scientist.graph import nodes_writing as writing
from core.runners.scientist.graph.state import State
from core.runners.scientist.graph.study import Study

Work = Callable[[Study, State], State]
NODES: dict[str, Work] = {
    "analyse": idea.analyse,
    "survey": idea.survey,
    "propose": idea.propose,
    "consult": idea.consult,
    "assess": idea.assess,
    "plan": experiment.plan,
    "write_code": experiment.write_code,
    "execute": experiment.execute,
    "judge": experiment.judge,
    "analyse_results": experiment.analyse_results,
    "compose": writing.compose_text,
    "ethics_review": writing.ethics_review,
    "resolve_references": writing.resolve_references,
    "manuscript": writing.manuscript,
}
"""In the order in which they run when nothing is sent back."""
BACK = {
    "consult": ("agreed", "propose"),
    "judge": ("accepted", "write_code"),
    "ethics_review": ("cleared", "compose"),
}
"""Where a node sends the study back to, unless the field says that it may go on."""


def build(study: Study, saver: Any) -> Any:
    """Return the compiled graph of one study, with its checkpoints."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    for name, work in NODES.items():
        graph.add_node(name, _node(study, name, work))
    graph.add_edge(START, next(iter(NODES)))
    for name, following in pairwise([*NODES, END]):
        if name in BACK:
            field, back = BACK[name]
            graph.add_conditional_edges(name, _route(field, following, back), [following, back])
        else:
            graph.add_edge(name, following)
    return graph.compile(checkpointer=saver)


def _route(field: str, forward: str, back: str) -> Callable[[State], str]:
    def route(state: State) -> str:
        return forward if state.get(field) else back

    return route


def _node(study: Study, name: str, work: Work) -> Any:
    """A node that tells its progress, asks under its own name, and leaves a line in the log."""
    share = list(NODES).index(name) / len(NODES)

    def run(state: State) -> dict[str, Any]:
        visit = state.get("visits", {}).get(name, 0)
        study.begin(name, share)
        study.asker.at(name, visit)
        started, began = datetime.now(UTC), time.monotonic()
        settled: dict[str, Any] = {**work(study, state)}
        line = {
            "step": name,
            "started_at": started.isoformat(timespec="milliseconds"),
            "seconds": round(time.monotonic() - began, 3),
            "what": f"run {visit + 1}; settled {', '.join(sorted(settled)) or 'nothing new'}",
        }
        notes = [*settled.pop("notes", []), *study.asker.notes]
        return {**settled, "visits": {name: visit + 1}, "log": [line], "notes": notes}

    return run
