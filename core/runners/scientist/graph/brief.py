"""What a study is given: the protocol, its data, its references; and what each mode may see and change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from core.errors import InputError, RunFailed
from core.runners.scientist.protocol.analysis import outer_folds
from core.runners.scientist.protocol.cohort import Cohort, select
from core.runners.scientist.protocol.data import Table, load
from core.runners.scientist.protocol.folds import Split
from core.runners.scientist.protocol.reading import read
from core.runners.scientist.protocol.schema import ReadProtocol, read_protocol
from core.runners.scientist.writing import Reference

MOST_REFERENCES = 200
LONGEST_ABSTRACT = 6000
GIVEN = ("title", "question", "context_of_use", "datasets", "eligibility", "outcome", "validation", "statistics")


class Mode(NamedTuple):
    """What a mode is shown beside `GIVEN`, whether it gets the references, and whether predictors are free."""

    shown: tuple[str, ...]
    references: bool
    free: bool
    task: str


MODES = {
    "reproduction": Mode(
        ("background", "predictors", "models", "subgroups"),
        True,
        False,
        "Carry out the study as the protocol describes it, with its predictors and models; name every deviation.",
    ),
    "innovation": Mode(
        ("background", "predictors", "subgroups"),
        True,
        True,
        "Improve on what the references did, with the given data; outcome, validation and statistics stay as they are.",
    ),
    "exploration": Mode(
        (),
        False,
        True,
        "Find your own way to the question, with the given data; outcome, validation and statistics stay as they are.",
    ),
}


class Given(NamedTuple):
    """One reference: how it is printed, and what may be known of its content."""

    reference: Reference
    abstract: str


@dataclass(frozen=True)
class Brief:
    """Everything that a study starts from."""

    protocol: ReadProtocol
    protocol_text: bytes
    """The protocol file as it was given."""
    mode: str
    table: Table
    references: Mapping[str, Given]

    @property
    def rules(self) -> Mode:
        """What the mode allows."""
        return MODES[self.mode]

    @cached_property
    def cohort(self) -> Cohort:
        """Who is analysed."""
        return select(self.protocol.protocol, self.table)

    @property
    def late(self) -> frozenset[str]:
        """Columns that exist only after the moment of use; no code gets to see them."""
        return frozenset(name for card in self.protocol.protocol.datasets for name in card.known_after_use)

    @property
    def predictors(self) -> frozenset[str]:
        """What an idea may predict from: the protocol's predictors, or any column where the mode leaves that free."""
        given = self.protocol.protocol
        if not self.rules.free:
            return frozenset(given.predictors)
        identifiers = {name for name, card in self.table.cards.items() if card.kind == "identifier"}
        return frozenset(self.table.cards) - {given.outcome.column} - identifiers - self.late

    @property
    def equipment(self) -> frozenset[str]:
        """What is at hand, in small letters."""
        return frozenset(_folded(name) for card in self.protocol.protocol.datasets for name in card.equipment)

    def shown(self) -> dict[str, object]:
        """What the models are shown of the protocol in this mode, and what they are to do."""
        raw = self.protocol.raw
        fields = {name: raw[name] for name in (*GIVEN, *self.rules.shown) if name in raw}
        columns = {name: card.model_dump(exclude_none=True) for name, card in self.table.cards.items()}
        usable = {name: card for name, card in columns.items() if name not in self.late}
        return {"mode": self.mode, "task": self.rules.task, **fields, "columns": usable, "rows": self.table.rows}

    def literature(self) -> list[dict[str, str]]:
        """The given references, for the models that may know them."""
        return [
            {"key": key, "text": given.reference.text, "abstract": given.abstract}
            for key, given in self.references.items()
        ]

    @cached_property
    def splits(self) -> tuple[tuple[Split, ...], ...]:
        """The outer folds of each repetition that the protocol fixes, which every program must use."""
        return outer_folds(self.protocol.protocol, self.cohort)

    def data(self) -> bytes:
        """The eligible rows as CSV with their number `row`, without what is known only after use."""
        table = self.cohort.table
        names = [name for name in table.values if name not in self.late]
        columns = [self.cohort.rows.tolist(), *(table.values[name].tolist() for name in names)]
        return _csv(["row", *names], zip(*columns, strict=True))

    def folds(self) -> bytes:
        """For each repetition and row the fold in which it is predicted, as CSV."""
        return _csv(["row", "repeat", "fold"], sorted(self.assigned()))

    def assigned(self) -> Iterator[tuple[int, int, int]]:
        """Row, repetition and fold of every prediction that the protocol asks for."""
        for repeat, folds in enumerate(self.splits):
            for number, (_, test) in enumerate(folds):
                for place in test:
                    yield int(self.cohort.rows[place]), repeat, number


def read_brief(inputs: Mapping[str, Path], mode: str | None) -> Brief:
    """Read what the study is given; `RunFailed` without a protocol, `InputError` for one that cannot be used."""
    if "protocol" not in inputs:
        raise RunFailed("the study has no protocol", "submit an asset of the kind 'study'")
    protocol = read_protocol(inputs["protocol"])
    chosen = mode or protocol.protocol.mode
    references = _references(inputs.get("references")) if MODES[chosen].references else {}
    return Brief(
        protocol, inputs["protocol"].read_bytes(), chosen, load(protocol.protocol.card, inputs.get("data")), references
    )


def _references(path: Path | None) -> dict[str, Given]:
    """Read a list of references: `references:` with `key`, `text`, and perhaps `doi`, `url`, `abstract`."""
    if path is None:
        return {}
    raw, _ = read(path.read_bytes(), path.name)
    listed = raw.get("references")
    if not isinstance(listed, list) or len(listed) > MOST_REFERENCES:
        raise InputError(f"{path.name} holds no list 'references', or too long a one", "list each with key and text")
    found: dict[str, Given] = {}
    for item in listed:
        fields = {name: str(value) for name, value in item.items()} if isinstance(item, dict) else {}
        key, text = fields.get("key", ""), fields.get("text", "")
        if not key.replace("-", "").replace("_", "").isalnum() or not text or key in found:
            raise InputError(f"a reference in {path.name} has no key of its own or no text", "give both")
        reference = Reference(key, text[:1000], fields.get("doi", "")[:200], fields.get("url", "")[:500])
        found[key] = Given(reference, fields.get("abstract", "")[:LONGEST_ABSTRACT])
    return found


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()


def _folded(name: str) -> str:
    return " ".join(name.lower().split())
