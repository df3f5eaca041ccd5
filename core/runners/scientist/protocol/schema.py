"""The study protocol: what is asked, of which data, with which models and which statistics, fixed beforehand.

`read_protocol` is the one way in. Its digest is over the canonical JSON (RFC 8785) of what the author wrote, so that
comments and layout do not change it and any other edit does.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import InputError
from core.runners.scientist.protocol.reading import MAX_BYTES, Lines, read

SCHEMA = "greenlight.protocol/1"
MOST_FITS = 20_000
Mode = Literal["reproduction", "innovation", "exploration"]
Modality = Literal["imaging", "ehr", "genomics", "waveform", "pathology", "clinical_notes"]
BinaryModel = Literal["logistic_regression", "random_forest", "gradient_boosting"]
ContinuousModel = Literal["ridge", "lasso", "random_forest", "gradient_boosting"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True, pattern=r"^[^\n\r]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\n\r\t]*$")]
Level = Annotated[str, StringConstraints(max_length=120)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Number = Annotated[float, Field(ge=-1e300, le=1e300)]


class Strict(BaseModel):
    """A closed, frozen part of the protocol: unknown keys and loose types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Rights(Strict):
    """Under which terms the data may be used."""

    licence: Line
    evidence: Line


class Basis(Strict):
    """On what a statement about the data rests: its kind, and where that is written."""

    basis: Key
    detail: Text


class DeIdentification(Basis):
    """How the data were freed of identifiers (45 CFR 164.514)."""

    basis: Literal["safe_harbor", "expert_determination", "limited_dataset", "published_without_identifiers", "none"]


class Consent(Basis):
    """Why the data of these people may be used for this."""

    basis: Literal["consent", "waiver", "exempt", "public_dataset", "none"]


class SplitBy(Strict):
    """What keeps a patient on one side of every split: a column, or the statement that a row is a patient."""

    column: Column | None = None
    row_is_patient: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> SplitBy:
        if (self.column is None) == (self.row_is_patient is None):
            raise ValueError("give either a column or the statement row_is_patient")
        return self


