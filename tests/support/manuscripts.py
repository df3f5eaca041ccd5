"""Small manuscripts written in a test, without any reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluators.manuscript.build import arrows_of, guess_header_rows, make_cell, make_sentences, squared
from evaluators.manuscript.document import Manuscript, Place, Section, Table

Rows = Sequence[Sequence[str]]


def table(rows: Rows, caption: str = "", label: str = "Table 1", section: str = "Results") -> Table:
    """A table from rows of texts; `**0.91**` is bold."""
    place = Place(section, page=1)
    cells = [
        [
            make_cell(text.strip("*"), i, j, bold=text.startswith("**"), place=replace(place, line=i + 1))
            for j, text in enumerate(row)
        ]
        for i, row in enumerate(rows)
    ]
    whole = squared(cells, guess_header_rows(cells, None), place)
    return Table(label, caption, whole, place, arrows_of(whole))


def _uncited(_start: int, _end: int) -> tuple[str, ...]:
    return ()


def paper(text: str | Mapping[str, str] = "", *tables: Table) -> Manuscript:
    """A manuscript from one text, or from texts by section title, and tables."""
    texts = {"Results": text} if isinstance(text, str) else text
    sections = tuple(
        Section(
            title,
            1,
            make_sentences(body, lambda _start, _end, title=title: Place(title, page=1), _uncited),
            Place(title),
        )
        for title, body in texts.items()
    )
    captions = tuple(
        sentence
        for one in tables
        for sentence in make_sentences(one.caption, lambda _start, _end, place=one.place: place, _uncited)
    )
    return Manuscript(
        "markdown", "A paper", "", sections, tuple(tables), (), (), (), (), None, "0" * 64, captions=captions
    )
