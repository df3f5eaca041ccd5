"""A LaTeX source as a `Manuscript`."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluators.base import EvaluatorError
from evaluators.manuscript.build import arrows_of, instructs, make_sentences
from evaluators.manuscript.document import (
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
from evaluators.manuscript.latex.bibliography import printed_entries, read_bibliography
from evaluators.manuscript.latex.captions import PlainCaption, cited_by_number, plain_caption, without_label
from evaluators.manuscript.latex.files import SOURCE_BYTES, Folder, decode
from evaluators.manuscript.latex.labels import ALGORITHMS, EQUATIONS, FIGURES, HEADINGS, TABLES, number_labels
from evaluators.manuscript.latex.macros import Expander
from evaluators.manuscript.latex.parts import pale_colours, parted, set_up, skip_star, wrapped
from evaluators.manuscript.latex.render import Concealed, Marked, Names, render
from evaluators.manuscript.latex.tables import TABULAR, read_tabular
from evaluators.manuscript.latex.tokens import Comment, Stream, Token, plain, tokenise

_PICTURES = {"tikzpicture", "pgfpicture", "picture", "axis", "forest"}
_LEFT_OUT = ALGORITHMS | _PICTURES | {"algorithmic", "CCSXML", "icmlauthorlist"}
_FLOW = {"center", "minipage", "subequations", "small", "footnotesize", "spacing", "adjustbox", "multicols"}


def read_latex(path: Path, root: Path | None = None) -> Manuscript:
    """The manuscript in a .tex file. Other files are read only under `root`, by default the file's own folder."""
    data = path.read_bytes()
    if len(data) > SOURCE_BYTES:
        raise EvaluatorError(
            f"{path.name} is larger than {SOURCE_BYTES // 1_000_000} MB; give the main file of the source."
        )
    folder = Folder(root or path.parent, path.parent)
    return LatexReader(folder).read(decode(data), hashlib.sha256(data).hexdigest())


