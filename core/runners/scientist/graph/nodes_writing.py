"""The Manuscript Composer: compose, ethics review, resolve references, and the finished manuscript."""

from __future__ import annotations

from core.errors import RunFailed
from core.runners.scientist.graph.forms import EthicsReview, Text
from core.runners.scientist.graph.manuscript import CHAPTERS, cited_keys, compose, prose, texts
from core.runners.scientist.graph.rules import joined, review_problems
from core.runners.scientist.graph.state import State
from core.runners.scientist.graph.study import Document, Study
from core.runners.scientist.graph.wording import Recorded, first_complaint, folded, recorded
from core.runners.scientist.writing import to_markdown, to_pdf

SHORTEST_QUOTE = 20


def compose_text(study: Study, state: State) -> State:
    """Write the manuscript, or correct the last one. Numbers without a mark and words to a judge are sent back."""
    sources = _sources(study, state)
    pieces = study.material(
        idea=state["idea"],
        clinician=state["view"],
        survey=state.get("surveyed"),
        plan=state["planned"],
        results=state["execution"]["results"],
        findings=state["findings"],
        references=study.brief.literature(),
        your_last_manuscript=state.get("text"),
        what_was_wrong_with_it=state.get("writing_problems"),
    )

    def wrong(found: Text) -> str | None:
        headings = {chapter.heading for chapter in found.chapters if chapter.paragraphs}
        if missing := [name for name in CHAPTERS if name not in headings]:
            return f"the section '{missing[0]}' is missing"
        if not found.title.strip() or not found.abstract:
            return "the title or the abstract is missing"
        return first_complaint([folded(line) for line in texts(found.model_dump())], sources)

    text = study.asker.ask("writer", Text, pieces, wrong).model_dump()
    clean = {
        "title": folded(text["title"]),
        "abstract": [folded(line) for line in text["abstract"]],
        "chapters": [
            {"heading": chapter["heading"], "paragraphs": [folded(line) for line in chapter["paragraphs"]]}
            for chapter in text["chapters"]
        ],
    }
    return {"text": clean, "writing_round": state.get("writing_round", 0) + 1}


def ethics_review(study: Study, state: State) -> State:
    """Review the manuscript's ethics. A pass counts only when each topic quotes a sentence that is really there."""
    shown = prose(state["text"], _sources(study, state))
    pieces = study.material(manuscript=shown, clinician=state["view"])
    found = study.asker.ask("ethicist", EthicsReview, pieces, lambda _: None)
    if found.verdict == "fail":
        raise RunFailed(f"the ethics review failed the manuscript: {found.reason}", "change the study or its protocol")
    problems = review_problems(found, lambda quote: _holds(shown, quote))
    if found.verdict == "revise":
        problems.append(found.reason)
    if problems and state["writing_round"] >= study.options.writing_rounds:
        raise RunFailed(
            f"no manuscript passed the ethics review within {study.options.writing_rounds} rounds: {joined(problems)}",
            "allow more writing_rounds, or change the protocol",
        )
    notes = []
    if problems and found.verdict == "pass":
        notes = [f"The ethicist's pass did not count: {joined(problems)}."]
    return {"ethics": found.model_dump(), "cleared": not problems, "writing_problems": problems, "notes": notes}


def _holds(shown: str, quote: str) -> bool:
    words = " ".join(quote.split())
    return len(words) >= SHORTEST_QUOTE and words in " ".join(shown.split())


def resolve_references(study: Study, state: State) -> State:
    """Number the citations; those that were not given are taken out, with a note. No model is asked."""
    cited, unknown = cited_keys(state["text"], study.brief.references)
    notes = [f"The citation '{key}' is not among the given references and was taken out." for key in unknown]
    return {"cited": cited, "notes": notes}


def manuscript(study: Study, state: State) -> State:
    """Put the manuscript together, and let a person decide on it where the study has that gate."""
    draft = compose(study.brief, study.ledger, state, study.asker.models())
    study.pass_gate(
        "manuscript",
        0,
        "May this manuscript, written by language models, be kept as the study's result?",
        [
            Document("manuscript", "manuscript.pdf", to_pdf(draft), "application/pdf"),
            Document("manuscript_md", "manuscript.md", to_markdown(draft).encode(), "text/markdown"),
        ],
    )
    return {}


def _sources(study: Study, state: State) -> Recorded:
    return recorded(state["execution"]["results"], study.brief.protocol.raw)
