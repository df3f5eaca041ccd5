"""Rubrics as versioned data: the form that people and judges fill, its scales, weights and decision rule.

A rubric is a tree. Its leaves are scores on a closed scale, yes-or-no questions, choices and texts; groups roll up
the weighted mean of their children on 0 to 1, as PaperBench does over binary leaves (Starace et al., arXiv 2504.01848).
An answer that is missing is never a stand-in number: what rests on it is absent with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from evaluators.base import EvaluatorError
from evaluators.manuscript.datafile import Digest, Plain, read

SCHEMA = "greenlight.rubric/1"
ID = r"^[a-z][a-z0-9_]{0,39}$"
MOST_ITEMS = 400
Value = float | bool | str
Said = Literal["reported", "not_reported", "not_applicable"]
SAID: tuple[Said, ...] = get_args(Said)
"""What a person may say of an item of a checklist."""
CHECKLIST = "reporting"


class Source(Plain):
    """Where a form or a guideline comes from."""

    title: str = Field(min_length=1, max_length=300)
    url: str = Field(default="", max_length=300, pattern=r"^(https://\S+)?$")


class Item(Plain):
    """A node of a rubric. `weight` is its share in the group's mean; 0 leaves it out (texts, confidence).

    `values` are the numbers of a score, lowest first, or the words of a choice; `anchors` say what some of them mean.
    `differ_by` is the distance on the scale from which two reviewers' scores need a third person; two different words
    of a choice are 1 apart.
    """

    id: str = Field(pattern=ID)
    title: str = Field(min_length=1, max_length=120)
    question: str = Field(default="", max_length=600)
    kind: Literal["score", "yes_no", "choice", "text", "group"] = "score"
    values: tuple[float | str, ...] = Field(default=(), max_length=21, strict=False)
    anchors: dict[float | str, str] = Field(default_factory=dict)
    direction: Literal["higher", "lower"] = "higher"
    better: bool = True
    """Which answer to a yes-or-no question is the good one."""
    weight: float = Field(default=1.0, ge=0, le=1000)
    optional: bool = False
    differ_by: float | None = Field(default=None, gt=0)
    cites_prior_work: bool = False
    """Whether a text that denies novelty must name what was there before."""
    items: tuple[Item, ...] = Field(default=(), max_length=60, strict=False)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        numbers = all(isinstance(value, float) for value in self.values)
        if self.kind == "score" and (len(self.values) < 2 or not numbers or list(self.values) != _ordered(self.values)):
            raise ValueError(f"the score '{self.id}' needs two or more different numbers, lowest first, as 'values'")
        if self.kind == "choice" and (len(set(self.values)) < 2 or any(isinstance(v, float) for v in self.values)):
            raise ValueError(f"the choice '{self.id}' needs two or more different words as 'values'")
        if self.kind not in ("score", "choice") and (self.values or self.anchors):
            raise ValueError(f"'{self.id}' is no score and no choice and has no 'values' and no 'anchors'")
        if (self.kind == "group") != bool(self.items):
            raise ValueError(f"'{self.id}' has 'items' without being a group, or is a group without items")
        if unknown := [value for value in self.anchors if value not in self.values]:
            raise ValueError(f"'{self.id}' has an anchor for {unknown[0]}, which is not on its scale")
        if self.kind in ("text", "choice") and "weight" in self.model_fields_set and self.weight:
            raise ValueError(f"'{self.id}' is no number and has no 'weight'")
        return self

    @property
    def counts(self) -> bool:
        """Whether its value takes part in the group's mean."""
        return self.weight > 0 and self.kind in ("score", "yes_no", "group")

    def walk(self) -> Iterator[Item]:
        """This node and everything below it, in the form's order."""
        yield self
        for item in self.items:
            yield from item.walk()


def _ordered(values: Sequence[float | str]) -> list[float | str]:
    return sorted(set(values), key=float)


class DecisionRule(Plain):
    """Accept from this value of this item on; the recommendation that the form itself implies."""

    item: str = Field(pattern=ID)
    accept_from: float


