"""The parts of a manuscript. Plain words hold no digits: a number is a `Num`, which knows where it was recorded.

A `Draft` is made of sections of blocks; a block holds parts: words (`str`), numbers (`Num`), names that contain
digits (`Name`), pointers to a figure or table (`See`) and to the literature (`Cite`). A digit in plain words is a
`DraftError`, so that no number can slip into a manuscript without its source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

DIGIT = re.compile(r"\d")
MOST_DECIMALS = 12


class DraftError(ValueError):
    """A manuscript that cannot be written: a number without a source, or a pointer to nothing."""


class Transform(StrEnum):
    """How the shown number follows from the recorded one."""

    VALUE = "value"
    PERCENT = "percent"
    """The recorded share in [0, 1], times 100."""
    VERBATIM = "verbatim"
    """The recorded value is a text which holds the shown number letter by letter."""


@dataclass(frozen=True)
class Num:
    """A number that the manuscript states. `pointer` is a JSON pointer into the output of that `role`.

    `value` is finite and as recorded; `shown` is the text of a verbatim number. Make it with `Source.num`, which
    reads the value, so that it cannot be misquoted.
    """

    value: float
    pointer: str
    decimals: int = 0
    role: str = "results"
    transform: Transform = Transform.VALUE
    unit: str = ""
    shown: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not math.isfinite(self.value):
            raise DraftError(f"{self.pointer} is {self.value!r}, which is no number that can be stated")
        if not 0 <= self.decimals <= MOST_DECIMALS or not self.pointer.startswith("/"):
            raise DraftError(f"{self.pointer} has no usable pointer or decimals")

    @property
    def text(self) -> str:
        """The number as it is printed, without its unit."""
        if self.transform is Transform.VERBATIM:
            return self.shown
        scaled = self.value * 100 if self.transform is Transform.PERCENT else self.value
        text = f"{scaled:.{self.decimals}f}"
        return text.lstrip("-") if float(text) == 0 else text


@dataclass(frozen=True)
class Untraced:
    """A number that could not be traced; it is printed, and the provenance names it as untraced."""

    text: str


@dataclass(frozen=True)
class Name:
    """A name, a code or an identifier that may hold digits: a column, a standard, a digest. It states no quantity."""

    text: str


@dataclass(frozen=True)
class See:
    """A pointer to a figure or table by its key; printed as its kind and number."""

    key: str


@dataclass(frozen=True)
class Cite:
    """A pointer to a reference by its key; printed as its number in brackets."""

    key: str


Part: TypeAlias = str | Num | Untraced | Name | See | Cite
Parts: TypeAlias = tuple[Part, ...]


def checked(parts: Parts) -> Parts:
    """Return the parts; `DraftError` for a digit in plain words."""
    for part in parts:
        if isinstance(part, str) and DIGIT.search(part):
            raise DraftError(f"the words {part[:80]!r} hold a number without a source; give it as a Num or a Name")
    return parts


@dataclass(frozen=True)
class Paragraph:
    """Running text. `lead` is printed in bold before it; `quoted` marks words that are somebody else's."""

    parts: Parts
    lead: str = ""
    quoted: bool = False

    def __post_init__(self) -> None:
        checked((*self.parts, self.lead))


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[Parts, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            checked(item)


@dataclass(frozen=True)
class Grid:
    """A table: `head` and `rows` have the same number of cells, `widths` are relative.

    The first `text_columns` are set to the left, the others, of numbers, to the right.
    """

    key: str
    caption: Parts
    head: tuple[Parts, ...]
    rows: tuple[tuple[Parts, ...], ...]
    note: Parts = ()
    widths: tuple[float, ...] = ()
    text_columns: int = 1

    def __post_init__(self) -> None:
        for parts in (self.caption, self.note, *self.head, *(cell for row in self.rows for cell in row)):
            checked(parts)
        if any(len(row) != len(self.head) for row in self.rows) or len(self.widths) not in (0, len(self.head)):
            raise DraftError(f"the table '{self.key}' has rows of unequal length")


@dataclass(frozen=True)
class Figure:
    """A picture: `file` is its name beside the manuscript, `data` its PNG bytes, `alt` its content in words."""

    key: str
    caption: Parts
    file: str
    data: bytes = field(repr=False)
    alt: str = ""
    width: float = 0.8
    """Share of the text's width."""

    def __post_init__(self) -> None:
        checked(self.caption)


Block: TypeAlias = Paragraph | Bullets | Grid | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `level` is 1 for a section and 2 for its parts."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 1

    def __post_init__(self) -> None:
        checked((self.title,))


@dataclass(frozen=True)
class Reference:
    """One entry of the literature, printed as it stands; `doi` without its resolver's address, `url` without a DOI."""

    key: str
    text: str
    doi: str = ""
    url: str = ""


@dataclass(frozen=True)
class Draft:
    """A whole manuscript. Numbers of figures, tables and references follow the order in which they stand."""

    title: Parts
    byline: Parts
    abstract: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    references: tuple[Reference, ...] = ()
    subject: str = ""

    def __post_init__(self) -> None:
        checked((*self.title, *self.byline))
        for parts in self.all_parts():
            for part in parts:
                self.label(part)

    def numbered(self, kind: type[Grid] | type[Figure]) -> dict[str, int]:
        """The number of each table or figure by its key."""
        keys = [block.key for section in self.sections for block in section.blocks if isinstance(block, kind)]
        if len(set(keys)) != len(keys):
            raise DraftError("two tables or figures share a key")
        return {key: number for number, key in enumerate(keys, 1)}

    def label(self, part: Part) -> str:
        """Print one part as plain words; `DraftError` for a pointer to nothing."""
        if isinstance(part, See):
            for kind, word in ((Grid, "Table"), (Figure, "Figure")):
                if number := self.numbered(kind).get(part.key):
                    return f"{word} {number}"
            raise DraftError(f"the text points to '{part.key}', which is no figure or table")
        if isinstance(part, Cite):
            keys = [reference.key for reference in self.references]
            if part.key not in keys:
                raise DraftError(f"the text cites '{part.key}', which is not among the references")
            return f"[{keys.index(part.key) + 1}]"
        return part if isinstance(part, str) else part.text

    def label_of(self, block: Grid | Figure) -> str:
        """The kind and number of a table or figure."""
        return self.label(See(block.key))

    def words(self, parts: Parts) -> str:
        """Print parts as one line of plain words."""
        return "".join(self.label(part) for part in parts)

    def all_parts(self) -> Iterator[Parts]:
        """All parts in the order in which they are printed."""
        return (parts for _where, parts in self.placed())

    def placed(self) -> Iterator[tuple[dict[str, object], Parts]]:
        """All parts with the place where they stand: section and paragraph, or table, row and column."""
        yield {"section": "Title"}, self.title
        yield {"section": "Byline"}, self.byline
        for number, paragraph in enumerate(self.abstract, 1):
            yield {"section": "Abstract", "paragraph": number}, paragraph.parts
        within = ""
        for section in self.sections:
            within = section.title if section.level == 1 else within
            title = section.title if section.level == 1 else f"{within}: {section.title}"
            for number, block in enumerate(section.blocks, 1):
                yield from self._placed_in(block, {"section": title}, number)

    def _placed_in(
        self, block: Block, where: dict[str, object], number: int
    ) -> Iterator[tuple[dict[str, object], Parts]]:
        if isinstance(block, Paragraph):
            yield where | {"paragraph": number}, block.parts
        elif isinstance(block, Bullets):
            for item, parts in enumerate(block.items, 1):
                yield where | {"paragraph": number, "item": item}, parts
        elif isinstance(block, Figure):
            yield where | {"figure": self.numbered(Figure)[block.key]}, block.caption
        else:
            table = where | {"table": self.numbered(Grid)[block.key]}
            yield table, block.caption
            for column, parts in enumerate(block.head, 1):
                yield table | {"row": 0, "column": column}, parts
            for row, cells in enumerate(block.rows, 1):
                for column, parts in enumerate(cells, 1):
                    yield table | {"row": row, "column": column}, parts
            yield table | {"note": True}, block.note


def para(*parts: Part, lead: str = "") -> Paragraph:
    """Return a paragraph of these parts."""
    return Paragraph(parts, lead)


PLACE = re.compile(r"\{(\w+)\}")


def fill(template: str, **values: Part | Parts) -> Parts:
    """Return a sentence as parts, each `{name}` replaced by the part or parts of that name.

    `DraftError` for a name that is not given, and for one that the sentence does not use.
    """
    pieces = PLACE.split(template)
    unknown, unused = set(pieces[1::2]) - values.keys(), values.keys() - set(pieces[1::2])
    if unknown or unused:
        raise DraftError(f"the sentence {template[:60]!r} and its values differ in {sorted(unknown | unused)}")
    parts: list[Part] = []
    for number, piece in enumerate(pieces):
        value = values[piece] if number % 2 else piece
        parts += value if isinstance(value, tuple) else [value]
    return tuple(part for part in parts if part != "")


def told(template: str, *, lead: str = "", **values: Part | Parts) -> Paragraph:
    """Return a paragraph made by `fill`."""
    return Paragraph(fill(template, **values), lead)
