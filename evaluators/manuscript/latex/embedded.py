"""LaTeX inside a Markdown source: environments that stand on lines of their own, and commands inside a line.

Pandoc prints both; papers written by machines mix them freely.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from evaluators.manuscript.document import Equation, Figure, HiddenText, Sentence, Table
from evaluators.manuscript.latex.files import Folder
from evaluators.manuscript.latex.labels import number_labels
from evaluators.manuscript.latex.macros import Expander
from evaluators.manuscript.latex.parts import pale_colours, set_up
from evaluators.manuscript.latex.reader import LatexReader
from evaluators.manuscript.latex.render import Names, render
from evaluators.manuscript.latex.tokens import Comment, Token, tokenise

_MARK = re.compile(r"\\(begin|end)\s*\{([A-Za-z]{1,40}\*?)\}")
_INSIDE_FORMULAS = re.compile(r"aligned|alignedat|gathered|split|array|cases|[bBpvV]?matrix|smallmatrix|document")
_FENCE = re.compile(r" {0,3}(```+|~~~+)\s*(\{=(?:la)?tex\})?")
_DEFINITION = re.compile(
    r"\s*\\(?:(?:re)?newcommand|providecommand|def|let|sisetup|definecolor|DeclareSIUnit|DeclareMathOperator"
    r"|(?:New|Renew|Declare)DocumentCommand)\b"
)
_COMMAND = re.compile(
    r"\\(?P<name>(?:eq|auto|page|[cC])?ref|[a-z]{0,4}cite[a-z]{0,8}|textbf|textit|emph|texttt|underline|num|SI|qty|si|unit"
    r"|numrange|SIrange|qtyrange|numlist|SIlist|qtylist)\*?(?P<given>(?:\[[^\[\]]{0,200}\])*(?:\{[^{}]{0,300}\}){1,3})"
)
MOST_MACROS = 500
_MARKS = {"textbf": "**", "textit": "*", "emph": "*"}


class Piece(NamedTuple):
    """The lines of an environment: from `first` up to `last`, counted from 0."""

    first: int
    last: int


class Found(NamedTuple):
    """What one environment holds."""

    sentences: tuple[Sentence, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    equations: tuple[Equation, ...]
    captions: tuple[Sentence, ...]
    hidden: tuple[HiddenText, ...]


def without_raw_fences(lines: Sequence[str]) -> list[str]:
    """The lines with the fences of pandoc's raw LaTeX blocks left empty, so that their content stands free."""
    kept, fence, raw = [], "", False
    for line in lines:
        opens = _FENCE.match(line)
        if fence:
            closes = line.strip().startswith(fence)
            kept.append("" if closes and raw else line)
            fence = "" if closes else fence
        elif opens:
            fence, raw = opens[1], bool(opens[2])
            kept.append("" if raw else line)
        else:
            kept.append(line)
    return kept


def pieces(lines: Sequence[str]) -> list[Piece]:
    """The outermost environments that begin a line, in order; those of formulas and those in code stay out."""
    found: list[Piece] = []
    open_marks: list[tuple[str, int, bool]] = []
    waiting: dict[str, int] = {}
    fence = ""
    for number, line in enumerate(lines):
        if opens := _FENCE.match(line):
            fence = "" if fence and line.strip().startswith(fence) else fence or opens[1]
        if fence:
            continue
        for mark in _MARK.finditer(line):
            how, name = mark.groups()
            if how == "begin":
                leads = not line[: mark.start()].strip() and not _INSIDE_FORMULAS.fullmatch(name)
                open_marks.append((name, number, leads))
                waiting[name] = waiting.get(name, 0) + 1
            elif waiting.get(name):
                while True:
                    opened, first, leads = open_marks.pop()
                    waiting[opened] -= 1
                    if opened == name:
                        break
                if leads:
                    while found and found[-1].first >= first:
                        found.pop()
                    found.append(Piece(first, number))
    return found


def _uses(names: Sequence[str]) -> re.Pattern[str] | None:
    """Uses of these macros in a line, with their arguments in braces."""
    plain = [re.escape(name) for name in names[:MOST_MACROS] if name.isalpha()]
    return re.compile(rf"\\(?:{'|'.join(plain)})(?![A-Za-z])(?:\{{[^{{}}]{{0,300}}\}}){{0,9}}") if plain else None


class Embedded:
    """The environments of one source, read piece by piece with one numbering and one set of macros."""

    def __init__(self, folder: Folder, lines: Sequence[str], head: str = "") -> None:
        """`lines` is the whole source, `head` LaTeX that stands before it (the header-includes of a YAML head)."""
        self.notes: list[str] = []
        self._expander = Expander(lambda name: folder.text(name, (".tex",)), self.notes)
        definitions: list[Token] = []
        for told in (*head.split("\n"), *(line for line in lines if _DEFINITION.match(line))):
            definitions += tokenise(told)[0]
            self._expander.expand(tokenise(told)[0])
        self._own = _uses(self._expander.known())
        self.pieces = {piece.first: piece for piece in pieces(lines)}
        self._tokens: dict[int, list[Token]] = {}
        self._comments: list[Comment] = []
        for first, piece in self.pieces.items():
            tokens, comments = tokenise("\n".join(lines[first : piece.last + 1]), first + 1)
            self._tokens[first] = self._expander.expand(tokens)
            self._comments += comments
        every = [token for tokens in self._tokens.values() for token in tokens]
        self.names = Names(number_labels(every), pale_colours(definitions), set_up(definitions))
        self._reader = LatexReader(folder, self.names)

    def read(self, first: int, section: str) -> Found:
        """What the environment that begins on line `first` (from 0) holds."""
        reader = self._reader
        before = (len(reader.tables), len(reader.figures), len(reader.equations), len(reader.captions))
        reader.heading, reader.sentences, reader.sections, reader.hidden = section, [], [], []
        reader.take(self._tokens[first])
        sentences = [s for told in reader.sections for s in told.sentences] + reader.sentences
        tables, figures, equations, captions = before
        return Found(
            tuple(sentences),
            tuple(reader.tables[tables:]),
            tuple(reader.figures[figures:]),
            tuple(reader.equations[equations:]),
            tuple(reader.captions[captions:]),
            tuple(reader.hidden),
        )

    def all_notes(self) -> list[str]:
        """What was left out of the reading, and why."""
        return [*self.notes, *self._reader.all_notes()]

    def comments(self) -> list[HiddenText]:
        """The comments of the environments that read like instructions."""
        self._reader.hidden = []
        self._reader.notice(self._comments, "a comment of the source speaks to whoever reads it by machine")
        return self._reader.hidden

    def inline(self, line: str) -> str:
        """A line of Markdown with the LaTeX commands inside it as Markdown prints them."""
        if "\\" not in line:
            return line
        if _DEFINITION.match(line):
            return ""
        if self._own is not None:
            line = self._own.sub(lambda match: self._expanded(match[0]), line)
        return _COMMAND.sub(self._printed, line)

    def _expanded(self, written: str) -> str:
        return render(self._expander.expand(tokenise(written)[0]), self.names).text

    def _printed(self, match: re.Match[str]) -> str:
        name, given = match["name"], match["given"]
        if "cite" in name:
            keys = [key.strip() for key in given[given.rindex("{") + 1 : -1].split(",") if key.strip()]
            return "" if name.startswith("nocite") else "[" + "; ".join(f"@{key}" for key in keys) + "]"
        mark = _MARKS.get(name, "")
        return mark + render(tokenise(match[0])[0], self.names).text + mark
