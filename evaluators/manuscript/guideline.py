"""Reporting guidelines as checklists, filled by rule where a rule can decide, and left to a reviewer where none can.

A rule finds a sentence that reports an item; the sentence is the evidence, with a confidence. It never says that
something is missing: an item without such a sentence, or without a rule, is a reviewer's. Coverage counts as reported
only what has its evidence, or a person's word. People say it on the guideline's form (`reporting.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from evaluators.base import EvaluatorError
from evaluators.manuscript.datafile import Digest, Plain, read
from evaluators.manuscript.document import Manuscript, Place
from evaluators.manuscript.parts import PARTS, Part, Passage, passages
from evaluators.manuscript.rubric import SAID, Said
from evaluators.manuscript.scoring import Answer

RULES = "rules"
LONGEST_SENTENCE = 2_000
LOOKED = "the rule found no sentence that reports it; a reviewer has to look"
SUITABLE = "these sentences speak of it; whether it was suitable is a reviewer's answer"
NO_RULE = "no rule can decide this; a reviewer has to look"
Status = Literal[Said, "reviewer"]


class Rule(Plain):
    """Where to look and what a sentence must hold: one of `any`, or one sentence each for `all`."""

    where: tuple[Part | Literal["anywhere"], ...] = Field(min_length=1, strict=False)
    any: tuple[str, ...] = Field(default=(), strict=False)
    all: tuple[str, ...] = Field(default=(), strict=False)
    confidence: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.any) == bool(self.all):
            raise ValueError("a rule has either 'any' or 'all'")
        return self

    @field_validator("any", "all")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern {pattern!r} cannot be read ({error})") from None
        return patterns


class RuleFile(Plain):
    """All rules by name."""

    schema_: Literal["greenlight.guideline-rules/1"] = Field(alias="schema")
    version: str
    rules: dict[str, Rule]


class GuidelineItem(Plain):
    """One item in this package's own words; `rule` names the rule that can find its evidence."""

    id: str = Field(min_length=1, max_length=20)
    section: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=300)
    rule: str = ""


class GuidelineFile(Plain):
    """The content of a guideline's file."""

    schema_: Literal["greenlight.guideline/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")
    version: str
    title: str
    doi: str = Field(pattern=r"^10\.\d{4,9}/\S+$")
    scope: str
    kind: Literal["reporting", "appraisal"] = "reporting"
    """An appraisal asks whether something was done well, which no sentence decides."""
    note: str = ""
    items: tuple[GuidelineItem, ...] = Field(min_length=1, strict=False)

    @field_validator("items")
    @classmethod
    def _each_once(cls, items: tuple[GuidelineItem, ...]) -> tuple[GuidelineItem, ...]:
        ids = [item.id for item in items]
        if repeated := next((one for one in ids if ids.count(one) > 1), None):
            raise ValueError(f"the item '{repeated}' is there twice")
        return items


@dataclass(frozen=True)
class Guideline:
    """A checked guideline with the digest of its file."""

    content: GuidelineFile
    file: Digest

    def to_json(self) -> dict[str, object]:
        """What a record needs to find this guideline again."""
        return {
            "id": self.content.id,
            "version": self.content.version,
            "digest": self.file.digest,
            "doi": self.content.doi,
        }


@dataclass(frozen=True)
class Evidence:
    """The sentence that reports an item."""

    quote: str
    place: Place


@dataclass(frozen=True)
class Entry:
    """One item of a filled checklist. `by` is "rule", "reviewer" (it waits for one) or who said it, as they are called.

    `evidence` and `confidence` are the rule's; `quote` and `reason` a person's, or why the item waits. `disputed` is an
    item that waits because people differ.
    """

    id: str
    section: str
    text: str
    status: Status
    by: str
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    quote: str = ""
    disputed: bool = False


@dataclass(frozen=True)
class Coverage:
    """How many items are in each state. What waits for a reviewer counts as not reported; `disputed` ones wait too."""

    items: int
    reported_by_rule: int
    reported_by_people: int
    not_reported: int
    not_applicable: int
    waiting: int
    disputed: int = 0

    @property
    def share(self) -> float | None:
        """Reported items as a share of the applicable ones; None when none applies."""
        applicable = self.items - self.not_applicable
        return (self.reported_by_rule + self.reported_by_people) / applicable if applicable else None


