"""What a comparison holds: frozen, and the same for the command line, the report and a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from core.canonical import jsonable
from core.comparison.costs import Cost, CostSummary, Rates
from evaluators.comparison import SIGN_TEST, Options, Paired, Reading

SCHEMA = "greenlight.comparison/1"


@dataclass(frozen=True)
class Candidate:
    """A model version that takes part. `licence_cleared` is None while nobody has decided."""

    label: str
    version_id: str
    origin: str
    licence: str
    licence_cleared: bool | None
    runners: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """What one candidate made of one asset: the job that counts, its readings by measure, and its cost."""

    job: str
    finished_at: datetime | None
    readings: Mapping[str, Reading]
    cost: Cost


@dataclass(frozen=True)
class AssetRow:
    """One asset with a cell for each candidate that has a result, by label."""

    key: str
    """The digest of the asset's files: the same clip in two projects is one asset."""
    name: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Excluded:
    """An asset that cannot be compared, and why."""

    asset: str
    reason: str


@dataclass(frozen=True)
class Question:
    """One measure, the answer for every two candidates, and whether it is a summary score or explains one."""

    measure: str
    title: str
    summary: bool
    pairs: tuple[Paired, ...]


@dataclass(frozen=True)
class Comparison:
    """The whole comparison. `sentences` say it in plain words; `notes` are what a reader must know."""

    at: datetime
    project: str | None
    candidates: tuple[Candidate, ...]
    rows: tuple[AssetRow, ...]
    questions: tuple[Question, ...]
    costs: Mapping[str, CostSummary]
    rates: Rates
    excluded: tuple[Excluded, ...]
    evaluators: Mapping[str, str]
    """The one version of each evaluator whose figures were used."""
    options: Options
    sentences: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def letters(self) -> dict[str, str]:
        """A short name for each candidate's label: A, B, ..., and by number past Z."""
        labels = [one.label for one in self.candidates]
        return {label: chr(65 + place) if place < 26 else str(place + 1) for place, label in enumerate(labels)}

    def to_json(self) -> dict[str, object]:
        """The comparison as plain JSON values, schema `greenlight.comparison/1`."""
        record = asdict(self)
        for question, written in zip(self.questions, record["questions"], strict=True):
            written["pairs"] = [pair.to_json() for pair in question.pairs]
        return {"schema": SCHEMA, "test": SIGN_TEST, **{name: jsonable(value) for name, value in record.items()}}
