"""The clinician's rule. A model fills the form; what stops an idea is decided here, not by its tone.

An idea is stopped that the clinician calls infeasible, harmful or unacceptable, that needs data or equipment which the
protocol's cards do not name, that predicts from what is not known at the moment of use, or that leaves a field empty.
"""

from __future__ import annotations

from typing import NamedTuple

from core.runners.scientist.graph.brief import Brief, _folded
from core.runners.scientist.graph.forms import ClinicalView, Idea

EMPTY = frozenset({"", "-", "n/a", "na", "none", "not applicable", "unknown", "tbd", "todo"})


class Stop(NamedTuple):
    """Why an idea does not pass. A final one cannot be cured by another proposal."""

    why: str
    final: bool = False


def blank(view: ClinicalView) -> str | None:
    """Name the first field that the clinician left empty, or None: an answer with one is asked anew."""
    for field, text in (
        ("feasibility", view.feasibility.reason),
        ("eligibility", view.eligibility.population),
        ("equipment", view.equipment.reason),
        ("harm", view.harm.reason),
    ):
        if _folded(text).rstrip(".") in EMPTY:
            return f"the clinician does not state the field '{field}'"
    if view.verdict == "revise" and not view.demands:
        return "the clinician wants a revision and demands nothing"
    return None


def stops(idea: Idea, view: ClinicalView, brief: Brief) -> list[Stop]:
    """Return everything that stops an idea, final reasons first; empty when it passes the rule."""
    found = [
        *_by_verdict(view),
        *_by_data(idea, brief),
        *_by_time(idea, view, brief),
        *_by_equipment(idea, view, brief),
    ]
    if missing := blank(view):
        found.append(Stop(missing))
    return sorted(found, key=lambda stop: not stop.final)


def _by_verdict(view: ClinicalView) -> list[Stop]:
    found = []
    if view.feasibility.verdict == "infeasible":
        found.append(Stop(f"the clinician calls it infeasible: {view.feasibility.reason}", final=True))
    if view.harm.level == "serious":
        found.append(Stop(f"the clinician sees serious harm: {view.harm.reason}", final=True))
    if view.harm.level == "moderate" and not view.harm.mitigations:
        found.append(Stop(f"the clinician sees harm that nothing limits: {view.harm.reason}"))
    if view.verdict == "stop":
        found.append(Stop(f"the clinician stops it: {'; '.join(view.demands) or view.feasibility.reason}", final=True))
    return found


def _by_data(idea: Idea, brief: Brief) -> list[Stop]:
    protocol = brief.protocol.protocol
    known = {card.name for card in protocol.datasets}
    found = [
        Stop(f"it needs the dataset '{name}', which no card describes") for name in idea.datasets if name not in known
    ]
    if not idea.datasets or not idea.predictors:
        found.append(Stop("it names no dataset or no predictor"))
    if idea.outcome != protocol.outcome.column:
        found.append(Stop(f"its outcome is '{idea.outcome}', and the protocol's is '{protocol.outcome.column}'"))
    return found


def _by_time(idea: Idea, view: ClinicalView, brief: Brief) -> list[Stop]:
    found = []
    for predictor in idea.predictors:
        late = predictor.name in brief.late or predictor.available == "after_use"
        if late or predictor.name in view.unavailable_predictors:
            found.append(Stop(f"the predictor '{predictor.name}' is not known when the prediction would be used"))
        elif predictor.name not in brief.predictors:
            found.append(Stop(f"the predictor '{predictor.name}' is not in the data, or not open in this mode"))
    return found


def _by_equipment(idea: Idea, view: ClinicalView, brief: Brief) -> list[Stop]:
    needed = {_folded(name): name for name in (*idea.equipment, *view.equipment.needed)}
    return [
        Stop(f"it needs '{name}', which the protocol's cards do not name as at hand")
        for folded, name in needed.items()
        if folded not in brief.equipment and folded not in EMPTY
    ]
