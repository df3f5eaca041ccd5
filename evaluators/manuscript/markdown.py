"""A Markdown source as a `Manuscript`: headings, pipe tables, pictures, formulas, footnotes, citations, comments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluators.base import EvaluatorError
from evaluators.manuscript.build import arrows_of, guess_header_rows, make_cell, make_sentences, squared
from evaluators.manuscript.citations import CitationIndex, parse_reference
from evaluators.manuscript.document import (
    Cell,
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
from evaluators.manuscript.inline import Mapped, printed, without_comments
from evaluators.manuscript.latex.bibliography import read_bibliography
from evaluators.manuscript.latex.embedded import Embedded, Piece, without_raw_fences
from evaluators.manuscript.latex.files import SOURCE_BYTES, Folder, decode
from evaluators.manuscript.marks import strip_marks, telling_marks

MOST_LINES = 200_000
_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})\s+(?P<title>.+?)\s*#*\s*(?:\{[^}]*\})?$")
_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.\d*|[IVX]+\.)\s+(?=\S)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_RULE_ROW = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_FOOTNOTE = re.compile(r"\s*\[\^([^\]\s]{1,60})\]:\s*")
_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)\s]+)(?:\s+\"(?P<title>[^\"]*)\")?\)")
_CAPTION = re.compile(
    r"\s*(?::\s*)?[*_]{0,3}(?P<kind>Table|Figure|Fig\.)\s+(?P<number>[A-Z]?\d+[a-z]?)\s*[*_]{0,3}"
    r"\s*[.:|—–-]?[*_]{0,3}\s*(?P<text>.*)",
    re.DOTALL,
)
_ENTRY = re.compile(
    r"\s*(?:[-*+]\s+)?(?:\[(?P<key>[^\]]{1,40})\]:?|(?P<number>\d{1,3})[.)])\s+(?P<text>\S.*)", re.DOTALL
)
_REFERENCES = re.compile(r"references|bibliography|literature cited|works cited", re.IGNORECASE)
_BOLD_HEADING = re.compile(r"\s*(?:\*\*|__)(?P<title>[A-Z][^*_]{2,80}?)[.:]?(?:\*\*|__)[.:]?\s*$")
_MATHS = re.compile(r"\s*\$\$(?P<one>.+?)\$\$\s*$", re.DOTALL)


@dataclass(frozen=True)
class _Block:
    """Lines that stand together, and the number of the first."""

    lines: tuple[str, ...]
    line: int
    latex: bool = False
    """Whether it is an environment of LaTeX."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_markdown(path: Path, root: Path | None = None) -> Manuscript:
    """The manuscript in a Markdown file; other files are read only under `root`, by default the file's folder."""
    data = path.read_bytes()
    if len(data) > SOURCE_BYTES:
        raise EvaluatorError(f"{path.name} is larger than {SOURCE_BYTES // 1_000_000} MB; give the manuscript alone.")
    return _Reader(Folder(root or path.parent, path.parent)).read(decode(data), hashlib.sha256(data).hexdigest())


