"""A study as plain values: what was asked, of which data, what was found, and what vouches for it.

None means that nobody knows. An empty tuple means that it is known that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.reports.picture import Picture


@dataclass(frozen=True)
class Approval:
    """Who approved the protocol and when; `covers` whether it is the very protocol that was run."""

    by: str
    role: str
    at: datetime
    statement: str
    covers: bool | None


@dataclass(frozen=True)
class Card:
    """What the dataset card says; codes such as `public_dataset` stay as they were declared."""

    name: str
    title: str | None
    modality: str | None
    rights: str | None
    rights_evidence: str | None
    deidentification: str | None
    consent_basis: str | None
    split_by: str | None
    rows: int | None
    patients: int | None
    not_recorded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One check for leakage: `pass`, `fail` or `not_checked`."""

    name: str
    status: str
    detail: str


@dataclass(frozen=True)
class Deviation:
    """What was done otherwise than the protocol says, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Result:
    """One recorded number with its interval; `pointer` says where in the results it stands (RFC 6901)."""

    what: str
    measure: str
    value: float | None
    pointer: str
    low: float | None = None
    high: float | None = None
    how: str | None = None
    """How the interval was made, or what else belongs to the number."""
    count: int | None = None
    reason: str | None = None
    """Why there is no value."""


@dataclass(frozen=True)
class ResultGroup:
    """Results that answer one question; `left_out` counts those of the group that are not shown."""

    title: str
    rows: tuple[Result, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Untraced:
    """A number of the manuscript that leads to no recorded result."""

    text: str
    where: str


@dataclass(frozen=True)
class Asked:
    """What one role asked of one language model; tokens and price (USD) are None where nobody said them."""

    role: str
    model: str
    calls: int
    tokens_in: int | None
    tokens_out: int | None
    usd: float | None
    seconds: float | None


@dataclass(frozen=True)
class Cost:
    """What the study took in all."""

    tokens_in: int | None
    tokens_out: int | None
    usd: float | None
    seconds: float | None


@dataclass(frozen=True)
class Decision:
    """What a run asked a person on its way, and what they decided; None while it is open."""

    gate: str
    decision: str | None
    by: str | None
    role: str | None
    at: datetime | None


@dataclass(frozen=True)
class Determination:
    """What a person determined about the study."""

    kind: str
    statement: str
    by: str
    role: str
    at: datetime


@dataclass(frozen=True)
class Ethics:
    """The review for ethics: `pass`, `fail` or `not_reviewed`."""

    status: str
    by: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Everything about one study at the time its release was proposed."""

    backend: str
    mode: str | None
    framework: str | None
    title: str | None
    question: str | None
    context_of_use: str | None
    protocol_sha256: str | None
    approval: Approval | None
    cards: tuple[Card, ...] | None
    flow: tuple[str, ...]
    """The way of the participants through the study, one sentence each; empty where it was not recorded."""
    results: tuple[ResultGroup, ...]
    checks: tuple[Check, ...] | None
    deviations: tuple[Deviation, ...] | None
    success: tuple[tuple[str, bool | None], ...]
    ethics: Ethics
    determinations: tuple[Determination, ...]
    decisions: tuple[Decision, ...]
    other_runs: int
    numbers: int | None
    """How many numbers the manuscript states."""
    traced: int | None
    untraced: tuple[Untraced, ...]
    asked: tuple[Asked, ...]
    cost: Cost
    environment: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    """What was looked for and not found, and which file could not be read."""
    figures: tuple[Picture, ...] = ()
    pages: tuple[Picture, ...] = ()
    """The first pages of the manuscript, reduced."""
    page_count: int | None = None
    unseen: str | None = None
    """Why there is no picture of the manuscript, where there is none."""
