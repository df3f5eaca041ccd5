"""The numbers of a paper that a run should explain, with the words beside them and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Number, Place, Sentence, Table
from evaluators.manuscript.integrity.places import Interval
from evaluators.manuscript.integrity.prose import OF_OTHERS, carried, quoted
from evaluators.manuscript.integrity.tabular import Entry, entries
from evaluators.manuscript.integrity.tracing import Surroundings
from evaluators.manuscript.integrity.vocabulary import words

FEWEST_DECIMALS = 2
"""Decimals from which a number counts for the share of traced numbers."""
FEWEST_DIGITS = 3
"""Significant digits from which a table's other numbers are compared with the run as well."""


_OWN_RESULT = re.compile(
    r"^(?!.*\b(unlike|in contrast|whereas|while)\b).*\b(our|we) (\w+ ){0,2}?"
    r"(method|approach|model|framework|experiments?|results?|achiev\w+|observ\w+|obtain\w*|reach\w*)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A sentence that tells of the paper's own results, wherever it stands."""


class Spot(NamedTuple):
    """Where in the tables a number stands; `slot` is its place among the numbers of the cell."""

    table: int
    row: int
    column: int
    slot: int


class Printed(NamedTuple):
    """A number in print. `of` is the number whose deviation it is; `interval` what is printed together with it."""

    number: Number
    place: Place
    quote: str
    around: Surroundings
    cited: bool = False
    what: str = ""
    of: Number | None = None
    spot: Spot | None = None
    interval: Interval | None = None
    counted: bool = True
    """Whether it is of two or more decimals; of other numbers only contradictions are told."""


def printed_numbers(manuscript: Manuscript) -> Iterator[Printed]:
    """The quantities of two or more decimals in tables and text, deviations behind ± after their number."""
    for position, table in enumerate(manuscript.tables):
        beside, scope = words(f"{table.caption} {table.place.section}"), _scope(table)
        for entry in entries(table):
            yield from _of_cell(entry, beside, position, scope)
    for section in manuscript.sections:
        for sentence, meant in carried(section.sentences):
            yield from _of_sentence(sentence, section.title, meant.name if meant else "")
    for caption in manuscript.captions:
        yield from _of_sentence(caption, caption.place.section)


def _scope(table: Table) -> frozenset[str]:
    """The words that the caption says of the whole table: none that a row or a column has."""
    named = frozenset[str]().union(*(words(f"{e.row} {e.column} {e.group}") for e in entries(table)))
    return words(table.caption) - named


def _of_cell(entry: Entry, beside: frozenset[str], table: int, scope: frozenset[str]) -> Iterator[Printed]:
    near = words(f"{entry.row} {entry.column}")
    text = f"{entry.column} {entry.row} {entry.table.caption}"
    around = Surroundings(near, beside | words(entry.group), text, cell=True, row=words(entry.row), scope=scope)
    what = " of ".join(part for part in (entry.column, entry.row) if part)
    cell = entry.cell
    for slot, number in enumerate(n for n in cell.numbers if n.is_result):
        spot = Spot(table, cell.row, cell.column, slot)
        printed = Printed(number, cell.place, cell.text.strip(), around, what=what, spot=spot)
        yield from _with_deviation(printed._replace(interval=_interval(cell.numbers, number)))


def _of_sentence(sentence: Sentence, title: str, meant: str = "") -> Iterator[Printed]:
    of_others = OF_OTHERS.search(title) and not _OWN_RESULT.search(sentence.text)
    cited = bool(sentence.citations) or bool(of_others)
    near, around = words(f"{sentence.text} {meant}"), words(title)
    for number in sentence.numbers:
        if number.is_result:
            beside = sentence.text[max(0, number.start - 90) : number.end + 50]
            quote, interval = quoted(sentence.text, number), _interval(sentence.numbers, number)
            before = sentence.text[max(0, number.start - 40) : number.start]
            surroundings = Surroundings(near, around, beside, before=before)
            yield from _with_deviation(Printed(number, sentence.place, quote, surroundings, cited, interval=interval))


def _with_deviation(printed: Printed) -> Iterator[Printed]:
    number, cell = printed.number, printed.spot is not None
    deviation = number.uncertainty
    if number.decimals >= FEWEST_DECIMALS or (cell and (deviation is not None or digits(number) >= FEWEST_DIGITS)):
        yield printed._replace(counted=number.decimals >= FEWEST_DECIMALS)
    if deviation is not None and (deviation.decimals >= FEWEST_DECIMALS or cell):
        yield printed._replace(number=deviation, of=number, counted=deviation.decimals >= FEWEST_DECIMALS)


def digits(number: Number) -> int:
    """How many significant digits are printed, those of a power of ten apart."""
    mantissa = re.match(r"[\d.,]*", number.text.lstrip("+-−–"))
    return len(re.sub(r"\D", "", mantissa[0] if mantissa else "").lstrip("0"))


def _interval(numbers: Sequence[Number], number: Number) -> Interval | None:
    """The estimate with its ends that `number` belongs to: a value with a low and a high end right behind it."""
    results = [n for n in numbers if n.is_result and not _is_level(n)]
    for centre, low, high in zip(results, results[1:], results[2:], strict=False):
        if (low.role, high.role) == ("low", "high") and centre.role == "" and number in (centre, low, high):
            return Interval(centre, low, high)
    return None


def _is_level(number: Number) -> bool:
    """Whether a number may be the level of an interval ("95 % interval") rather than an estimate."""
    return number.unit == "%" and number.role == "" and number.value in (80.0, 90.0, 95.0, 97.5, 99.0)
