"""The dossier as plain values: what an auditor reads, in the order they ask for it.

Nothing here knows a database, a page or a font: the builder fills these records, `pdf` and `html` show them.
Every moment is a timezone-aware datetime, every digest a lowercase hexadecimal SHA-256. A value that is not
known is None and is shown as such; it is never replaced by a likely one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum

from core.canonical import digest, jsonable, sha256
from core.reports.manuscript import ManuscriptPage
from core.reports.picture import Picture
from core.reports.study import Study

SCHEMA = "greenlight.dossier/1"


class Outcome(StrEnum):
    """What the headline says, which chooses its word, icon and colour."""

    APPROVED = "approved"
    REFUSED = "refused"
    OPEN = "open"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Status(StrEnum):
    """A control's verdict, by the names that the policy engine uses."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INDETERMINATE = "indeterminate"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"
    ERROR = "error"


CLOSING = (Status.FAIL, Status.ERROR, Status.INDETERMINATE, Status.WAIVED, Status.NOT_APPLICABLE, Status.PASS)
"""The order in which verdicts that keep a gate closed are told, as the gate's own sentence tells them."""


@dataclass(frozen=True)
class FrameRow:
    """The same frame in several renderings, side by side: input, input with mask, output, difference.

    `worst_for` names the measure that is worst here; empty for a frame taken at even spacing.
    """

    frame: int
    pictures: tuple[Picture, ...]
    worst_for: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Project:
    """The production or study, and what governs it."""

    id: str
    name: str
    kind: str
    agreements: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ancestor:
    """One base model in the lineage."""

    name: str
    version: str | None
    digest: str | None
    licence: str | None


@dataclass(frozen=True)
class Model:
    """The model version that made the output."""

    id: str
    name: str
    version: str
    digest: str | None
    licence: str | None
    licence_cleared: bool | None
    origin: str
    weights_format: str
    lineage: tuple[Ancestor, ...] = ()


@dataclass(frozen=True)
class Asset:
    """What went in. `mask` is one plain sentence on the mask's shares and exactness."""

    id: str
    name: str
    kind: str
    sha256: str
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    prompt: str | None = None
    mask: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One try of the job."""

    number: int
    status: str
    worker: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class Job:
    """The run that made the output; `environment` is what was recorded about the machine and the tools."""

    id: str
    runner: str
    runner_version: str
    origin: str
    status: str
    attempts: tuple[Attempt, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    output_sha256: str | None = None


@dataclass(frozen=True)
class Curve:
    """One value per frame; None where it could not be taken. `worst` lists frame numbers, worst first."""

    frames: tuple[int, ...]
    values: tuple[float | None, ...]
    worst: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.frames) != len(self.values):
            raise ValueError("a curve needs one value, or None, for each frame")


@dataclass(frozen=True)
class MeasurementRow:
    """One measure: its value with an interval, or the reason why it was not taken.

    `threshold` is the limit that a policy held it to; `meets` whether it does (None: nothing judged it).
    `meaning` is one plain sentence for a reader who does not program.
    """

    name: str
    title: str
    unit: str
    direction: str
    meaning: str
    value: float | None
    reason: str | None = None
    low: float | None = None
    high: float | None = None
    interval: str | None = None
    """How the interval was made, such as "95 % block bootstrap"."""
    threshold: float | None = None
    meets: bool | None = None
    count: int = 0
    count_of: str = "frames"
    evaluator: str = ""
    evaluator_version: str = ""
    citation: str = ""
    curve: Curve | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"{self.name}: give a value or the reason for its absence, not both")


@dataclass(frozen=True)
class Citation:
    """Where a control comes from, and how sure the pack is of it."""

    instrument: str
    pinpoint: str
    confidence: str
    verified_on: str | None = None


@dataclass(frozen=True)
class VerdictRow:
    """One control judged. `blocks` is true when this verdict keeps the gate closed."""

    control: str
    title: str
    status: Status
    sentence: str
    next_step: str | None
    severity: str
    blocks: bool
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class PackVerdicts:
    """The verdicts of one policy pack; `standing` says how far to rely on it ("draft, needs counsel")."""

    id: str
    title: str
    version: str
    standing: str
    verdicts: tuple[VerdictRow, ...]


@dataclass(frozen=True)
class Coverage:
    """One consent or exception that covers a treatment; `state` such as "in force", "expired", "revoked"."""

    consent_id: str | None
    instrument: str
    given_by: str
    given_by_role: str
    scope: str
    state: str
    signed_at: datetime | None = None
    expires: str | None = None
    evidence_sha256: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody whom the work touches, how, and what covers it (nothing, when `covered_by` is empty)."""

    subject: str
    shown_as: str
    treatment: str
    where: str | None = None
    covered_by: tuple[Coverage, ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Score:
    """One criterion of a review's rubric."""

    criterion: str
    score: str
    remark: str | None = None


@dataclass(frozen=True)
class Review:
    """A filled rubric by a person or a language-model judge."""

    reviewer: str
    kind: str
    rubric: str
    summary: str
    at: datetime
    scores: tuple[Score, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True)
class SignatureRow:
    """An electronic signature as 21 CFR 11.50 wants it shown: printed name, date and time, meaning.

    `record_sha256` is the digest of the record that was signed, so a signature cannot be moved to another.
    """

    printed_name: str
    role: str
    meaning: str
    decision: str
    at: datetime
    record_sha256: str
    authenticated_at: datetime | None = None
    id: str | None = None
    remark: str | None = None


@dataclass(frozen=True)
class AuditProof:
    """Where the record stands in the audit log, and how anybody checks that without trusting this file."""

    log_size: int
    root_hash: str
    event_index: int | None
    event_sha256: str | None
    inclusion_path: tuple[str, ...]
    checkpoint: str
    how_to_verify: tuple[str, ...]
    verified: bool | None = None


@dataclass(frozen=True)
class Evidence:
    """One file that the decision rests on."""

    name: str
    what: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True)