class ColumnCard(Strict):
    """One column of a data file. A categorical one names its levels beforehand."""

    name: Column
    kind: Literal["numeric", "categorical", "identifier"]
    unit: Line | None = None
    title: Line | None = None
    levels: tuple[Level, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _levels(self) -> ColumnCard:
        categorical, distinct = self.kind == "categorical", len(set(self.levels))
        if distinct != len(self.levels) or (distinct < 2 if categorical else distinct > 0):
            raise ValueError("a categorical column names two or more distinct levels, another column none")
        return self


class DatasetCard(Strict):
    """What a reader and a policy must know about a dataset."""

    name: Key
    title: Line
    source: Literal["sklearn:breast_cancer", "sklearn:diabetes", "file"]
    modality: Modality
    description: Text
    setting: Text | None = None
    rights: Rights
    deidentification: DeIdentification
    consent: Consent
    split_by: SplitBy
    columns: tuple[ColumnCard, ...] = Field(default=(), max_length=500)
    not_recorded: tuple[Line, ...] = Field(default=(), max_length=50)
    """Characteristics that matter for fairness and that the data do not hold."""
    equipment: tuple[Line, ...] = Field(default=(), max_length=50)
    """What is at hand where the model would be used, in the words in which an idea may ask for it."""
    known_after_use: tuple[Column, ...] = Field(default=(), max_length=300)
    """Columns whose values exist only after the moment at which a prediction would be used."""

    @model_validator(mode="after")
    def _columns(self) -> DatasetCard:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("a column is described twice")
        if (self.source == "file") != bool(names):
            raise ValueError("a dataset from a file describes its columns; a built-in one does not")
        return self


class Predicate(Strict):
    """A condition on one column; all that is given must hold. A missing value meets none but `missing: true`."""

    column: Column
    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None
    is_: Level | None = Field(default=None, alias="is")
    one_of: tuple[Level, ...] = Field(default=(), max_length=50)
    missing: bool | None = None

    @model_validator(mode="after")
    def _some(self) -> Predicate:
        bounds = (self.at_least, self.above, self.at_most, self.below)
        numeric = any(bound is not None for bound in bounds)
        textual = self.is_ is not None or bool(self.one_of)
        if numeric + textual + (self.missing is not None) != 1:
            raise ValueError("give bounds, or levels, or missing: one kind of condition")
        return self


class Rule(Strict):
    """A named condition: who is kept (eligibility), or who belongs to a subgroup."""

    name: Line
    where: Predicate


class Outcome(Strict):
    """What is predicted. A binary one names the level that counts as the event."""

    column: Column
    kind: Literal["binary", "continuous"]
    title: Line
    definition: Text
    event: Level | None = None
    unit: Line | None = None

    @model_validator(mode="after")
    def _event(self) -> Outcome:
        if (self.kind == "binary") != (self.event is not None):
            raise ValueError("a binary outcome names its event, a continuous one does not")
        return self


class Grid(Strict):
    """The values of a model's settings that the inner folds choose from."""

    strength: tuple[Positive, ...] = Field(default=(), max_length=20)
    """Penalty of a linear model: C for logistic regression, alpha for ridge and lasso."""
    trees: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(default=(), max_length=10)
    depth: tuple[Annotated[int, Field(ge=1, le=30)], ...] = Field(default=(), max_length=10)
    smallest_leaf: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(default=(), max_length=10)
    learning_rate: tuple[Share, ...] = Field(default=(), max_length=10)

    @property
    def combinations(self) -> int:
        """How many combinations of settings the inner folds try."""
        values = (self.strength, self.trees, self.depth, self.smallest_leaf, self.learning_rate)
        return math.prod(max(1, len(one)) for one in values)


class ModelPlan(Strict):
    """One model of the closed list with its settings."""

    name: Key
    title: Line
    kind: Literal["logistic_regression", "ridge", "lasso", "random_forest", "gradient_boosting"]
    grid: Grid = Grid()

    @model_validator(mode="after")
    def _settings(self) -> ModelPlan:
        linear = self.kind in ("logistic_regression", "ridge", "lasso")
        grid = self.grid
        foreign = (grid.trees or grid.depth or grid.smallest_leaf) if linear else grid.strength
        if foreign or (grid.learning_rate and self.kind != "gradient_boosting"):
            raise ValueError(f"the grid holds a setting that {self.kind} does not have")
        return self


class Validation(Strict):
    """Nested cross-validation: outer folds estimate performance, inner folds choose settings."""

    outer_folds: Annotated[int, Field(ge=2, le=20)] = 5
    inner_folds: Annotated[int, Field(ge=2, le=10)] = 3
    repeats: Annotated[int, Field(ge=1, le=20)] = 1
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


class Statistics(Strict):
    """How performance is told."""

    primary: Literal["roc_auc", "brier", "rmse", "mae"]
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    replicates: Annotated[int, Field(ge=200, le=2000)] = 1000
    threshold: Share | None = None
    """The risk at which a patient counts as positive."""
    decision_thresholds: tuple[Share, ...] = Field(default=(), max_length=50)
    smallest_subgroup: Annotated[int, Field(ge=5, le=100_000)] = 20


class Stopping(Strict):
    """When the study ends before any model is fitted."""

    fewest_patients: Annotated[int, Field(ge=10, le=10**7)] = 50
    fewest_events: Annotated[int, Field(ge=5, le=10**7)] = 20
    """Of the rarer class; for a binary outcome only."""
    on_leakage: Literal["stop", "report"] = "report"


class Protocol(Strict):
    """A whole study, as it was written beforehand."""

    schema_: Literal["greenlight.protocol/1"] = Field(alias="schema")
    id: Key
    title: Line
    mode: Mode = "reproduction"
    question: Text
    context_of_use: Text
    background: Text | None = None
    ethics: Text | None = None
    datasets: tuple[DatasetCard, ...] = Field(min_length=1, max_length=10)
    eligibility: tuple[Rule, ...] = Field(default=(), max_length=30)
    outcome: Outcome
    predictors: tuple[Column, ...] = Field(min_length=1, max_length=300)
    models: tuple[ModelPlan, ...] = Field(min_length=1, max_length=6)
    validation: Validation = Validation()
    statistics: Statistics
    subgroups: tuple[Rule, ...] = Field(default=(), max_length=20)
    stopping: Stopping = Stopping()

    @model_validator(mode="after")
    def _whole(self) -> Protocol:
        _distinct("dataset", [card.name for card in self.datasets])
        _distinct("model", [model.name for model in self.models])
        _distinct("subgroup", [rule.name for rule in self.subgroups])
        _distinct("eligibility rule", [rule.name for rule in self.eligibility])
        _distinct("predictor", list(self.predictors))
        binary = self.outcome.kind == "binary"
        fitting = BinaryModel if binary else ContinuousModel
        for model in self.models:
            if model.kind not in get_args(fitting):
                raise ValueError(f"the model {model.kind} does not fit a {self.outcome.kind} outcome")
        if (self.statistics.primary in ("roc_auc", "brier")) != binary:
            raise ValueError(f"the primary measure {self.statistics.primary} does not fit the outcome")
        if binary != (self.statistics.threshold is not None) or (self.statistics.decision_thresholds and not binary):
            raise ValueError("a binary outcome needs a threshold, a continuous one has none")
        if self.outcome.column in self.predictors:
            raise ValueError("the outcome is among the predictors")
        for card in self.datasets:
            if late := sorted(set(card.known_after_use) & set(self.predictors)):
                raise ValueError(f"the predictor '{late[0]}' is known only after the prediction would be used")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Protocol:
        validation = self.validation
        fits = sum(validation.inner_folds * model.grid.combinations + 1 for model in self.models)
        if fits * validation.outer_folds * validation.repeats > MOST_FITS:
            raise ValueError(f"it asks for more than {MOST_FITS} fits; give fewer repetitions, folds or settings")
        return self

    @property
    def binary(self) -> bool:
        """Whether the outcome is an event."""
        return self.outcome.kind == "binary"

    @property
    def card(self) -> DatasetCard:
        """The dataset that is analysed: the first one."""
        return self.datasets[0]


def _distinct(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"a {what} is named twice")


@dataclass(frozen=True)
class ReadProtocol:
    """A protocol with its plain content and the digest (hexadecimal SHA-256) of that content's canonical JSON."""

    protocol: Protocol
    raw: dict[str, object]
    sha256: str


def read_protocol(path: Path) -> ReadProtocol:
    """Read and check a protocol file; `InputError` names the field and its line."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror})", "check that the file is there") from error
    return parse_protocol(data, path.name)


def parse_protocol(data: bytes, name: str = "protocol.yaml") -> ReadProtocol:
    """Check a protocol given as YAML bytes; `name` stands in the error."""
    import rfc8785

    raw, lines = read(data, name)
    try:
        # JSON mode: lists become tuples, everything else stays as strict as it is written.
        protocol = Protocol.model_validate_json(json.dumps(raw))
        canonical = rfc8785.dumps(raw)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _explained(error, name, lines) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} holds a value that cannot be recorded ({error})", "correct it") from None
    return ReadProtocol(protocol, raw, hashlib.sha256(canonical).hexdigest())


def _explained(error: ValidationError, name: str, lines: Lines) -> InputError:
    """Name the first field at fault, its line, and how many more there are."""
    first, *others = error.errors(include_url=False, include_context=False)
    place = tuple(first["loc"])
    known = next((lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in lines), 1)
    field = ".".join(str(part) for part in place) or "the protocol"
    reason = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(others)} more)" if others else ""
    return InputError(f"{name}, line {known}: {field}: {reason}{more}", "correct the protocol", field=field, line=known)
