"""A PDF as a `Manuscript`."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.base import EvaluatorError
from evaluators.manuscript.build import arrows_of, make_sentences
from evaluators.manuscript.citations import CitationIndex
from evaluators.manuscript.document import (
    Box,
    Equation,
    Figure,
    HiddenText,
    Manuscript,
    Place,
    Reference,
    Section,
    Sentence,
    Table,
)
from evaluators.manuscript.marks import is_mark
from evaluators.manuscript.pdf.captions import Caption
from evaluators.manuscript.pdf.cells import read_grid, with_continued
from evaluators.manuscript.pdf.figures import picture_of
from evaluators.manuscript.pdf.flow import Flow, Vocabulary, paragraphs_of
from evaluators.manuscript.pdf.hidden import Unseen, mismatched_fonts, part_hidden
from evaluators.manuscript.pdf.layout import Layout, join_continued, lay_out, part_footnotes, usual_gutter
from evaluators.manuscript.pdf.lines import Run, segments_of
from evaluators.manuscript.pdf.margins import without_margins
from evaluators.manuscript.pdf.outline import Outline, Part, outline_of
from evaluators.manuscript.pdf.page import Char, Inside, Page, read_page
from evaluators.manuscript.pdf.properties import look_at_file
from evaluators.manuscript.pdf.reflist import read_references

FILE_BYTES = 100_000_000
MOST_PAGES = 150
"""Pages that are read; a longer paper is cut there, with a note."""
MOST_PICTURES = 60
SECONDS = 50.0
"""Of computing, after which no further page is begun."""


_BRACKETED = re.compile(r"[\w.,] ?\[\d{1,3}(?:[,–-] ?\d{1,3})*\]")


@dataclass
class _Found:
    """What the pages gave before their text is put together."""

    pages: list[Page] = field(default_factory=list)
    segments: list[list[Run]] = field(default_factory=list)
    hidden: list[HiddenText] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chars: list[Char] = field(default_factory=list)


def read_pdf(path: Path) -> Manuscript:
    """The manuscript in a PDF. Raises `EvaluatorError` when it is encrypted, broken, without text or too large."""
    import pypdfium2

    size = path.stat().st_size
    if size > FILE_BYTES:
        raise EvaluatorError(f"{path.name} is larger than {FILE_BYTES // 1_000_000} MB; give a smaller PDF.")
    data = path.read_bytes()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        what = "is encrypted" if "password" in str(error).lower() else "cannot be opened as a PDF"
        raise EvaluatorError(f"{path.name} {what}; give an unprotected, whole PDF.") from error
    try:
        return _read(document, path.name, hashlib.sha256(data).hexdigest(), data)
    finally:
        document.close()


def _read(document: Any, name: str, digest: str, data: bytes) -> Manuscript:
    count = len(document)
    found = _Found()
    look_at_file(document, data, found.hidden, found.notes)
    began = time.process_time()
    if count > MOST_PAGES:
        found.notes.append(f"The paper has {count} pages; the first {MOST_PAGES} were read.")
    for index in range(min(count, MOST_PAGES)):
        if time.process_time() - began > SECONDS:
            found.notes.append(f"The paper takes too long to read; the first {index} of {count} pages were read.")
            break
        _read_one(document, index, found)
    if not found.chars:
        raise EvaluatorError(f"{name} holds no text that can be read; give a PDF that was not scanned.")
    _tell_fonts(found)
    kept = without_margins(found.pages, found.segments)
    usual = usual_gutter(found.pages, kept)
    layouts = [lay_out(page, segments, usual) for page, segments in zip(found.pages, kept, strict=True)]
    join_continued(layouts)
    return _Assembly(document, found, layouts).manuscript(digest, count)


def _read_one(document: Any, index: int, found: _Found) -> None:
    import pypdfium2

    try:
        raw = document[index]
        inside = Inside(raw, index + 1)
        page = read_page(inside)
        shown = part_hidden(inside, page)
    except pypdfium2.PdfiumError:
        found.notes.append(f"Page {index + 1} is broken and was not read.")
        return
    found.hidden += [_hidden(unseen, page) for unseen in shown.unseen]
    if shown.scanned:
        found.notes.append(
            f"Page {page.number} is a picture with a text layer; the layer was read, not compared with the picture."
        )
    _tell_marks(page, found)
    page.chars = [char for char in shown.chars if not is_mark(char.text)]
    sideways = sum(not char.upright for char in page.chars)
    if sideways > 0.5 * len(page.chars) > 50:
        found.notes.append(f"Most text of page {page.number} is set sideways and was left out.")
    if page.unmapped > max(20, 0.03 * len(page.chars)):
        found.notes.append(f"{page.unmapped} characters of page {page.number} have no letters in the file.")
    found.notes += page.notes
    found.pages.append(page)
    found.segments.append(segments_of(page.chars))
    found.chars += page.chars


def _hidden(unseen: Unseen, page: Page) -> HiddenText:
    boxes = tuple(Box(page.number, *(round(v, 2) for v in run.area)) for run in segments_of(unseen.chars)[:50])
    return HiddenText(unseen.text, unseen.why, Place("", page.number, None, boxes))


def _tell_marks(page: Page, found: _Found) -> None:
    marks = [char for char in page.chars if is_mark(char.text)]
    tags = "".join(chr(ord(c.text) - 0xE0000) for c in marks if 0xE0020 <= ord(c.text[0]) <= 0xE007E)
    turns = [c for c in marks if c.text in "\u202d\u202e\u2066\u2067\u2068"]
    if tags or turns or len(marks) > 20:
        why = f"{len(marks)} characters that print nothing stand on the page."
        found.hidden.append(HiddenText(tags or "(marks without width)", why, Place("", page.number)))


def _tell_fonts(found: _Found) -> None:
    for font, letters in mismatched_fonts(found.chars):
        text = "".join(letter.text for letter in letters[:200])
        page = next((p.number for p in found.pages if any(c is letters[0] for c in p.chars)), None)
        why = f"The letters that font {font.name!r} draws are not those that are copied from it (character map)."
        found.hidden.append(HiddenText(text, why, Place("", page)))


class _Assembly:
    """Puts the pages together: sections, floats and references."""

    def __init__(self, document: Any, found: _Found, layouts: Sequence[Layout]) -> None:
        self.document, self.found, self.layouts = document, found, layouts
        self.outline: Outline = outline_of(layouts, part_footnotes)
        self.words = Vocabulary(line for layout in layouts for line in layout.lines)
        self.references: list[Reference] = read_references(self.outline.references, self.words)
        bracketed = any(_BRACKETED.search(line.text) for layout in layouts for line in layout.lines)
        self.cite = CitationIndex(tuple(self.references), raised=not bracketed)
        self.captions: list[Sentence] = []
        self.tables: list[Table] = []
        self.figures: list[Figure] = []
        self.equations: list[Equation] = []

    def manuscript(self, digest: str, pages: int) -> Manuscript:
        sections = tuple(self._section(part) for part in self.outline.parts)
        self._floats()
        abstract = next((s for s in sections if s.title == "Abstract"), None)
        return Manuscript(
            "pdf",
            self.outline.title,
            " ".join(s.text for s in abstract.sentences) if abstract else "",
            sections,
            tuple(self.tables),
            tuple(self.figures),
            tuple(self.equations),
            tuple(self.references),
            tuple(self.found.hidden),
            pages,
            digest,
            tuple(dict.fromkeys(self.found.notes)),
            tuple(self.captions),
        )

    def _section(self, part: Part) -> Section:
        sentences: list[Sentence] = []
        flows = paragraphs_of(part.lines, self.words, part.after_equation)
        for flow in [*flows, *paragraphs_of(part.footnotes, self.words)]:
            sentences += self._sentences(flow, part.title)
        self.equations += part.equations
        page = part.heading.page if part.heading else (part.lines[0].page if part.lines else None)
        boxes = (Box(part.heading.page, *part.heading.area),) if part.heading else ()
        return Section(part.title, part.level, tuple(sentences), Place(part.title, page, None, boxes))

    def _sentences(self, flow: Flow, section: str) -> tuple[Sentence, ...]:
        def place(start: int, end: int) -> Place:
            boxes = flow.boxes(start, end)
            return Place(section, boxes[0].page if boxes else None, None, boxes)

        return make_sentences(flow.text, place, lambda start, end: self.cite.cited(flow.text[start:end]))

    def _floats(self) -> None:
        pictures = 0
        for layout in self.layouts:
            for index, caption in enumerate(layout.captions):
                section = self.outline.section_at(layout.page, caption.area)
                text, place = self._caption(caption, section)
                if index in layout.grids:
                    cells = read_grid(layout.grids[index], layout.page, section)
                    for page, grid in layout.continued.get(index, ()):
                        cells = with_continued(cells, read_grid(grid, page, section))
                    self.tables.append(Table(caption.label, text, cells, place, arrows_of(cells)))
                elif caption.kind == "Table":
                    self.found.notes.append(
                        f"The cells of {caption.label} on page {layout.page.number} cannot be told."
                    )
                elif caption.kind == "Figure":
                    picture = self._picture(layout, index) if pictures < MOST_PICTURES else None
                    pictures += picture is not None
                    self.figures.append(Figure(caption.label, text, place, picture))

    def _caption(self, caption: Caption, section: str) -> tuple[str, Place]:
        flow = Flow()
        for index, line in enumerate(caption.lines):
            flow.add(line, self.words, skip=caption.mark if index == 0 else 0)
        self.captions += self._sentences(flow, section)
        page = caption.lines[0].page
        boxes = tuple(Box(page, *(round(v, 2) for v in line.area)) for line in caption.lines)
        return flow.text.strip(), Place(section, page, None, boxes)

    def _picture(self, layout: Layout, index: int) -> bytes | None:
        area = layout.figures.get(index)
        if area is None:
            return None
        page = layout.page
        return picture_of(self.document[page.number - 1], area, page.width, page.height)