class Outstanding:
    """Something other than a verdict that keeps the release closed, such as a signature not yet given."""

    sentence: str
    next_step: str


@dataclass(frozen=True)
class Dossier:
    """Everything that is known about one release decision at `made_at`.

    `record_sha256` is the digest of the frozen evidence: the same that the signatures carry. `persons` is
    None when nobody has said who is visible, and empty when it is known that nobody is.
    """

    id: str
    title: str
    headline: str
    outcome: Outcome
    state: str
    gate: str
    purpose: str
    made_at: datetime
    record_sha256: str
    project: Project
    model: Model
    asset: Asset
    job: Job | None = None
    summary: str = ""
    """One short paragraph under the headline."""
    outstanding: tuple[Outstanding, ...] = ()
    frames: tuple[FrameRow, ...] = ()
    study: Study | None = None
    """What a study was and found; None for a clip."""
    manuscript: ManuscriptPage | None = None
    """What was found in a manuscript and what people said of it; None for a clip."""
    measurements: tuple[MeasurementRow, ...] = ()
    packs: tuple[PackVerdicts, ...] = ()
    persons: tuple[Person, ...] | None = None
    reviews: tuple[Review, ...] = ()
    signatures: tuple[SignatureRow, ...] = ()
    audit: AuditProof | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know before relying on this: limits, drafts, differences in length or size."""
    schema: str = field(default=SCHEMA, init=False)

    @property
    def blocking(self) -> tuple[VerdictRow, ...]:
        """The verdicts that keep the gate closed: what fails, then what broke, then what is missing."""
        found = [verdict for pack in self.packs for verdict in pack.verdicts if verdict.blocks]
        return tuple(sorted(found, key=lambda verdict: CLOSING.index(verdict.status)))

    def tally(self) -> dict[Status, int]:
        """How many controls came out in each status; statuses that none has are left out."""
        found = [verdict.status for pack in self.packs for verdict in pack.verdicts]
        return {status: found.count(status) for status in Status if status in found}

    def to_json(self) -> dict[str, object]:
        """The dossier as plain JSON values; a picture is given by its digest, size and words."""
        plain = _plain(self)
        assert isinstance(plain, dict)  # noqa: S101 - a dataclass always becomes a mapping
        return plain

    @property
    def sha256(self) -> str:
        """The digest of the dossier's canonical JSON: equal documents, equal digest."""
        return digest(self.to_json())


def _plain(value: object) -> object:
    if isinstance(value, Picture):
        return {
            "caption": value.caption,
            "alt": value.alt,
            "media_type": value.media_type,
            "sha256": sha256(value.data),
            "size": len(value.data),
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return jsonable(value)
