"""A pack: the controls of one agreement, guidance, regulation or house rule, as data.

A pack is read from `pack.yaml` in its own folder, with its proving examples in `fixtures.yaml` beside it.
`extends: ID` takes over the controls of a pack in the neighbouring folder; a control of the same id replaces
the inherited one. The digest names the whole resolved content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from policies.clauses import Clause
from policies.errors import PackError

BUILTIN_FOLDER = Path(__file__).parent / "packs"
GATES = ("submit", "release", "export")
PACK_FILE = "pack.yaml"
FIXTURES_FILE = "fixtures.yaml"
PACK_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


class Severity(StrEnum):
    """How much a control weighs. Only BLOCK can keep a gate closed."""

    BLOCK = "block"
    MAJOR = "major"
    MINOR = "minor"
    ADVISORY = "advisory"


class Confidence(StrEnum):
    """How well a citation is known."""

    VERIFIED = "verified"
    """Read in the public source."""
    SETTLED = "settled"
    """Long-settled text, not opened again."""
    SECONDARY = "secondary"
    """Known from a secondary source only."""
    INFERENCE = "inference"
    """Our own reading, not said in so many words."""
    UNRESOLVED = "unresolved"
    """An open question."""


class Standing(StrEnum):
    """What kind of authority a cited text has."""

    IN_FORCE = "in force"
    GUIDANCE = "guidance"
    HOUSE_RULE = "house rule"
    DRAFT = "draft"
    NOT_ENACTED = "not enacted"


class PackStatus(StrEnum):
    """Whether a lawyer stands behind the pack."""

    DRAFT = "draft, needs counsel"
    HOUSE_RULES = "house rules"
    SIGNED = "signed by counsel"


STRONG = frozenset({Confidence.VERIFIED, Confidence.SETTLED})
UNBINDING = frozenset({Standing.DRAFT, Standing.NOT_ENACTED})


@dataclass(frozen=True)
class Citation:
    """Where a control comes from. `verified_on` is a day or a month (`2026-11`), None if never opened."""

    instrument: str
    pinpoint: str
    status: Standing
    confidence: Confidence
    verified_on: str | None
    valid_until: date | None = None

    def carries(self, on_secondary: bool, on_draft: bool) -> bool:
        """Whether a block may rest on this citation, given what the control opted into."""
        known_well = self.confidence in STRONG or on_secondary
        return known_well and (self.status not in UNBINDING or on_draft)


@dataclass(frozen=True)
class Control:
    """One requirement: when it applies, what satisfies it, what it may rest on, and how to say so.

    `evidence` lists every fact path that the two clauses read, entries of lists written `[]`.
    `fails_text` completes "fails because ..." and may name `{binding}` or `{fact.path}`.
    """

    id: str
    version: str
    title: str
    gates: tuple[str, ...]
    severity: Severity
    applies_when: Clause
    passes_when: Clause
    evidence: tuple[str, ...]
    waivable_by: tuple[str, ...]
    citations: tuple[Citation, ...]
    plain_text: str
    fails_text: str
    next_step: str
    effective_from: date | None = None
    effective_to: date | None = None
    block_on_secondary: bool | None = None
    block_on_draft: bool | None = None

    @property
    def blocking(self) -> bool:
        """Whether this control can keep a gate closed: its severity says so and a citation carries it."""
        secondary, draft = bool(self.block_on_secondary), bool(self.block_on_draft)
        return self.severity is Severity.BLOCK and any(
            citation.carries(secondary, draft) for citation in self.citations
        )


@dataclass(frozen=True)
class Pack:
    """Controls that are in force together. `in_force_by` is the fact whose date decides whether they are."""

    id: str
    version: str
    title: str
    short_title: str
    status: PackStatus
    governs: str
    in_force_by: str
    effective_from: date | None
    effective_to: date | None
    controls: tuple[Control, ...]
    digest: str
    signed_by: str | None = None
    folder: Path | None = None

    def __getitem__(self, control_id: str) -> Control:
        for control in self.controls:
            if control.id == control_id:
                return control
        raise KeyError(control_id)

    def in_force_on(self, day: date) -> bool:
        """Whether the pack's dates, both included, hold the day."""
        return (self.effective_from or date.min) <= day <= (self.effective_to or date.max)

    @property
    def period(self) -> str:
        """The pack's dates in words."""
        start = f"from {self.effective_from.isoformat()}" if self.effective_from else "from the beginning"
        return f"{start} to {self.effective_to.isoformat()}" if self.effective_to else f"{start} on"


def builtin_ids() -> tuple[str, ...]:
    """Return the ids of the packs that come with Greenlight, sorted."""
    return tuple(sorted(file.parent.name for file in BUILTIN_FOLDER.glob(f"*/{PACK_FILE}")))


def load_builtin(pack_id: str) -> Pack:
    """Return a pack that comes with Greenlight; a PackError for an unknown id names those that exist."""
    if pack_id not in builtin_ids():
        raise PackError(f"there is no policy pack '{pack_id}'; use one of {', '.join(builtin_ids())}.")
    return load_folder(BUILTIN_FOLDER / pack_id)


@lru_cache(maxsize=64)
def load_folder(folder: Path) -> Pack:
    """Return the pack in a folder, read once per process; PackError when it is not valid."""
    from policies.loading import load

    return load(folder / PACK_FILE)


def in_force(packs: Iterable[Pack], governs: str, day: date) -> Pack:
    """Return the one pack that governs the given subject on a day; PackError when none or several do."""
    candidates = [pack for pack in packs if pack.governs == governs]
    chosen = [pack for pack in candidates if pack.in_force_on(day)]
    if len(chosen) == 1:
        return chosen[0]
    periods = "; ".join(f"{pack.id} {pack.period}" for pack in candidates) or "none"
    amount = "several packs" if chosen else "no pack"
    raise PackError(f"{amount} for '{governs}' in force on {day.isoformat()} (known: {periods}); name the pack itself.")


def builtin_in_force(governs: str, day: date) -> Pack:
    """Return the shipped pack that governs the given subject (`sag-aftra-tv` ...) on a day."""
    return in_force((load_builtin(pack_id) for pack_id in builtin_ids()), governs, day)
