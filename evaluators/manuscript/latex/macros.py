"""Simple macros of a LaTeX source, expanded within limits; included files are put in their place on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from evaluators.manuscript.latex.tokens import Comment, Stream, Token, plain, tokenise

EXPANSIONS = 50_000
GROWTH = 1_000_000
"""Tokens that expansions and included files may add."""
INCLUDED_FILES = 200

_DEFINES = {"newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newcommand*", "renewcommand*"}
_DEFINES |= {"providecommand*", "DeclareMathOperator", "DeclareMathOperator*", "def", "gdef", "edef", "xdef"}
_DEFINES |= {
    f"{verb}{how}DocumentCommand" for verb in ("New", "Renew", "Provide", "Declare") for how in ("", "Expandable")
}
_DEFINES |= {"DeclareSIUnit"}
_INCLUDES = {"input", "include", "subfile", "subfileinclude", "import", "subimport", "import*", "subimport*"}
_STRUCTURE = re.compile(
    r"(?:sub)*section\*?|(?:sub)?paragraph\*?|chapter\*?|begin|end|item|caption\*?|label|\w*cite\w*\*?|\w*ref\*?|textbf|textit"
    r"|emph|hline|toprule|midrule|bottomrule|multicolumn|multirow|bibliography|title|author|maketitle|footnote|the\w*|par"
    r"|@\w*|arraystretch|and|pm|times|textcolor|color|includegraphics|newline|input|include"
)
"""What the reader itself understands is not replaced by what a preamble makes of it."""


@dataclass
class _Macro:
    parameters: int
    default: list[Token] | None
    body: list[Token]


@dataclass
class Expander:
    """Replaces macros and includes. `load` returns the text of an included file, or None when it may not be read."""

    load: Callable[[str], str | None]
    notes: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    left_out: list[Comment] = field(default_factory=list)
    """What stands between \\iffalse and \\fi."""
    _macros: dict[str, _Macro] = field(default_factory=dict)
    _left: int = EXPANSIONS
    _growth: int = GROWTH
    _files: int = INCLUDED_FILES

    def expand(self, tokens: list[Token]) -> list[Token]:
        """The tokens with every known macro replaced; past the limits the rest stays as it is, with a note."""
        stream = Stream(tokens, budget=20_000_000)
        out: list[Token] = []
        while stream:
            token = stream.next()
            if token.kind != "cmd" or not self._handled(token, stream):
                out.append(token)
        return out

    def known(self) -> tuple[str, ...]:
        """The names of the macros that were defined so far."""
        return tuple(self._macros)

    def _handled(self, token: Token, stream: Stream) -> bool:
        name = token.text
        if name in _DEFINES:
            self._define(name, stream)
        elif name == "let":
            self._let(stream)
        elif name == "iffalse":
            self._leave_out(token, stream)
        elif name in _INCLUDES and stream.peek() is not None:
            self._include(token, stream)
        elif name in self._macros and self._left > 0:
            self._replace(self._macros[name], token, stream)
        else:
            return False
        return True

    def _define(self, how: str, stream: Stream) -> None:
        if how == "DeclareSIUnit":
            stream.option()
        name = plain(stream.group()).strip("\\ ")
        if how.endswith("DocumentCommand"):
            parameters, default = self._signature(stream.group())
        elif how.rstrip("*") in {"DeclareMathOperator", "DeclareSIUnit"}:
            parameters, default = 0, None
        elif how.endswith("def"):
            parameters, default = self._pattern(stream), None
        else:
            count = plain(stream.option() or [])
            default = stream.option()
            parameters = int(count) if re.fullmatch(r"[1-9]", count) else 0
        body = stream.group()
        if name and not _STRUCTURE.fullmatch(name):
            self._macros[name] = _Macro(parameters, default, body)

    @staticmethod
    def _signature(written: list[Token]) -> tuple[int, list[Token] | None]:
        """Parameters and the first one's default of an xparse signature such as "O{0.01} m"; a star is not counted."""
        stream, count, default = Stream(written), 0, None
        while stream:
            token = stream.next()
            if token.kind != "text":
                continue
            for letter in token.text:
                if letter in "oO" and not count:
                    default = stream.group() if letter == "O" else []
                count += letter in "mOo"
        return min(count, 9), default

    def _let(self, stream: Stream) -> None:
        """\\let\\new\\old: the new name prints what the old one does."""
        new = plain(stream.group()).strip("\\ ")
        stream.skip_space()
        if (token := stream.peek()) is not None and token.text == "=":
            stream.next()
        old = stream.group()
        known = self._macros.get(plain(old).strip("\\ "))
        if new and not _STRUCTURE.fullmatch(new):
            self._macros[new] = known or _Macro(0, None, old)

    def _pattern(self, stream: Stream) -> int:
        """The number of parameters of a \\def; delimited ones are counted as plain ones."""
        count = 0
        while (token := stream.peek()) is not None and token.kind not in {"{", "par"}:
            count += stream.next().kind == "#"
        return min(count, 9)

    def _replace(self, macro: _Macro, token: Token, stream: Stream) -> None:
        arguments: list[list[Token]] = []
        if macro.default is not None and macro.parameters:
            given = stream.option()
            arguments.append(macro.default if given is None else given)
        while len(arguments) < macro.parameters:
            arguments.append(stream.group())
        body = self._filled(macro.body, arguments, token.line)
        self._left -= 1
        self._growth -= len(body)
        if self._left <= 0 or self._growth <= 0:
            self._left = 0
            self._note("The source's macros grow past the limit; from there on they were left as they are.")
            return
        stream.push(body)

    @staticmethod
    def _filled(body: list[Token], arguments: list[list[Token]], line: int) -> list[Token]:
        filled: list[Token] = []
        index = 0
        while index < len(body):
            token = body[index]
            following = body[index + 1] if index + 1 < len(body) else None
            if token.kind == "#" and following is not None and following.text[:1].isdigit():
                number = int(following.text[0])
                if 0 < number <= len(arguments):
                    filled += [Token("{", "{", line), *arguments[number - 1], Token("}", "}", line)]
                if following.text[1:]:
                    filled.append(Token(following.kind, following.text[1:], line))
                index += 2
                continue
            filled.append(token._replace(line=line))
            index += 1
        return filled

    def _leave_out(self, token: Token, stream: Stream) -> None:
        depth = 1
        taken: list[Token] = []
        while stream and depth:
            inner = stream.next()
            if inner.kind == "cmd" and re.fullmatch(r"if[a-zA-Z@]*", inner.text):
                depth += 1
            elif inner.kind == "cmd" and (inner.text == "fi" or (inner.text == "else" and depth == 1)):
                depth -= 1
            taken.append(inner)
        self.left_out.append(Comment(plain(taken), token.line))

    def _include(self, token: Token, stream: Stream) -> None:
        stream.skip_space()
        name = plain(stream.group()) if token.text.rstrip("*") in {"import", "subimport"} else ""
        name += _file_name(stream)
        if self._files <= 0:
            self._note(f"More than {INCLUDED_FILES} files are included; the rest was not read.")
            return
        self._files -= 1
        text = self.load(name)
        if text is None:
            self._note(f"The included file {name[:80]!r} is not in the manuscript's folder and was not read.")
            return
        tokens, comments = tokenise(text, token.line, follow_lines=False)
        self.comments += comments
        self._growth -= len(tokens)
        if self._growth <= 0:
            self._note("The included files are larger than the limit; the rest was not read.")
            return
        stream.push(tokens)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _file_name(stream: Stream) -> str:
    """The name in braces, or up to the next blank as the primitive \\input takes it."""
    stream.skip_space()
    token = stream.peek()
    if token is None or token.kind != "text":
        return plain(stream.group())
    parts = []
    while (token := stream.peek()) is not None and token.kind in {"text", "_"}:
        parts.append(stream.next())
    return plain(parts)
