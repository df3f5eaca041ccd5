"""What the tables say, one fact a cell: which measure, of what, how much; and how sentences name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Number
from evaluators.manuscript.integrity.tabular import OWN, Column, Entry, columns
from evaluators.manuscript.integrity.vocabulary import BY_NAME, MeasureWord, measures_in


class Fact(NamedTuple):
    """A cell's value: the measure, the name of what was measured (a row or column), and which way is better."""

    measure: MeasureWord
    name: str
    entry: Entry
    better: str

    @property
    def called(self) -> str:
        """The measure as the table calls it, without arrows and units."""
        header = self.entry.row if self.name == self.entry.column else self.entry.column
        return re.sub(r"\s*(\([^)]*\)|[↑↓])", "", header).strip() or self.measure.name.replace("_", " ")

    @property
    def number(self) -> Number:
        """The cell's first number."""
        return self.entry.number


def facts(manuscript: Manuscript) -> tuple[Fact, ...]:
    """Every cell whose column, row or caption names a measure."""
    found = []
    for table in manuscript.tables:
        told = {measure for _, _, measure in measures_in(table.caption)}
        for column in columns(table):
            found += [fact for entry in column.entries if (fact := _fact(column, entry, told)) is not None]
    return tuple(found)


def _fact(column: Column, entry: Entry, told: set[MeasureWord]) -> Fact | None:
    """The measure is a known one in the header, in the row's name or in the caption, else the header's own phrase."""
    in_row = measures_in(entry.row)
    if column.measure is not None and (column.measure.name in BY_NAME or not in_row):
        return Fact(column.measure, entry.row, entry, column.better)
    if in_row:
        return Fact(in_row[-1][2], column.header, entry, in_row[-1][2].better)
    if len(told) == 1:
        measure = next(iter(told))
        return Fact(measure, entry.row, entry, measure.better)
    return None


def own_measures(known: Iterable[Fact]) -> tuple[MeasureWord, ...]:
    """The measures that only this paper's tables name."""
    return tuple(dict.fromkeys(fact.measure for fact in known if fact.measure.name not in BY_NAME))


def plain(text: str) -> str:
    """A name without case, hyphens and spaces, so that "MobileNet-V3" is "mobilenetv3"."""
    return re.sub(r"[^a-z0-9+]", "", text.lower())


class Mention(NamedTuple):
    """A name of a table in a sentence."""

    name: str
    start: int
    end: int


def mentions(text: str, names: Iterable[str]) -> list[Mention]:
    """Where a sentence names rows or columns of the tables, in order; of overlapping names the longest."""
    found: list[Mention] = []
    for name in sorted(set(names), key=len, reverse=True):
        for match in _pattern(name).finditer(text):
            if not any(match.start() < m.end and m.start < match.end() for m in found):
                found.append(Mention(name, match.start(), match.end()))
    return sorted(found, key=lambda m: m.start)


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    if OWN.search(name):
        own = r"\b(ours|our|proposed|full) (\w+[ -]){0,2}?(method|model|approach|framework|system|network)?\b"
        return re.compile(rf"{own}|{loose(name)}", re.IGNORECASE)
    return re.compile(loose(name), re.IGNORECASE)


def loose(name: str) -> str:
    """The name as a pattern: its words with any hyphen, underscore or space between; never for a single letter."""
    parts = re.findall(r"[^\W_]+|\+", name)
    if not parts or len(plain(name)) < 3 or len(name) > 60:
        return r"(?!)"
    return r"(?<!\w)" + r"[\s_–-]*".join(map(re.escape, parts)) + r"(?![\w-]*\w)"


def same(left: Number, right: Number) -> bool:
    """Whether two printed numbers can be one value: equal at the coarser of their decimals, per cent or not."""
    return any(_same(left, right, factor) for factor in _factors(left, right))


def _factors(left: Number, right: Number) -> tuple[float, ...]:
    if left.unit == "%" and right.unit != "%":
        return (100.0, 1.0)
    if right.unit == "%" and left.unit != "%":
        return (0.01, 1.0)
    small, large = sorted((abs(left.value), abs(right.value)))
    if small <= 1 < large:
        return (1.0, 100.0) if abs(left.value) > 1 else (1.0, 0.01)
    return (1.0,)


def _same(left: Number, right: Number, factor: float) -> bool:
    value = right.value * factor
    step = max(10.0**-left.decimals, 10.0**-right.decimals * factor)
    apart = abs(value) - abs(left.value)
    slack = 1e-9 * max(1.0, abs(value))
    return abs(value - left.value) <= step / 2 + slack or (0 <= apart < step - slack and value * left.value > 0)


def changes(values: Sequence[Number]) -> list[tuple[float, float, str]]:
    """Unsigned differences and percent changes of pairs as (low, high, form), as far as the decimals tell."""
    found = []
    for a in values:
        for b in values:
            if a is not b:
                found += change(a, b)
    return found


def change(a: Number, b: Number) -> list[tuple[float, float, str]]:
    """How far it is from `a` to `b`: the difference (also in points of a hundred) and the percent change."""
    half = (10.0**-a.decimals + 10.0**-b.decimals) / 2
    apart = abs(b.value - a.value)
    found = [(apart - half, apart + half, "difference"), ((apart - half) * 100, (apart + half) * 100, "points")]
    for base in (a, b):
        if base.value:
            size = abs(base.value)
            edge = 10.0**-base.decimals / 2
            low, high = (apart - half) / (size + edge), (apart + half) / max(size - edge, 1e-12)
            found.append((low * 100, high * 100, "percent change"))
    if 0 < a.value < 1 and 0 < b.value < 1:
        error = 1 - a.value
        found.append(((apart - half) / error * 100, (apart + half) / error * 100, "percent of the error"))
    return found


def is_change(number: Number, of: Iterable[tuple[float, float, str]]) -> bool:
    """Whether a printed number is one of the changes, rounded or cut off at its decimals; points are a difference."""
    step = 10.0**-number.decimals
    value = abs(number.value)
    return any(
        low - step / 2 - 1e-9 <= value <= high + step / 2 + 1e-9 or low - step < value <= high
        for low, high, form in of
        if number.unit != "pp" or form in ("difference", "points")
    )
