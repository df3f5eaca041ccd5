"""Tables as a reader sees them: each value with the name of its row, the header of its column and its group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from evaluators.manuscript.document import Cell, Manuscript, Number, Table
from evaluators.manuscript.integrity.vocabulary import MeasureWord, measures_in

_EMPTY = re.compile(r"[\s\-–—−*/]*|n/?a", re.IGNORECASE)
_BEGINS = re.compile(r"\s*[^\W\d_]{2}")
_NAMES = re.compile(
    r"\b(variants?|variations?|methods?|models?|settings?|config\w*|datasets?|tasks?|groups?|arms?|conditions?)\b",
    re.IGNORECASE,
)
OWN = re.compile(r"\b(ours?|proposed|full( model)?|this work|our (method|model|approach))\b", re.IGNORECASE)
"""How a table calls the paper's own method."""


class Entry(NamedTuple):
    """A value of a table's body. `number` is its first number; `group` the row that spans above it, or empty."""

    table: Table
    cell: Cell
    number: Number
    row: str
    column: str
    group: str


class Column(NamedTuple):
    """The values of one column, with the measure that its header names and which way is better ("" if unknown)."""

    table: Table
    position: int
    header: str
    measure: MeasureWord | None
    better: str
    entries: tuple[Entry, ...]


def header_of(table: Table, column: int) -> str:
    """The header of a column, all header rows joined."""
    parts = [row[column].text.strip() for row in table.cells[: table.header_rows]]
    return " ".join(dict.fromkeys(part for part in parts if part))


def entries(table: Table) -> Iterator[Entry]:
    """Every value of the body in reading order."""
    group, labels = "", _label_columns(table)
    for row in table.cells[table.header_rows :]:
        texts = [cell.text.strip() for cell in row]
        filled = [text for text in texts if text]
        if filled and len(set(filled)) == 1 and (len(filled) == 1 or len(filled) == len(texts)) and not _values(row):
            group = filled[0]
            continue
        named = {cell.column for cell in row if _names(cell) or (cell.column in labels and not _is_value(cell.text))}
        label = " ".join(dict.fromkeys(text for text, cell in zip(texts, row, strict=True) if cell.column in named))
        for cell in row:
            if cell.numbers and cell.column not in named:
                number = next((n for n in cell.numbers if n.is_result), None)
                if number is not None:
                    yield Entry(table, cell, number, label, header_of(table, cell.column), group)


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of a table that hold values."""
    by_column: dict[int, list[Entry]] = {}
    for entry in entries(table):
        by_column.setdefault(entry.cell.column, []).append(entry)
    return tuple(_column(table, position, tuple(found)) for position, found in by_column.items())


def all_columns(manuscript: Manuscript) -> tuple[Column, ...]:
    """The columns of every table."""
    return tuple(column for table in manuscript.tables for column in columns(table))


def named_rows(table: Table) -> tuple[str, ...]:
    """The names of the rows, in order, without repeats."""
    return tuple(dict.fromkeys(entry.row for entry in entries(table) if entry.row))


def _column(table: Table, position: int, found: tuple[Entry, ...]) -> Column:
    header = header_of(table, position)
    named = measures_in(header)
    measure = named[-1][2] if named else own_measure(header)
    arrow = table.arrows[position] if position < len(table.arrows) else ""
    better = {"↑": "higher", "↓": "lower"}.get(arrow, measure.better if measure else "")
    return Column(table, position, header, measure, better, found)


def own_measure(header: str) -> MeasureWord | None:
    """A measure that only this paper has, called as its column is; None where the header is no phrase."""
    phrase = re.sub(r"\([^)]*\)|\[[^]]*\]|[↑↓%±*†]", " ", header).strip()
    parts = re.findall(r"[^\W\d_]+", phrase)
    if len(parts) < 2 or len(parts) > 4:
        return None
    return MeasureWord(" ".join(parts).lower(), r"\b" + r"[\s_-]+".join(map(re.escape, parts)) + r"(s|es)?\b", "")


def _names(cell: Cell) -> bool:
    """Whether a cell names its row rather than stating a value: it begins with words."""
    text = cell.text.strip()
    if not text or _EMPTY.fullmatch(text):
        return False
    if cell.column == 0 and not _is_value(text):
        return True
    return bool(re.match(r"[^\W\d_]{2}", text)) and not cell.numbers


def _label_columns(table: Table) -> frozenset[int]:
    """The columns behind the first that name their rows, whatever numbers stand in the names ("Learning rate 2e-3").

    Their header names no measure, every filled cell begins with words, and one at least is words alone or the header
    says that the column holds names.
    """
    found = set()
    for column in range(1, len(table.cells[0]) if table.cells else 0):
        cells = [row[column] for row in table.cells[table.header_rows :] if column < len(row)]
        filled = [cell for cell in cells if cell.text.strip() and not _EMPTY.fullmatch(cell.text.strip())]
        header = header_of(table, column)
        if not filled or measures_in(header) or not all(_BEGINS.match(cell.text) for cell in filled):
            continue
        if any(_names(cell) for cell in filled) or _NAMES.search(header):
            found.add(column)
    return frozenset(found)


def _is_value(text: str) -> bool:
    return re.match(r"[\s(<>≤≥≈~±+−–-]*[\d.]+\s*(%|±|\(|\[|/|$)", text) is not None


def _values(row: tuple[Cell, ...]) -> bool:
    return any(_is_value(cell.text.strip()) for cell in row)
