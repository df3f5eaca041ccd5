"""LaTeX tokens as running text, with the line of every character, the citations, bold letters and hidden stretches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evaluators.manuscript.latex.colours import is_pale, leading_number
from evaluators.manuscript.latex.quantities import QUANTITIES, options, printed_quantity, printed_unit
from evaluators.manuscript.latex.symbols import ACCENTS, DROPPED, SYMBOLS, accented
from evaluators.manuscript.latex.tokens import Stream, Token, plain

CITES = re.compile(r"(?:no)?[a-zA-Z]*[cC]ite[a-zA-Z]*\*?")
REFERS = {"ref", "eqref", "cref", "Cref", "autoref", "vref", "subref", "labelcref", "pageref", "nameref"}
REFERS |= {"ref*", "cref*", "Cref*"}
_NAMED = {"cref", "Cref", "autoref", "cref*", "Cref*", "vref"}
_BOLD = {"textbf", "mathbf", "boldsymbol", "bm", "pmb", "bfseries", "bf", "boldmath"}
_SWITCHES = {"bfseries", "bf", "boldmath"}
_RATIOS = {"frac", "dfrac", "tfrac", "sfrac", "nicefrac", "cfrac"}

_DASHES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("`", "‘"))
_TABULAR = re.compile(r"(?:tabular[xy*]?|tabulary|array|longtable|tblr|minipage|adjustbox|tabu)\*?")
_GROUP, _LEADS, _DIGIT = re.compile(r"\d{3}(?!\d)"), re.compile(r"(?<![\d.,])\d{1,3}(\d{3})*$"), re.compile(r"\d$")
SMALLEST = 2.0
"""Points; smaller type is not read by people."""


@dataclass(frozen=True)
class Cited:
    """The keys cited at an offset of the text."""

    at: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Concealed:
    """Text that the printed page does not show."""

    text: str
    why: str
    line: int


@dataclass(frozen=True)
class Marked:
    """Running text without double blanks. `lines` has the source line of each character."""

    text: str
    lines: tuple[int, ...]
    cited: tuple[Cited, ...]
    bold: bool
    hidden: tuple[Concealed, ...]
    footnotes: tuple[tuple[Token, ...], ...]

    def citations(self, start: int, end: int) -> tuple[str, ...]:
        """The keys cited between two offsets."""
        return tuple(dict.fromkeys(key for cite in self.cited if start <= cite.at < end for key in cite.keys))

    def line(self, at: int) -> int | None:
        """The source line at an offset."""
        return self.lines[at] if at < len(self.lines) else None


@dataclass(frozen=True)
class Names:
    """What a source defines: the numbers of its labels ("Table", "2") and its near-white colours."""

    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    pale: frozenset[str] = frozenset({"white"})
    numbers: Mapping[str, str] = field(default_factory=dict)
    """How siunitx is set up to print numbers, by option."""


@dataclass(frozen=True)
class _State:
    bold: bool = False
    math: bool = False
    hidden: str = ""
    backed: bool = False
    """On a coloured ground, where white letters are seen."""


def render(tokens: Sequence[Token], names: Names, *, backed: bool = False) -> Marked:
    """The text that the tokens print, `backed` by a coloured ground or not."""
    return _Writer(names, _State(backed=backed)).write(tokens)


class _Writer:
    def __init__(self, names: Names, state: _State) -> None:
        self.names = names
        self.states = [state]
        self.pending: _State | None = None
        self.pieces: list[tuple[str, int, bool, str]] = []
        self.cites: list[tuple[int, tuple[str, ...]]] = []
        self.footnotes: list[tuple[Token, ...]] = []
        self.stream = Stream(())

    @property
    def state(self) -> _State:
        return self.states[-1]

    def write(self, tokens: Sequence[Token]) -> Marked:
        self.stream = Stream(tokens)
        while self.stream:
            token = self.stream.next()
            handler = _KINDS.get(token.kind)
            if handler is not None:
                handler(self, token)
        return self._joined()

    def put(self, text: str, line: int) -> None:
        if text:
            self.pieces.append((text, line, self.state.bold, self.state.hidden))

    # What each kind of token does.

    def _text(self, token: Token) -> None:
        text = token.text
        if not self.state.math:
            for written, printed in _DASHES:
                text = text.replace(written, printed)
        self.put(text, token.line)

    def _as_is(self, token: Token) -> None:
        self.put(token.text, token.line)

    def _space(self, token: Token) -> None:
        self.put(" ", token.line)

    def _tie(self, token: Token) -> None:
        """A tie is a blank; between groups of digits ("1~234") it only sets them apart."""
        following = self.stream.peek()
        groups = following is not None and _GROUP.match(following.text) and following.kind == "text"
        self.put("" if groups and self._after(_LEADS) else " ", token.line)

    def _after(self, pattern: re.Pattern[str]) -> bool:
        """Whether the text so far ends like this."""
        return pattern.search("".join(text for text, *_ in self.pieces[-6:])) is not None

    def _open(self, token: Token) -> None:
        if self._is_decimal_comma():
            self.stream.next()
            self.stream.push([Token("text", ".", token.line)])
        self.states.append(self.pending or self.state)
        self.pending = None

    def _is_decimal_comma(self) -> bool:
        """Whether the brace just taken opens "{,}" between digits that are no group of three, as in "$12{,}5$"."""
        comma, closing, digits = (self.stream.ahead(i) for i in range(3))
        if comma is None or closing is None or digits is None or (comma.text, closing.kind) != (",", "}"):
            return False
        leads = re.match(r"\d+", digits.text)
        return leads is not None and len(leads[0]) != 3 and self._after(_DIGIT)

    def _close(self, _: Token) -> None:
        if len(self.states) > 1:
            self.states.pop()

    def _math(self, _: Token) -> None:
        self.states[-1] = replace(self.state, math=not self.state.math)

    def _script(self, token: Token) -> None:
        group = self.stream.group()
        text = plain(group)
        if text in {"\\circ", "\\circ ", "°"}:
            self.put("°", token.line)
            return
        mark = (
            ""
            if re.match(r"\\pm|\\text\w*\s*\{?\s*\\pm|±|\\uparrow|\\downarrow|\\dagger|\\ast|\*$|[†‡]", text)
            else token.kind
        )
        self.put(mark, token.line)
        self.stream.push(group)

    def _raw(self, token: Token) -> None:
        self.put(" ", token.line)

    def _command(self, token: Token) -> None:
        name = token.text
        if CITES.fullmatch(name):
            self._cite(token)
        elif name in REFERS:
            self._refer(token)
        elif name in SYMBOLS:
            self.put(SYMBOLS[name], token.line)
        elif name in ACCENTS:
            self.put(accented(name, render(self.stream.group(), self.names).text), token.line)
        elif name in _BOLD:
            self._bold(name)
        elif name in _RATIOS:
            self.stream.push([*self.stream.group(), Token("text", "/", token.line), *self.stream.group()])
        elif name in QUANTITIES:
            self._quantity(token)
        elif name in _SPECIAL:
            _SPECIAL[name](self, token)
        elif name.rstrip("*") in DROPPED:
            self._drop(name.rstrip("*"))

    def _bold(self, name: str) -> None:
        if name in _SWITCHES:
            self.states[-1] = replace(self.state, bold=True)
        else:
            self._next_group(replace(self.state, bold=True))

    def _next_group(self, state: _State) -> None:
        """Give the argument that follows a state of its own."""
        self.stream.skip_space()
        token = self.stream.peek()
        if token is not None and token.kind == "{":
            self.pending = state

    def _drop(self, name: str) -> None:
        while self.stream.option() is not None:
            pass
        given = [self.stream.group() for _ in range(DROPPED[name])]
        if name in {"multirow", "parbox"}:
            while self.stream.option() is not None:
                pass
            if name == "multirow":
                return
        if name in {"colorbox", "fcolorbox"}:
            self._next_group(replace(self.state, backed=True))
        if name == "scalebox" and given and leading_number(plain(given[0]), 1.0) < 0.2:
            self._next_group(replace(self.state, hidden="text scaled down until nobody can read it"))

    def _cite(self, token: Token) -> None:
        while self.stream.option() is not None:
            pass
        keys = tuple(key.strip() for key in plain(self.stream.group()).split(",") if key.strip())
        if token.text.startswith("nocite"):
            return
        self.cites.append((len(self.pieces), keys))
        self.put(f"[{'; '.join(keys)}]", token.line)

    def _refer(self, token: Token) -> None:
        keys = [key.strip() for key in plain(self.stream.group()).split(",")]
        found = [self.names.labels.get(key, ("", "??")) for key in keys]
        numbers = " and ".join(number for _, number in found)
        if token.text == "eqref":
            numbers = f"({numbers})"
        kind = found[0][0] if token.text in _NAMED and found else ""
        self.put(f"{kind} {numbers}" if kind else numbers, token.line)

    def _quantity(self, token: Token) -> None:
        """A command of siunitx: its numbers, then its unit where it has one."""
        given = self.stream.option()
        settings = {**self.names.numbers, **options(plain(given or []))}
        form = QUANTITIES[token.text]
        told = [render(self.stream.group(), self.names).text for _ in range(form.numbers)]
        self.stream.option()
        unit = printed_unit(self.stream.group()) if form.unit else ""
        self.put(printed_quantity(form, told, unit, settings), token.line)

    def _colour(self, token: Token) -> None:
        model = self.stream.option()
        named = plain(self.stream.group())
        pale = not self.state.backed and is_pale(plain(model or []), named, self.names.pale)
        hidden = "white text" if pale else ""
        if token.text == "textcolor":
            self._next_group(replace(self.state, hidden=hidden or self.state.hidden))
        else:
            self.states[-1] = replace(self.state, hidden=hidden)

    def _font_size(self, _: Token) -> None:
        size = leading_number(plain(self.stream.group()), 10.0)
        self.stream.group()
        hidden = f"text of {size:g} points" if size < SMALLEST else ""
        self.states[-1] = replace(self.state, hidden=hidden or self.state.hidden)

    def _see_through(self, token: Token) -> None:
        opacity = leading_number(plain(self.stream.group()), 1.0)
        hidden = "text without opacity" if opacity < 0.05 else self.state.hidden
        if token.text == "texttransparent":
            self._next_group(replace(self.state, hidden=hidden))
        else:
            self.states[-1] = replace(self.state, hidden=hidden)

    def _phantom(self, _: Token) -> None:
        self._next_group(replace(self.state, hidden="text set as an empty space (phantom)"))

    def _footnote(self, _: Token) -> None:
        self.stream.option()
        self.footnotes.append(tuple(self.stream.group()))

    def _environment(self, token: Token) -> None:
        name = plain(self.stream.group())
        if token.text == "begin" and _TABULAR.fullmatch(name):
            while self.stream.option() is not None:
                pass
            self.stream.group()
            if name.rstrip("*") in {"tabularx", "tabulary"} or name == "tabular*":
                self.stream.group()
        self.put(" ", token.line)

    def _address(self, token: Token) -> None:
        self.put(plain(self.stream.group()), token.line)

    def _root(self, token: Token) -> None:
        self.stream.option()
        self.put("√", token.line)

    def _halves(self, token: Token) -> None:
        """\\diagbox{rows}{columns}, the corner of a table."""
        self.stream.option()
        self.stream.push([*self.stream.group(), Token("text", " / ", token.line), *self.stream.group()])

    def _or_else(self, _: Token) -> None:
        """\\texorpdfstring{printed}{plain}: the printed one."""
        printed = self.stream.group()
        self.stream.group()
        self.stream.push(printed)

    def _starred_break(self, token: Token) -> None:
        self.put(" ", token.line)
        self.stream.option()

    # The end.

    def _joined(self) -> Marked:
        chars: list[str] = []
        lines: list[int] = []
        cited: list[Cited] = []
        waiting = list(reversed(self.cites))
        bold = letters = 0
        concealed: list[Concealed] = []
        joins = False
        for index, (text, line, is_bold, hidden) in enumerate(self.pieces):
            while waiting and waiting[-1][0] <= index:
                cited.append(Cited(len(chars), waiting.pop()[1]))
            if hidden:
                if joins and concealed[-1].why == hidden:
                    concealed[-1] = replace(concealed[-1], text=concealed[-1].text + text)
                else:
                    concealed.append(Concealed(text, hidden, line))
                joins = True
                continue
            joins = joins and text.isspace()
            for char in text:
                blank = char.isspace()
                if blank and (not chars or chars[-1] == " "):
                    continue
                chars.append(" " if blank else char)
                lines.append(line)
                letters += char.isalnum()
                bold += is_bold and char.isalnum()
        while chars and chars[-1] == " ":
            chars.pop()
            lines.pop()
        cited += [Cited(max(0, len(chars) - 1), keys) for _, keys in reversed(waiting)]
        return Marked(
            "".join(chars), tuple(lines), tuple(cited), 2 * bold >= letters > 0, _told(concealed), tuple(self.footnotes)
        )


def _told(concealed: list[Concealed]) -> tuple[Concealed, ...]:
    return tuple(replace(c, text=" ".join(c.text.split())) for c in concealed if c.text.strip())


_KINDS = {
    "text": _Writer._text,
    "verb": _Writer._as_is,
    "[": _Writer._as_is,
    "]": _Writer._as_is,
    "#": _Writer._as_is,
    "space": _Writer._space,
    "par": _Writer._space,
    "~": _Writer._tie,
    "&": _Writer._space,
    "{": _Writer._open,
    "}": _Writer._close,
    "$": _Writer._math,
    "$$": _Writer._math,
    "^": _Writer._script,
    "_": _Writer._script,
    "cmd": _Writer._command,
    "raw": _Writer._raw,
}
_SPECIAL = {
    "textcolor": _Writer._colour,
    "color": _Writer._colour,
    "fontsize": _Writer._font_size,
    "transparent": _Writer._see_through,
    "texttransparent": _Writer._see_through,
    "phantom": _Writer._phantom,
    "footnote": _Writer._footnote,
    "footnotetext": _Writer._footnote,
    "begin": _Writer._environment,
    "end": _Writer._environment,
    "url": _Writer._address,
    "path": _Writer._address,
    "nolinkurl": _Writer._address,
    "sqrt": _Writer._root,
    **dict.fromkeys(("diagbox", "slashbox", "backslashbox"), _Writer._halves),
    "texorpdfstring": _Writer._or_else,
    "*": _Writer._starred_break,
}
