"""The Idea Proposer: analyse, survey, propose, consult, assess. Each node takes a state and returns what it settled."""

from __future__ import annotations

from core.errors import RunFailed
from core.runners.scientist.graph.clinical import blank, stops
from core.runners.scientist.graph.forms import Analysis, Assessment, ClinicalView, Idea, Survey
from core.runners.scientist.graph.rules import assessment_complaint, idea_complaint, joined, unethical
from core.runners.scientist.graph.state import State
from core.runners.scientist.graph.study import Study


def analyse(study: Study, _state: State) -> State:
    """State the problem."""
    found = study.asker.ask("analyst", Analysis, study.material(), lambda _: None)
    return {"analysis": found.model_dump()}


def survey(study: Study, state: State) -> State:
    """Survey the given references; findings under a key that is not given are taken out, with a note."""
    if not study.brief.references:
        return {"surveyed": {}, "notes": ["No references were given, so none was surveyed."]}
    pieces = study.material(analysis=state["analysis"], references=study.brief.literature())
    found = study.asker.ask("surveyor", Survey, pieces, lambda _: None).model_dump()
    known = [item for item in found["findings"] if item["reference"] in study.brief.references]
    unknown = sorted({item["reference"] for item in found["findings"]} - set(study.brief.references))
    notes = [f"The surveyor named '{key[:80]}', which was not given; it was taken out." for key in unknown]
    return {"surveyed": {**found, "findings": known}, "notes": notes}


def propose(study: Study, state: State) -> State:
    """The engineer proposes, or answers the objections to the last proposal."""
    pieces = study.material(
        analysis=state["analysis"],
        survey=state.get("surveyed"),
        your_last_proposal=state.get("idea"),
        what_the_clinician_said=state.get("view"),
        objections_to_meet=state.get("objections"),
    )
    idea = study.asker.ask("engineer", Idea, pieces, idea_complaint)
    return {"idea": idea.model_dump(), "round": state.get("round", 0) + 1}


def consult(study: Study, state: State) -> State:
    """The clinician judges the proposal, and the rule decides what that means.

    Ends the study with the reason where the rule stops the idea for good, or when the rounds are used up.
    """
    pieces = study.material(analysis=state["analysis"], proposal=state["idea"], earlier_view=state.get("view"))
    view = study.asker.ask("clinician", ClinicalView, pieces, blank)
    idea = Idea.model_validate(state["idea"])
    found = stops(idea, view, study.brief)
    reasons = [stop.why for stop in found]
    last = state["round"] >= study.options.rounds
    if found and (found[0].final or last):
        raise RunFailed(
            f"the clinician's rule stopped the idea '{idea.title[:120]}': {joined(reasons)}",
            "change the question, the data or the protocol's cards",
        )
    agreed = not found and view.verdict == "agree" and (idea.agrees or state["round"] == 1)
    if not agreed and last:
        raise RunFailed(
            f"clinician and engineer did not agree within {study.options.rounds} rounds: {joined(view.demands)}",
            "change the protocol, or allow more rounds",
        )
    return {"view": view.model_dump(), "objections": [*reasons, *view.demands], "agreed": agreed}


def assess(study: Study, state: State) -> State:
    """Score the idea in six dimensions; an unethical one ends the study with the reason."""
    pieces = study.material(idea=state["idea"], clinician=state["view"], survey=state.get("surveyed"))
    assessment = study.asker.ask("assessor", Assessment, pieces, assessment_complaint)
    if why := unethical(assessment):
        raise RunFailed(f"the idea may not be carried out: {why}", "change the question or the protocol")
    return {"assessment": assessment.model_dump()}
