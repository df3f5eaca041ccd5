"""What a paper states together: measures with their values in sentences and tables, and how far rounding can reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from evaluators.manuscript.document import Cell, Manuscript, Number, Place, Sentence, Table
from evaluators.manuscript.integrity.vocabulary import measures_in

SHARES = frozenset(
    re.findall(
        r"\w+",
        "balanced_accuracy average_precision auc f1 accuracy npv ppv precision sensitivity recall specificity dice iou",
    )
)
"""Measures between 0 and 1 (or 0 and 100 %)."""
SIGNED_SHARES = frozenset({"kappa", "mcc"})
"""Measures between -1 and 1."""

_AVERAGED = re.compile(r"\b(macro|weighted|micro|averaged?|mean|avg|overall|cross-?validat\w+|folds?|seeds)\b", re.I)
_ONLY = re.compile(
    r"\(?\s*9[05]\s?%?\s?(ci|confidence interval)\s*\)?|95%|\[[^\]]*\]|±\s?(sd|std|se)?|\b(mean|sd|std|score|value|the|"
    r"averaged?|avg|overall|of|in|our|and)\b|[↑↓⇑⇓%()/,.:;±*†‡§–—-]|\s",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\s*(?:\((?:[A-Z]{2,6}|qwk|[^()\d]{1,24})\)\s*)?(?:,?\s*(?:score|value|rate)s?)?\s*"
    r"(?:of|was|is|were|=|:|reached|reaches|reaching|at|equal to|to be|are|stood at|,)?\s*"
    r"(?:about|approximately|only|just|up to)?\s*[=≈~]?\s*[(\[]?\s*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:,|;|and|, and|as well as|/|respectively)?\s*", re.IGNORECASE)


class Band(NamedTuple):
    """All values that could have been printed as one number; both ends belong to it."""

    low: float
    high: float

    def scaled(self, factor: float) -> Band:
        """The band in another unit."""
        return Band(self.low * factor, self.high * factor)

    def meets(self, other: Band) -> bool:
        """Whether one value lies in both."""
        slack = 1e-9 * max(1.0, abs(self.high), abs(other.high))
        return self.low <= other.high + slack and other.low <= self.high + slack


def band(value: float, decimals: int, *, cut: bool = False) -> Band:
    """What rounds to `value` at its decimals; with `cut` also what is cut off to it."""
    step = 10.0**-decimals
    low, high = value - step / 2, value + step / 2
    if cut:
        low, high = (low, value + step) if value >= 0 else (value - step, high)
    return Band(low, high)


def share_band(number: Number, percent: bool, *, cut: bool = False) -> Band:
    """The band of a share, brought to 0..1."""
    return band(number.value, number.decimals, cut=cut).scaled(0.01 if percent else 1.0)


def is_percent(number: Number, among: Iterable[Number] = (), told: str = "") -> bool:
    """Whether a share is written in percent: by its unit, by its header, or because it or a neighbour exceeds 1.5.

    A neighbour that names its own percent says nothing of a number that does not, nor does one with fewer decimals of
    "0.912".
    """
    if _says_percent(number) or "%" in told or abs(number.value) > 1.5:
        return True
    exact = number.decimals if number.decimals > 1 and abs(number.value) <= 1 else 0
    return any(abs(one.value) > 1.5 and not _says_percent(one) and one.decimals >= exact for one in among)


def _says_percent(number: Number) -> bool:
    return number.unit in {"%", "pp"}


class Stated(NamedTuple):
    """A measure and the value that a sentence gives it."""

    measure: str
    number: Number
    start: int
    end: int


def stated_in(sentence: Sentence) -> tuple[Stated, ...]:
    """Measures with their values, for "sensitivity of 0.91", "0.91 sensitivity" and "x and y of 0.91 and 0.85".

    A measure that the sentence gives two values is left out, since the sentence then speaks of two things.
    """
    found = [*_after(sentence), *_listed(sentence)] or list(_before(sentence))
    counted = [one.measure for one in found]
    return tuple(one for one in found if counted.count(one.measure) == 1)


def _values(sentence: Sentence) -> tuple[Number, ...]:
    return tuple(n for n in sentence.numbers if n.role == "" and n.relation in {"", "=", "~"})


def _after(sentence: Sentence) -> Iterator[Stated]:
    text, named = sentence.text, measures_in(sentence.text)
    values = _values(sentence)
    for index, (start, end, measure) in enumerate(named):
        following = next((n for n in values if n.start >= end), None)
        stop = named[index + 1][0] if index + 1 < len(named) else len(text)
        if following and following.start < stop and _LINK.fullmatch(text[end : following.start]):
            previous = named[index - 1] if index else None
            if previous and _BETWEEN.fullmatch(text[previous[1] : start]) and text[previous[1] : start].strip():
                continue
            yield Stated(measure.name, following, start, following.end)


def _listed(sentence: Sentence) -> Iterator[Stated]:
    """ "sensitivity, specificity and NPV of 0.91, 0.85 and 0.97"."""
    text, named, values = sentence.text, measures_in(sentence.text), _values(sentence)
    index = 0
    while index < len(named):
        run = [named[index]]
        while index + len(run) < len(named):
            following = named[index + len(run)]
            gap = text[run[-1][1] : following[0]]
            if not gap.strip() or not _BETWEEN.fullmatch(gap):
                break
            run.append(following)
        index += len(run)
        if len(run) < 2:
            continue
        numbers = [n for n in values if n.start >= run[-1][1]][: len(run)]
        if len(numbers) == len(run) and _LINK.fullmatch(text[run[-1][1] : numbers[0].start]):
            gaps = [text[a.end : b.start].lstrip("% ") for a, b in pairwise(numbers)]
            extra = [n for n in values if n.start >= numbers[-1].end]
            more = extra and _BETWEEN.fullmatch(text[numbers[-1].end : extra[0].start].lstrip("% "))
            if all(_BETWEEN.fullmatch(gap) for gap in gaps) and not more:
                for (start, _, measure), number in zip(run, numbers, strict=True):
                    yield Stated(measure.name, number, start, number.end)


def _before(sentence: Sentence) -> Iterator[Stated]:
    """ "0.91 sensitivity and 0.85 specificity"."""
    text, values = sentence.text, _values(sentence)
    for start, end, measure in measures_in(text):
        number = next((n for n in reversed(values) if n.end <= start), None)
        if number and re.fullmatch(r"\s*%?\s*", text[number.end : start]):
            yield Stated(measure.name, number, number.start, end)


@dataclass(frozen=True)
class Row:
    """The values that a table gives one system: a row, or a column where the measures are the rows."""

    name: str
    values: Mapping[str, Number]
    headers: Mapping[str, str]
    """The header of each measure as written."""
    cells: Mapping[str, Cell]
    place: Place
    averaged: bool
    """Whether header, caption or a deviation say that the values are means over classes, folds or runs."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """tp, fp, fn, tn, n, positives, negatives, where the table has them."""

    def percent(self, measure: str) -> bool:
        """Whether this measure's value is in percent."""
        shares = (
            number
            for name, number in self.values.items()
            if name in SHARES | SIGNED_SHARES and "%" not in self.headers[name]
        )
        return is_percent(self.values[measure], shares, self.headers[measure])