@dataclass(frozen=True)
class Checklist:
    """A guideline filled for one manuscript."""

    guideline: Mapping[str, object]
    title: str
    rules_digest: str
    entries: tuple[Entry, ...]

    def __getitem__(self, item: str) -> Entry:
        for entry in self.entries:
            if entry.id == item:
                return entry
        raise KeyError(item)

    @property
    def coverage(self) -> Coverage:
        """The counts."""
        reported = [entry for entry in self.entries if entry.status == "reported"]
        by_rule = sum(entry.by == "rule" for entry in reported)
        count = {status: sum(entry.status == status for entry in self.entries) for status in (*SAID, "reviewer")}
        return Coverage(
            len(self.entries),
            by_rule,
            len(reported) - by_rule,
            count["not_reported"],
            count["not_applicable"],
            count["reviewer"],
            sum(entry.disputed for entry in self.entries),
        )

    def answered(self, answers: Mapping[str, Said | Answer], by: str) -> Checklist:
        """Return the checklist with a person's answers, which go before the rule's; EvaluatorError for unknown ones.

        What a rule found stays as evidence beside a person's word, without the rule's confidence.
        """
        given = {item: one if isinstance(one, Answer) else Answer(one) for item, one in answers.items()}
        known = {entry.id for entry in self.entries}
        for item, answer in given.items():
            if item not in known or answer.value not in SAID:
                said = f"'{item}: {answer.value}'"
                raise EvaluatorError(f"{said} is no answer; use an item of the list and {', '.join(SAID)}.")
        return replace(self, entries=tuple(_said(entry, given.get(entry.id), by) for entry in self.entries))

    def in_dispute(self, reasons: Mapping[str, str]) -> Checklist:
        """Return the checklist with these items waiting, as people differ on them; the reasons say who said what."""
        entries = tuple(
            replace(_waiting(entry), reason=reasons[entry.id], disputed=True) if entry.id in reasons else entry
            for entry in self.entries
        )
        return replace(self, entries=entries)

    def to_json(self) -> dict[str, object]:
        """The checklist as plain JSON values."""
        return {**asdict(self), "coverage": {**asdict(self.coverage), "share": self.coverage.share}}


def _said(entry: Entry, answer: Answer | None, by: str) -> Entry:
    status = next((word for word in SAID if answer is not None and answer.value == word), None)
    if answer is None or status is None:
        return entry
    return replace(_waiting(entry), status=status, by=by, reason=answer.reason, quote=answer.quote)


def _waiting(entry: Entry) -> Entry:
    return replace(entry, status="reviewer", by="reviewer", reason="", confidence=None, quote="", disputed=False)


def guideline_names() -> tuple[str, ...]:
    """The guidelines that come with this package."""
    found = (one.name.removesuffix(".yaml") for one in _folder().iterdir() if one.name.endswith(".yaml"))
    return tuple(sorted(name for name in found if name != RULES))


def load_guideline(name: str) -> Guideline:
    """Return a guideline by its name; EvaluatorError lists the names for an unknown one."""
    if name not in guideline_names():
        raise EvaluatorError(f"There is no guideline '{name}'; choose one of {', '.join(guideline_names())}.")
    found = Guideline(*read(_folder().joinpath(f"{name}.yaml").read_bytes(), f"{name}.yaml", GuidelineFile))
    rules = _rules()[0].rules
    if unknown := next((item.rule for item in found.content.items if item.rule and item.rule not in rules), None):
        raise EvaluatorError(f"The guideline {name} names the rule '{unknown}'; there is none of that name.")
    return found


def fill(guideline: Guideline, manuscript: Manuscript) -> Checklist:
    """Fill a checklist by rule; what no rule decides is marked for a reviewer."""
    rules, digest = _rules()
    found = list(passages(manuscript))
    content = guideline.content
    entries = tuple(_entry(item, rules.rules.get(item.rule), found, content.kind) for item in content.items)
    return Checklist(guideline.to_json(), guideline.content.title, digest.digest, entries)


def _entry(item: GuidelineItem, rule: Rule | None, found: list[Passage], kind: str) -> Entry:
    evidence = tuple(_evidence(rule, found)) if rule else ()
    if rule is None or not evidence or kind == "appraisal":
        reason = NO_RULE if rule is None else SUITABLE if evidence else LOOKED
        return Entry(item.id, item.section, item.text, "reviewer", "reviewer", reason, evidence)
    return Entry(item.id, item.section, item.text, "reported", "rule", "", evidence, rule.confidence)


def _evidence(rule: Rule, found: list[Passage]) -> Iterator[Evidence]:
    """One sentence for `any`, one for each of `all`; nothing when one of them has none. Earlier places go first."""
    parts = PARTS if "anywhere" in rule.where else rule.where
    inside = [passage for part in parts for passage in found if passage.part == part]
    if rule.any:
        first = _first([_pattern(pattern) for pattern in rule.any], inside)
        return iter([first] if first else [])
    each = [_first([_pattern(pattern)], inside) for pattern in rule.all]
    kept = [one for one in each if one is not None]
    return iter(dict.fromkeys(kept) if len(kept) == len(each) else [])


def _first(patterns: list[re.Pattern[str]], inside: list[Passage]) -> Evidence | None:
    for passage in inside:
        if any(pattern.search(passage.text[:LONGEST_SENTENCE]) for pattern in patterns):
            return Evidence(passage.text, passage.place)
    return None


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@cache
def _rules() -> tuple[RuleFile, Digest]:
    return read(_folder().joinpath(f"{RULES}.yaml").read_bytes(), f"{RULES}.yaml", RuleFile)


def _folder() -> Path:
    return Path(str(files("evaluators.manuscript").joinpath("guidelines")))