@dataclass
class LatexReader:
    """What a source holds, gathered while its tokens are read."""

    folder: Folder
    names: Names = field(default_factory=Names)
    title: str = ""
    heading: str = ""
    level: int = 1
    heading_line: int = 1
    sentences: list[Sentence] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    captions: list[Sentence] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    hidden: list[HiddenText] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    paragraph: list[Token] = field(default_factory=list)
    bibliographies: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    picture_folders: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    told: PlainCaption | None = None
    loose: bool = False
    """Whether the last figure stands outside a float and still waits for its caption."""

    def read(self, source: str, digest: str) -> Manuscript:
        """The manuscript in the text of a source whose bytes have this digest."""
        tokens, comments = tokenise(source)
        lines_held = self._hold_files(tokens)
        expander = Expander(lambda name: self.folder.text(name, (".tex",)), self.notes)
        tokens = expander.expand([token for token in tokens if not token.text.startswith("filecontents\n")])
        preamble, body = parted(tokens)
        self.names = Names(number_labels(body), pale_colours(preamble), set_up(preamble))
        self._preamble(preamble)
        self.take(body)
        self._end_section()
        self.notice([*comments, *expander.comments], "a comment of the source speaks to whoever reads it by machine")
        self.notice(expander.left_out, "text left out by \\iffalse speaks to whoever reads it by machine")
        self.references += read_bibliography(self.folder, self.bibliographies, lines_held, self.notes)
        if self.references and not any(s.citations for section in self.sections for s in section.sentences):
            self.sections = cited_by_number(self.sections, self.references)
        abstract = next((s for s in self.sections if s.title == "Abstract"), None)
        return Manuscript(
            "latex",
            self.title,
            " ".join(s.text for s in abstract.sentences) if abstract else "",
            tuple(self.sections),
            tuple(self.tables),
            tuple(self.figures),
            tuple(self.equations),
            tuple(self.references),
            tuple(self.hidden),
            None,
            digest,
            tuple(self.all_notes()),
            tuple(self.captions),
        )

    def take(self, tokens: Sequence[Token]) -> None:
        """Read expanded tokens of a body to their end."""
        self._body(tokens)
        self._flush()

    def all_notes(self) -> list[str]:
        """What was left out of the reading, and why."""
        return list(dict.fromkeys([*self.notes, *self._missing_pictures()]))

    def _hold_files(self, tokens: Sequence[Token]) -> dict[str, int]:
        """Keep the files that the source holds itself; returns the line where each begins."""
        lines: dict[str, int] = {}
        for token in tokens:
            if token.kind == "raw" and token.text.startswith("filecontents\n"):
                match = re.match(r"filecontents\n\s*(?:\[[^\]]*\])?\s*\{([^}]{1,200})\}", token.text)
                if match:
                    self.folder.held[match[1].strip()] = token.text[match.end() :]
                    lines[match[1].strip()] = token.line
        return lines

    def _preamble(self, tokens: Sequence[Token]) -> None:
        stream = Stream(tokens)
        while stream:
            token = stream.next()
            if token.kind == "cmd" and token.text in _PREAMBLE:
                _PREAMBLE[token.text](self, stream, token)

    def _body(self, tokens: Sequence[Token]) -> None:
        stream = Stream(tokens, budget=20_000_000)
        while stream:
            token = stream.next()
            if token.kind == "par":
                self._flush()
            elif token.kind == "$$":
                self._display(stream, token, "$$")
            elif token.kind == "cmd" and token.text in _COMMANDS:
                _COMMANDS[token.text](self, stream, token)
            elif token.kind != "raw":
                self.paragraph.append(token)

    def _missing_pictures(self) -> list[str]:
        if len(self.missing) <= 1:
            return self.missing
        return [f"{len(self.missing)} figures have no picture; the first: {self.missing[0]}"]

    # Running text.

    def _flush(self) -> None:
        tokens, self.paragraph = self.paragraph, []
        made = self._sentences(tokens)
        if not made:
            return
        caption = plain_caption(made, len(self.sentences))
        self.sentences += made
        self.told = caption
        if caption is not None and caption.kind == "Figure" and self.loose:
            self.figures[-1] = replace(self.figures[-1], label=caption.label, caption=self._caption("Figure")[1])
        self.loose = False

    def _caption(self, kind: str) -> tuple[str, str]:
        """Label and text of the caption paragraph just read, taken out of the running text; else empty."""
        caption, self.told = self.told, None
        if caption is None or caption.kind != kind:
            return "", ""
        self.captions += without_label(self.sentences[caption.start :])
        del self.sentences[caption.start :]
        return caption.label, caption.text

    def _loose_picture(self, stream: Stream, token: Token) -> None:
        while stream.option() is not None:
            pass
        name = plain(stream.group()).strip('{}" ')
        self._flush()
        label, text = self._caption("Figure")
        image, reason = self._picture((name,))
        self.missing += [reason] if reason else []
        self.figures.append(Figure(label, text, Place(self.heading, None, token.line), image))
        self.loose = not label

    def _sentences(self, tokens: Sequence[Token]) -> list[Sentence]:
        if not any(token.kind not in {"space", "par"} for token in tokens):
            return []
        marked = render(tokens, self.names)
        made = list(self._made(marked))
        for footnote in marked.footnotes:
            made += self._sentences(footnote)
        return made

    def _made(self, marked: Marked) -> tuple[Sentence, ...]:
        self._conceal(marked.hidden)
        section = self.heading
        return make_sentences(marked.text, lambda start, _: Place(section, None, marked.line(start)), marked.citations)

    def _conceal(self, hidden: Sequence[Concealed]) -> None:
        self.hidden += [HiddenText(h.text, h.why, Place(self.heading, None, h.line)) for h in hidden]

    def notice(self, comments: Sequence[Comment], why: str) -> None:
        """Note the comments that read like instructions; neighbouring lines are read as one."""
        blocks: list[Comment] = []
        last = -2
        for comment in comments:
            if blocks and comment.line == last + 1:
                blocks[-1] = Comment(f"{blocks[-1].text} {comment.text}", blocks[-1].line)
            else:
                blocks.append(comment)
            last = comment.line
        for block in blocks:
            if instructs(block.text):
                self.hidden.append(HiddenText(block.text[:4000], why, Place("", None, block.line)))

    # Structure.

    def _end_section(self) -> None:
        if self.sentences or self.heading:
            place = Place(self.heading, None, self.heading_line)
            self.sections.append(Section(self.heading, self.level, tuple(self.sentences), place))
        self.sentences = []

    def _start_section(self, title: str, level: int, line: int) -> None:
        self._flush()
        self._end_section()
        self.heading, self.level, self.heading_line = title, level, line

    def _heading(self, stream: Stream, token: Token) -> None:
        skip_star(stream)
        stream.option()
        title = render(stream.group(), self.names).text
        self._start_section(title.rstrip(".:") or "(untitled)", max(1, HEADINGS[token.text.rstrip("*")]), token.line)

    def _title(self, stream: Stream, _: Token) -> None:
        stream.option()
        self.title = self.title or render(stream.group(), self.names).text

    def _skip(self, stream: Stream, _: Token) -> None:
        while stream.option() is not None:
            pass
        stream.group()

    def _break(self, *_: object) -> None:
        self._flush()

    def _abstract_command(self, stream: Stream, token: Token) -> None:
        content = stream.group()
        self._abstract(content, token)

    def _abstract(self, content: Sequence[Token], token: Token) -> None:
        outer = (self.heading, self.level, self.heading_line)
        self._start_section("Abstract", 1, token.line)
        self._body(content)
        self._start_section(*outer)

    def _bibliography(self, stream: Stream, _: Token) -> None:
        stream.option()
        self.bibliographies += [name.strip() for name in plain(stream.group()).split(",") if name.strip()]

    def _picture_folders(self, stream: Stream, _: Token) -> None:
        self.picture_folders += tuple(re.findall(r"\{([^{}]{1,200})\}", plain(stream.group())))

    # Environments.

    def _begin(self, stream: Stream, token: Token) -> None:
        name = plain(stream.group())
        base = name.rstrip("*")
        if base in EQUATIONS:
            self._equation(stream.environment(name), token)
        elif base in TABLES and base not in {"longtable", "longtblr"}:
            self._float(stream.environment(name), token, "Table")
        elif base in FIGURES:
            self._float(stream.environment(name), token, "Figure")
        elif TABULAR.fullmatch(name):
            self._tabular(name, stream.environment(name), token)
        elif base == "abstract":
            self._abstract(stream.environment(name), token)
        elif base == "thebibliography":
            self._flush()
            self.references += printed_entries(stream.environment(name), self.names)
        elif base in _LEFT_OUT:
            stream.environment(name)
        else:
            if base not in _FLOW:
                self._flush()
            while stream.option() is not None:
                pass
            if base in {"minipage", "multicols", "adjustbox", "spacing"}:
                stream.group()

    def _end(self, stream: Stream, _: Token) -> None:
        if plain(stream.group()).rstrip("*") not in _FLOW:
            self._flush()

    def _equation(self, content: Sequence[Token], token: Token) -> None:
        place = Place(self.heading, None, token.line)
        text = re.sub(r"\\label \{[^}]*\}", "", plain(content)).strip()
        if text:
            self.equations.append(Equation(text, place))
        self.paragraph.append(Token("space", " ", token.line))

    def _display(self, stream: Stream, token: Token, closes: str) -> None:
        content: list[Token] = []
        while stream:
            inner = stream.next()
            if inner.kind == closes or (inner.kind == "cmd" and inner.text == closes):
                break
            content.append(inner)
        self._equation(content, token)

    def _bracketed(self, stream: Stream, token: Token) -> None:
        self._display(stream, token, "]")

    def _float(self, content: Sequence[Token], token: Token, kind: str) -> None:
        from evaluators.manuscript.latex.floats import read_float

        found = read_float(content, kind, self.names, self.heading, token.line)
        self._conceal(found.hidden)
        for marked in found.captions:
            self.captions += self._made(marked)
        tables = [self._labelled(table, found.numbered) for table in found.tables]
        self.tables += tables
        for figure, names in found.figures:
            image, reason = self._picture(names)
            if reason:
                self.missing.append(reason)
            number = f"Figure {self.counts['Figure'] + 1}" if found.numbered and kind == "Figure" else ""
            self.figures.append(replace(figure, label=figure.label or number, image=image))
        self.counts[kind] += found.numbered if kind == "Figure" or not found.tables else 0
        self.sentences += self._sentences(found.text)

    def _labelled(self, table: Table, numbered: int) -> Table:
        """The table with its number: by its \\label, by counting captions, or by a caption written as a paragraph."""
        if table.caption and numbered:
            self.counts["Table"] += 1
            return replace(table, label=table.label or f"Table {self.counts['Table']}")
        self._flush()
        label, text = self._caption("Table")
        return replace(table, label=label, caption=text) if label else table

    def _picture(self, names: Sequence[str]) -> tuple[bytes | None, str]:
        reason = ""
        for name in names:
            image, reason = self.folder.picture(name, self.picture_folders)
            if image is not None:
                return image, ""
        return None, reason

    def _tabular(self, name: str, content: Sequence[Token], token: Token) -> None:
        if name.rstrip("*") in {"longtable", "longtblr"}:
            self._float(wrapped(name, content, token), token, "Table")
            return
        found = read_tabular(name, content, self.names, self.heading, token.line)
        self._conceal(found.hidden)
        if found.cells:
            place = Place(self.heading, None, token.line)
            self.tables.append(self._labelled(Table("", "", found.cells, place, arrows_of(found.cells)), 0))


_Handler = Callable[[LatexReader, Stream, Token], None]
_PREAMBLE: dict[str, _Handler] = {
    "title": LatexReader._title,
    "icmltitle": LatexReader._title,
    "graphicspath": LatexReader._picture_folders,
    "addbibresource": LatexReader._bibliography,
    "abstract": LatexReader._abstract_command,
}
_COMMANDS: dict[str, _Handler] = {
    **dict.fromkeys((h + star for h in HEADINGS for star in ("", "*")), LatexReader._heading),
    **dict.fromkeys(
        ("author", "date", "affil", "affiliation", "address", "email", "institute", "thanks"), LatexReader._skip
    ),
    **dict.fromkeys(
        ("icmlauthor", "icmlaffiliation", "authorrunning", "titlerunning", "shorttitle"), LatexReader._skip
    ),
    **_PREAMBLE,
    "bibliography": LatexReader._bibliography,
    "includegraphics": LatexReader._loose_picture,
    "item": LatexReader._break,
    "par": LatexReader._break,
    "begin": LatexReader._begin,
    "end": LatexReader._end,
    "[": LatexReader._bracketed,
}