@dataclass
class _Reader:
    folder: Folder
    title: str = ""
    heading: str = ""
    level: int = 1
    heading_line: int = 1
    blocks: list[Mapped] = field(default_factory=list)
    open_sections: list[tuple[str, int, int, list[Mapped]]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    captions: list[tuple[Mapped, str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    hidden: list[HiddenText] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    footnotes: dict[str, Mapped] = field(default_factory=dict)
    bibliographies: list[str] = field(default_factory=list)
    abstract: str = ""
    header: str = ""
    """LaTeX that the YAML head puts before the text."""
    embedded: Embedded = field(init=False)

    def read(self, source: str, digest: str) -> Manuscript:
        source, concealed = without_comments(source)
        self.hidden += [HiddenText(text, why, Place("", None, line)) for text, why, line in concealed]
        for at, text, why in telling_marks(source):
            self.hidden.append(HiddenText(text, why, Place("", None, source.count("\n", 0, at) + 1)))
        lines = without_raw_fences(strip_marks(source).split("\n"))
        if len(lines) > MOST_LINES:
            self.notes.append(f"The source has {len(lines)} lines; the first {MOST_LINES} were read.")
        start = self._front_matter(lines)
        lines = [""] * start + lines[start:MOST_LINES]
        self.embedded = Embedded(self.folder, lines, self.header)
        blocks = list(_blocks(lines, start, self.embedded.pieces))
        for index, block in enumerate(blocks):
            self._block(
                block, blocks[index - 1] if index else None, blocks[index + 1] if index + 1 < len(blocks) else None
            )
        self._start("", 1, 1)
        self.notes += self.embedded.all_notes()
        self.hidden += self.embedded.comments()
        self.references += read_bibliography(self.folder, self.bibliographies, {}, self.notes)
        return self._manuscript(digest)

    def _manuscript(self, digest: str) -> Manuscript:
        cite = CitationIndex(tuple(self.references))
        sections = [
            Section(
                title, level, tuple(s for b in blocks for s in _sentences(b, title, cite)), Place(title, None, line)
            )
            for title, level, line, blocks in self.open_sections
            if blocks or (title and not _REFERENCES.fullmatch(title))
        ]
        if self.abstract and not any(s.title == "Abstract" for s in sections):
            text = Mapped.of(self.abstract, 1)
            sections.insert(0, Section("Abstract", 1, _sentences(text, "Abstract", cite), Place("Abstract", None, 1)))
        abstract = next((s for s in sections if s.title == "Abstract"), None)
        return Manuscript(
            "markdown",
            self.title,
            " ".join(s.text for s in abstract.sentences) if abstract else "",
            tuple(sections),
            tuple(self.tables),
            tuple(self.figures),
            tuple(self.equations),
            tuple(self.references),
            tuple(self.hidden),
            None,
            digest,
            tuple(dict.fromkeys(self.notes)),
            tuple(s for text, section in self.captions for s in _sentences(text, section, cite)),
        )

    def _front_matter(self, lines: Sequence[str]) -> int:
        """Read title, abstract and bibliography from a YAML head; returns the line behind it."""
        import yaml

        if not lines or lines[0].strip() != "---":
            return 0
        end = next((i for i, line in enumerate(lines[1:400], 1) if line.strip() in {"---", "..."}), 0)
        try:
            head = yaml.safe_load("\n".join(lines[1:end])) if end else None
        except yaml.YAMLError:
            head = None
        if not isinstance(head, dict):
            return end + 1 if end else 0
        self.title = " ".join(str(head.get("title") or "").split())
        self.abstract = " ".join(str(head.get("abstract") or "").split())
        self.header = _latex_of(head.get("header-includes"))
        named = head.get("bibliography") or []
        self.bibliographies = [str(n) for n in (named if isinstance(named, list) else [named])]
        return end + 1

    # Blocks.

    def _block(self, block: _Block, before: _Block | None, after: _Block | None) -> None:
        if block.latex:
            self._latex(block, before, after)
            return
        block = replace(block, lines=tuple(map(self.embedded.inline, block.lines)))
        first = block.lines[0]
        if heading := _HEADING.match(first):
            self._heading(heading["title"], len(heading["marks"]), block.line)
        elif len(block.lines) == 2 and _UNDERLINE.match(block.lines[1]) and first.strip():
            self._heading(first.strip(), 1 if "=" in block.lines[1] else 2, block.line)
        elif (bold := _BOLD_HEADING.match(block.text)) and "\n" not in block.text:
            self._heading(bold["title"], max(2, self.level), block.line)
        elif len(block.lines) > 1 and _RULE_ROW.match(block.lines[1]) and "|" in first:
            self._table(block, before, after)
        elif maths := _MATHS.match(block.text):
            self.equations.append(Equation(" ".join(maths["one"].split()), Place(self.heading, None, block.line)))
        elif footnote := _FOOTNOTE.match(first):
            self.footnotes[footnote[1]] = printed(Mapped.of(block.text[footnote.end() :], block.line))
            self.blocks.append(self.footnotes[footnote[1]])
        elif _REFERENCES.fullmatch(self.heading):
            self._entries(block)
        elif picture := _PICTURE.search(block.text):
            self._figure(block, picture, after)
        elif not self._is_caption(block, before, after):
            self._text(block)

    def _text(self, block: _Block) -> None:
        text = block.text
        for match in re.finditer(r"\$\$(.+?)\$\$", text, re.DOTALL):
            line = block.line + text.count("\n", 0, match.start())
            self.equations.append(Equation(" ".join(match[1].split()), Place(self.heading, None, line)))
        mapped = Mapped.of(text, block.line).sub(re.compile(r"\$\$.+?\$\$", re.DOTALL), " ")
        for item in mapped.split(_ITEM):
            self.blocks.append(printed(item))

    def _heading(self, written: str, level: int, line: int) -> None:
        title = _NUMBER.sub("", printed(Mapped.of(written, line)).text).strip(" .:")
        if level == 1 and not self.title and not self.open_sections and not self.blocks and title.lower() != "abstract":
            self.title = title
            return
        self._start(
            "Abstract" if title.lower() == "abstract" else title, max(1, level - 1) if self.title else level, line
        )

    def _start(self, title: str, level: int, line: int) -> None:
        if self.blocks or self.heading:
            self.open_sections.append((self.heading, self.level, self.heading_line, self.blocks))
        self.heading, self.level, self.heading_line, self.blocks = title, level, line, []

    def _entries(self, block: _Block) -> None:
        """The entries of a reference list: one per item, or one per paragraph."""
        starts = [i for i, line in enumerate(block.lines) if _ENTRY.match(line) or _ITEM.match(line)] or [0]
        for at, start in enumerate(starts):
            end = starts[at + 1] if at + 1 < len(starts) else len(block.lines)
            raw = "\n".join(block.lines[start:end])
            entry = _ENTRY.match(raw)
            key = (entry["key"] or entry["number"] or "").lstrip("@^") if entry else ""
            text = printed(Mapped.of(entry["text"] if entry else _ITEM.sub("", raw, count=1), block.line)).text
            place = Place("References", None, block.line + start)
            reference = parse_reference(key or str(len(self.references) + 1), text, place)
            self.references.append(reference)

    # Floats.

    def _table(self, block: _Block, before: _Block | None, after: _Block | None) -> None:
        rows: list[list[Cell]] = []
        for offset, line in enumerate(block.lines):
            if offset == 1 or not line.strip():
                continue
            place = Place(self.heading, None, block.line + offset)
            rows.append([_cell(text, len(rows), i, place) for i, text in enumerate(_split_row(line))])
        label, caption = self._caption_of("Table", before, after)
        place = Place(self.heading, None, block.line)
        header = 1 if any(cell.text for cell in rows[0]) else guess_header_rows(rows, None)
        cells = squared(rows, header, place)
        self.tables.append(Table(label, caption, cells, place, arrows_of(cells)))

    def _latex(self, block: _Block, before: _Block | None, after: _Block | None) -> None:
        """An environment of LaTeX; a bare tabular has its caption in the paragraph beside it."""
        found = self.embedded.read(block.line - 1, self.heading)
        for table in found.tables:
            label, caption = ("", "") if table.label or table.caption else self._caption_of("Table", before, after)
            self.tables.append(replace(table, label=label, caption=caption) if label else table)
        self.figures += found.figures
        self.equations += found.equations
        self.hidden += found.hidden
        self.captions += [(_mapped(sentence, block.line), self.heading) for sentence in found.captions]
        self.blocks += [_mapped(sentence, block.line) for sentence in found.sentences]

    def _figure(self, block: _Block, picture: re.Match[str], after: _Block | None) -> None:
        label, caption = self._caption_of("Figure", None, after)
        if not caption:
            told = printed(Mapped.of(picture["alt"] or picture["title"] or "", block.line))
            match = _CAPTION.match(told.text)
            label, caption = (f"Figure {match['number']}", match["text"]) if match else ("", told.text)
            self.captions.append((Mapped.of(caption, block.line), self.heading))
        image, reason = self.folder.picture(picture["path"], ())
        if reason:
            self.notes.append(reason)
        self.figures.append(Figure(label, caption, Place(self.heading, None, block.line), image))
        rest = _PICTURE.sub("", block.text).strip()
        if rest and not _CAPTION.match(rest):
            self._text(_Block(tuple(rest.split("\n")), block.line))

    def _caption_of(self, kind: str, *blocks: _Block | None) -> tuple[str, str]:
        for block in blocks:
            match = _CAPTION.match(block.text) if block else None
            if block is not None and match and match["kind"][:3] == kind[:3]:
                text = printed(Mapped.of(match["text"], block.line))
                self.captions.append((text, self.heading))
                return f"{kind} {match['number']}", text.text
        return "", ""

    def _is_caption(self, block: _Block, before: _Block | None, after: _Block | None) -> bool:
        """Whether a paragraph is the caption of the table or picture beside it, which has taken it."""
        if not _CAPTION.match(block.text):
            return False
        return any(
            other is not None
            and (
                other.latex or (len(other.lines) > 1 and _RULE_ROW.match(other.lines[1])) or _PICTURE.search(other.text)
            )
            for other in (before, after)
        )


def _mapped(sentence: Sentence, line: int) -> Mapped:
    at = sentence.place.line or line
    cited = ((0, sentence.citations),) if sentence.citations else ()
    return Mapped(sentence.text, (at,) * len(sentence.text), cited)


def _latex_of(header: object) -> str:
    """The texts of a YAML head's header-includes, which may be one or a list."""
    return "\n".join(str(text) for text in (header if isinstance(header, list) else [header]) if text)


def _blocks(lines: Sequence[str], start: int, environments: Mapping[int, Piece]) -> list[_Block]:
    """The source in blocks: headings alone, tables, formulas; code is left out."""
    made: list[_Block] = []
    held: list[str] = []
    first = 0
    fence = ""

    def close() -> None:
        if any(line.strip() for line in held):
            made.append(_Block(tuple(held), first))
        held.clear()

    behind = start
    for number, line in enumerate(lines[start:], start + 1):
        if number <= behind:
            continue
        if number - 1 in environments:
            close()
            behind = environments[number - 1].last + 1
            made.append(_Block(tuple(lines[number - 1 : behind]), number, latex=True))
            continue
        if fence:
            fence = "" if line.strip().startswith(fence) else fence
            continue
        opens = _FENCE.match(line)
        inside_maths = "\n".join(held).count("$$") % 2 == 1
        if opens:
            close()
            fence = opens[1]
        elif (not line.strip() and not inside_maths) or _HEADING.match(line):
            close()
            if line.strip():
                made.append(_Block((line,), number))
        else:
            if held and "|" not in line and _begins_another(held, line) and not inside_maths:
                close()
            elif len(held) > 1 and _RULE_ROW.match(line) and "|" in line and "|" in held[-1]:
                # A table may follow a paragraph without an empty line.
                header = held.pop()
                close()
                held.append(header)
                first = number - 1
            if not held:
                first = number
            held.append(line)
    close()
    return made


def _begins_another(held: Sequence[str], line: str) -> bool:
    """Whether a line without bars begins a list behind a paragraph, or stands behind a table."""
    table = len(held) > 1 and "|" in held[0] and _RULE_ROW.match(held[1]) is not None
    return table or (_ITEM.match(line) is not None and _ITEM.match(held[0]) is None)


def _split_row(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip())
    if cells and not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _cell(written: str, row: int, column: int, place: Place) -> Cell:
    bold = re.fullmatch(r"\s*(?:\*\*|__|<b>|<strong>).+?(?:\*\*|__|</b>|</strong>)\s*(?:[±(].*)?", written) is not None
    return make_cell(printed(Mapped.of(written, 1)).text.strip(), row, column, bold=bold, place=place)


def _sentences(text: Mapped, section: str, cite: CitationIndex) -> tuple[Sentence, ...]:
    def cited(start: int, end: int) -> tuple[str, ...]:
        named = tuple(key for at, keys in text.cited if start <= at < end for key in keys)
        return tuple(dict.fromkeys([*named, *cite.cited(text.text[start:end])]))

    return make_sentences(text.text, lambda start, _: Place(section, None, text.line(start)), cited)
