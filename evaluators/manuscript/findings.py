"""What the integrity checks say: findings with a place and a quote, and for each rule whether it was checked at all.

A check that lacks what it needs is `not_checked` with the reason; it is never shown as clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from evaluators.manuscript.document import Manuscript, Place

if TYPE_CHECKING:
    from evaluators.manuscript.logged import RunLog

Status = Literal["checked", "not_checked"]


class Severity(StrEnum):
    """How much a finding matters; only what contradicts itself, its run or arithmetic is HIGH."""

    HIGH = "high"
    """The paper states what cannot be true, or differs from its own run or tables."""
    MEDIUM = "medium"
    """A reader must ask: unsupported, or true only under another reading."""
    LOW = "low"
    """A weakness of reporting."""
    NOTE = "note"
    """Something to know."""


SEVERITIES = tuple(Severity)


@dataclass(frozen=True)
class Finding:
    """One thing a reader should look at. `quote` occurs in the paper; `message` is one sentence for a clinician."""

    rule: str
    severity: Severity
    message: str
    place: Place
    quote: str
    expected: str = ""
    """What would have been right, in words or as a value; empty when it cannot be told."""
    confidence: float = 1.0
    """0 to 1: how sure the rule is that this is an error and no other reading explains it."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready: the values compared, pointers into the run's files."""

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"{self.rule}: a confidence lies between 0 and 1")

    def to_json(self) -> dict[str, object]:
        """The finding as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """What one rule looked at and found. `reason` tells why it was not checked, or what was looked at."""

    rule: str
    title: str
    status: Status
    reason: str
    looked_at: int = 0
    """How many things (numbers, tables, tests, references ...) the rule could decide about."""
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready counts that are worth showing beside the findings."""

    def __post_init__(self) -> None:
        if self.status == "not_checked" and self.findings:
            raise ValueError(f"{self.rule}: what was not checked has no findings")
        if self.status == "not_checked" and not self.reason:
            raise ValueError(f"{self.rule}: say why it was not checked")

    def to_json(self) -> dict[str, object]:
        """The check as plain JSON values."""
        return {
            "rule": self.rule,
            "title": self.title,
            "status": self.status,
            "reason": self.reason,
            "looked_at": self.looked_at,
            "findings": [finding.to_json() for finding in self.findings],
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True)
class Inputs:
    """What the rules may use beside the paper. Nothing here is required: without it, some rules are not checked."""

    run: RunLog | None = None
    """The numbers and texts of the run folder the paper was written from."""
    today: date | None = None
    """The day that "future" is measured from; None means that dates are not compared."""


@dataclass(frozen=True)
class Rule:
    """One integrity rule: how it is called, where it comes from, and the function that applies it."""

    name: str
    """In kebab-case, for example "accuracy-grid"; the `rule` of its check and findings."""
    title: str
    version: str
    """Changes whenever the same paper could give other findings."""
    citation: str
    meaning: str
    """One plain sentence for a reader who does not program."""
    examine: Callable[[Rule, Manuscript, Inputs], Check]

    def __call__(self, manuscript: Manuscript, inputs: Inputs | None = None) -> Check:
        """Apply the rule."""
        return self.examine(self, manuscript, inputs or Inputs())

    def checked(
        self, looked_at: int, findings: Iterable[Finding], reason: str, evidence: Mapping[str, object] | None = None
    ) -> Check:
        """The check that was made; `reason` says what was looked at."""
        return Check(self.name, self.title, "checked", reason, looked_at, tuple(findings), evidence or {})

    def not_checked(self, reason: str) -> Check:
        """The check that could not be made, and why."""
        return Check(self.name, self.title, "not_checked", reason)


@dataclass(frozen=True)
class Report:
    """What all rules said about one paper."""

    sha256: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, the most severe and surest first."""
        found = [finding for check in self.checks for finding in check.findings]
        return tuple(sorted(found, key=lambda f: (SEVERITIES.index(f.severity), -f.confidence)))

    def count(self, severity: Severity) -> int:
        """How many findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def __getitem__(self, rule: str) -> Check:
        for check in self.checks:
            if check.rule == rule:
                return check
        raise KeyError(rule)

    def to_json(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return {
            "sha256": self.sha256,
            "checks": [check.to_json() for check in self.checks],
            "notes": list(self.notes),
        }
