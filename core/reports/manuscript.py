"""What was found in a manuscript and what people said of it, as plain values. None means that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FindingRow:
    """One finding of an integrity rule: `high`, `medium`, `low` or `note`, where it stands, and the quoted line."""

    severity: str
    rule: str
    message: str
    where: str
    quote: str
    expected: str
    confidence: float


@dataclass(frozen=True)
class CheckRow:
    """One rule: `checked` or `not_checked`, what it looked at or why not, and how much it found."""

    rule: str
    title: str
    status: str
    reason: str
    looked_at: int
    findings: int


@dataclass(frozen=True)
class ChecklistItem:
    """One item that people answered: `reported`, `not_reported`, `not_applicable`, or `disputed`, and who said it.

    `by` is empty for a disputed item; `reason` then says who said what. `quote` is where a person found it, `by_rule`
    what a rule found.
    """

    id: str
    text: str
    status: str
    by: str
    quote: str
    by_rule: str
    reason: str


@dataclass(frozen=True)
class ChecklistRow:
    """One reporting guideline: what a rule found, what people said, and what waits for a reviewer or is in dispute."""

    title: str
    doi: str
    items: int
    by_rule: int
    by_people: int
    not_reported: int
    not_applicable: int
    waiting: int
    disputed: int
    said: tuple[ChecklistItem, ...]
    """The items that people answered, in the guideline's order."""


@dataclass(frozen=True)
class ItemRow:
    """What people said of one item of a form, on its own scale; `settled` is an adjudicator's value."""

    title: str
    scale: tuple[float, float]
    values: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None
    how: str
    """How the interval was made, or why there is none."""
    settled: float | None
    judges: tuple[float, ...] = ()


@dataclass(frozen=True)
class FormRow:
    """One rubric: its items, how far people agree over them, and what is still in dispute."""

    title: str
    version: str
    people: int
    judges: int
    items: tuple[ItemRow, ...]
    agreement: float | None
    agreement_low: float | None
    agreement_high: float | None
    agreement_how: str
    disputed: tuple[str, ...]


@dataclass(frozen=True)
class ManuscriptPage:
    """Everything about a manuscript at the time its dossier was made. `unread` is why nothing was measured."""

    title: str | None
    pages: int | None
    findings: tuple[FindingRow, ...]
    left_out: int
    """Findings that are not shown, as there are too many."""
    checks: tuple[CheckRow, ...]
    traced_share: float | None
    traced_of: int
    traced_reason: str | None
    checklists: tuple[ChecklistRow, ...]
    forms: tuple[FormRow, ...]
    open_reviews: int
    unread: str | None = None

    def count(self, severity: str) -> int:
        """How many of the shown findings have a severity."""
        return sum(one.severity == severity for one in self.findings)

    @property
    def unchecked(self) -> tuple[CheckRow, ...]:
        """The rules that lacked what they need; they are not clean."""
        return tuple(one for one in self.checks if one.status != "checked")
