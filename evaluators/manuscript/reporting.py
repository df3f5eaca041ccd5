"""A reporting guideline as a form that people fill, and their answers laid over what the rules found.

Every item of the form must be answered, also those that a rule has answered. A rule finds a sentence, which is where to
look and no answer that spares the look: an item left out could not be told from one that was skipped, two people could
not be compared on it, and the same form for everybody would not do. What a rule found is shown beside the item, so that
to confirm it is one choice.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from evaluators.base import EvaluatorError
from evaluators.manuscript.datafile import read
from evaluators.manuscript.document import Box, Place
from evaluators.manuscript.guideline import (
    NO_RULE,
    Checklist,
    Entry,
    Evidence,
    Guideline,
    GuidelineItem,
    guideline_names,
    load_guideline,
)
from evaluators.manuscript.rubric import CHECKLIST, SAID, SCHEMA, Item, Rubric, RubricFile, Said, find_rubric
from evaluators.manuscript.scoring import Answer, Answers

PREFIX, TITLE = "item_", "Item "
DOI = "https://doi.org/"
SEPARATOR = re.compile(r"[^a-z0-9]+")
MEANS = {
    "reporting": "Reported: the paper says it, and the quote shows where. Not reported: it should, and does not.",
    "appraisal": "Reported: the paper shows that it was suitable. Not reported: it does not show that.",
}
NOT_APPLICABLE = "Not applicable: the item asks for something that a study of this kind does not have."


class Given(NamedTuple):
    """One person's answers, by the ids of the form, and how the person is called: a name, or a number."""

    by: str
    answers: Answers


def form_id(item: str) -> str:
    """Return the id of a guideline's item on its form: `5 (ii)` is `item_5_ii`; `guideline_id` leads back."""
    return PREFIX + SEPARATOR.sub("_", item.lower()).strip("_")


def guideline_id(item: Item) -> str:
    """Return the guideline's own id of an item of its form."""
    return item.title.removeprefix(TITLE)


def form_file(guideline: Guideline) -> bytes:
    """Return a guideline as the file of a rubric: one choice an item, grouped by section, without weights or a total.

    Equal guidelines give equal bytes. EvaluatorError for two items whose ids differ in no letter and no digit.
    """
    import yaml

    content = guideline.content
    ids = [form_id(item.id) for item in content.items]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise EvaluatorError(f"The guideline {content.id} has two items that make '{twice}'; rename one of them.")
    sections: dict[str, list[GuidelineItem]] = defaultdict(list)
    for item in content.items:
        sections[item.section].append(item)
    form = {
        "schema": SCHEMA,
        "id": content.id,
        "version": content.version,
        "title": content.title,
        "judges": CHECKLIST,
        "source": {"title": f"{content.title} (doi {content.doi})", "url": f"{DOI}{content.doi}"},
        "note": f"{MEANS[content.kind]} {NOT_APPLICABLE}",
        "items": [_group(number, *section) for number, section in enumerate(sections.items(), 1)],
    }
    # Through JSON, so that no value is the same object twice: YAML would write an alias, which the reader refuses.
    return yaml.safe_dump(json.loads(json.dumps(form)), sort_keys=False, allow_unicode=True, width=120).encode()


def find_form(name: str) -> Rubric:
    """Return a form by the name of a guideline or rubric of this package, or by the path of a rubric's file."""
    if name not in guideline_names():
        return find_rubric(name)
    return Rubric(*read(form_file(load_guideline(name)), f"{name}.yaml", RubricFile))


def _group(number: int, section: str, items: Sequence[GuidelineItem]) -> dict[str, object]:
    asked = [
        {
            "id": form_id(item.id),
            "title": f"{TITLE}{item.id}",
            "question": item.text,
            "kind": "choice",
            "values": list(SAID),
            "differ_by": 1.0,
        }
        for item in items
    ]
    return {"id": f"section_{number}", "title": section, "kind": "group", "weight": 0.0, "items": asked}


def unfilled(form: Rubric) -> Checklist:
    """Return the checklist of a form for a manuscript on which no rule was tried: every item waits."""
    entries = tuple(
        Entry(guideline_id(item), group.title, item.question, "reviewer", "reviewer", NO_RULE)
        for group in form.content.items
        for item in group.walk()
        if item.kind != "group"
    )
    source = form.content.source.url
    doi = source.removeprefix(DOI) if source.startswith(DOI) else ""
    return Checklist({**form.to_json(), "doi": doi}, form.content.title, "", entries)


def kept_checklist(found: Mapping[str, Any]) -> Checklist:
    """Return a checklist from its own `to_json`."""
    return Checklist(found["guideline"], found["title"], found["rules_digest"], tuple(map(_entry, found["entries"])))


def _entry(found: Mapping[str, Any]) -> Entry:
    evidence = tuple(Evidence(one["quote"], _place(one["place"])) for one in found["evidence"])
    return Entry(**{**found, "evidence": evidence})


def _place(found: Mapping[str, Any]) -> Place:
    return Place(found["section"], found["page"], found["line"], tuple(Box(*box) for box in found["boxes"]))


def heard(checklist: Checklist, people: Sequence[Given], settled: Given | None = None) -> Checklist:
    """Lay people's answers over a checklist: what somebody settled stands, else what all who answered agree on.

    An item on which they differ waits, in dispute. Answers to items that the checklist does not have are left out.
    """
    agreed: dict[str, dict[str, Answer]] = defaultdict(dict)
    disputed: dict[str, str] = {}
    for entry in checklist.entries:
        given = _spoken(form_id(entry.id), [settled] if settled else []) or _spoken(form_id(entry.id), people)
        if len({answer.value for _, answer in given}) > 1:
            disputed[entry.id] = "; ".join(f"{by} says {spoken(str(answer.value))}" for by, answer in given)
        elif given:
            agreed[" and ".join(by for by, _ in given)][entry.id] = _joined([answer for _, answer in given])
    for by, answers in agreed.items():
        checklist = checklist.answered(answers, by)
    return checklist.in_dispute(disputed)


def _spoken(item: str, people: Sequence[Given]) -> list[tuple[str, Answer]]:
    return [(by, answers[item]) for by, answers in people if item in answers and answers[item].value in SAID]


def _joined(answers: Sequence[Answer]) -> Answer:
    """The same word of several people with what each quoted and gave as a reason, each once."""
    quotes, reasons = (
        dict.fromkeys(text for one in answers if (text := getattr(one, field).strip())) for field in ("quote", "reason")
    )
    return Answer(answers[0].value, "; ".join(reasons), " / ".join(quotes))


def counted(values: Iterable[object]) -> dict[Said, int]:
    """Return how often each word is among the values of answers."""
    given = list(values)
    return {word: given.count(word) for word in SAID}


def spoken(word: str) -> str:
    """Return a word of a form as people read it: `not_reported` is `not reported`."""
    return word.replace("_", " ")
