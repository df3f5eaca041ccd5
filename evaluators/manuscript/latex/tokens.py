"""LaTeX source as tokens with their line. Comments and verbatim material are set apart while reading."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

_RAW = "verbatim|Verbatim|lstlisting|minted|comment|filecontents|verbatimtab|alltt"
_TOKEN = re.compile(
    rf"(?P<comment>%[^\n]*(?:\n[ \t]*)?)"
    rf"|\\begin\s*\{{(?P<raw>(?:{_RAW})\*?)\}}(?P<body>.*?)\\end\s*\{{(?P=raw)\}}"
    r"|\\(?:verb|lstinline)\*?(?P<delimiter>[^\w\s*{])(?P<verb>[^\n]*?)(?P=delimiter)"
    r"|\\(?P<command>[a-zA-Z@]+\*?|.|\n)"
    r"|(?P<par>\n[ \t]*\n\s*)"
    r"|(?P<space>[ \t\r\n]+)"
    r"|(?P<display>\$\$)"
    r"|(?P<special>[{}\[\]$&~^_\#])"
    r"|(?P<text>[^\\%{}\[\]$&~^_\#\s]+)",
    re.DOTALL,
)


class Token(NamedTuple):
    """`kind` is "cmd", "par", "space", "text", "verb", "raw", "$$" or the special character itself.

    The text of "cmd" has no backslash; that of "raw" is the environment's name, a line feed and its content.
    """

    kind: str
    text: str
    line: int


class Comment(NamedTuple):
    """A comment without its percent sign."""

    text: str
    line: int


def tokenise(source: str, first_line: int = 1, *, follow_lines: bool = True) -> tuple[list[Token], list[Comment]]:
    """The tokens and the comments of a source; without `follow_lines` all have the first line (an included file)."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    line = first_line
    for match in _TOKEN.finditer(source):
        kind = match.lastgroup or "text"
        whole = match[0]
        if kind == "comment":
            comments.append(Comment(whole[1:].strip(), line))
        else:
            tokens.append(_token(kind, match, line))
        if follow_lines:
            line += whole.count("\n")
    return tokens, comments


def _token(kind: str, match: re.Match[str], line: int) -> Token:
    if match["raw"] is not None:
        return Token("raw", f"{match['raw'].rstrip('*')}\n{match['body']}", line)
    if kind == "command":
        return Token("cmd", match["command"], line)
    if kind == "verb":
        return Token("verb", match["verb"], line)
    if kind in {"special", "display"}:
        return Token(match[0], match[0], line)
    return Token(kind, match[0], line)


class Stream:
    """Tokens to read from the front, with pushing back. `budget` bounds all reading, however deep."""

    def __init__(self, tokens: Iterable[Token], budget: int = 5_000_000) -> None:
        self._tokens = deque(tokens)
        self.budget = budget

    def __bool__(self) -> bool:
        return bool(self._tokens) and self.budget > 0

    def next(self) -> Token:
        """Take the first token."""
        self.budget -= 1
        return self._tokens.popleft()

    def peek(self) -> Token | None:
        """The first token, left where it is."""
        return self._tokens[0] if self else None

    def ahead(self, by: int) -> Token | None:
        """The token `by` places behind the first, left where it is."""
        return self._tokens[by] if by < len(self._tokens) else None

    def push(self, tokens: Iterable[Token]) -> None:
        """Put tokens in front."""
        self._tokens.extendleft(reversed(list(tokens)))

    def skip_space(self) -> None:
        """Drop blanks at the front."""
        while (token := self.peek()) is not None and token.kind == "space":
            self.next()

    def group(self) -> list[Token]:
        """The next argument without its braces: a balanced group, or one token."""
        self.skip_space()
        token = self.peek()
        if token is None or token.kind in {"par", "}"}:
            return []
        if token.kind == "text":
            # An argument without braces is one character: "\\frac12".
            taken = self.next()
            if len(taken.text) > 1:
                self.push([taken._replace(text=taken.text[1:])])
            return [taken._replace(text=taken.text[:1])]
        if token.kind != "{":
            return [self.next()]
        return self._balanced("{", "}")

    def option(self) -> list[Token] | None:
        """The next optional argument without its brackets, or None when there is none."""
        token = self.peek()
        if token is not None and token.kind == "space":
            held = self.next()
            after = self.peek()
            if after is None or after.kind != "[":
                self.push([held])
                return None
            token = after
        return self._balanced("[", "]") if token is not None and token.kind == "[" else None

    def _balanced(self, opens: str, closes: str) -> list[Token]:
        self.next()
        depth, braces = 1, 0
        taken: list[Token] = []
        while self:
            token = self.next()
            if opens == "[":
                braces += (token.kind == "{") - (token.kind == "}")
            if token.kind == opens and braces == 0:
                depth += 1
            elif token.kind == closes and braces == 0:
                depth -= 1
                if depth == 0:
                    return taken
            taken.append(token)
        return taken

    def environment(self, name: str) -> list[Token]:
        """The tokens up to the `\\end` that closes the environment `name`, whose `\\begin{name}` was taken."""
        depth = 1
        taken: list[Token] = []
        while self:
            token = self.next()
            if token.kind == "cmd" and token.text in {"begin", "end"}:
                inner = self.group()
                if plain(inner) == name:
                    depth += 1 if token.text == "begin" else -1
                    if depth == 0:
                        return taken
                taken += [token, Token("{", "{", token.line), *inner, Token("}", "}", token.line)]
            else:
                taken.append(token)
        return taken


def plain(tokens: Iterable[Token]) -> str:
    """The tokens as they were written, for names of environments, files, labels and keys."""
    return "".join(_written(token) for token in tokens).strip()


def _written(token: Token) -> str:
    if token.kind == "cmd":
        return f"\\{token.text}" + (" " if token.text[-1:].isalpha() else "")
    if token.kind in {"space", "par"}:
        return " "
    if token.kind == "raw":
        return token.text.partition("\n")[2]
    return token.text
