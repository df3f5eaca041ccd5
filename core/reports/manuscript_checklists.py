"""A manuscript's reporting checklists in a report: how they stand, who said what, and where it was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.reports.document import Score
from core.reports.manuscript import ChecklistItem, ChecklistRow

if TYPE_CHECKING:
    from evaluators.manuscript.guideline import Checklist, Entry

LONGEST_QUOTE, LONGEST_REASON = 300, 600
DISPUTED = "disputed"
NOT_PEOPLE = ("rule", "reviewer")
Found = Mapping[str, Any]


def checklist_row(checklist: Checklist) -> ChecklistRow:
    """Return a checklist as it stands, with the items that people spoke of."""
    counts = checklist.coverage
    return ChecklistRow(
        title=checklist.title,
        doi=str(checklist.guideline.get("doi") or ""),
        items=counts.items,
        by_rule=counts.reported_by_rule,
        by_people=counts.reported_by_people,
        not_reported=counts.not_reported,
        not_applicable=counts.not_applicable,
        waiting=counts.waiting,
        disputed=counts.disputed,
        said=tuple(_item(one) for one in checklist.entries if one.disputed or one.by not in NOT_PEOPLE),
    )


def _item(entry: Entry) -> ChecklistItem:
    return ChecklistItem(
        id=entry.id,
        text=entry.text,
        status=DISPUTED if entry.disputed else entry.status,
        by="" if entry.disputed else entry.by,
        quote=entry.quote[:LONGEST_QUOTE],
        by_rule=_sentences(entry)[:LONGEST_REASON],
        reason=entry.reason[:LONGEST_REASON],
    )


def _sentences(entry: Entry) -> str:
    return " / ".join(
        f"{one.quote[:LONGEST_QUOTE]} ({_where(one.place.page, one.place.line)})" for one in entry.evidence
    )


def _where(page: int | None, line: int | None) -> str:
    return f"page {page}" if page else f"line {line}" if line else "found by a rule"


def found_by_rule(lists: Iterable[Found], guideline: str, version: str) -> dict[str, str]:
    """Return by the form's id which sentences a rule found for an item, and where; empty for other forms."""
    from evaluators.manuscript.reporting import form_id, kept_checklist

    named = {"id": guideline, "version": version}
    mine = [one for one in lists if {key: one["guideline"][key] for key in named} == named]
    return {
        form_id(entry.id): _sentences(entry) for one in mine for entry in kept_checklist(one).entries if entry.evidence
    }


def word_scores(answers: Mapping[str, Found]) -> list[Score]:
    """Return a person's answers to a checklist by what they said: the items of each word, and how many they are."""
    from evaluators.manuscript.reporting import PREFIX, spoken
    from evaluators.manuscript.rubric import SAID

    items = {
        word: [_plain(one.removeprefix(PREFIX)) for one in answers if answers[one]["value"] == word] for word in SAID
    }
    return [
        Score(f"{spoken(word).capitalize()} ({len(found)})", ", ".join(found)) for word, found in items.items() if found
    ]


def _plain(item: str) -> str:
    return item.replace("_", " ")
