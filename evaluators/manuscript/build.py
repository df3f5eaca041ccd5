"""Parts that all readers build the same way: sentences out of running text, cells, column arrows, the digest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from evaluators.manuscript.document import Cell, Place, Sentence
from evaluators.manuscript.numbers import find_numbers
from evaluators.manuscript.sentences import split_sentences

_MIDDLE_POINT = re.compile(r"(?<![\d·⋅.,])(\d{0,4})·(?!10\s?(?:\^|[-−–⁻⁺⁰¹²³⁴-⁹]))(\d{1,4})(?![\d·⋅]|[.,]\d)")
"""A point in the middle of a line as the decimal point ("95·4%"), as some journals set it; not a product."""
LONGEST_SENTENCE = 4000
"""Characters; a longer one is cut in pieces, since no rule reads a page as one sentence."""


def make_sentences(
    text: str, place: Callable[[int, int], Place], cited: Callable[[int, int], tuple[str, ...]]
) -> tuple[Sentence, ...]:
    """The sentences of `text`; `place` and `cited` tell for a stretch of it where it stands and what it cites."""
    made = []
    text = _MIDDLE_POINT.sub(r"\1.\2", text)
    for start, end in split_sentences(text):
        for at in range(start, end, LONGEST_SENTENCE):
            stop = min(end, at + LONGEST_SENTENCE)
            piece = text[at:stop]
            made.append(Sentence(piece, place(at, stop), find_numbers(piece), cited(at, stop)))
    return tuple(made)


def make_cell(text: str, row: int, column: int, *, bold: bool = False, place: Place) -> Cell:
    """One cell with its numbers; header cells are told later, when the whole table is known."""
    text = _MIDDLE_POINT.sub(r"\1.\2", text)
    return Cell(text, row, column, find_numbers(text, cell=True, sentence=False), bold, False, place)


def squared(rows: Sequence[Sequence[Cell]], header_rows: int, place: Place) -> tuple[tuple[Cell, ...], ...]:
    """The rows filled up to one length, numbered anew, the first `header_rows` of them marked as header.

    In a table whose numbers have a comma as the decimal mark, the cells get a point.
    """
    rows = _with_points(rows)
    width = max((len(row) for row in rows), default=0)
    table = []
    for number, row in enumerate(rows):
        filled = [*row, *(Cell("", number, i, place=row[-1].place if row else place) for i in range(len(row), width))]
        table.append(tuple(replace(c, row=number, column=i, header=number < header_rows) for i, c in enumerate(filled)))
    return tuple(table)


_DECIMAL_COMMA = re.compile(r"(?<![\d.,])\d+,(?:\d{1,2}|\d{4,})(?![\d.,])")
_COMMA, _POINT = re.compile(r"(?<=\d),(?=\d)"), re.compile(r"\d\.\d")
_PAIR = re.compile(r"[(\[{]\d+,\d+[)\]}]")


def _with_points(rows: Sequence[Sequence[Cell]]) -> Sequence[Sequence[Cell]]:
    """The rows with decimal points for decimal commas: most numbers have a comma that parts no thousands, none a point.

    "0,91" and "12,5" tell; "1,234" beside them is no thousand then. Pairs such as "(1,2)" tell nothing.
    """
    numeric = [cell.text for row in rows for cell in row if cell.numbers and not cell.header]
    told = [text for text in numeric if _DECIMAL_COMMA.search(_PAIR.sub("", text))]
    if len(told) < 2 or 2 * len(told) <= len(numeric) or any(map(_POINT.search, numeric)):
        return rows
    return [[_with_point(cell) for cell in row] for row in rows]


def _with_point(cell: Cell) -> Cell:
    if not _COMMA.search(cell.text):
        return cell
    text = _COMMA.sub(".", cell.text)
    return replace(cell, text=text, numbers=find_numbers(text, cell=True, sentence=False))


def guess_header_rows(rows: Sequence[Sequence[Cell]], ruled: int | None) -> int:
    """How many rows are header: those above the first inner rule, if they are words; else the wordy first row."""
    if ruled is not None and 0 < ruled < len(rows) and not any(_states_numbers(row) for row in rows[:ruled]):
        return ruled
    if ruled is not None and ruled > 1 and not _states_numbers(rows[0]):
        return next(i for i, row in enumerate(rows) if _states_numbers(row))
    if len(rows) > 1 and not _states_numbers(rows[0]) and any(_states_numbers(row) for row in rows[1:]):
        return 1
    return 0


def _states_numbers(row: Sequence[Cell]) -> bool:
    told = [cell for cell in row[1:] if cell.text.strip()]
    numeric = [cell for cell in told if re.match(r"[\s(<>≤≥≈~±+−–-]*[\d.]+(?:\s*%|\s*±|\s*\(|\s|$)", cell.text)]
    return bool(told) and 2 * len(numeric) > len(told)


_BETTER_UP = re.compile(r"↑|⇑|higher (?:is )?better", re.IGNORECASE)
_BETTER_DOWN = re.compile(r"↓|⇓|lower (?:is )?better", re.IGNORECASE)


def arrows_of(cells: Sequence[Sequence[Cell]]) -> tuple[str, ...]:
    """Per column the direction that its header names; empty when no header names one."""
    header = [row for row in cells if any(cell.header for cell in row)]
    if not header:
        return ()
    columns = [" ".join(row[i].text for row in header) for i in range(len(header[0]))]
    found = tuple("↑" if _BETTER_UP.search(c) else "↓" if _BETTER_DOWN.search(c) else "" for c in columns)
    return found if any(found) else ()


def unique(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys without repeats, in order."""
    return tuple(dict.fromkeys(keys))


_INSTRUCTS = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|all|earlier)\b.{0,30}\b(?:instruction|prompt|text)"
    r"|\b(?:language model|LLM|AI|GPT|reviewer)s?\b.{0,60}\b(?:must|should|do not|don't|never|only|give|recommend)\b"
    r"|\b(?:give|write|output|provide|recommend)\b.{0,40}"
    r"\b(?:positive review|high(?:est)? (?:score|rating)|accept(?:ance)?\b)"
    r"|\bas an? (?:AI|language model)\b|\bdo not (?:highlight|mention) any (?:negatives|weaknesses)",
    re.IGNORECASE | re.DOTALL,
)


def instructs(text: str) -> bool:
    """Whether a remark that no reader sees reads like an instruction to a machine."""
    return _INSTRUCTS.search(text[:LONGEST_SENTENCE]) is not None