_ABBREVIATED = {"CA": "accuracy"}
"""Headers too short to be looked for in prose: Orange calls its classification accuracy CA."""

Line = tuple[tuple[str, ...], list[Cell]]
"""The header texts and the cells of one column or row."""

_COUNT_WORDS = (
    ("tp", r"true[- ]positives?|tps?"), ("fp", r"false[- ]positives?|fps?"), ("fn", r"false[- ]negatives?|fns?"),
    ("tn", r"true[- ]negatives?|tns?"), ("n", r"n|patients|cases|images|total|samples|subjects|rows|participants"),
    ("positives", r"positives?|positive cases|events|cases with disease"), ("negatives", r"negatives?|negative cases"),
)  # fmt: skip
_COUNTS = tuple(
    (name, re.compile(rf"\W*(?:no\. of |number of )?(?:{words})\W*(?:\(n\)|\(%\)|\({name}\))?\W*", re.IGNORECASE))
    for name, words in _COUNT_WORDS
)


def rows_of(table: Table) -> tuple[Row, ...]:
    """The systems of a table with the measures it gives each; columns of one dataset or split are kept together."""
    header = table.header_rows
    if not header or len(table.cells) <= header:
        return ()
    told = _AVERAGED.search(table.caption) is not None
    columns = list(zip(*(row for row in table.cells[:header]), strict=True))
    tops = [tuple(dict.fromkeys(c.text.strip() for c in column if c.text.strip())) for column in columns]
    lines: list[Line] = [(tops[i], [row[i] for row in table.cells[header:]]) for i in range(len(tops))]
    if _tells_systems(lines[1:]):
        body = table.cells[header:]
        return tuple(r for row in body for r in _systems(row[0].text, lines[1:], row[0].row - header, told))
    sides: list[Line] = [((row[0].text,), list(row[1:])) for row in table.cells[header:]]
    if not _tells_systems(sides):
        return ()
    names = [" ".join(top) for top in tops[1:]]
    return tuple(r for i, name in enumerate(names) for r in _systems(name, sides, i, told))


