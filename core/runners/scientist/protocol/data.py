"""The data of a study as columns: what ships with scikit-learn, or a CSV file read within limits."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.runners.scientist.protocol.schema import ColumnCard, DatasetCard, Predicate

MAX_BYTES = 64 << 20
MAX_ROWS = 50_000
MAX_COLUMNS = 500
MAX_CELL = 1000
MISSING = frozenset({"", "NA", "NaN", "nan", "null"})
DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?\Z")

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

DIABETES = {
    "age": ("years", None),
    "sex": (None, "sex, as coded in the dataset"),
    "bmi": ("kg/m²", "body mass index"),
    "bp": (None, "average blood pressure"),
    "s1": (None, "total serum cholesterol"),
    "s2": (None, "low-density lipoproteins"),
    "s3": (None, "high-density lipoproteins"),
    "s4": (None, "ratio of total cholesterol to high-density lipoproteins"),
    "s5": (None, "possibly the logarithm of serum triglycerides"),
    "s6": (None, "blood sugar level"),
}


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name: numbers are floats, NaN where missing; the rest is text, "" where missing."""

    cards: Mapping[str, ColumnCard]
    values: Mapping[str, NDArray[np.generic]]
    sha256: str
    ignored: tuple[str, ...] = ()
    """Columns of the file that the card does not describe; they are not used."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.values.values())))

    def numeric(self, name: str) -> bool:
        """Whether a column holds numbers."""
        return self.cards[name].kind == "numeric"

    def missing(self, name: str) -> Flags:
        """Which rows have no value in a column; shape (rows,)."""
        values = self.values[name]
        return np.isnan(values.astype(np.float64)) if self.numeric(name) else np.asarray(values == "")

    def of(self, rows: Flags | Indices) -> Table:
        """The chosen rows."""
        return Table(self.cards, {name: values[rows] for name, values in self.values.items()}, self.sha256)


def load(card: DatasetCard, file: Path | None) -> Table:
    """Load the data that a card describes; `InputError` for a missing file, a broken row or a value out of place."""
    if card.source == "file":
        if file is None:
            raise InputError(f"the dataset '{card.name}' has no data file", "give data.csv beside the protocol")
        return _from_csv(card, file)
    if file is not None:
        raise InputError(
            f"the dataset '{card.name}' is {card.source}, yet a data file was given",
            "leave the file out, or say 'source: file'",
        )
    return _breast_cancer() if card.source == "sklearn:breast_cancer" else _diabetes()


def meets(table: Table, predicate: Predicate) -> Flags:
    """Which rows meet a condition; shape (rows,). A missing value meets only `missing: true`."""
    missing = table.missing(predicate.column)
    if predicate.missing is not None:
        return missing if predicate.missing else ~missing
    values = table.values[predicate.column]
    if predicate.is_ is not None or predicate.one_of:
        levels = [predicate.is_] if predicate.is_ is not None else list(predicate.one_of)
        return np.asarray(np.isin(values.astype(str), levels) & ~missing)
    numbers, met = values.astype(np.float64), ~missing
    with np.errstate(invalid="ignore"):
        for bound, test in (
            (predicate.at_least, np.greater_equal),
            (predicate.above, np.greater),
            (predicate.at_most, np.less_equal),
            (predicate.below, np.less),
        ):
            if bound is not None:
                met &= test(numbers, bound)
    return met


def _breast_cancer() -> Table:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    names = [str(name) for name in bunch.feature_names]
    cards = {name: ColumnCard(name=name, kind="numeric") for name in names}
    values: dict[str, NDArray[np.generic]] = {name: bunch.data[:, k].astype(np.float64) for k, name in enumerate(names)}
    levels = tuple(str(name) for name in bunch.target_names)
    cards["diagnosis"] = ColumnCard(name="diagnosis", kind="categorical", levels=levels)
    values["diagnosis"] = np.array(levels)[bunch.target]
    return Table(cards, values, _digest(values))


def _diabetes() -> Table:
    """The measurements in their own units: scikit-learn's default ones were scaled over all rows, which leaks."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    cards, values = {}, {}
    for number, name in enumerate(bunch.feature_names):
        unit, title = DIABETES[name]
        column = bunch.data[:, number].astype(np.float64)
        if name == "sex":
            column = np.array([f"{code:g}" for code in column])
            cards[name] = ColumnCard(name=name, kind="categorical", title=title, levels=("1", "2"))
        else:
            cards[name] = ColumnCard(name=name, kind="numeric", unit=unit, title=title)
        values[name] = column
    cards["progression"] = ColumnCard(name="progression", kind="numeric")
    values["progression"] = bunch.target.astype(np.float64)
    return Table(cards, values, _digest(values))


def _digest(values: Mapping[str, NDArray[np.generic]]) -> str:
    """SHA-256 of the table written as CSV with the shortest exact decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(values)
    writer.writerows(zip(*(column.tolist() for column in values.values()), strict=True))
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def _from_csv(card: DatasetCard, file: Path) -> Table:
    data = _bytes(file)
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        head, cells = _cells(rows, file.name)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file.name} is not CSV in UTF-8 ({error})", "save it again as CSV") from None
    columns = list(zip(*cells, strict=True))
    values: dict[str, NDArray[np.generic]] = {}
    for column in card.columns:
        if column.name not in head:
            what = f"{file.name} has no column '{column.name}', which the card of '{card.name}' describes"
            raise InputError(what, "correct the file or the card")
        values[column.name] = _column(column, columns[head.index(column.name)], file.name)
    cards = {column.name: column for column in card.columns}
    ignored = tuple(name for name in head if name not in cards)
    return Table(cards, values, hashlib.sha256(data).hexdigest(), ignored)


def _bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{file.name} is larger than {MAX_BYTES >> 20} MiB", "give fewer rows")
    return data


def _cells(rows: Iterator[list[str]], name: str) -> tuple[list[str], list[list[str]]]:
    head = [title.strip() for title in next(rows, [])]
    if not 1 <= len(head) <= MAX_COLUMNS or len(set(head)) != len(head):
        raise InputError(f"{name} has no header of 1 to {MAX_COLUMNS} distinct names", "correct its first line")
    cells: list[list[str]] = []
    for number, row in enumerate(rows, 2):
        if len(row) != len(head) or any(len(cell) > MAX_CELL for cell in row):
            raise InputError(f"line {number} of {name} has {len(row)} cells, or one that is too long", "correct it")
        if len(cells) == MAX_ROWS:
            raise InputError(f"{name} has more than {MAX_ROWS} rows", "give fewer rows")
        cells.append([cell.strip() for cell in row])
    if not cells:
        raise InputError(f"{name} holds no rows", "give at least one row of data")
    return head, cells


def _column(card: ColumnCard, cells: tuple[str, ...], name: str) -> NDArray[np.generic]:
    if card.kind == "numeric":
        return np.array([_number(cell, card.name, row, name) for row, cell in enumerate(cells, 2)])
    if card.kind == "categorical":
        known = {*card.levels, *MISSING}
        for row, cell in enumerate(cells, 2):
            if cell not in known:
                what = f"line {row} of {name} has '{cell[:40]}' as {card.name}, which is none of its levels"
                raise InputError(what, "correct the cell or the card")
    return np.array(["" if cell in MISSING and cell not in card.levels else cell for cell in cells])


def _number(cell: str, column: str, row: int, name: str) -> float:
    if cell in MISSING:
        return float("nan")
    value = float(cell) if DECIMAL.match(cell) else float("inf")
    if abs(value) > 1e300:
        raise InputError(f"line {row} of {name} has '{cell[:40]}' as {column}, which is no number", "correct the cell")
    return value
