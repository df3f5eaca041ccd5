"""A manuscript as values: sections of sentences, tables of cells, figures, equations, references and hidden text.

Every part knows its place, so that a finding can point at the page and box of a PDF or at the line of a source file.
Readers make these values; the checks only read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Source = Literal["pdf", "latex", "markdown"]

RESULT_ROLES = frozenset({"", "p", "n", "low", "high"})
"""Roles of a `Number` that states a quantity; every other role is a label, a date or a part of a name."""


class Box(NamedTuple):
    """A rectangle on a page, in points from the top left corner; pages count from 1."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Place:
    """Where something stands: the title of its section, and page and boxes (PDF) or line (LaTeX, Markdown).

    `line` counts from 1 in the file that was read; text of an included file has the line of the line that includes it.
    """

    section: str
    page: int | None = None
    line: int | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Number:
    """A number as it is written; `text` is the owner's text from `start` to `end`, sign included, unit left out."""

    text: str
    value: float
    """As written: "81.3%" has the value 81.3 and the unit "%"; thousands separators and exponents are applied."""
    decimals: int
    """Digits after the point of the value written out: 2 for 0.81, 4 for 1.5e-3, 0 for 150."""
    unit: str
    """"" (none given), "%", "pp" (percentage points), or the unit as written: "ms", "mg/dL", "M" ..."""
    start: int
    end: int
    sign: str = ""
    """"+", "-" or "", whatever dash was used."""
    uncertainty: Number | None = None
    """What follows ±, or stands in brackets behind a value as a deviation; it is not listed a second time."""
    relation: str = ""
    """"=", "<", ">", "<=", ">=", "~" or "": what is written in front."""
    role: str = ""
    """"" a quantity, "p" a p value, "n" a count of cases, "low" and "high" the ends of a range or interval;
    not results: "year", "date", "citation", "label" (of a section, table, figure, equation), "ordinal", "level"
    (the 95 of "95% CI"), "identifier" (DOI, arXiv, version, address), "name" (the 50 of ResNet-50), "index" (x_1)."""

    @property
    def is_result(self) -> bool:
        """Whether it states a quantity, rather than a year, a citation, a label or a part of a name."""
        return self.role in RESULT_ROLES


@dataclass(frozen=True)
class Sentence:
    """One sentence, its line breaks and hyphenation undone."""

    text: str
    place: Place
    numbers: tuple[Number, ...] = ()
    citations: tuple[str, ...] = ()
    """Keys of the cited references, as in `Reference.key`."""


@dataclass(frozen=True)
class Section:
    """A heading and the sentences up to the next heading. `level` is 1 for a section, 2 for a subsection ..."""

    title: str
    level: int
    sentences: tuple[Sentence, ...]
    place: Place


@dataclass(frozen=True)
class Cell:
    """One cell of a table. A cell that spans several is repeated in each, so that all rows have the same length."""

    text: str
    row: int
    column: int
    numbers: tuple[Number, ...] = ()
    bold: bool = False
    header: bool = False
    """Whether it belongs to the header rows; a row's name in the first column is not a header."""
    place: Place = Place("")


@dataclass(frozen=True)
class Table:
    """A table by rows: `cells[row][column]`, all rows of one length."""

    label: str
    """As a reader cites it, for example "Table 2"; empty when it has none."""
    caption: str
    cells: tuple[tuple[Cell, ...], ...]
    place: Place
    arrows: tuple[str, ...] = ()
    """Per column "↑", "↓" or "", as the header says which way is better; empty when no header does."""
    key: str = ""
    """The source's own label, for example "tab:main" (LaTeX)."""

    @property
    def header_rows(self) -> int:
        """How many rows at the top are header rows."""
        return next((i for i, row in enumerate(self.cells) if not any(c.header for c in row)), len(self.cells))


@dataclass(frozen=True)
class Figure:
    """A figure with its caption; `image` is a PNG of bounded size, or None when there was none to take."""

    label: str
    caption: str
    place: Place
    image: bytes | None = None
    key: str = ""


@dataclass(frozen=True)
class Equation:
    """A displayed equation: the characters on the page (PDF) or the source between the delimiters (LaTeX)."""

    text: str
    place: Place


@dataclass(frozen=True)
class Reference:
    """One entry of the reference list; a field that could not be told is empty or None."""

    key: str
    """The number as cited ("12"), the citation's label ("Smith et al., 2020") or the BibTeX key."""
    text: str
    title: str
    authors: tuple[str, ...]
    year: int | None
    doi: str
    arxiv: str
    url: str
    venue: str
    place: Place


@dataclass(frozen=True)
class HiddenText:
    """Text that a reader of the page does not see. `why` is one plain sentence."""

    text: str
    why: str
    place: Place


@dataclass(frozen=True)
class Manuscript:
    """A manuscript that was read. `notes` tell what was cut off, left out or could not be told."""

    source: Source
    title: str
    abstract: str
    sections: tuple[Section, ...]
    """In reading order; the abstract is a section of its own (level 1), the reference list is none."""
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    equations: tuple[Equation, ...]
    references: tuple[Reference, ...]
    hidden: tuple[HiddenText, ...]
    pages: int | None
    sha256: str
    notes: tuple[str, ...] = ()
    captions: tuple[Sentence, ...] = ()
    """The captions of tables and figures as sentences."""

    def sentences(self) -> Iterator[Sentence]:
        """Every sentence of every section in reading order, then those of the captions."""
        for section in self.sections:
            yield from section.sentences
        yield from self.captions