class RubricFile(Plain):
    """The content of a rubric's file."""

    schema_: Literal["greenlight.rubric/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+)*$")
    title: str = Field(min_length=1, max_length=120)
    judges: Literal["idea", "implementation", "manuscript", "reporting"]
    """`reporting` is a checklist: it asks what a manuscript says, not how good it is, and has no total."""
    source: Source
    note: str = Field(default="", max_length=600)
    items: tuple[Item, ...] = Field(min_length=1, max_length=60, strict=False)
    decision: DecisionRule | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        nodes = [node for item in self.items for node in item.walk()]
        ids = [node.id for node in nodes]
        if len(nodes) > MOST_ITEMS:
            raise ValueError(f"it has {len(nodes)} items; at most {MOST_ITEMS} are allowed")
        if repeated := next((one for one in ids if ids.count(one) > 1), None):
            raise ValueError(f"the item '{repeated}' is there twice")
        self._weigh(nodes)
        rule = self.decision
        target = next((node for node in nodes if rule is not None and node.id == rule.item), None)
        if rule is not None and (target is None or target.kind != "score" or rule.accept_from not in target.values):
            raise ValueError(f"the decision needs a score and a value of its scale; '{rule.item}' is not that")
        return self

    def _weigh(self, nodes: Sequence[Item]) -> None:
        """A checklist has its three words and no weight; every other form has something to roll up."""
        if self.judges != CHECKLIST:
            if not any(item.counts for item in self.items):
                raise ValueError("no item has a weight, so that nothing can be rolled up")
            return
        for node in nodes:
            if node.counts or (node.kind != "group" and node.values != SAID):
                raise ValueError(f"'{node.id}' of a checklist is no choice of {', '.join(SAID)}, or has a weight")


@dataclass(frozen=True)
class Rubric:
    """A checked rubric with the digest of its file, which every review records."""

    content: RubricFile
    file: Digest

    @property
    def id(self) -> str:
        """The rubric's name."""
        return self.content.id

    @property
    def version(self) -> str:
        """The version of its content."""
        return self.content.version

    @property
    def is_checklist(self) -> bool:
        """Whether it is a reporting guideline's form, whose coverage is counted instead of a total."""
        return self.content.judges == CHECKLIST

    def nodes(self) -> tuple[Item, ...]:
        """Every item, groups included, in the form's order."""
        return tuple(node for item in self.content.items for node in item.walk())

    def leaves(self) -> tuple[Item, ...]:
        """The items that are answered."""
        return tuple(node for node in self.nodes() if node.kind != "group")

    def __getitem__(self, name: str) -> Item:
        for node in self.nodes():
            if node.id == name:
                return node
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """What a record needs to find this rubric again."""
        content = self.content
        return {
            "id": self.id,
            "version": self.version,
            "digest": self.file.digest,
            "title": content.title,
            "judges": content.judges,
        }


def rubric_names() -> tuple[str, ...]:
    """The rubrics that come with this package."""
    return tuple(sorted(one.name.removesuffix(".yaml") for one in _folder().iterdir() if one.name.endswith(".yaml")))


def load_rubric(name: str) -> Rubric:
    """Return a rubric of this package by its name; EvaluatorError lists the names for an unknown one."""
    if name not in rubric_names():
        raise EvaluatorError(f"There is no rubric '{name}'; choose one of {', '.join(rubric_names())}.")
    return Rubric(*read(_folder().joinpath(f"{name}.yaml").read_bytes(), f"{name}.yaml", RubricFile))


def read_rubric(path: Path) -> Rubric:
    """Return a rubric of one's own; EvaluatorError for a file that is none."""
    try:
        data = path.read_bytes() if path.stat().st_size <= 1 << 20 else b" " * (1 << 20)
    except OSError as error:
        raise EvaluatorError(f"{path.name} cannot be read ({error.strerror}); check the path.") from None
    return Rubric(*read(data, path.name, RubricFile))


def find_rubric(name: str) -> Rubric:
    """Return a rubric by the name of one of this package's, or by the path of a file."""
    return read_rubric(Path(name)) if name.endswith((".yaml", ".yml")) else load_rubric(name)


def _folder() -> Path:
    return Path(str(files("evaluators.manuscript").joinpath("rubrics")))


def grouped(items: Sequence[Item], values: Mapping[str, float]) -> float | None:
    """Return the weighted mean of the counting items, or None when one of them has no value."""
    counting = [item for item in items if item.counts]
    if any(item.id not in values for item in counting) or not counting:
        return None
    return sum(item.weight * values[item.id] for item in counting) / sum(item.weight for item in counting)