def _tells_systems(lines: list[Line]) -> bool:
    """Whether headers name two measures, or one beside two counts of cases."""
    measures = sum(_measure(top) is not None for top, _ in lines)
    return measures >= 2 or (measures == 1 and sum(_count(" ".join(top)) is not None for top, _ in lines) >= 2)


def _count(header: str) -> str | None:
    return next((key for key, pattern in _COUNTS if pattern.fullmatch(header)), None)


def _measure(texts: tuple[str, ...]) -> tuple[str, str] | None:
    """The one measure that a header names, and what else the header says."""
    if texts and texts[-1].strip() in _ABBREVIATED:
        return _ABBREVIATED[texts[-1].strip()], " ".join(texts[:-1]).lower()
    for index in range(len(texts) - 1, -1, -1):
        named = measures_in(texts[index])
        if len(named) == 1:
            start, end, measure = named[0]
            rest = " ".join((*texts[:index], texts[index][:start], texts[index][end:], *texts[index + 1 :]))
            return measure.name, _ONLY.sub("", rest).lower()
    return None


def _systems(name: str, lines: list[Line], index: int, told: bool) -> Iterator[Row]:
    groups: dict[str, dict[str, tuple[Number, str, Cell]]] = {}
    double: set[tuple[str, str]] = set()
    counts: dict[str, int] = {}
    for top, cells in lines:
        if index >= len(cells):
            continue
        cell, header = cells[index], " ".join(top)
        count = _count(header)
        if count and len(cell.numbers) == 1 and cell.numbers[0].text.replace(",", "").isdigit():
            counts[count] = int(cell.numbers[0].value)
        measured, number = _measure(top), value_of(cell)
        if measured and number:
            key, group = measured
            if key in groups.setdefault(group, {}):
                double.add((group, key))
            groups[group][key] = (number, header, cell)
    for group, held in groups.items():
        kept = {key: one for key, one in held.items() if (group, key) not in double}
        if kept:
            spread = any(number.uncertainty for number, _, _ in kept.values())
            said = any(_AVERAGED.search(header) for _, header, _ in kept.values())
            yield Row(
                name.strip(),
                {key: one[0] for key, one in kept.items()},
                {key: one[1] for key, one in kept.items()},
                {key: one[2] for key, one in kept.items()},
                next(iter(kept.values()))[2].place,
                told or spread or said,
                counts if len(groups) == 1 else {},
            )


def value_of(cell: Cell) -> Number | None:
    """The one value a cell states (with its interval or deviation), or None."""
    values = [n for n in cell.numbers if n.role == ""]
    if not values or not re.match(r"[\s*†‡(]*[+−–-]?\s*[\d.]", cell.text):
        return None
    return values[0] if len(values) == 1 and values[0].relation in {"", "="} else None


class Passage(NamedTuple):
    """A stretch of the paper with where it stands: a sentence or a table cell."""

    text: str
    place: Place


def passages(manuscript: Manuscript) -> Iterator[Passage]:
    """Every sentence, then every cell of every table."""
    for sentence in manuscript.sentences():
        yield Passage(sentence.text, sentence.place)
    for table in manuscript.tables:
        seen: set[tuple[str, Place]] = set()
        for row in table.cells:
            for cell in row:
                if cell.text.strip() and (cell.text, cell.place) not in seen:
                    seen.add((cell.text, cell.place))
                    yield Passage(cell.text, cell.place)


def says(manuscript: Manuscript, pattern: re.Pattern[str]) -> bool:
    """Whether a sentence or caption of the paper matches."""
    return any(pattern.search(sentence.text) for sentence in manuscript.sentences()) or any(
        pattern.search(table.caption) for table in manuscript.tables
    )
